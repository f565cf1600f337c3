"""Cells of CellExplorer: its struct cell_metrics in BASENAME.cell_metrics.cellinfo.mat.

waveforms.filt, .time       a cell each: the filtered mean spike on its largest channel, and ms
spikes.times                a cell each: spike times in s; else of BASENAME.spikes.cellinfo.mat
acg.wide                    bins × cells: rates in bins of 1 ms, ±500 ms; taken where no times are,
                            as far as autocorrelograms of times go
UID, animal, sessionName    who it is
groundTruthClassification   a struct of classes, each the numbers of its cells, from 1
putativeCellType            a text each, made from waveform and firing

N cells, T samples. Files of versions 5 to 7.3.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.firing.histograms import ACG_BINS, firing
from raphe.core.matlab.fields import read_fields
from raphe.core.matlab.mat5 import Value
from raphe.core.recordings.rates import rate_of_times
from raphe.core.sentences import counted, listed
from raphe.tasks.units.recordings.unit_set import ReadUnits, UnitFacts, UnitSet, cleaned, named
from raphe.tasks.units.recordings.waveform_rate import waveform_rate

SUFFIX, VARIABLE = ".mat", "cell_metrics"
OWN_PART, TIMES_PART = f".{VARIABLE}.", ".spikes."  # of its name, and of that with spike times
GROUND_TRUTH, PUTATIVE = "groundTruthClassification", "putativeCellType"
WAVEFORM, SAMPLE_TIMES, SPIKE_TIMES, ACG = (
    "waveforms.filt", "waveforms.time", "spikes.times", "acg.wide",
)  # fmt: skip
FIELDS = (WAVEFORM, SAMPLE_TIMES, SPIKE_TIMES, ACG, "UID", "animal", "sessionName")


def is_cell_metrics(path: Path) -> bool:
    """Whether a file is called as CellExplorer's are."""
    return path.is_file() and path.suffix.lower() == SUFFIX


def read_cell_metrics(
    path: Path, rate_hz: float | None = None, label: str | None = None
) -> ReadUnits:
    """The cells of a file. `rate_hz` is taken where waveforms have no times.

    `label` is the field that holds each cell's class, by default groundTruthClassification.

    Raises:
        RecordingError: there is no such struct or field, or what it holds does not fit.
    """
    metrics = read_fields(path, VARIABLE, [*FIELDS, label or GROUND_TRUTH])
    n = _n_cells(path, metrics)
    ids = [_text(part) for part in _each(path, metrics, "UID", n)]
    sessions = [_text(part) for part in _each(path, metrics, "sessionName", n)]
    if len(set(ids)) < n:  # of several sessions in one
        ids = ["/".join(filter(None, pair)) for pair in zip(sessions, ids, strict=True)]
    if len(set(ids)) < n:
        ids = [str(number) for number in range(1, n + 1)]
    labels, remarks = _labels(path, metrics, label, n, ids)
    animals = [_text(part) for part in _each(path, metrics, "animal", n)]
    facts = [
        UnitFacts(unit_id, of_cell, animal, session)
        for unit_id, of_cell, animal, session in zip(ids, labels, animals, sessions, strict=True)
    ]
    waveforms, odd = _waveforms(path, metrics, n)
    if odd:
        remarks.append(
            f"waveforms of another length than most, and so taken as missing, of "
            f"{listed(named([ids[row] for row in odd]))}"
        )
    trains = _trains(path, metrics, n)
    if trains is None:
        remarks.append("there are no spike times, so no intervals are known")
        isi, acg = np.empty((n, 0), np.float32), _stored_acg(path, metrics, n)
    else:
        isi, acg = firing(trains)
        counts = zip(facts, trains, strict=True)
        facts = [replace(fact, n_spikes=len(train)) for fact, train in counts]
    rate_hz = waveform_rate(f"{path}: {SAMPLE_TIMES}", _stated_rate(metrics), rate_hz)
    read = cleaned(UnitSet(facts, waveforms, isi, acg, rate_hz), str(path))
    return ReadUnits(read.units, read.left_out, [*remarks, *read.remarks])


def _n_cells(path: Path, metrics: dict[str, Value]) -> int:
    for field in ("UID", WAVEFORM, SPIKE_TIMES):
        value = metrics.get(field)
        n = len(value) if isinstance(value, list) else len(_numbers(value))
        if n:
            return n
    raise RecordingError(
        f"{path}: expected cells in {VARIABLE}.UID, .{WAVEFORM} or .{SPIKE_TIMES}, found none; run "
        "ProcessCellMetrics anew"
    )


def _each(path: Path, metrics: dict[str, Value], field: str, n: int) -> Sequence[Value]:
    """A value a cell; None where the field is not there."""
    value = metrics.get(field)
    if value is None:
        return [None] * n
    if isinstance(value, str):
        return [value] * n
    parts = list(np.atleast_1d(value)) if isinstance(value, np.ndarray) else value
    if not isinstance(parts, list) or len(parts) != n:
        got = len(parts) if isinstance(parts, list) else "a struct"
        raise RecordingError(
            f"{path}: expected {VARIABLE}.{field} to hold one of each of {counted('cell', n)}, got "
            f"{got}; run ProcessCellMetrics anew"
        )
    return parts


def _text(value: Value) -> str:
    """A text as it is, a number in figures, "" for what is neither; a cell of one as what it is."""
    if isinstance(value, list) and len(value) == 1:
        return _text(value[0])
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, np.ndarray | np.number) and np.size(value) == 1:
        number = float(np.ravel(value)[0])
        return f"{number:.15g}" if np.isfinite(number) else ""
    return ""


def _labels(
    path: Path, metrics: dict[str, Value], label: str | None, n: int, ids: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The class of each cell, and what must be known of them."""
    field = label or GROUND_TRUTH
    if field not in metrics:
        if label is None:
            return [""] * n, []
        raise RecordingError(
            f"{path}: expected a field {VARIABLE}.{label}, found none; CellExplorer's own are "
            f"{GROUND_TRUTH} and {PUTATIVE}"
        )
    remarks = []
    if field == PUTATIVE:
        remarks.append(
            f"the labels, {PUTATIVE}, were made from waveforms and firing: what is trained on them "
            "repeats that rule, and no figure says how well it tells cells"
        )
    classes = metrics[field]
    if not isinstance(classes, dict):
        return [_text(part) for part in _each(path, metrics, field, n)], remarks
    labels, several = [""] * n, []
    for name, numbers in classes.items():
        parts = numbers if isinstance(numbers, list) else [numbers]
        numbered = np.concatenate([np.empty(0), *map(_numbers, parts)])
        beyond = numbered[~((numbered >= 1) & (numbered <= n))]
        if len(beyond):
            raise RecordingError(
                f"{path}: expected {VARIABLE}.{field}.{name} to hold numbers of cells from 1 to "
                f"{n}, got {beyond[0]:g}; assign the classes anew"
            )
        for row in (numbered.astype(int) - 1).tolist():
            if labels[row]:
                several.append(row)
            labels[row] = name
    if several:
        for row in several:
            labels[row] = ""
        cells = listed(named([ids[row] for row in several]))
        remarks.append(f"of two classes, and so without a label: {cells}")
    return labels, remarks


def _waveforms(path: Path, metrics: dict[str, Value], n: int) -> tuple[np.ndarray, list[int]]:
    """Of each cell, float32 (N, T), and the rows of those that have another length than most."""
    rows = [_numbers(part) for part in _each(path, metrics, WAVEFORM, n)]
    lengths = [len(row) for row in rows if len(row) > 1]  # one number stands for none
    if not lengths:
        return np.empty((n, 0), np.float32), []
    n_samples = max(set(lengths), key=lengths.count)
    waveforms = np.full((n, n_samples), np.nan, np.float32)
    for number, row in enumerate(rows):
        if len(row) == n_samples:
            waveforms[number] = row
    return waveforms, [at for at, row in enumerate(rows) if 1 < len(row) != n_samples]


def _numbers(value: Value) -> np.ndarray:
    if isinstance(value, np.ndarray | np.number) and np.asarray(value).dtype.kind in "fiu":
        return np.ravel(np.asarray(value, np.float64))
    return np.empty(0)


def _stated_rate(metrics: dict[str, Value]) -> float | None:
    """That of the first cell whose waveform has times."""
    times = metrics.get(SAMPLE_TIMES)
    for part in times if isinstance(times, list) else []:
        time_s = _numbers(part) / 1000
        if len(time_s) > 1 and (np.diff(time_s) > 0).all():
            return rate_of_times(time_s[None])
    return None


def _trains(path: Path, metrics: dict[str, Value], n: int) -> list[np.ndarray] | None:
    """Spike times in s of each cell, from here or from the file beside it."""
    if SPIKE_TIMES not in metrics:
        beside = path.with_name(path.name.replace(OWN_PART, TIMES_PART))
        if beside == path or not beside.is_file():
            return None
        metrics = {SPIKE_TIMES: read_fields(beside, "spikes", ["times"]).get("times")}
    if not isinstance(metrics[SPIKE_TIMES], list):
        return None
    trains = [_numbers(part) for part in _each(path, metrics, SPIKE_TIMES, n)]
    return [train[np.isfinite(train)] for train in trains]


def _stored_acg(path: Path, metrics: dict[str, Value], n: int) -> np.ndarray:
    """float32 (N, A), A odd; no columns where there is none."""
    stored = np.asarray(metrics.get(ACG, np.empty(0)))
    if not stored.size or stored.dtype.kind not in "fiu":
        return np.empty((n, 0), np.float32)
    by_cell = stored.reshape(-1, n) if n == 1 else np.atleast_2d(stored)
    if by_cell.ndim != 2 or by_cell.shape[1] != n or not len(by_cell) % 2:
        raise RecordingError(
            f"{path}: expected {VARIABLE}.{ACG} to be an odd number of bins × "
            f"{counted('cell', n)}, got {stored.shape}; run ProcessCellMetrics anew"
        )
    beyond = max(0, (len(by_cell) - ACG_BINS) // 2)
    return by_cell[beyond : len(by_cell) - beyond].T.astype(np.float32)
