"""The loose-seal current of one simulated spike: its shape, and how long it takes.

The shape is a sum of a few smooth pieces. They fit the published spike
`A140313#073_trigger_1007585` to within its noise (residual SD 3.5 pA): the test of this file does
that fit. The upstroke–downstroke interval (UDI), from the inward peak to the outward one, is drawn
from the published histograms of 150 serotonergic and 150 other neurons (Corradetti, Bernardi and
Corradetti 2024, arXiv 2405.05516).
"""

from dataclasses import dataclass

import numpy as np

BEFORE_MS = 0.5  # the shape is flat earlier: the shoulder starts at most 0.36 ms before the peak
TAIL_DECAYS = 9.0  # decay times after the outward peak until less than 0.04 % of it is left
UDI_BIN_MS = 0.05

# Left edge of the bin in ms: count of cells.
_UDI_COUNTS = {
    "SER": """
        0.20:1 0.25:2 0.35:1 0.50:2 0.55:1 0.60:2 0.65:2 0.70:5 0.75:6 0.80:2 0.85:6 0.90:3
        0.95:5 1.00:10 1.05:4 1.10:11 1.15:5 1.20:6 1.25:9 1.30:6 1.35:4 1.40:7 1.45:7 1.50:10
        1.55:4 1.60:6 1.65:7 1.70:2 1.75:3 1.80:1 1.85:3 1.95:2 2.00:1 2.05:1 2.20:1 2.25:1 3.70:1
    """,
    "NSER": """
        0.15:3 0.20:12 0.25:12 0.30:6 0.35:16 0.40:8 0.45:6 0.50:20 0.55:9 0.60:19 0.65:6 0.70:12
        0.75:15 0.80:2 0.85:4
    """,
}


def _histogram(text: str) -> dict[float, int]:
    pairs = (entry.split(":") for entry in text.split())
    return {float(edge): int(count) for edge, count in pairs}


UDI_HISTOGRAM = {label: _histogram(text) for label, text in _UDI_COUNTS.items()}


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
        """Current at times from the inward peak, float64 shaped like `time_ms`; that peak is −1.

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


def draw_udi_ms(label: str, rng: np.random.Generator) -> float:
    """An upstroke–downstroke interval in ms: a bin by its published count, uniform within it."""
    histogram = UDI_HISTOGRAM[label]
    counts = np.array(list(histogram.values()))
    left = rng.choice(np.array(list(histogram)), p=counts / counts.sum())
    return float(left + UDI_BIN_MS * rng.random())


def _bump(x: np.ndarray, centre: float, half_support: float) -> np.ndarray:
    """A raised cosine: 1 at the centre, exactly 0 beyond the half support."""
    return 0.5 + 0.5 * np.cos(np.pi * np.clip((x - centre) / half_support, -1.0, 1.0))
