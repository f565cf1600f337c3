"""Which files of a folder hold the traces and the spikes of one dataset."""

from dataclasses import dataclass
from pathlib import Path

from raphe.core.errors import RecordingError
from raphe.core.files.folders import list_files
from raphe.core.sentences import listed
from raphe.tasks.calcium.recordings.read_traces import READERS

CALCIUM, SPIKES = ".calcium.", ".spikes."
TIMES = ".spike_times.csv"
CELLS = ".cells.csv"  # which traces are of one neuron
OF_BOTH = ".mat"  # the format that may hold traces with their spikes, as c2s has them
PARTS = (".train", ".test", ".preprocessed")  # of the challenge's names; what c2s adds to its own
PICKLES = (".pck", ".pkl", ".pickle")  # the same from Python
AS_MAT = (
    "is a Python pickle, which could run code when read; save it where it was made: "
    'scipy.io.savemat("data.mat", {"data": data})'
)


@dataclass(frozen=True)
class Pair:
    """The files of one dataset."""

    calcium: Path
    spikes: Path | None  # None: they lie with the traces
    cells: Path | None = None  # None: each trace is a neuron

    @property
    def files(self) -> list[Path]:
        return [file for file in (self.calcium, self.spikes, self.cells) if file is not None]


def find_pairs(folder: Path) -> tuple[dict[str, Pair], list[str]]:
    """The files of each dataset in a folder, by the dataset's name.

    Also what must be said of files that are of none, a sentence each. Raises RecordingError.
    """
    if not folder.is_dir():
        raise RecordingError(f"{folder}: expected a folder of NAME.calcium.… files, found none")
    pairs: dict[str, Pair] = {}
    listing = list_files(folder, _is_wanted, below=False)
    alone = [str(failure) for failure in listing.left_out]
    for file in listing.files:
        if fault := _why_of_none(file, listing.files):
            alone.append(fault)
        if fault or not _holds_traces(file):
            continue
        dataset, spikes = _dataset(file), _spikes_of(file, listing.files)
        if dataset in pairs:
            raise RecordingError(
                f"{folder}: {pairs[dataset].calcium.name} and {file.name} are both of dataset "
                f"{dataset}; keep one, or rename the other"
            )
        pairs[dataset] = Pair(file, spikes, _cells_of(file, listing.files))
    if not pairs and not alone:
        raise RecordingError(
            f"{folder}: expected pairs such as 4.train.calcium.csv and 4.train.spikes.csv, or "
            "data.mat with both as c2s has them, found none"
        )
    return pairs, alone


def _is_wanted(file: Path) -> bool:
    name = file.name.lower()
    if name.endswith((TIMES, CELLS, OF_BOTH, *PICKLES)):
        return True
    return (CALCIUM in file.name or SPIKES in file.name) and name.endswith(tuple(READERS))


def _holds_traces(file: Path) -> bool:
    is_beside = SPIKES in file.name or file.name.endswith((TIMES, CELLS))
    return CALCIUM in file.name or not is_beside


def _dataset(file: Path) -> str:
    name = file.name.split(CALCIUM)[0] if CALCIUM in file.name else file.stem
    for part in PARTS:
        name = name.removesuffix(part)
    return name


def _spikes_of(file: Path, files: list[Path]) -> Path | None:
    """Those beside a file of traces. Raises RecordingError where it is not clear which."""
    if CALCIUM not in file.name:
        return None
    begin = file.name.split(CALCIUM)[0]
    beside = [
        other
        for other in files
        if other.name.startswith(f"{begin}{SPIKES}") or other.name == f"{begin}{TIMES}"
    ]
    if len(beside) > 1:
        names = listed([other.name for other in beside])
        raise RecordingError(f"{file.parent}: {names} are all of {file.name}; keep one")
    return beside[0] if beside else None


def _cells_of(file: Path, files: list[Path]) -> Path | None:
    """What says which traces of a file are of one neuron, beside it."""
    if CALCIUM not in file.name:
        return None
    name = f"{file.name.split(CALCIUM)[0]}{CELLS}"
    return next((other for other in files if other.name == name), None)


def _why_of_none(file: Path, files: list[Path]) -> str:
    """A sentence where a file alone is of no use, or ""."""
    if file.name.lower().endswith(PICKLES):
        return f"{file}: {AS_MAT}"
    if CALCIUM in file.name:
        if file.name.lower().endswith(OF_BOTH) or _spikes_of(file, files) is not None:
            return ""
        counts = file.name.replace(CALCIUM, SPIKES)
        times = f"{file.name.split(CALCIUM)[0]}{TIMES}"
        return f"{file}: expected its spikes beside it, found no {counts} nor {times}"
    if SPIKES not in file.name and not file.name.endswith((TIMES, CELLS)):
        return ""
    begin = file.name.removesuffix(TIMES).removesuffix(CELLS).split(SPIKES)[0]
    if any(other.name.startswith(f"{begin}{CALCIUM}") for other in files):
        return ""
    if file.name.endswith((TIMES, CELLS)):
        return f"{file}: expected {begin}{CALCIUM}csv beside it, found none"
    name = file.name.replace(SPIKES, CALCIUM)
    return f"{file}: expected its traces beside it, found no {name}"
