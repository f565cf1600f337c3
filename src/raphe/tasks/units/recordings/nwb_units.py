"""Units of an NWB 2 file: its table `units`, with spike times and, where there is, mean waveforms.

N units, T samples.
"""

from pathlib import Path

import h5py
import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.firing.histograms import firing
from raphe.core.nwb.self_contained import SUFFIXES, require_self_contained
from raphe.core.sentences import counted
from raphe.tasks.units.recordings.unit_set import ReadUnits, UnitFacts, UnitSet, cleaned
from raphe.tasks.units.recordings.waveform_rate import waveform_rate

TABLE = "units"
SUBJECT, SESSION = "general/subject/subject_id", "general/session_id"


def is_nwb(path: Path) -> bool:
    """Whether a file is called as NWB files are."""
    return path.is_file() and path.suffix.lower() in SUFFIXES


def read_nwb_units(path: Path, rate_hz: float | None = None, label: str | None = None) -> ReadUnits:
    """The units of a file. `rate_hz` is taken where `waveform_mean` has no sampling rate.

    `label` is the column of the table that holds each unit's class. The animal is the subject.

    Raises:
        RecordingError: there is no such table, or it is damaged.
    """
    require_self_contained(path)
    try:
        with h5py.File(path, "r") as file:
            units, remarks = _read(path, file, rate_hz, label)
    except (OSError, KeyError, RuntimeError, TypeError, ValueError, AttributeError) as error:
        raise RecordingError(
            f"{path}: expected a table /{TABLE} as NWB 2 has it, got one that cannot be read "
            f"({error}); write the file anew"
        ) from None
    read = cleaned(units, str(path))
    return ReadUnits(read.units, read.left_out, [*remarks, *read.remarks])


def _read(
    path: Path, file: h5py.File, rate_hz: float | None, label: str | None
) -> tuple[UnitSet, list[str]]:
    if TABLE not in file or "id" not in file[TABLE]:
        raise RecordingError(
            f"{path}: expected a table /{TABLE}, found none; name the file that the sorting was "
            "written to"
        )
    table = file[TABLE]
    ids = np.asarray(table["id"])
    trains = _trains(table, len(ids))
    waveforms, stated_hz = _waveforms(path, table, len(ids))
    remarks = []
    if not waveforms.shape[1]:
        remarks.append("there is no waveform_mean, so units are told by firing alone")
    rate_hz = waveform_rate(f"{path}: sampling rate of waveforms", stated_hz or None, rate_hz)
    labels = _labels(path, table, label, len(ids)) if label else [""] * len(ids)
    animal, session = (_text(file, place) for place in (SUBJECT, SESSION))
    facts = [
        UnitFacts(str(unit_id), of_unit, animal, session, n_spikes=len(train))
        for unit_id, of_unit, train in zip(ids.tolist(), labels, trains, strict=True)
    ]
    return UnitSet(facts, waveforms, *firing(trains), rate_hz), remarks


def _labels(path: Path, table: h5py.Group, column: str, n: int) -> list[str]:
    if column not in table or f"{column}_index" in table or table[column].shape != (n,):
        columns = {name: getattr(item, "shape", None) for name, item in table.items()}
        there = sorted(name for name, shape in columns.items() if shape == (n,) and name != "id")
        raise RecordingError(
            f"{path}: expected a column {column} of one value a unit in /{TABLE}, found none; "
            f"there are {', '.join(there) or 'none'}"
        )
    return [_word(value) for value in table[column][()].tolist()]


def _text(file: h5py.File, place: str) -> str:
    return _word(file[place][()]) if place in file and not file[place].shape else ""


def _word(value: object) -> str:
    if isinstance(value, float):  # NaN: none
        return f"{value:g}" if np.isfinite(value) else ""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.strip()


def _trains(table: h5py.Group, n: int) -> list[np.ndarray]:
    """Spike times in s, of each unit, those that are NaN left out; empty where there are none."""
    if "spike_times" not in table:
        return [np.empty(0)] * n
    times = np.asarray(table["spike_times"], np.float64)
    ends = np.asarray(table["spike_times_index"], np.int64)
    if len(ends) != n or (np.diff(ends, prepend=0) < 0).any() or (n and ends[-1] != len(times)):
        raise ValueError("spike_times_index does not divide spike_times")
    return [train[np.isfinite(train)] for train in np.split(times, ends[:-1])]


def _waveforms(path: Path, table: h5py.Group, n: int) -> tuple[np.ndarray, float | None]:
    """Of each unit on its largest channel, float32 (N, T), and their sampling rate."""
    if "waveform_mean" not in table:
        return np.empty((n, 0), np.float32), None
    stored = table["waveform_mean"]
    means = np.asarray(stored, np.float64)
    if means.ndim == 2:
        means = means[:, :, None]
    if means.ndim != 3 or len(means) != n:
        raise RecordingError(
            f"{path}: expected waveform_mean of {counted('unit', n)} × samples, or × channels too, "
            f"got {stored.shape}; write a mean waveform for each unit"
        )
    largest = np.nan_to_num(np.ptp(means, axis=1), nan=-1).argmax(axis=1)  # (N,)
    chosen = np.take_along_axis(means, largest[:, None, None], axis=2)[:, :, 0]
    stated = stored.attrs.get("sampling_rate")
    return chosen.astype(np.float32), None if stated is None else float(stated)
