"""A conditioned trace as a RateNet takes it: in units of its noise, and its frame rate beside it.

The level and the gain of a trace say nothing of spikes, and its mean and deviation depend on how
much of it is silent. How far something stands out of the noise, and how fast frames came, is what
tells a transient from none. N samples at 100 Hz.
"""

from typing import NamedTuple

import numpy as np

from raphe.tasks.calcium.features.spectrum import bandwidth_hz
from raphe.tasks.calcium.recordings.sampling import RATE_HZ

FLOOR_PERCENTILE = 10  # of a trace, which becomes 0
BIN_HZ = 12.5  # half of the network's 25 steps a second: white noise has a deviation of 1 in these
MEDIAN_STEP = 0.9539  # the median |step| of white noise of deviation 1: 0.6745 √2
LEAST_NOISE = 0.005  # of a trace's deviation: where there is less, it was taken out
NO_NOISE = 1e-7  # of a trace that is constant
COMMON_HZ = 30.0  # frames a second whose logarithm is 0


class NetworkInput(NamedTuple):
    """What the network is shown of one trace."""

    samples: np.ndarray  # float32 (N,), in deviations of the noise in a step of the network
    log_frame_rate: np.ndarray  # float32 (1,), the natural logarithm of frames/s over COMMON_HZ


def network_input(samples: np.ndarray, imaging_hz: float) -> NetworkInput:
    """A conditioned trace (N,) in units of its noise.

    Args:
        samples: at 100 Hz, all of them numbers.
        imaging_hz: frames a second of what was brought to 100 Hz; see `frame_rate_hz` of those that
            came at 100 Hz.
    """
    return in_noise_units(samples, frame_rate_hz(samples, imaging_hz))


def in_noise_units(samples: np.ndarray, frame_hz: float) -> NetworkInput:
    """The same of samples (N,) whose frame rate is known."""
    samples = np.asarray(samples, dtype=np.float64)
    unit = noise_unit(noise_density(samples, frame_hz), samples)
    scaled = (samples - np.percentile(samples, FLOOR_PERCENTILE)) / unit
    return NetworkInput(scaled.astype(np.float32), log_frame_rate(frame_hz))


def noise_unit(density: float | np.ndarray, samples: np.ndarray) -> np.ndarray:
    """The deviation of the noise in a step of the network, of noise by √Hz in samples (…, N)."""
    least = np.maximum(LEAST_NOISE * samples.std(axis=-1), NO_NOISE)
    return np.maximum(density * np.sqrt(BIN_HZ), least)


def log_frame_rate(frame_hz: float) -> np.ndarray:
    """How the network is told of frames a second: float32 (1,)."""
    return np.array([np.log(frame_hz / COMMON_HZ)], np.float32)


def noise_density(samples: np.ndarray, frame_hz: float) -> float:
    """The noise of a trace (N,), were it white: in its unit, by √Hz.

    Of the median step from frame to frame, to which rare transients hardly add, so that it is alike
    for any frame rate and however much of the trace is silent. 0 of less than two frames.
    """
    at = np.arange(0, len(samples) - 1, RATE_HZ / frame_hz)
    frames = np.interp(at, np.arange(len(samples)), samples)
    return float(density_of_frames(frames, frame_hz)) if len(frames) > 1 else 0.0


def density_of_frames(frames: np.ndarray, frame_hz: float) -> np.ndarray:
    """The same of frames (…, T), at least two, as they were imaged: (…,)."""
    steps = np.diff(frames)
    off = np.abs(steps - np.median(steps, axis=-1, keepdims=True))
    return np.median(off, axis=-1) / MEDIAN_STEP / np.sqrt(frame_hz / 2)


def frame_rate_hz(samples: np.ndarray, imaging_hz: float) -> float:
    """How fast a trace (N,) was imaged, at most 100 Hz: all that is left of a faster one.

    The Spikefinder challenge brought its recordings, of 8 to 60 frames a second, to 100 Hz: of
    those, which say 100 Hz, it is what their spectrum holds.
    """
    if imaging_hz != RATE_HZ:
        return min(imaging_hz, RATE_HZ)
    return min(RATE_HZ, 2 * bandwidth_hz(samples))
