"""Currents that were really injected, from an array or an NWB file."""

from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.recordings.nwb import read_nwb

LARGEST_A = 1e-7  # no stimulus of a patch-clamp recording is larger
FACTORS = {"A": 1.0, "mA": 1e-3, "uA": 1e-6, "µA": 1e-6, "nA": 1e-9, "pA": 1e-12}


def current_of_array(samples: np.ndarray, where: str = "current") -> np.ndarray:
    """Check samples (N,) in A: finite, and no larger than a neuron can bear. Returns float64 (N,).

    Raises RecordingError, which knows a current in pA or nA by its size.
    """
    samples = np.asarray(samples)
    if samples.ndim != 1 or not samples.size:
        raise RecordingError(f"{where}: expected samples (N,), got shape {samples.shape}")
    current = samples.astype(np.float64)
    if not np.isfinite(current).all():
        at = int((~np.isfinite(current)).argmax())
        raise RecordingError(f"{where}: expected finite samples, got {current[at]} at sample {at}")
    peak = float(np.abs(current).max())
    if peak > LARGEST_A:
        unit = "pA" if peak >= 1 else "nA"
        raise RecordingError(
            f"{where}: expected a current in A, below 1e-7, got one up to {peak:g}; if it is in "
            f"{unit}, multiply it by {FACTORS[unit]:g}"
        )
    return current


def read_current(
    path: Path | str, rate_hz: float | None = None, channel: int | str | None = None
) -> tuple[np.ndarray, float]:
    """Read an injected current: (N,) float64 in A, and its rate in Hz.

    Args:
        path: an array (.npy) in A, or an NWB file, the first sweep of whose channel is taken.
        rate_hz: of an array; an NWB file holds its own.
        channel: of an NWB file, its number or name.

    Raises:
        RecordingError: no file, a unit that is no current, a rate that is missing.
    """
    path = Path(path)
    if path.suffix == ".npy":
        return current_of_array(_array(path), str(path)), _rate(path, rate_hz)
    recording = read_nwb(path, channel)
    if recording.unit not in FACTORS:
        raise RecordingError(
            f"{path}: expected a current ({', '.join(FACTORS)}), got {recording.unit}; choose "
            "another channel"
        )
    samples = recording.sweeps[0].read().astype(np.float64) * FACTORS[recording.unit]
    return current_of_array(samples, str(path)), recording.rate_hz


def _array(path: Path) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise RecordingError(f"{path}: expected an array (.npy): {error}") from error


def _rate(path: Path, rate_hz: float | None) -> float:
    if rate_hz is None:
        raise RecordingError(f"{path}: an array holds no sampling rate; name it in Hz")
    return float(rate_hz)
