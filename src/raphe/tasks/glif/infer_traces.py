"""Voltage and current of new cells, checked and brought into the shape a posterior reads.

B cells, N samples of a file, T as read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raphe.core.abf import read_abf
from raphe.core.errors import RecordingError
from raphe.core.nwb import read_nwb
from raphe.core.recording import Recording
from raphe.tasks.glif.draws import SIMULATED_HZ
from raphe.tasks.glif.real_current import FACTORS, LARGEST_A
from raphe.tasks.glif.spike_cuts import cut_spikes

VOLTS = {"V": 1.0, "mV": 1e-3, "uV": 1e-6, "µV": 1e-6}
RESTING_V = (-0.12, -0.02)  # where a membrane's median lies
SPIKE_V = -0.01  # a membrane is above only in a spike
RELATIVE_V = 0.05  # and so near 0 when told from its rest
LEAST_A, LEAST_V = 1e-13, 1e-3
READERS: dict[str, Callable[..., Recording]] = {".nwb": read_nwb, ".abf": read_abf}


@dataclass(frozen=True, eq=False)
class CellTraces:
    """Of B cells under one rate."""

    voltage_v: np.ndarray  # float64 (B, N), absolute; NaN in dead time
    current_a: np.ndarray  # float64 (B, N)
    rate_hz: float
    rest_added_v: float = 0.0  # to a voltage that was told from rest

    def __len__(self) -> int:
        return len(self.voltage_v)


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
    if rate != other_rate:
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
    _require_membrane(volts, voltage.path, cut)
    _require_current(amps, current.path)
    if cut:
        volts = np.stack([cut_spikes(one, rate) for one in volts])
    return CellTraces(volts, np.broadcast_to(amps, volts.shape), rate, relative_to_v or 0.0)


def as_read(cells: CellTraces, longest_s: float) -> tuple[np.ndarray, float, np.ndarray]:
    """Traces as a posterior reads them: at the model's 20 kHz or a whole part of the rate below,
    and no longer than it was trained on; the stretch with most spikes, then with most current.

    Returns:
        float32 (B, 2, T) in mV and pA, their rate in Hz, and where each begins (B,) in s.
    """
    keep = max(1, int(np.ceil(cells.rate_hz / SIMULATED_HZ - 1e-9)))
    rate_hz = cells.rate_hz / keep
    voltage, current = 1e3 * cells.voltage_v[:, ::keep], 1e12 * cells.current_a[:, ::keep]
    n = min(voltage.shape[1], int(longest_s * rate_hz))
    begins = np.array([_best_window(v, c, n) for v, c in zip(voltage, current, strict=True)])
    rows = begins[:, None] + np.arange(n)
    traces = np.stack([np.take_along_axis(x, rows, axis=1) for x in (voltage, current)], axis=1)
    return traces.astype(np.float32), rate_hz, begins / rate_hz


def faults(cells: CellTraces) -> dict[int, str]:
    """Cells that cannot be inferred, and why."""
    found = {}
    for row, (voltage, current) in enumerate(zip(cells.voltage_v, cells.current_a, strict=True)):
        if np.isinf(voltage).any():
            found[row] = f"infinite voltage at sample {int(np.isinf(voltage).argmax())}"
        elif np.isnan(voltage).mean() > 0.5:
            found[row] = f"{100 * np.isnan(voltage).mean():.0f} % of its voltage is NaN"
        elif not np.isfinite(current).all():
            found[row] = (
                f"the current is not finite at sample {int((~np.isfinite(current)).argmax())}"
            )
        elif np.nanstd(voltage) == 0:
            found[row] = "its voltage is constant"
    return found


def _best_window(voltage: np.ndarray, current: np.ndarray, n: int) -> int:
    """Where n samples begin, in steps of a tenth of them."""
    starts = np.arange(0, len(voltage) - n + 1, max(n // 10, 1))
    spikes = np.concatenate([[0], np.cumsum(np.diff(np.isnan(voltage).astype(int)) > 0), [0]])
    spikes[-1] = spikes[-2]
    power = np.concatenate([[0], np.cumsum(np.nan_to_num(current) ** 2)])
    return int(
        max(starts, key=lambda s: (spikes[s + n - 1] - spikes[s], power[s + n] - power[s], -s))
    )


def _samples(
    source: Source, units: dict[str, float], what: str, rate_hz: float | None, sweep: int
) -> tuple[np.ndarray, float]:
    """float64 (B, N) in SI units, and their rate."""
    path = source.path
    if path.suffix.lower() in READERS:
        return _recorded(source, units, what, sweep)
    try:
        samples = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise RecordingError(
            f"{path}: expected a {what} as an array (.npy) or a recording (.nwb, .abf): {error}"
        ) from None
    if rate_hz is None:
        raise RecordingError(f"{path}: an array holds no sampling rate; name it with --rate, in Hz")
    if samples.ndim not in (1, 2) or not samples.size or samples.dtype.kind not in "fiu":
        raise RecordingError(
            f"{path}: expected numbers (samples,) or (cells, samples), got {samples.dtype} of "
            f"shape {samples.shape}"
        )
    return np.atleast_2d(samples).astype(np.float64) * units[source.unit], float(rate_hz)


def _recorded(
    source: Source, units: dict[str, float], what: str, sweep: int
) -> tuple[np.ndarray, float]:
    recording = READERS[source.path.suffix.lower()](source.path, source.channel)
    if recording.unit not in units:
        raise RecordingError(
            f"{source.path}: expected a {what} ({', '.join(units)}), got {recording.unit}; choose "
            "another channel"
        )
    if not 0 <= sweep < len(recording.sweeps):
        raise RecordingError(
            f"{source.path}: expected a sweep from 0 to {len(recording.sweeps) - 1}, got {sweep}"
        )
    samples = recording.sweeps[sweep].read().astype(np.float64)[None]
    return samples * units[recording.unit], recording.rate_hz


def _require_membrane(volts: np.ndarray, path: Path, cut: bool) -> None:
    finite = volts[np.isfinite(volts)]
    if not finite.size:
        raise RecordingError(f"{path}: expected a voltage, got no finite sample")
    middle, highest = np.median(finite), finite.max()
    low, high = RESTING_V
    if not low <= middle <= high:
        if abs(middle) > 1:
            hint = "if it is in mV, pass --unit mV"
        elif np.abs(finite).max() < LEAST_V:
            hint = "if it is in V, pass --unit V"
        else:
            hint = "if it is told from rest, pass --relative-to-rest"
        raise RecordingError(
            f"{path}: expected a membrane's absolute voltage, with a median of {1e3 * low:g} to "
            f"{1e3 * high:g} mV, got {1e3 * middle:g} mV; {hint}"
        )
    if not cut and highest > SPIKE_V:
        raise RecordingError(
            f"{path}: expected a voltage without the spikes' own course (NaN there), got one up to "
            f"{1e3 * highest:.3g} mV; pass --cut-spikes"
        )


def _require_relative(volts: np.ndarray, path: Path) -> None:
    middle = float(np.nanmedian(volts))
    if not abs(middle) < RELATIVE_V:
        raise RecordingError(
            f"{path}: expected a voltage relative to rest, with a median near 0, got "
            f"{1e3 * middle:g} mV; leave --relative-to-rest out, or correct --unit"
        )


def _require_current(amps: np.ndarray, path: Path) -> None:
    peak = float(np.nanmax(np.abs(np.where(np.isfinite(amps), amps, 0))))
    if peak > LARGEST_A:
        raise RecordingError(
            f"{path}: expected a current of less than 100 nA, got one up to {peak:g} A; if it is "
            "in pA, pass --stimulus-unit pA"
        )
    if peak < LEAST_A:
        raise RecordingError(
            f"{path}: expected a current that moves a membrane, got at most {peak:g} A; correct "
            "--stimulus-unit, or choose another channel"
        )
