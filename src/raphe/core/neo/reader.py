"""Files of other rigs as recordings: those that neo reads, and ABF and NWB do not hold.

The only file that imports neo, and only when it is asked to read. neo raises whatever comes, and
for some damage nothing: what it says of a file is checked as an ABF header is.
"""

import hashlib
import logging
import math
import os
import warnings
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from raphe.core.abf.channels import Channel, choose_channel, settle_unit
from raphe.core.errors import RecordingError
from raphe.core.extras import install
from raphe.core.files.hashed_folder import sha256_of
from raphe.core.files.path import checked_path, file_status
from raphe.core.neo.checks import CHECKS
from raphe.core.neo.formats import Format, files_of, format_of, in_words, recording_name
from raphe.core.neo.igor import waves_of
from raphe.core.neo.signals import GAP, Signal, Stretch, signals_of, unreadable
from raphe.core.recordings.recording import Recording, Trace, find_suspects
from raphe.core.recordings.units import amplifier_limit, unit_factor

_NEEDS = {"igor2": "reading Igor's files needs igor2", "sonpy": "reading .smrx files needs sonpy"}

NO_TEXT = 2**32 - 1  # in place of a length, by Qt


@dataclass(frozen=True, eq=False)
class NeoFacts:
    """What the header of a file says, checked, with no sample read."""

    path: Path
    format: Format
    signals: tuple[Signal, ...]

    @property
    def channels(self) -> list[Channel]:
        """Those that one is chosen among."""
        return [
            Channel(
                index,
                signal.name,
                signal.unit,
                signal.gain,
                signal.offset,
                other_names=frozenset(filter(None, [signal.other_name])),
            )
            for index, signal in enumerate(self.signals)
        ]


def read_neo(
    path: str | Path,
    channel: int | str | None = None,
    unit: str | None = None,
    preferred_unit: str | None = None,
) -> Recording:
    """Open one channel of a file of another rig; its samples stay on disk but for Igor's waves.

    Args:
        path: of a file that `core.neo.formats` lists; of a folder's recording, the file that
            marks it (structure.oebin, info.rhd).
        channel: index, name or unit; None takes the only channel, or the only current.
        unit: of a channel whose header leaves it blank; one that differs is refused.
        preferred_unit: where neither channel nor unit is given, a channel in it goes before
            currents.

    Each block and segment of neo is a sweep. Reads the file twice in chunks (hash, suspect samples)
    and warns (RecordingWarning) of what is readable but suspect. Raises RecordingError for a file
    that is damaged, contradicts itself or has no such channel, and where neo is not installed;
    TypeError for what is no path.
    """
    facts = describe_neo(path)
    channels = facts.channels
    if preferred_unit and channel is None and unit is None:
        in_it = [each.unit for each in channels if unit_factor(each.unit, preferred_unit) == 1]
        unit = in_it[0] if in_it else None
    chosen = choose_channel(facts.path, channels, channel, unit)
    recorded_unit = settle_unit(facts.path, chosen, unit)
    _check_scale(facts.path, facts.signals[chosen.index])
    sweeps, remarks = _sweeps(facts, facts.signals[chosen.index], recorded_unit)
    recording = Recording(
        sweeps=sweeps,
        rate_hz=facts.signals[chosen.index].rate_hz,
        unit=recorded_unit,
        cell_id=recording_name(facts.path),
        path=facts.path,
        sha256=_hash(facts),
        remarks=(*remarks, *find_suspects(sweeps)),
    )
    recording.warn()
    return recording


def describe_neo(path: str | Path) -> NeoFacts:
    """Read and check what a file says of its signals; Igor's waves are read whole.

    Raises RecordingError for a file that is damaged, holds no signal or is of no format that neo
    is asked to read, and where neo is not installed.
    """
    path = checked_path(path, "a recording")
    file_status(path, RecordingError)
    described = format_of(path)
    if described is None:
        raise RecordingError(f"{path}: expected a recording that neo reads: {in_words()}")
    logging.getLogger("neo").addHandler(logging.NullHandler())  # else neo prints what it doubts
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            signals = _signals(path, described)
        except RecordingError:
            raise
        except ImportError as error:
            raise RecordingError(f"{path}: {_missing(error)}") from None
        except Exception as error:  # of any kind, for any damage
            raise unreadable(path, error) from error
    signals = [signal for signal in signals if signal.stretches]
    if not signals:
        raise RecordingError(
            f"{path}: expected a recorded signal, found none; choose another file, or export it "
            "as ABF or NWB"
        )
    return NeoFacts(path, described, tuple(signals))


def _signals(path: Path, described: Format) -> list[Signal]:
    """Raises whatever neo raises."""
    if not described.reader:
        return waves_of(path)
    options: dict[str, Any] = (
        {"dirname": str(path.parent)} if described.marker else {"filename": str(path)}
    )
    if described.reader == "OpenEphysRawIO":
        options["fill_gap_value"] = GAP
    import neo.rawio

    _bound_texts()
    reader = getattr(neo.rawio, described.reader)(**options)
    reader.parse_header()
    signals = signals_of(path, reader, described.codes)
    check = CHECKS.get(described.reader)
    return check(path, reader, signals) if check else signals


@cache
def _bound_texts() -> None:
    """neo takes memory for as long a text as a damaged file of AxoGraph or Intan states: here no
    more than the rest of the file."""
    from neo.rawio import axographrawio, intanrawio

    class BoundedFile(axographrawio.StructFile):
        def read(self, size: int = -1) -> bytes:
            content: bytes = super().read(min(size, _left(self)) if size >= 0 else size)
            return content

    def bounded_text(file: BinaryIO) -> str:
        begin = file.tell()
        n_bytes = int.from_bytes(file.read(4), "little")
        if n_bytes != NO_TEXT and n_bytes > (left := _left(file)):
            raise EOFError(f"a text of {n_bytes} bytes is expected, {left} are left")
        file.seek(begin)
        text: str = read_text(file)
        return text

    read_text = intanrawio.read_qstring
    axographrawio.StructFile, intanrawio.read_qstring = BoundedFile, bounded_text


def _left(file: BinaryIO) -> int:
    """Bytes of a file that are not read yet."""
    return max(0, os.fstat(file.fileno()).st_size - file.tell())


def _missing(error: ImportError) -> str:
    """What is to be installed for a format."""
    package = (getattr(error, "name", None) or str(error)).partition(".")[0]
    for name, needs in _NEEDS.items():
        if name in package:
            remedy = install("neo") if name == "igor2" else f"pip install {name}, where CED has it"
            return f"{needs}, which is not installed: {remedy}"
    return f"reading files of this rig needs neo, which is not installed: {install('neo')}"


def _check_scale(path: Path, signal: Signal) -> None:
    if not (math.isfinite(signal.gain) and signal.gain and math.isfinite(signal.offset)):
        raise RecordingError(
            f"{path}: expected a finite scale other than 0 of channel {signal.name}, got "
            f"{signal.gain:g} with an offset of {signal.offset:g}; copy it anew"
        )


def _sweeps(facts: NeoFacts, signal: Signal, unit: str) -> tuple[tuple[Trace, ...], list[str]]:
    """Each stretch as a sweep, on one clock, and what is to be said of it."""
    stretches, remarks = signal.stretches, []
    if not _is_rising(stretches, signal.rate_hz):
        remarks.append(
            f"the starting times of its {len(stretches)} sweeps do not follow one another: taken "
            "in their order, without pauses"
        )
        start_s, followed = 0.0, []
        for stretch in stretches:
            followed.append(replace(stretch, start_s=start_s))
            start_s += stretch.n_samples / signal.rate_hz
        stretches = tuple(followed)
    sweeps = tuple(
        Trace(
            stored=stretch.stored,
            n_samples=stretch.n_samples,
            start_s=stretch.start_s,
            gain=signal.gain,
            offset=signal.offset,
            rail=signal.rail,
            limit=amplifier_limit(unit),
        )
        for stretch in stretches
    )
    return sweeps, remarks


def _is_rising(stretches: tuple[Stretch, ...], rate_hz: float) -> bool:
    """Whether each begins after the one before has ended, but for half a sample."""
    ends_s = [each.start_s + (each.n_samples - 0.5) / rate_hz for each in stretches]
    return all(
        following.start_s >= end_s for following, end_s in zip(stretches[1:], ends_s, strict=False)
    )


def _hash(facts: NeoFacts) -> str:
    """Of the whole file; of several the hash of theirs, in their order."""
    files = files_of(facts.path, facts.format)
    try:
        hashes = [sha256_of(file) for file in files]
    except OSError as error:
        raise RecordingError(f"{facts.path}: cannot be read ({error.strerror or error})") from error
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
