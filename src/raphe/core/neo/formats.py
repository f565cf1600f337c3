"""Which files neo reads as a recording, told by their names: none is opened.

neo knows more formats. Those here hold the trace of an electrode and can be told by the name of one
file; `tried` says of which this project has read a sample.
"""

import re
from dataclasses import dataclass
from pathlib import Path, PurePath


@dataclass(frozen=True)
class Format:
    """One that neo reads.

    Args:
        name: as a rig's maker calls it.
        reader: its class in `neo.rawio`; "" of Igor's, which has none.
        suffixes: of a file that is a recording; or `marker`, the name of one file in its folder.
        beside: pattern of files in the folder that hold samples, too.
        codes: whether whole numbers of 16 bits are those of the converter, so that the largest are
            its rail; AxoGraph and Igor may have scaled them anew.
        tried: whether a sample of it was read and compared.
    """

    name: str
    reader: str
    suffixes: tuple[str, ...] = ()
    marker: str = ""
    beside: str = ""
    codes: bool = True
    tried: bool = True


AXON = Format("Axon", "AxonRawIO", (".abf",))  # to compare with pyabf; raphe does not use it
FORMATS = (
    Format("AxoGraph", "AxographRawIO", (".axgd", ".axgx"), codes=False),
    Format("Igor", "", (".ibw", ".pxp"), codes=False),
    Format("Intan", "IntanRawIO", (".rhd", ".rhs")),
    Format(
        "Open Ephys",
        "OpenEphysBinaryRawIO",
        marker="structure.oebin",
        beside="continuous/*/continuous.dat",
    ),
    Format(
        "Open Ephys (first format)",
        "OpenEphysRawIO",
        marker="Continuous_Data.openephys",
        beside="*.continuous",
    ),
    Format("Spike2", "Spike2RawIO", (".smr",)),
    Format("WinEDR", "WinEdrRawIO", (".edr",)),
    Format("WinWCP", "WinWcpRawIO", (".wcp",)),
    Format("Blackrock", "BlackrockRawIO", (".ns5", ".ns6"), tried=False),
    Format("Plexon", "PlexonRawIO", (".plx",), tried=False),
    Format("Spike2, 64 bits", "CedRawIO", (".smrx",), tried=False),
)
INTAN_HEADERS = ("info.rhd", "info.rhs")  # their samples lie in .dat files beside them
SUFFIXES = tuple(suffix for each in FORMATS for suffix in each.suffixes)
MARKERS = tuple(each.marker for each in FORMATS if each.marker)
RIGS = tuple(dict.fromkeys(re.split("[(,]", each.name)[0].strip() for each in FORMATS))


def format_of(path: PurePath) -> Format | None:
    """None of a file that neo is not asked to read.

    >>> format_of(PurePath("a/cell.SMR")).name, format_of(PurePath("cell.txt"))
    ('Spike2', None)
    """
    for each in (*FORMATS, AXON):
        if path.suffix.lower() in each.suffixes or path.name == each.marker:
            return each
    return None


def is_of_other_rig(path: PurePath) -> bool:
    """Whether `read_neo` is the reader of a file of this name."""
    return path.suffix.lower() in SUFFIXES or path.name in MARKERS


def recording_name(path: PurePath) -> str:
    """What a recording is called: its file's name without the suffix, or its folders' names.

    >>> recording_name(PurePath("day 1/cell.smr")), recording_name(PurePath("day 1/info.rhd"))
    ('cell', 'day 1')
    >>> recording_name(PurePath("day 1/Record Node 104/experiment1/recording2/structure.oebin"))
    'day 1 experiment1 recording2'
    """
    if path.name.lower() in INTAN_HEADERS or path.name in MARKERS:
        folders = [name for name in path.parent.parts if not name.startswith("Record Node")]
        whole = 3 if path.suffix == ".oebin" else 1
        return " ".join(folders[-whole:]) or path.stem
    return path.stem


def files_of(path: Path, each: Format) -> list[Path]:
    """The file itself and those beside it that hold its samples, in the order of their names."""
    pattern = "*.dat" if path.name.lower() in INTAN_HEADERS else each.beside
    return [path, *sorted(path.parent.glob(pattern))] if pattern else [path]


def in_words() -> str:
    """The formats by name, with how each is told: "AxoGraph (.axgd, .axgx), Igor (.ibw …"."""
    return ", ".join(f"{each.name} ({', '.join(each.suffixes) or each.marker})" for each in FORMATS)
