"""MATLAB files of traces: a matrix, Suite2p's Fall.mat, c2s' list of cells (Theis et al. 2016)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeGuard

import h5py
import numpy as np
from scipy.io import loadmat

from raphe.core.errors import RecordingError
from raphe.core.matlab.mat5 import CELL, STRUCT, MatVariable, mat_variables
from raphe.tasks.calcium.recordings.mat73 import Mat73Parts, mat73_variables
from raphe.tasks.calcium.recordings.read_numpy import RATE_NAMES, choose_array, rate_among
from raphe.tasks.calcium.recordings.read_suite2p import regions
from raphe.tasks.calcium.recordings.stored_matrix import Hdf5Matrix
from raphe.tasks.calcium.recordings.trace_set import LAYOUTS, TraceOptions, TraceSet

CELLS = "data"  # c2s' cells, with the fields calcium and fps
GROUND_TRUTH = "CAttached"  # the form in which laboratories share recordings with their spikes
REGIONS, SURROUNDS, CURATION, SETTINGS = "F", "Fneu", "iscell", "ops"  # of Suite2p
WITHIN = "."  # between a struct and its field
Variable = MatVariable | Mat73Parts | Hdf5Matrix | np.ndarray
Variables = Mapping[str, Variable]


def read_mat(path: Path, options: TraceOptions) -> TraceSet:
    """Read a matrix of traces (of several see `choose_array`), Suite2p's, or c2s' cells.

    Where there is none, those in structs, called STRUCT.FIELD, cells of a trace each, and several
    structs of a trace each.

    Of version 7.3, which is HDF5, only what is asked for is read.
    """
    variables = _variables(path)
    if GROUND_TRUTH in variables:
        raise RecordingError(
            f"{path}: expected traces alone, got recordings with their spikes ({GROUND_TRUTH}); "
            "`raphe import ground-truth` makes a store of them, and rates are inferred of a trace "
            "saved by itself"
        )
    if options.variable is None:
        if _is_numeric(variables.get(REGIONS)) and _is_fall(variables):
            return _read_fall(path, variables, options)
        if cells := _cells(variables):
            return _from_cells(path, cells, options)
    numeric: dict[str, Any] = {
        name: variable for name, variable in variables.items() if _is_numeric(variable)
    }
    is_named = options.variable is None or options.variable in numeric
    padded: dict[str, np.ndarray] = {}
    if not (is_named and any(variable.size > 1 for variable in numeric.values())):
        padded = _padded_cells(variables)
        numeric |= {**_within_structs(variables), **_rates_of_all(path, variables), **padded}
    name = choose_array(path, numeric, options.variable)
    matrix = numeric[name]
    layout = options.layout or (LAYOUTS[0] if name in padded else None)
    if not isinstance(matrix, Hdf5Matrix) or 1 in matrix.shape:
        matrix = np.squeeze(_read(matrix))
    struct, within, _ = name.rpartition(WITHIN)
    of_file = rate_among(_scalars(numeric, struct + within))
    of_file = rate_among(_scalars(variables)) if of_file is None else of_file
    traces = TraceSet.from_matrix(path, matrix, options.rate(path, of_file), layout)
    return replace(traces, obeys=traces.obeys | {"variable"})


def _read_fall(path: Path, variables: Variables, options: TraceOptions) -> TraceSet:
    """Suite2p's own, of which the surround is taken off as it is of its folder.

    One without a surround is read as it is, and says so, where no share of it is asked for.
    """
    cells, surrounds = _matrix(variables[REGIONS]), None
    notes: tuple[str, ...] = ()
    if SURROUNDS in variables and options.surround_share:
        surrounds = _matrix(variables[SURROUNDS])
    elif options.neuropil:
        raise RecordingError(
            f"{path}: expected {SURROUNDS} beside {REGIONS}, found none; leave --neuropil out to "
            "go without"
        )
    elif options.surround_share:
        notes = (f"{path}: holds no {SURROUNDS}, so no surround is taken off",)
    is_cell = _read(variables[CURATION]) if _is_numeric(variables.get(CURATION)) else None
    rate_hz = _suite2p_rate(variables)
    traces = regions(path, cells, surrounds, is_cell, CURATION, rate_hz, options)
    return replace(traces, notes=(*traces.notes, *notes))


def _is_fall(variables: Variables) -> bool:
    """Whether regions are Suite2p's, by what lies beside them."""
    return bool({SURROUNDS, CURATION, SETTINGS} & variables.keys())


def _suite2p_rate(variables: Variables) -> float | None:
    settings = variables.get(SETTINGS)
    parts = settings.read() if isinstance(settings, MatVariable | Mat73Parts) else None
    rate_hz = rate_among(_scalars(parts)) if isinstance(parts, dict) else None
    return rate_hz if rate_hz is not None else rate_among(_scalars(variables))


def _scalars(variables: Mapping[str, Any], beginning: str = "") -> dict[str, Any]:
    """What may be a sampling rate, of names that begin so."""
    named = {name: variables.get(f"{beginning}{name}") for name in RATE_NAMES}
    return {name: _read(variable) for name, variable in named.items() if _is_scalar(variable)}


def _variables(path: Path) -> Variables:
    with path.open("rb") as file:
        beginning = file.read(4)
    if h5py.is_hdf5(path):
        return mat73_variables(path)
    if 0 in beginning:
        return {name: np.atleast_1d(np.squeeze(array)) for name, array in _version_4(path)}
    return mat_variables(path)


def _within_structs(variables: Variables) -> dict[str, Any]:
    """Arrays of numbers in structs, one within one, each called STRUCT.FIELD."""
    fields: dict[str, Any] = {}
    for name, variable in variables.items():
        value = variable.read() if _may_hold(variable, STRUCT) else None
        for field, array in value.items() if isinstance(value, dict) else ():
            if _is_array(array):
                fields[f"{name}{WITHIN}{field}"] = array
    return fields


def _padded_cells(variables: Variables) -> dict[str, np.ndarray]:
    """Traces that may differ in length (N, T), shorter ones ending in NaN, of cell arrays, and of
    a field of every struct of several, called STRUCTS.FIELD."""
    cells: dict[str, np.ndarray] = {}
    for name, variable in variables.items():
        value = variable.read() if _may_hold(variable, CELL) or _has_structs(variable) else None
        each = value if isinstance(value, list) else []
        traces = {name: each, **_fields_of_all(name, each)}
        read = {called: _one_dimensional(of_all) for called, of_all in traces.items()}
        cells |= {called: _padded(of_all) for called, of_all in read.items() if of_all}
    return cells


def _has_structs(variable: Variable) -> TypeGuard[MatVariable | Mat73Parts]:
    """Whether it may be several structs."""
    return isinstance(variable, Mat73Parts) or (
        isinstance(variable, MatVariable) and variable.kind == STRUCT and variable.size > 1
    )


def _fields_of_all(name: str, structs: Sequence[Any]) -> dict[str, list[Any]]:
    """By STRUCTS.FIELD what each of several structs has in it."""
    if not (structs and all(isinstance(struct, dict) for struct in structs)):
        return {}
    shared = [field for field in structs[0] if all(field in struct for struct in structs)]
    return {f"{name}{WITHIN}{field}": [struct[field] for struct in structs] for field in shared}


def _rates_of_all(path: Path, variables: Variables) -> dict[str, np.ndarray]:
    """By STRUCTS.FIELD the sampling rate that each of several structs has; RecordingError where
    they differ."""
    rates = {}
    for name, variable in variables.items():
        value = variable.read() if _has_structs(variable) else None
        fields = _fields_of_all(name, value if isinstance(value, list) else [])
        for rate_name in RATE_NAMES:
            of_all = fields.get(f"{name}{WITHIN}{rate_name}", [])
            if of_all and all(map(_is_scalar, of_all)):
                each = np.unique([np.asarray(rate) for rate in of_all])
                if len(each) > 1:
                    raise _several_rates(path, each.tolist())
                rates[f"{name}{WITHIN}{rate_name}"] = each
    return rates


def _several_rates(path: Path, rates_hz: Iterable[object]) -> RecordingError:
    return RecordingError(
        f"{path}: expected cells of one sampling rate, got {', '.join(map(str, rates_hz))} Hz; "
        "save those of each rate into a file of their own"
    )


def _one_dimensional(traces: Sequence[Any]) -> list[np.ndarray]:
    """Those of several numbers each, (T,); [] where one is anything else."""
    if not all(_is_array(trace) and trace.size > 1 for trace in traces):
        return []
    read = [np.squeeze(np.asarray(trace)) for trace in traces]
    return read if all(trace.ndim == 1 for trace in read) else []


def _may_hold(variable: Variable, kind: int) -> TypeGuard[MatVariable | Mat73Parts]:
    """Whether it may be a cell array or structs; one of version 7.3 shows it when it is read."""
    return isinstance(variable, Mat73Parts) or (
        isinstance(variable, MatVariable) and variable.kind == kind
    )


def _is_array(value: Any) -> bool:
    """Whether it is numbers, in memory or on disk."""
    return isinstance(value, np.ndarray | Hdf5Matrix) and value.dtype.kind in "fiu"


def _padded(traces: Sequence[np.ndarray]) -> np.ndarray:
    """Traces as rows (N, T), shorter ones ending in NaN."""
    padded = np.full((len(traces), max(map(len, traces))), np.nan)
    for row, trace in zip(padded, traces, strict=True):
        row[: len(trace)] = trace
    return padded


def _version_4(path: Path) -> list[tuple[str, np.ndarray]]:
    variables = loadmat(path)
    return [
        (name, array)
        for name, array in variables.items()
        if isinstance(array, np.ndarray) and array.dtype.kind in "fiuc"
    ]


def _is_numeric(variable: Any) -> bool:
    return _is_array(variable) or (isinstance(variable, MatVariable) and variable.is_numeric)


def _is_scalar(variable: Any) -> bool:
    return _is_numeric(variable) and variable.size == 1


def _read(variable: Any) -> Any:
    return variable.read() if isinstance(variable, MatVariable) else np.asarray(variable)


def _matrix(variable: Any) -> np.ndarray | Hdf5Matrix:
    """Of regions and frames; one region is a row."""
    if isinstance(variable, Hdf5Matrix):
        return variable
    return np.atleast_2d(_read(variable))


def c2s_cells(path: Path) -> list[dict[str, np.ndarray]]:
    """c2s' cells, where a file holds such, with all their numbers in memory."""
    return [
        {field: np.asarray(value) for field, value in cell.items() if _is_array(value)}
        for cell in _cells(_variables(path))
    ]


def _cells(variables: Variables) -> list[dict[str, Any]]:
    """c2s' cells, where the file holds such."""
    variable = variables.get(CELLS)
    if not isinstance(variable, MatVariable | Mat73Parts) or _is_numeric(variable):
        return []
    value = variable.read()
    every = value if isinstance(value, list) else [value]
    cells = [cell for cell in every if isinstance(cell, dict) and _is_array(cell.get("calcium"))]
    return cells if len(cells) == len(every) else []


def _from_cells(path: Path, cells: list[dict[str, Any]], options: TraceOptions) -> TraceSet:
    calcium = [np.asarray(cell["calcium"]).ravel() for cell in cells]
    rates = dict.fromkeys(rate_among(_scalars(cell)) for cell in cells)
    if options.rate_hz is not None and len(rates) > 1:
        rates.pop(None, None)  # --rate says that of cells without one
    if len(rates) > 1:
        raise _several_rates(path, rates)
    traces = TraceSet.from_matrix(
        path, _padded(calcium), options.rate(path, next(iter(rates))), LAYOUTS[0]
    )
    return replace(traces, obeys=frozenset({"rate_hz"}))
