"""One sweep in another unit and at another rate, read in pieces that join without a seam."""

from fractions import Fraction
from functools import lru_cache

import numpy as np

from raphe.core.recordings.recording import Trace

HALF_WIDTH = 10  # filter taps on each side, in samples of the slower rate: scipy's own choice
KAISER_BETA = 5.0  # scipy's own choice: 53 dB of stop band


class ResampledSweep:
    """A trace times `scale`, at `ratio` times its rate; reads like the trace itself.

    A polyphase low-pass filter as scipy.signal.resample_poly designs it, the ends held; any piece
    equals the same piece of the whole. A ratio of 1 leaves the samples alone.
    """

    def __init__(self, trace: Trace, ratio: Fraction = Fraction(1), scale: float = 1.0):
        self.trace, self.ratio, self.scale = trace, ratio, scale
        self.n_samples = -(-trace.n_samples * ratio.numerator // ratio.denominator)
        # Samples of the trace on each side that one output sample depends on.
        self._reach = (
            -(-HALF_WIDTH * max(ratio.numerator, ratio.denominator) // ratio.numerator) + 1
        )

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples start…stop at the new rate and unit: float32 (stop - start,).

        Samples that are no number are NaN at the trace's own rate, and 0 before the filter at
        another: one NaN would spread over all that follows.
        """
        if self.ratio == 1:
            samples = self.trace.read(start, stop)
            return samples if self.scale == 1.0 else samples * np.float32(self.scale)
        from scipy.signal import resample_poly  # slow to load, and most files keep their rate

        up, down = self.ratio.numerator, self.ratio.denominator
        # Begin at a multiple of `down`, where an output sample falls on an input sample.
        block = max(0, (start * down // up - self._reach) // down)
        end = min(self.trace.n_samples, stop * down // up + self._reach + 1)
        samples = self.trace.read(block * down, end).astype(np.float64)
        samples[~np.isfinite(samples)] = 0.0
        fine = resample_poly(samples, up, down, window=_low_pass(up, down), padtype="edge")
        return (fine[start - block * up : stop - block * up] * self.scale).astype(np.float32)

    def suspect(self, start: int, stop: int) -> np.ndarray:
        """True where a sample rests on a suspect one: bool (stop - start,)."""
        if self.ratio == 1:
            return self.trace.suspect(start, stop)
        centre = np.arange(start, stop) * self.ratio.denominator // self.ratio.numerator
        first = np.maximum(centre - self._reach, 0)
        last = np.minimum(centre + self._reach + 1, self.trace.n_samples)
        begin = int(first[0])
        count = np.cumsum(np.r_[0, self.trace.suspect(begin, int(last[-1]))])
        return count[last - begin] > count[first - begin]

    def index_in_trace(self, index: np.ndarray) -> np.ndarray:
        """The trace's own sample nearest to each resampled one, int (n,): int64 (n,)."""
        nearest = (2 * index * self.ratio.denominator + self.ratio.numerator) // (
            2 * self.ratio.numerator
        )
        return np.minimum(nearest, self.trace.n_samples - 1).astype(np.int64)


@lru_cache
def _low_pass(up: int, down: int) -> np.ndarray:
    from scipy.signal import firwin

    factor = max(up, down)
    return firwin(2 * HALF_WIDTH * factor + 1, 1.0 / factor, window=("kaiser", KAISER_BETA))
