"""Voltage and current of new cells from files, checked: units, rates, lengths.

B cells, N samples.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from raphe.core.abf.reader import read_abf
from raphe.core.errors import RecordingError
from raphe.core.recordings.nwb import read_nwb
from raphe.core.recordings.recording import Recording
from raphe.tasks.glif.prediction.input_check import CellTraces
from raphe.tasks.glif.recordings.real_current import FACTORS
from raphe.tasks.glif.recordings.spike_cuts import cut_spikes

VOLTS = {"V": 1.0, "mV": 1e-3, "uV": 1e-6, "µV": 1e-6}
RESTING_V = (-0.12, -0.02)  # where a membrane's median lies
SPIKE_V = -0.01  # a membrane is above only in a spike
RELATIVE_V, MOST_RELATIVE_V = 0.05, 0.2  # told from its rest: the median, and everything
MOST_A, LEAST_A, LEAST_V = 2e-8, 1e-12, 1e-3
RATES_HZ = (1e3, 1e6)
READERS: dict[str, Callable[..., Recording]] = {".nwb": read_nwb, ".abf": read_abf}


@dataclass(frozen=True)
class Source:
    """Where a signal comes from.

    Args:
        path: an array (.npy) of samples (N,) or (B, N), or a recording (.nwb, .abf).
        unit: of an array; a recording knows its own.
        channel: of a recording, its number or name.
    """

    path: Path
    unit: str
    channel: int | str | None = None


def read_cell_traces(
    voltage: Source,
    current: Source,
    rate_hz: float | None,
    *,
    sweep: int = 0,
    relative_to_v: float | None = None,
    cut: bool = False,
) -> CellTraces:
    """Read and check voltage and current.

    Args:
        voltage, current: where they are; one current may serve several voltages.
        rate_hz: of arrays.
        sweep: of recordings.
        relative_to_v: a resting potential to add to a voltage that is told from rest.
        cut: spikes out of a real recording, see `spike_cuts`.

    Raises:
        RecordingError: no file, no rate, lengths that differ, values that can be no membrane's.
    """
    volts, rate = _samples(voltage, VOLTS, "voltage", rate_hz, sweep)
    amps, other_rate = _samples(current, FACTORS, "current", rate_hz, sweep)
    if not np.isclose(rate, other_rate, rtol=1e-6):
        raise RecordingError(
            f"{current.path}: expected the voltage's rate of {rate:g} Hz, got {other_rate:g} Hz"
        )
    if volts.shape[1] != amps.shape[1] or len(amps) not in (1, len(volts)):
        raise RecordingError(
            f"{current.path}: expected a current of {volts.shape[1]} samples for each of the "
            f"{len(volts)} voltages or one for all, got shape {amps.shape}"
        )
    if relative_to_v is not None:
        _require_relative(volts, voltage.path)
        volts = volts + relative_to_v
    _require_current(amps, current.path)
    wrong = {row: fault for row, one in enumerate(volts) if (fault := _membrane_fault(one, cut))}
    if len(wrong) == len(volts):
        raise RecordingError(f"{voltage.path}: {wrong[0]}")
    if cut:
        volts = np.stack([cut_spikes(one, rate) for one in volts])
    amps = np.broadcast_to(amps, volts.shape)
    return CellTraces(volts, amps, rate, relative_to_v or 0.0, wrong)


def _samples(
    source: Source, units: dict[str, float], what: str, rate_hz: float | None, sweep: int
) -> tuple[np.ndarray, float]:
    """float64 (B, N) in SI units, and their rate."""
    path = source.path
    if path.suffix.lower() in READERS:
        return _recorded(source, units, what, sweep)
    try:
        samples = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise RecordingError(
            f"{path}: expected a {what} as an array (.npy) or a recording (.nwb, .abf): {error}"
        ) from None
    if not isinstance(samples, np.ndarray):
        raise RecordingError(f"{path}: expected one array (.npy), got several (.npz)")
    if rate_hz is None:
        raise RecordingError(f"{path}: an array holds no sampling rate; name it with --rate, in Hz")
    if not RATES_HZ[0] <= rate_hz <= RATES_HZ[1]:
        raise RecordingError(
            f"--rate {rate_hz:g}: expected 1000 to 1000000 Hz; 50 kHz are --rate 50000"
        )
    if samples.ndim not in (1, 2) or not samples.size or samples.dtype.kind not in "fiu":
        raise RecordingError(
            f"{path}: expected numbers (samples,) or (cells, samples), got {samples.dtype} of "
            f"shape {samples.shape}"
        )
    if samples.ndim == 2 and samples.shape[0] > samples.shape[1]:
        raise RecordingError(
            f"{path}: expected (cells, samples), got more cells than samples, {samples.shape}; "
            "transpose it"
        )
    return np.atleast_2d(samples).astype(np.float64) * units[source.unit], float(rate_hz)


def _recorded(
    source: Source, units: dict[str, float], what: str, sweep: int
) -> tuple[np.ndarray, float]:
    recording = _opened(source, units, what)
    if not 0 <= sweep < len(recording.sweeps):
        raise RecordingError(
            f"{source.path}: expected a sweep from 0 to {len(recording.sweeps) - 1}, got {sweep}"
        )
    samples = recording.sweeps[sweep].read().astype(np.float64)[None]
    return samples * units[recording.unit], recording.rate_hz


def _opened(source: Source, units: dict[str, float], what: str) -> Recording:
    """The channel that was named; otherwise the only one in a unit that fits, of an NWB file's
    stimuli too."""
    read = READERS[source.path.suffix.lower()]
    readers = [read, partial(read_nwb, stimulus=True)] if read is read_nwb else [read]
    problems = []
    for reader in readers:
        for channel in (None, *units) if source.channel is None else (source.channel,):
            try:
                recording = reader(source.path, channel)
            except RecordingError as error:
                problems.append(error)
                continue
            if recording.unit in units:
                return recording
            problems.append(
                RecordingError(f"{source.path}: its only channel is in {recording.unit}")
            )
    raise RecordingError(
        f"{source.path}: expected one {what}, a channel in {', '.join(units)}, found none or "
        f"several; choose it by --channel or --stimulus-channel ({problems[0]})"
    )


def _membrane_fault(voltage_v: np.ndarray, cut: bool) -> str | None:
    """Why a voltage (N,) can be no membrane's, absolute and without the course of its spikes."""
    finite = voltage_v[np.isfinite(voltage_v)]
    if not finite.size:
        return "expected a voltage, got no finite sample"
    middle, highest = np.median(finite), finite.max()
    low, high = RESTING_V
    if not low <= middle <= high:
        if abs(middle) > 1:
            hint = "if it is in mV, pass --unit mV"
        elif np.abs(finite).max() < LEAST_V:
            hint = "if it is in V, pass --unit V"
        else:
            hint = "if it is told from rest, pass --relative-to-rest"
        return (
            f"expected a membrane's absolute voltage, with a median of {1e3 * low:g} to "
            f"{1e3 * high:g} mV, got {1e3 * middle:g} mV; {hint}"
        )
    if not cut and highest > SPIKE_V:
        return (
            "expected a voltage without the spikes' own course (NaN there), got one up to "
            f"{1e3 * highest:.3g} mV; pass --cut-spikes"
        )
    return None


def _require_relative(volts: np.ndarray, path: Path) -> None:
    finite = volts[np.isfinite(volts)]
    middle = float(np.median(finite)) if finite.size else 0.0
    if not abs(middle) < RELATIVE_V or np.abs(finite).max(initial=0) > MOST_RELATIVE_V:
        raise RecordingError(
            f"{path}: expected a voltage relative to rest, with a median near 0 and within 200 mV, "
            f"got a median of {1e3 * middle:g} mV and up to {1e3 * np.abs(finite).max():g} mV; "
            "leave --relative-to-rest out, or correct --unit"
        )


def _require_current(amps: np.ndarray, path: Path) -> None:
    peak = float(np.abs(amps[np.isfinite(amps)]).max(initial=0))
    if not LEAST_A <= peak <= MOST_A:
        raise RecordingError(
            f"{path}: expected a current whose peak lies between 1 pA and 20 nA, got {peak:g} A; "
            "correct --stimulus-unit, or choose another channel"
        )
