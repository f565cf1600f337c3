"""Units of an NWB 2 file: its table `units`, with spike times and, where there is, mean waveforms.

N units, T samples.
"""

from pathlib import Path

import h5py
import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.nwb.self_contained import SUFFIXES, require_self_contained
from raphe.core.recordings.rates import check_rate
from raphe.core.sentences import counted
from raphe.tasks.units.recordings.spike_trains import autocorrelogram, interval_shares
from raphe.tasks.units.recordings.unit_set import ReadUnits, UnitFacts, UnitSet, cleaned

TABLE = "units"


def is_nwb(path: Path) -> bool:
    """Whether a file is called as NWB files are."""
    return path.is_file() and path.suffix.lower() in SUFFIXES


def read_nwb_units(path: Path, rate_hz: float | None = None) -> ReadUnits:
    """The units of a file. `rate_hz` is taken where `waveform_mean` has no sampling rate.

    Raises:
        RecordingError: there is no such table, or it is damaged.
    """
    require_self_contained(path)
    try:
        with h5py.File(path, "r") as file:
            units, remarks = _read(path, file, rate_hz)
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordingError(
            f"{path}: expected a table /{TABLE} as NWB 2 has it, got one that cannot be read "
            f"({error}); write the file anew"
        ) from None
    read = cleaned(units, str(path))
    return ReadUnits(read.units, read.left_out, [*remarks, *read.remarks])


def _read(path: Path, file: h5py.File, rate_hz: float | None) -> tuple[UnitSet, list[str]]:
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
    if rate_hz is None and stated_hz:
        rate_hz = stated_hz
    if rate_hz is not None:
        rate_hz = check_rate(rate_hz, f"{path}: sampling rate of waveforms", RecordingError)
    facts = [
        UnitFacts(str(unit_id), n_spikes=len(train))
        for unit_id, train in zip(ids.tolist(), trains, strict=True)
    ]
    units = UnitSet(
        facts,
        waveforms,
        np.stack([interval_shares(train) for train in trains]),
        np.stack([autocorrelogram(train) for train in trains]),
        rate_hz,
    )
    return units, remarks


def _trains(table: h5py.Group, n: int) -> list[np.ndarray]:
    """Spike times in s, of each unit; empty where the table has none."""
    if "spike_times" not in table:
        return [np.empty(0)] * n
    times = np.asarray(table["spike_times"], np.float64)
    ends = np.asarray(table["spike_times_index"], np.int64)
    if len(ends) != n or (np.diff(ends, prepend=0) < 0).any() or (n and ends[-1] != len(times)):
        raise ValueError("spike_times_index does not divide spike_times")
    return np.split(times, ends[:-1])


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
