"""Rates while frames still come, for experiments that answer to them.

A network that sees whole traces is shown the last seconds of each neuron, scaled by what the last
minute was like, each time that frames come; it says the rate of a frame once a chosen delay has
shown it what came after. n neurons, k frames at once, T frames of the window, B bins of 40 ms.
"""

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from scipy.signal import firwin, resample_poly

from raphe.core.errors import RecordingError, SettingError
from raphe.core.ranges import Count, Range, check_ranges
from raphe.core.recordings.rates import rate_ratio
from raphe.core.threads import in_threads
from raphe.tasks.calcium.ensemble.bundle import STRIDE, RateBundle
from raphe.tasks.calcium.features.network_input import (
    FLOOR_PERCENTILE,
    density_of_frames,
    log_frame_rate,
    noise_unit,
)
from raphe.tasks.calcium.recordings.sampling import RATE_HZ, SAMPLES_PER_BIN

SEEN_S = 10.0  # of each neuron by the network
KNOWN_S = 60.0  # by which its noise and its baseline are known
RENEWED_S = 2.0  # after which they are reckoned anew, neuron by neuron in turn
AT_ONCE = 64  # neurons that the network is shown together: more leave the processor's cache
FEWEST_SEEN = 10  # frames
TAPS = 10  # of the filter to each side, as scipy's resample_poly makes its own
SLOWEST_HZ, FASTEST_HZ = 2.0, 1000.0

FrameRate = Annotated[float, Range(SLOWEST_HZ, FASTEST_HZ, unit="Hz")]
Delay = Annotated[float, Range(0, 5, unit="s")]
Seen = Annotated[float, Range(1, 300, unit="s")]  # each frame is answered anew by all of it


class RateStream:
    """Rates of neurons whose frames are handed over as they come.

    Args:
        bundle: an opened one.
        rate_hz: frames a second.
        n_neurons: of each frame.
        delay_s: how long after a frame its rate is said; rounded to whole frames.
        seen_s: how much the network is shown of each neuron. Processor time grows with it.

    Raises:
        SettingError: for a value that cannot be, or a delay beyond half of what is seen.
    """

    def __init__(
        self,
        bundle: RateBundle,
        rate_hz: FrameRate,
        n_neurons: Count,
        delay_s: Delay = 0.2,
        seen_s: Seen = SEEN_S,
    ) -> None:
        check_ranges(RateStream.__init__, locals())
        if 2 * delay_s > seen_s:
            raise SettingError(
                f"delay_s={delay_s:g}: expected at most half of the {seen_s:g} s that the network "
                "sees; give a shorter delay, or a longer seen_s"
            )
        self._bundle, self.rate_hz, self.n_neurons = bundle, rate_hz, n_neurons
        self._delay = round(delay_s * rate_hz)  # frames
        self._seen = max(FEWEST_SEEN, round(seen_s * rate_hz))
        self._known = max(self._seen, round(KNOWN_S * rate_hz))
        self._frames = np.full((n_neurons, 2 * self._known), np.nan)
        self._missing = np.zeros(self._frames.shape, dtype=bool)  # held in these
        self._end = 0  # of the frames that are kept
        self._floor, self._unit = np.full((2, n_neurons), np.nan)
        self._next = 0  # neuron whose noise is reckoned anew
        self._resampled = Resampling(rate_hz)
        self._log_rate = log_frame_rate(min(rate_hz, RATE_HZ))

    @property
    def delay_s(self) -> float:
        """How long after a frame its rate is said: of whole frames."""
        return self._delay / self.rate_hz

    @property
    def begins_s(self) -> float:
        """How much is seen before the first rate is said."""
        return self._seen / self.rate_hz

    def push(self, frames: np.ndarray) -> np.ndarray:
        """Hand over the next frame (n,), or several (n, k); NaN where one is missing.

        Returns:
            spikes/s, float32 of the same shape: the rate in the frames `delay_s` before these. NaN
            until `begins_s` were seen, and of a frame that is missing.

        Raises:
            RecordingError: for another shape, or what is no number.
            BundleError: where the graph cannot be used.
        """
        given = np.asarray(frames)
        if given.dtype.kind not in "iufb" or given.shape[:1] != (self.n_neurons,) or given.ndim > 2:
            raise RecordingError(
                f"frames: expected {self.n_neurons} numbers, one a neuron, or as many rows of "
                f"frames, got {given.dtype} of shape {given.shape}"
            )
        coming = given.reshape(self.n_neurons, -1).astype(np.float64)
        if np.isinf(coming).any():
            raise RecordingError("frames: expected numbers, got an infinite one; give NaN for none")
        rates = [self._rates(part) for part in self._parts(coming)]
        answer = np.concatenate(rates, axis=1) if rates else coming.astype(np.float32)
        return answer.reshape(given.shape)

    def _parts(self, frames: np.ndarray) -> Iterator[np.ndarray]:
        """So many frames at once that the window holds them and what they need around them."""
        most = max(1, self._seen // 4)
        for first in range(0, frames.shape[1], most):
            yield frames[:, first : first + most]

    def _rates(self, frames: np.ndarray) -> np.ndarray:
        k = frames.shape[1]
        self._keep(frames)
        rates = np.full((self.n_neurons, k), np.nan, np.float32)
        if self._end < self._seen:
            return rates
        self._renew(k)
        weights = self._weights(k)
        blocks = [slice(a, a + AT_ONCE) for a in range(0, self.n_neurons, AT_ONCE)]
        n_threads = min(self._bundle.threads, len(blocks))
        answers = in_threads(lambda block: self._of(block, weights), blocks, n_threads)
        for block, answer in zip(blocks, answers, strict=True):
            rates[block] = answer
        first = self._end - self._delay - k
        rates[self._missing[:, first : first + k]] = np.nan
        return rates

    def _keep(self, frames: np.ndarray) -> None:
        """Behind those that are kept; one that is missing is held."""
        k = frames.shape[1]
        if self._end + k > self._frames.shape[1]:
            for kept in (self._frames, self._missing):
                kept[:, : self._known] = kept[:, self._end - self._known : self._end]
            self._end = self._known
        for frame in frames.T:
            before = self._frames[:, self._end - 1] if self._end else frame
            self._missing[:, self._end] = missing = np.isnan(frame)
            self._frames[:, self._end] = np.where(missing, before, frame)
            self._end += 1

    def _renew(self, k: int) -> None:
        """What floor and noise of some neurons are by now; of all at first.

        Held frames have no noise: one of which less than `seen_s` is known keeps what it had.
        """
        n = self.n_neurons
        if np.isnan(self._unit).all():
            rows = np.arange(n)
        else:
            count = min(n, int(np.ceil(n * k / (RENEWED_S * self.rate_hz))))
            rows = (self._next + np.arange(count)) % n
            self._next = (self._next + count) % n
        span = slice(max(0, self._end - self._known), self._end)
        missing = self._missing[rows, span]
        is_whole = ~missing.any(axis=1)
        self._reckon(rows[is_whole], self._frames[rows[is_whole], span])
        for row, lacks in zip(rows[~is_whole], missing[~is_whole], strict=True):
            known = self._frames[row, span][~lacks]
            if len(known) >= self._seen:
                self._reckon(np.array([row]), known[None])

    def _reckon(self, rows: np.ndarray, known: np.ndarray) -> None:
        """Floor and noise of neurons, of frames (rows, T) that came."""
        if len(rows):
            self._floor[rows] = np.percentile(known, FLOOR_PERCENTILE, axis=1)
            self._unit[rows] = noise_unit(density_of_frames(known, self.rate_hz), known)

    def _of(self, block: slice, weights: np.ndarray) -> np.ndarray:
        """Rates (n, k) of a block of neurons."""
        window = self._frames[block, self._end - self._seen : self._end]
        scaled = (window - self._floor[block, None]) / self._unit[block, None]
        lacking = ~np.isfinite(scaled).all(1)
        scaled[lacking] = 0
        samples = self._resampled(scaled).astype(np.float32)  # (n, N)
        samples = np.pad(samples, ((0, 0), (0, -samples.shape[1] % STRIDE)), mode="edge")
        log_rate = np.repeat(self._log_rate[None], len(samples), axis=0)
        expected = self._bundle.graph.of_batch(samples, log_rate).mean(0)  # (n, N)
        bins = expected.reshape(len(expected), -1, SAMPLES_PER_BIN).mean(2) * RATE_HZ
        rates = bins @ weights
        rates[lacking] = np.nan
        return rates.astype(np.float32)

    def _weights(self, k: int) -> np.ndarray:
        """Of each bin of 40 ms in the rate of each of k frames, the last `delay_s` ago: (B, k)."""
        n_bins = -(-self._resampled.n_samples(self._seen) // SAMPLES_PER_BIN)
        bins_s = np.arange(n_bins + 1) * SAMPLES_PER_BIN / RATE_HZ
        frames_s = (self._seen - self._delay - k + np.arange(k + 1)) / self.rate_hz
        begin = np.maximum(bins_s[:-1, None], frames_s[None, :-1])
        end = np.minimum(bins_s[1:, None], frames_s[None, 1:])
        return np.maximum(end - begin, 0) * self.rate_hz


class Resampling:
    """As Conditioning brings a trace to 100 Hz; its filter is made once."""

    def __init__(self, rate_hz: float) -> None:
        self.ratio = rate_ratio(RATE_HZ, rate_hz)
        if self.ratio != 1:
            widest = max(self.ratio.numerator, self.ratio.denominator)
            self._filter = firwin(2 * TAPS * widest + 1, 1 / widest, window=("kaiser", 5.0))

    def n_samples(self, n_frames: int) -> int:
        """N of so many frames."""
        return -(-n_frames * self.ratio.numerator // self.ratio.denominator)

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Frames (n, T) at 100 Hz: (n, N)."""
        if self.ratio == 1:
            return frames
        up, down = self.ratio.numerator, self.ratio.denominator
        samples: np.ndarray = resample_poly(
            frames, up, down, axis=1, window=self._filter, padtype="edge"
        )
        return samples
