"""Calcium traces with their spikes, made by the batch: what a network is trained on first.

Unlike `simulate`, which stands in for a store of recordings, every trace here has an indicator and
a microscope of its own, drawn from ranges that cover dyes and proteins, 4 to 120 Hz, and more noise
than signal; and a neuron of its own, which may fire once in minutes or never. A network that has
seen them all tells from the trace which it has before it.

Linear steps are done on the spectrum. N traces, T samples at 100 Hz, F frequencies.
"""

from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
from scipy import fft

from raphe.core.errors import SettingError
from raphe.core.ranges import Numbers, Range, Share, check_ranges
from raphe.tasks.calcium.recordings.sampling import RATE_HZ
from raphe.tasks.calcium.synthetic.indicators import (
    DYE,
    FAST,
    SLOW,
    SWIFT,
    Indicator,
    Span,
)

LEAD_IN = 512  # samples made too many and cut off: the spectrum joins a trace's end to its start
ROLL_OFF = 24  # order of the low-pass that resampling from a frame rate to 100 Hz is
Offset = Annotated[
    tuple[float, float], Numbers("a range [low, high]", Range(-1, 1, unit="s"), n=2, rising=True)
]


class SyntheticTraces(NamedTuple):
    """N traces of T samples with what is known of them."""

    calcium: np.ndarray  # float32 (N, T)
    spikes: np.ndarray  # float32 (N, T), in each sample
    frame_hz: np.ndarray  # float32 (N,)


@dataclass(frozen=True)
class Synthesis:
    """Ranges from which each trace is drawn, evenly in the logarithm where marked; and shares of
    the traces that are drawn from others, or changed.

    A frame bears the time of its start while the laser meets the neuron anywhere in it, so that
    calcium seems to lead by `lead_frames`; and by `clock_s`, where a laboratory's clock of imaging
    is behind that of its electrode. Clocks are drawn apart, so that traces of a seed are the same
    ones, moved, for any range of them.
    """

    dye: Indicator = DYE
    swift: Indicator = SWIFT
    fast: Indicator = FAST
    slow: Indicator = SLOW
    rate_hz: Span = (0.3, 12.0)  # log
    quiet: Share = 0.3  # of the traces
    quiet_hz: Span = (0.005, 0.5)  # log, the rate of these
    silent: Share = 0.05  # of the traces, without a spike
    pauses: Share = 0.3  # of the traces, which are silent from some sample to some other
    burstiness: Span = (0.3, 1.6)  # deviation of the log-rate over 0.05 to 2 s
    wander: Span = (0.0, 0.8)  # and over 2 to 20 s
    fastest_hz: Span = (30.0, 300.0)  # log, what the rate tends to in a burst
    saturation: Span = (3.0, 100.0)  # log, spikes at once that half fill the indicator
    frame_hz: Span = (4.0, 120.0)  # log
    lead_frames: Span = (0.3, 1.0)
    clock_s: Offset = (0.0, 0.0)
    dwell_frames: Span = (0.0, 1.0)  # part of a frame over which the neuron is averaged
    noise: Span = (0.1, 3.0)  # log, of a frame, relative to one spike's peak
    noisy: Share = 0.1  # of the traces
    much_noise: Span = (1.0, 10.0)  # log, the noise of these
    drift: Span = (0.0, 0.6)  # over 3 to 60 s, relative to the trace's deviation
    neuropil: Span = (0.0, 0.4)  # over 0.1 to 1 s

    def __post_init__(self) -> None:
        check_ranges(Synthesis, vars(self))
        if not sum(kind.share for kind in self.kinds) > 0:
            raise SettingError("share: expected one kind of indicator above 0, got none")

    @property
    def kinds(self) -> tuple[Indicator, ...]:
        return self.dye, self.swift, self.fast, self.slow

    def batch(self, n: int, length: int, rng: np.random.Generator) -> SyntheticTraces:
        """So many traces of a length in samples."""
        draw = TraceDraws(n, rng)
        omega = 2j * np.pi * fft.rfftfreq(length + LEAD_IN, 1 / RATE_HZ)[None]  # (1, F)
        omega = omega.astype(np.complex64)
        shape = (n, length + LEAD_IN)
        spikes = self._fire(draw, omega, shape)
        frame_hz = draw.log(self.frame_hz)  # (n, 1)
        calcium = self._image(self._indicate(spikes, draw, omega), frame_hz, draw, omega)
        kept = slice(LEAD_IN // 2, LEAD_IN // 2 + length)
        calcium, spikes = (each[:, kept].astype(np.float32) for each in (calcium, spikes))
        return SyntheticTraces(calcium, spikes, frame_hz[:, 0])

    def _fire(self, draw: "TraceDraws", omega: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        log_rate = np.log(draw.log_or(self.rate_hz, self.quiet, self.quiet_hz))
        for spread, tau_s in ((self.burstiness, (0.05, 2.0)), (self.wander, (2.0, 20.0))):
            deviation = draw.even(spread)
            log_rate = log_rate + deviation * draw.wander(tau_s, omega, shape) - deviation**2 / 2
        rate_hz = np.exp(log_rate)
        rate_hz = rate_hz / (1 + rate_hz / draw.log(self.fastest_hz))
        rate_hz = rate_hz * ~draw.is_one_of(self.silent) * ~self._paused(draw, shape)
        return draw.rng.poisson(rate_hz / RATE_HZ).astype(np.float32)

    def _paused(self, draw: "TraceDraws", shape: tuple[int, int]) -> np.ndarray:
        """Where traces are silent: bool (N, T)."""
        begin, end = (draw.even((0, shape[1])) for _ in range(2))
        place = np.arange(shape[1])
        within = (place >= np.minimum(begin, end)) & (place < np.maximum(begin, end))
        return within & draw.is_one_of(self.pauses)

    def _indicate(self, spikes: np.ndarray, draw: "TraceDraws", omega: np.ndarray) -> np.ndarray:
        """What the indicator shows of spikes (N, T): 1 for a single one, but for its saturation."""
        share = np.array([kind.share for kind in self.kinds])
        number = draw.rng.choice(len(share), len(spikes), p=share / share.sum())[:, None]  # (N, 1)
        rise_s, decay_s, delay_s, hill = (
            np.choose(number, [draw_from(getattr(kind, name)) for kind in self.kinds])
            for name, draw_from in (
                ("rise_s", draw.log),
                ("decay_s", draw.log),
                ("delay_s", draw.even),
                ("cooperativity", draw.even),
            )
        )
        response = np.exp(-omega * delay_s) / (1 + omega * decay_s) / (1 + omega * rise_s)
        n_samples = spikes.shape[1]
        peak = fft.irfft(response, n_samples).max(1, keepdims=True)
        bound = np.maximum(fft.irfft(fft.rfft(spikes) * response, n_samples) / peak, 0)
        half = draw.log(self.saturation) ** hill
        return bound**hill / (1 + bound**hill / half) * (1 + 1 / half)

    def _image(
        self, signal: np.ndarray, frame_hz: np.ndarray, draw: "TraceDraws", omega: np.ndarray
    ) -> np.ndarray:
        """The microscope's trace of a signal (N, T), from its frame rate (N, 1) to 100 Hz."""
        n_samples = signal.shape[1]
        seen = np.sinc(omega.imag / (2 * np.pi * frame_hz) * draw.even(self.dwell_frames))
        lead = omega * draw.even(self.lead_frames) / frame_hz
        seen = seen * np.exp(lead + omega * draw.apart(self.clock_s))
        nyquist = 2 * np.pi * 0.475 * frame_hz
        low_pass = 1 / (1 + (omega.imag / nyquist) ** ROLL_OFF)
        noise = draw.normal(signal.shape) * draw.log_or(self.noise, self.noisy, self.much_noise)
        noise = noise * np.sqrt(RATE_HZ / np.minimum(frame_hz, RATE_HZ))
        spectrum = (fft.rfft(signal) * seen + fft.rfft(noise)) * low_pass
        trace = fft.irfft(spectrum, n_samples)
        deviation = trace.std(1, keepdims=True)
        for share, tau_s in ((self.drift, (3.0, 60.0)), (self.neuropil, (0.1, 1.0))):
            slow = draw.wander(tau_s, omega, signal.shape, low_pass)
            trace = trace + slow * deviation * draw.even(share)
        return trace


class TraceDraws:
    """Draws of one number a trace, float32 (N, 1), and of slow noise."""

    def __init__(self, n: int, rng: np.random.Generator) -> None:
        self.n, self.rng = n, rng

    def even(self, between: Span) -> np.ndarray:
        """Evenly between two values: float32 (N, 1)."""
        return self.rng.uniform(*between, (self.n, 1)).astype(np.float32)

    def apart(self, between: Offset) -> np.ndarray:
        """As `even`, by draws that no other draw depends on: float32 (N, 1)."""
        (rng,) = self.rng.spawn(1)
        return TraceDraws(self.n, rng).even(between)

    def log(self, between: Span) -> np.ndarray:
        """Evenly in the logarithm: float32 (N, 1)."""
        return np.exp(self.even(tuple(np.log(between))))

    def log_or(self, between: Span, share: float, other: Span) -> np.ndarray:
        """As `log`, of a share of the traces between the other two values: float32 (N, 1)."""
        return np.where(self.is_one_of(share), self.log(other), self.log(between))

    def is_one_of(self, share: float) -> np.ndarray:
        """Which traces are of a share of all: bool (N, 1)."""
        return self.rng.random((self.n, 1)) < share

    def normal(self, shape: tuple[int, int]) -> np.ndarray:
        """White noise of deviation 1: float32 (N, T)."""
        return self.rng.standard_normal(shape, dtype=np.float32)

    def wander(
        self, tau_s: Span, omega: np.ndarray, shape: tuple[int, int], low_pass: Any = 1.0
    ) -> np.ndarray:
        """Noise (N, T) of deviation 1 that forgets itself within a time drawn from `tau_s`."""
        spectrum = fft.rfft(self.normal(shape)) / (1 + omega * self.log(tau_s)) * low_pass
        noise = fft.irfft(spectrum, shape[1])
        return noise / noise.std(1, keepdims=True)
