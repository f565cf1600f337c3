"""A SortingAnalyzer of SpikeInterface as it lies on the disk, in a folder of arrays or as zarr.

ANALYZER/spikeinterface_info.json         what it is; of zarr .zattrs
ANALYZER/sorting/numpysorting_info.json   unit_ids, sampling_frequency; of zarr an array, .zattrs
ANALYZER/sorting/spikes.npy               sample, unit, segment of each spike; of zarr a group
ANALYZER/sorting/properties/NAME.npy      a value a unit; of zarr an array
ANALYZER/extensions/templates/average.npy (N, T, channels), 0 where a unit has none; or median

SpikeInterface itself would run what pickles in the folder say; here arrays of plain values are read
alone. N units, T samples, S spikes.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.recordings.arrays import load_array
from raphe.core.recordings.unpacking import refuse_bomb
from raphe.core.sentences import counted

INFO, SORTING_INFO = "spikeinterface_info.json", "sorting/numpysorting_info.json"
ZARR_ATTRIBUTES = ".zattrs"
PROPERTIES, TEMPLATES = "sorting/properties", "extensions/templates"
OPERATORS = ("average", "median")  # of templates, the first that is there
SPIKE_FIELDS = ("sample_index", "unit_index", "segment_index")
LONGEST_JSON = 10**8  # bytes


@dataclass(frozen=True)
class StoredAnalyzer:
    """What is read of one."""

    unit_ids: Sequence[str]
    rate_hz: object  # not checked
    samples: np.ndarray  # int64 (S,), within its segment
    unit_rows: np.ndarray  # int64 (S,)
    segments: np.ndarray  # int64 (S,)
    templates: np.ndarray | None  # (N, T, channels)
    properties: dict[str, np.ndarray]  # those asked for that are there
    property_names: Sequence[str]


def is_zarr(path: Path) -> bool:
    """Whether a folder is an analyzer kept as zarr."""
    return (path / ZARR_ATTRIBUTES).is_file() and (path / "sorting").is_dir()


def is_analyzer(path: Path) -> bool:
    """Whether a folder is an analyzer's, in either form."""
    return ((path / INFO).is_file() and (path / SORTING_INFO).is_file()) or is_zarr(path)


def open_analyzer(path: Path, properties: Sequence[str]) -> StoredAnalyzer:
    """Read what tells units apart, and the named properties. Raises RecordingError."""
    try:
        return (_of_zarr if is_zarr(path) else _of_folder)(path, properties)
    except (KeyError, TypeError, ValueError, OSError, RuntimeError) as error:  # the last, of blosc
        raise RecordingError(
            f"{path}: expected an analyzer as SpikeInterface 0.101 or later saves it, got one that "
            f"cannot be read ({type(error).__name__}: {error}); save it anew with save_as"
        ) from None


def _of_folder(path: Path, properties: Sequence[str]) -> StoredAnalyzer:
    info = _facts(path / SORTING_INFO)
    spikes = load_array(path / "sorting/spikes.npy", RecordingError)
    names = sorted(file.stem for file in (path / PROPERTIES).glob("*.npy"))
    files = [path / TEMPLATES / f"{operator}.npy" for operator in OPERATORS]
    stored = next((file for file in files if file.is_file()), None)
    samples, unit_rows, segments = (spikes[name].astype(np.int64) for name in SPIKE_FIELDS)
    return StoredAnalyzer(
        [str(unit) for unit in info["unit_ids"]],
        info["sampling_frequency"],
        samples,
        unit_rows,
        segments,
        None if stored is None else load_array(stored, RecordingError),
        {
            name: load_array(path / PROPERTIES / f"{name}.npy", RecordingError)
            for name in properties
            if name in names
        },
        names,
    )


def _of_zarr(path: Path, properties: Sequence[str]) -> StoredAnalyzer:
    import zarr

    root = zarr.open_group(str(path), mode="r")
    sorting = root["sorting"]
    names = sorted(root[PROPERTIES]) if PROPERTIES in root else []
    keys = [f"{TEMPLATES}/{operator}" for operator in OPERATORS]
    stored = next((key for key in keys if key in root), None)
    samples = _array(path, root, "sorting/spikes/sample_index")
    segments = np.zeros(len(samples), np.int64)
    for number, (begin, end) in enumerate(_array(path, root, "sorting/spikes/segment_slices")):
        segments[begin:end] = number
    return StoredAnalyzer(
        [str(unit) for unit in _array(path, root, "sorting/unit_ids").tolist()],
        sorting.attrs["sampling_frequency"],
        samples.astype(np.int64),
        _array(path, root, "sorting/spikes/unit_index").astype(np.int64),
        segments,
        None if stored is None else _array(path, root, stored),
        {name: _array(path, root, f"{PROPERTIES}/{name}") for name in properties if name in names},
        names,
    )


def _array(path: Path, root: Any, name: str) -> np.ndarray:
    """An array of plain values: others would be unpickled, which runs whatever they say."""
    stored = root[name]
    if np.dtype(stored.dtype).kind == "O":
        raise ValueError(f"{name} holds Python objects")
    if name.startswith("sorting/") and stored.nchunks_initialized < stored.nchunks:
        lost = (
            stored.nchunks - stored.nchunks_initialized
        )  # read as zeros: spikes of the first unit
        raise ValueError(f"{lost} of the {counted('part', stored.nchunks)} of {name} are not there")
    packed = sum(file.stat().st_size for file in (path / name).rglob("*") if file.is_file())
    refuse_bomb(path, name, int(np.prod(stored.shape)) * np.dtype(stored.dtype).itemsize, packed)
    return np.asarray(stored[:])


def _facts(path: Path) -> dict[str, Any]:
    if path.stat().st_size > LONGEST_JSON:
        raise ValueError(f"{path.name} is larger than any")
    facts = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(facts, dict):
        raise ValueError(f"{path.name} holds no facts by name")
    return facts
