"""CaImAn's saved results (HDF5): ΔF/F where it was computed, else the raw components."""

from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from pathlib import Path

import h5py
import numpy as np

from raphe.core.errors import RecordingError
from raphe.tasks.calcium.recordings.orientation import refuse_contradiction, refuse_transposed
from raphe.tasks.calcium.recordings.stored_matrix import Hdf5Matrix
from raphe.tasks.calcium.recordings.trace_set import LAYOUTS, Curation, TraceOptions, TraceSet

GROUPS = ("estimates/", "")  # of CaImAn's results today, and of those of early versions
DFF, DENOISED, RESIDUAL = "F_dff", "C", "YrA"
RATES = ("params/data/fr", "params/fr", "fr")
GOOD, BAD = "idx_components", "idx_components_bad"  # by evaluate_components
ACCEPTED, REJECTED = "accepted_list", "rejected_list"  # by hand, which counts for more


def read_caiman(path: Path, options: TraceOptions) -> TraceSet:
    """Open F_dff, or C + YrA: a component with its noise, as networks were trained on.

    `variable` names another dataset of the file, in which each row is a component unless `layout`
    says otherwise.
    """
    if not h5py.is_hdf5(path):
        raise RecordingError(
            f"{path}: expected CaImAn's results, which are HDF5, got another kind of file; check "
            "the path, or copy it anew"
        )
    with h5py.File(path, "r") as file:
        group, names = _named(file, options.variable) if options.variable else _traces(path, file)
        for name in names:
            if not _is_matrix(file, group + name):
                raise RecordingError(f"{path}: expected a matrix {group}{name}, found none")
        matrices = [Hdf5Matrix(path, file[group + name]) for name in names]
        rate_hz = next(_rates(file), None)
        group = next((each for each in GROUPS if f"{each}{DENOISED}" in file), group)
        is_cell, note = _curation(path, file, group, len(matrices[0]))
    shapes = {matrix.shape for matrix in matrices}
    if len(shapes) > 1:
        told = " and ".join(
            f"{name} of {' × '.join(map(str, matrix.shape))}"
            for name, matrix in zip(names, matrices, strict=True)
        )
        raise RecordingError(
            f"{path}: expected one shape (components, frames), got {told}; save the results anew"
        )
    rate_hz = options.rate(path, rate_hz)
    if options.variable:
        if options.layout is None:
            refuse_contradiction(path, matrices[0])
        traces = TraceSet.from_matrix(path, matrices[0], rate_hz, options.layout or LAYOUTS[0])
        traces = replace(traces, obeys=traces.obeys | {"variable"})
    else:
        remedy = f"save the results anew, or pass --variable {group}{names[0]} --layout time-traces"
        refuse_transposed(path, names[0], matrices[0], remedy)
        n_traces, n_samples = shapes.pop()

        def rows(start: int, stop: int) -> np.ndarray:
            return reduce(np.add, (matrix[start:stop].astype(np.float64) for matrix in matrices))

        labels = tuple(map(str, range(n_traces)))
        obeys = frozenset({"rate_hz", "variable"})
        traces = TraceSet(path, rate_hz, labels, n_samples, rows, obeys)
    if is_cell is None or len(is_cell) != len(traces):
        return replace(traces, notes=tuple(filter(None, [note])))
    return replace(
        traces, curation=Curation(GOOD, tuple(is_cell)), obeys=traces.obeys | {"cells_only"}
    )


def _named(file: h5py.File, name: str) -> tuple[str, list[str]]:
    """The group of a name and it: that of CaImAn's results where the name alone is no matrix."""
    within = (group for group in GROUPS if not _is_matrix(file, name))
    return next((group for group in within if _is_matrix(file, group + name)), ""), [name]


def _traces(path: Path, file: h5py.File) -> tuple[str, list[str]]:
    """The group of CaImAn's results, and which of them are its traces."""
    for group in GROUPS:
        if _is_matrix(file, group + DFF):
            return group, [DFF]
        if _is_matrix(file, group + DENOISED) and _is_matrix(file, group + RESIDUAL):
            return group, [DENOISED, RESIDUAL]
    raise RecordingError(
        f"{path}: expected CaImAn's estimates/{DFF}, or estimates/{DENOISED} and "
        f"estimates/{RESIDUAL} ({DENOISED} alone has no noise); pass --variable NAME"
    )


def _rates(file: h5py.File) -> Iterator[float]:
    for name in RATES:
        item = file.get(name)  # CaImAn writes None as a word
        if isinstance(item, h5py.Dataset) and item.size == 1 and item.dtype.kind in "fiu":
            yield float(np.asarray(item[()]).item())


def _curation(path: Path, file: h5py.File, group: str, n: int) -> tuple[list[bool] | None, str]:
    """Which of n components are cells, or None; and why nothing is known where something is said.

    Those that evaluate_components took, with those accepted and without those rejected by hand.
    """
    lists = {name: _numbers(file, group + name) for name in (GOOD, BAD, ACCEPTED, REJECTED)}
    given = {name: numbers for name, numbers in lists.items() if numbers is not None}
    if not given or not any(len(numbers) for numbers in given.values()):
        return None, ""
    largest = max(int(numbers.max()) for numbers in given.values() if len(numbers))
    least = min(int(numbers.min()) for numbers in given.values() if len(numbers))
    if largest >= n or least < 0:
        return None, (
            f"{path}: {GOOD} names components up to {largest} where there are {n} traces, so which "
            "of them are cells is not known"
        )
    is_cell = np.ones(n, dtype=bool)
    if GOOD in given:
        is_cell[:] = False
        is_cell[given[GOOD]] = True
    elif BAD in given:
        is_cell[given[BAD]] = False
    elif len(given.get(ACCEPTED, ())):
        is_cell[:] = False
    is_cell[given.get(ACCEPTED, [])] = True
    is_cell[given.get(REJECTED, [])] = False
    return is_cell.tolist(), ""


def _numbers(file: h5py.File, name: str) -> np.ndarray | None:
    """A list of whole numbers int64 (k,), which may be empty, of any kind then."""
    item = file.get(name)
    if not isinstance(item, h5py.Dataset) or item.ndim != 1 or item.dtype.kind not in "fiu":
        return None
    numbers = np.asarray(item[:])
    is_whole = np.isfinite(numbers).all() and (numbers % 1 == 0).all()
    return numbers.astype(np.int64) if is_whole else None


def _is_matrix(file: h5py.File, name: str) -> bool:
    item = file.get(name)
    return isinstance(item, h5py.Dataset) and item.ndim == 2 and item.dtype.kind in "fiu"
