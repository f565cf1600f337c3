"""The loose-seal current of one spike, as a sum of a few smooth pieces.

The published spike `A140313#073_trigger_1007585` is fitted by these pieces to within its noise
(residual SD 3.5 pA): the test of this file does that fit.
"""

from dataclasses import dataclass

import numpy as np

BEFORE_MS = 0.5  # the shape is flat earlier: the shoulder starts at most 0.36 ms before the peak
TAIL_DECAYS = 9.0  # decay times after the outward peak until less than 0.04 % of it is left


@dataclass(frozen=True)
class SpikeShape:
    """Times in ms from the inward peak, heights as fractions of the inward peak."""

    udi_ms: float  # from the inward (upstroke) peak to the outward (downstroke) peak
    rise_ms: float  # half width at half maximum before the inward peak
    fall_ms: float  # … and after it
    shoulder: float  # on the rise; 0: none
    shoulder_ms: float  # before the inward peak
    outward: float
    bend: float  # above 1, the outward current starts late and then hurries
    decay_ms: float  # of the outward current after its peak
    hump: float  # share of what is still missing to the outward peak; 0: none
    hump_at: float  # share of the UDI

    @property
    def end_ms(self) -> float:
        """When the spike is over."""
        return self.udi_ms + TAIL_DECAYS * self.decay_ms

    def current(self, time_ms: np.ndarray) -> np.ndarray:
        """Current at times from the inward peak, shaped like `time_ms`; the inward peak is −1.

        The outward side never exceeds `outward`, which it reaches at `udi_ms`. Shoulder and hump
        end before they could shift one of the two peaks.
        """
        width_ms = np.where(time_ms < 0, self.rise_ms, self.fall_ms)
        inward = np.exp2(-((time_ms / width_ms) ** 2))
        shoulder = self.shoulder * _bump(time_ms, -self.shoulder_ms, self.shoulder_ms)
        return self._outward(time_ms) - inward - shoulder

    def _outward(self, time_ms: np.ndarray) -> np.ndarray:
        progress = np.clip(time_ms / self.udi_ms, 0.0, 1.0)
        rise = _bump(progress**self.bend, 1.0, 1.0)
        hump = self.hump * _bump(progress, self.hump_at, min(self.hump_at, 1 - self.hump_at))
        past = np.maximum(time_ms - self.udi_ms, 0.0) / self.decay_ms
        decay = np.exp(1.0 - np.hypot(1.0, past))  # a round top, then an exponential
        return self.outward * (rise + hump * (1.0 - rise)) * decay


def _bump(x: np.ndarray, centre: float, half_support: float) -> np.ndarray:
    """A raised cosine: 1 at the centre, exactly 0 beyond the half support."""
    return 0.5 + 0.5 * np.cos(np.pi * np.clip((x - centre) / half_support, -1.0, 1.0))
