"""How clearly a trace rises out of its noise, and whether it rises faster than it falls.

Calcium rises within a fraction of a second of a spike and decays over a longer one. Noise, drift
and hum rise as they fall. N samples at 100 Hz in units of the noise, see network_input.
"""

from typing import NamedTuple

import numpy as np

from raphe.tasks.calcium.features.network_input import BIN_HZ, COMMON_HZ, NetworkInput
from raphe.tasks.calcium.recordings.sampling import RATE_HZ

WINDOWS_S = (0.15, 0.3, 0.6, 1.0)  # means over so long, before and after, are compared
FRAMES = 1.5  # at least, of a window
FAST_S = 0.3  # windows up to this tell rises from falls
CLEAR = 5.5  # deviations of the noise: white noise rises by more once in 50 million windows
CLEAR_ENOUGH = 30.0  # of a rise beyond which what does not fall more slowly may be fast spiking
ALIKE, UPSIDE_DOWN = 0.1, -0.3  # skewness of steps: neurons' is 0.3 and more, but for few
FEWEST_STEPS = 500


class Rises(NamedTuple):
    """What a trace's steps from one mean to the next are like."""

    steepest: float  # in deviations of such a step in white noise
    skewness: float  # of steps between short means, the largest; NaN of a short trace

    @property
    def stands_out(self) -> bool:
        """Whether anything in the trace rises as noise does not."""
        return self.steepest >= CLEAR

    @property
    def remark(self) -> str:
        """In what it is unlike calcium, or ""."""
        if self.skewness < UPSIDE_DOWN and self.stands_out:
            return "falls faster than it rises, as a trace upside down does"
        if self.skewness < ALIKE and CLEAR <= self.steepest < CLEAR_ENOUGH:
            return "rises no faster than it falls, as drift, hum and scattered outliers do"
        return ""


def rises(shown: NetworkInput) -> Rises:
    """Of a trace in units of its noise."""
    samples, log_frame_rate = shown
    frame_hz = float(np.exp(log_frame_rate[0])) * COMMON_HZ
    reached = np.concatenate([[0.0], np.cumsum(samples, dtype=np.float64)])
    steepest, skewness = 0.0, [np.nan]
    for window_s in sorted({max(window_s, FRAMES / frame_hz) for window_s in WINDOWS_S}):
        n = round(window_s * RATE_HZ)
        means = (reached[n:] - reached[:-n]) / n
        steps = (means[n:] - means[:-n]) * np.sqrt(window_s * BIN_HZ)
        steepest = max(steepest, float(steps.max(initial=0.0)))
        if len(steps) >= FEWEST_STEPS and steps.std() > 0 and window_s <= max(FAST_S, 2 / frame_hz):
            skewness.append(float(np.mean((steps - steps.mean()) ** 3) / steps.std() ** 3))
    return Rises(steepest, float(np.fmax.reduce(skewness)))
