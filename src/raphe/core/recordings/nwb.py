"""Acquired series of Neurodata Without Borders files (.nwb) as recordings.

pynwb is an extra (raphe[nwb]); this is the only file that imports it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.abf.channels import Channel, choose_channel, settle_unit
from raphe.core.errors import RecordingError
from raphe.core.extras import install
from raphe.core.files.hashed_folder import sha256_of
from raphe.core.files.path import checked_path
from raphe.core.recordings.recording import Recording, Trace, find_suspects

UNITS = {"amperes": "A", "ampere": "A", "volts": "V", "volt": "V"}  # as NWB spells them out
SWEEP_NUMBER = re.compile(r"[_ -]*\d+$")  # of the names that one series a sweep has
STEP_TOLERANCE = 0.01  # of a sampling interval, by which timestamps may stray
LONGEST_REASON = 150
FLOAT32_MOST = float(np.finfo(np.float32).max)
TIMES_READ = 2**20  # timestamps compared at once


@dataclass(frozen=True)
class _Column:
    """One electrode's samples in a data set (N,) or (N, channels), still on disk."""

    data: Any
    number: int | None

    def __getitem__(self, span: slice) -> np.ndarray:
        block = self.data[span]
        return np.asarray(block if self.number is None else block[:, self.number])


@dataclass(frozen=True)
class _Sweep:
    channel: str  # what the sweeps of one channel share
    unit: str
    rate_hz: float
    trace: Trace


def read_nwb(
    path: str | Path,
    channel: int | str | None = None,
    unit: str | None = None,
    stimulus: bool = False,
) -> Recording:
    """Open one acquired channel of an NWB file; its samples stay on disk until they are read.

    With `stimulus` one of those that were presented instead. Series of one name but for a number at
    its end, as one a sweep, are sweeps of one channel.
    `channel` and `unit` are those of `read_abf`. Reads the file twice in chunks (hash, suspect
    samples) and warns (RecordingWarning) of suspect samples. Raises RecordingError;
    TypeError for what is no path.
    """
    path = checked_path(path, "an NWB file")
    sweeps = _read_sweeps(path, stimulus)
    names = list(dict.fromkeys((sweep.channel, sweep.unit) for sweep in sweeps))
    channels = [Channel(i, name, of_unit, 1.0, 0.0) for i, (name, of_unit) in enumerate(names)]
    chosen = choose_channel(path, channels, channel, unit)
    chosen_sweeps = [
        sweep for sweep in sweeps if (sweep.channel, sweep.unit) == names[chosen.index]
    ]
    rates = sorted({sweep.rate_hz for sweep in chosen_sweeps})
    if len(rates) > 1:
        raise RecordingError(
            f"{path}: expected one sampling rate in {chosen.name}, got "
            f"{', '.join(f'{rate:g}' for rate in rates)} Hz; choose one series by its name "
            "(--channel)"
        )
    traces = tuple(
        sorted((sweep.trace for sweep in chosen_sweeps), key=lambda trace: trace.start_s)
    )
    recording = Recording(
        sweeps=traces,
        rate_hz=rates[0],
        unit=settle_unit(path, chosen, unit),
        cell_id=path.stem,
        path=path,
        sha256=sha256_of(path),
        remarks=find_suspects(traces),
    )
    recording.warn()
    return recording


def _read_sweeps(path: Path, stimulus: bool) -> list[_Sweep]:
    try:
        from pynwb import NWBHDF5IO
    except ImportError:
        raise RecordingError(
            f"{path}: reading NWB files needs pynwb, which is not installed: {install('nwb')}"
        ) from None
    try:
        file = NWBHDF5IO(str(path), mode="r", load_namespaces=True)  # open as long as its samples
        whole = file.read()
        every_series = list((whole.stimulus if stimulus else whole.acquisition).values())
    except Exception as error:  # pynwb raises whatever h5py, hdmf or the schema does
        raise RecordingError(
            f"{path}: expected an NWB file, got one that pynwb cannot read ({_reason(error)})"
        ) from error
    numeric = [series for series in every_series if _is_numeric(series)]
    if not numeric:
        kind = "a stimulus" if stimulus else "an acquired"
        raise RecordingError(f"{path}: expected {kind} series of samples, found none")
    several = len({_stem(series.name) for series in numeric}) < len(numeric)
    return [sweep for series in numeric for sweep in _sweeps_of(path, series, several)]


def _reason(error: Exception) -> str:
    """What an exception says, short and on one line: pynwb's may print a whole file."""
    words = " ".join(str(error).split()) or type(error).__name__
    text = "".join(letter for letter in words if letter.isprintable())
    return text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]}…"


def _is_numeric(series: Any) -> bool:
    data = getattr(series, "data", None)
    return hasattr(data, "dtype") and data.dtype.kind in "iuf" and len(data.shape) in (1, 2)


def _sweeps_of(path: Path, series: Any, several: bool) -> Iterator[_Sweep]:
    """A sweep for each column of a series."""
    name = _stem(series.name) if several else series.name
    unit = UNITS.get(str(series.unit).casefold(), str(series.unit))
    unit = "" if unit.casefold() in ("unknown", "n/a", "n.a.", "a.u.") else unit
    rate_hz, start_s = _clock(path, series)
    gain, offset = float(series.conversion), float(series.offset or 0.0)
    if not (abs(gain) <= FLOAT32_MOST and abs(offset) <= FLOAT32_MOST):
        raise RecordingError(
            f"{path}: expected {series.name} to have a conversion and an offset that are finite, "
            f"got {gain:g} and {offset:g}"
        )
    shape = series.data.shape
    columns = range(shape[1]) if len(shape) == 2 and shape[1] > 1 else [0]
    for number in columns:
        trace = Trace(
            stored=_Column(series.data, number if len(shape) == 2 else None),
            n_samples=shape[0],
            start_s=start_s,
            gain=gain,
            offset=offset,
        )
        yield _Sweep(name if len(columns) == 1 else f"{name}[{number}]", unit, rate_hz, trace)


def _clock(path: Path, series: Any) -> tuple[float, float]:
    """Sampling rate in Hz and start in s, from timestamps where no rate is given."""
    if series.rate is not None:
        return float(series.rate), float(series.starting_time or 0.0)
    times = series.timestamps
    if times is None or len(times) < 2:
        raise RecordingError(f"{path}: {series.name} has neither a sampling rate nor timestamps")
    first, last = float(times[0]), float(times[-1])
    step_s = (last - first) / (len(times) - 1)
    for start in range(0, len(times), TIMES_READ):
        block = np.asarray(times[start : start + TIMES_READ], np.float64)
        expected = first + step_s * np.arange(start, start + len(block))
        if not np.allclose(block, expected, rtol=0, atol=STEP_TOLERANCE * abs(step_s)):
            raise RecordingError(
                f"{path}: expected {series.name} to be sampled evenly, its timestamps are not; "
                "resample it, or leave this recording out"
            )
    return 1.0 / step_s, first


def _stem(name: str) -> str:
    return SWEEP_NUMBER.sub("", name) or name
