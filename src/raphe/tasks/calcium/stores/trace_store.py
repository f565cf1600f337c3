"""Stores of calcium traces with the spikes recorded beside them, one recording after the other.

All are conditioned and at 100 Hz. N samples of all recordings, n of one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import StoreError
from raphe.core.files.store import StoreWriter, open_store
from raphe.core.sentences import counted
from raphe.tasks.calcium.recordings.sampling import RATE_HZ

KIND = "calcium/traces"
NOTHING = "none"  # no name of a dataset or cell: data.held_out=none holds nothing out
MOST_SPIKES = np.iinfo(np.uint16).max  # in a sample


@dataclass(frozen=True)
class LabelledRecording:
    """One recording with its spikes, as it is written."""

    name: str
    dataset: str  # recordings of one dataset share indicator, microscope and laboratory
    cell: str  # recordings of one neuron are never on two sides of a split
    calcium: np.ndarray  # float32 (n,)
    spikes: np.ndarray  # action potentials in each sample, whole numbers (n,)
    imaging_hz: float  # rate of the file it was read from
    noise: float = np.nan  # of ΔF/F, %/√Hz, see standardised_noise; NaN: of another unit


@dataclass(frozen=True)
class StoredRecording:
    """Where one recording lies in a store."""

    name: str
    dataset: str
    cell: str
    start: int
    n_samples: int
    n_spikes: int
    imaging_hz: float
    noise: float = np.nan  # %/√Hz; NaN: not known

    @property
    def rows(self) -> slice:
        return slice(self.start, self.start + self.n_samples)


@dataclass(frozen=True)
class CalciumStore:
    """An opened store; samples stay on disk."""

    path: Path
    recordings: tuple[StoredRecording, ...]
    calcium: np.ndarray  # float32 (N,), memory-mapped
    spikes: np.ndarray  # uint16 (N,), memory-mapped
    content_hash: str
    note: str  # a sentence that must stand beside every result, or ""

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of the datasets in the order of their recordings."""
        return tuple(dict.fromkeys(recording.dataset for recording in self.recordings))

    @property
    def cell_of_recording(self) -> np.ndarray:
        """The cell of each of R recordings, as a number: (R,), in the order of their names."""
        cells = [(recording.dataset, recording.cell) for recording in self.recordings]
        number = {cell: index for index, cell in enumerate(sorted(set(cells)))}
        return np.array([number[cell] for cell in cells])

    @property
    def contents(self) -> str:
        """What it holds in words: "24 recordings of 4 datasets"."""
        n_datasets = counted("dataset", len(self.datasets))
        return f"{counted('recording', len(self.recordings))} of {n_datasets}"


class RecordingSubset:
    """Some recordings of a store, by their index in it: those of one part of a split."""

    def __init__(self, store: CalciumStore, rows: np.ndarray) -> None:
        self.store, self.rows = store, rows
        self.recordings = [store.recordings[row] for row in rows]

    @classmethod
    def whole(cls, store: CalciumStore) -> "RecordingSubset":
        """All recordings of a store."""
        return cls(store, np.arange(len(store.recordings)))


def write_traces(
    path: Path | str,
    recordings: Iterable[LabelledRecording],
    facts: Mapping[str, Any],
    overwrite: bool = False,
) -> Path:
    """Write a store; `facts` are further entries of its manifest, JSON values. Returns its path.

    Raises StoreError when there is no recording, one is called NOTHING, or something that may
    not be replaced is there.
    """
    rows: list[dict[str, Any]] = []
    with StoreWriter(
        path, {"calcium": ((), "float32"), "spikes": ((), "uint16")}, overwrite
    ) as out:
        for recording in recordings:
            calcium, spikes = recording.calcium, recording.spikes
            if NOTHING in (recording.dataset, recording.cell):
                raise StoreError(
                    f"{path}: {recording.name}: a dataset or a cell cannot be called {NOTHING}, "
                    "which data.held_out takes as no name; rename its file or folder"
                )
            assert calcium.shape == spikes.shape and spikes.max() <= MOST_SPIKES
            assert np.isfinite(calcium).all()
            stored = StoredRecording(
                recording.name,
                recording.dataset,
                recording.cell,
                out.n,
                len(calcium),
                int(spikes.sum()),
                recording.imaging_hz,
                recording.noise,
            )
            rows.append(asdict(stored))
            out.append(calcium=calcium, spikes=spikes.astype(np.uint16))
        if not rows:
            raise StoreError(f"{path}: expected recordings to write, got none")
        return out.finish({"kind": KIND, "rate_hz": RATE_HZ, **facts}, {"recordings": rows})


def open_traces(path: Path | str) -> CalciumStore:
    """Open a store that `write_traces` made. Raises StoreError."""
    store = open_store(path)
    if store.manifest["kind"] != KIND:
        raise StoreError(f"{path}: expected a store of {KIND}, got {store.manifest['kind']}")
    kinds = StoredRecording.__annotations__
    recordings = tuple(
        StoredRecording(**{name: kinds[name](value) for name, value in row.items()})
        for row in store.tables["recordings"]
    )
    return CalciumStore(
        Path(path),
        recordings,
        store.arrays["calcium"],
        store.arrays["spikes"],
        store.content_hash,
        store.manifest.get("note", ""),
    )
