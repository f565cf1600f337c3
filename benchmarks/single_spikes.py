"""How far a spike of known time lifts a trace.

W frames around it.
"""

import itertools
from collections.abc import Iterator

import numpy as np
from calcium_sets import Neuron
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import least_squares
from scipy.signal import fftconvolve

from raphe.tasks.calcium.features.unitary_amplitude import Shape, transient

BEFORE_S, AFTER_S = 1.5, 1.0  # without another spike
BASELINE_S = 0.5
FEWEST_SPIKES = 5
WIDEST = 3.0  # ratio of the ends of the 95 % interval of a true amplitude
FASTEST_HZ = 60.0
SLOW_S = 2.0  # what is slower is taken off before all spikes are regressed on
DELAY_S, RISES_S, DECAYS_S = 0.02, (0.01, 0.08), (0.15, 0.4, 1.0)


def at_most_60_hz(neuron: Neuron) -> Iterator[tuple[np.ndarray, float, np.ndarray]]:
    """Frames, frames/s and spikes on the clock of the first frame, of each recording."""
    for segment in neuron.segments:
        n = max(1, int(segment.rate_hz / FASTEST_HZ))
        frames = segment.dff[: len(segment.dff) // n * n].reshape(-1, n).mean(axis=1)
        yield frames, segment.rate_hz / n, segment.spike_s - (n - 1) / 2 / segment.rate_hz


def isolated_amplitude(neuron: Neuron, rng: np.random.Generator) -> tuple[int, float]:
    """How many single spikes are alone, and the mean amplitude of a transient fitted to them."""
    times, values = [], []
    for frames, rate_hz, spike_s in at_most_60_hz(neuron):
        since = np.diff(spike_s, prepend=-np.inf)
        until = np.diff(spike_s, append=np.inf)
        for spike in spike_s[(since > BEFORE_S) & (until > AFTER_S)]:
            first, last = (spike - BASELINE_S) * rate_hz, (spike + AFTER_S) * rate_hz
            if first < 0 or last > len(frames):
                continue
            at = np.arange(int(np.ceil(first)), int(last))
            time_s = at / rate_hz - spike
            if np.count_nonzero(time_s < -0.05) > 1:
                times.append(time_s)
                values.append(frames[at] - np.median(frames[at][time_s < -0.05]))
    if len(times) < FEWEST_SPIKES:
        return len(times), np.nan
    shape = fitted_shape(np.concatenate(times), np.concatenate(values))
    amplitudes = np.array(
        [
            amplitude(transient(time_s, shape), value)
            for time_s, value in zip(times, values, strict=True)
        ]
    )
    drawn = rng.integers(0, len(times), (300, len(times)))
    low, high = np.quantile(amplitudes[drawn].mean(axis=1), [0.025, 0.975])
    is_known = low > 0 and high / low < WIDEST
    return len(times), float(amplitudes.mean()) if is_known else np.nan


def amplitude(shape: np.ndarray, values: np.ndarray) -> float:
    """Of values (W,) by a transient's shape (W,), whatever their level."""
    weights = shape - shape.mean()
    return float(weights @ (values - values.mean()) / max(weights @ weights, 1e-9))


def fitted_shape(times_s: np.ndarray, values: np.ndarray) -> Shape:
    scale = 1.5 * np.median(np.abs(values - np.median(values))) + 1e-9

    def shape_of(fit: np.ndarray) -> Shape:
        return Shape(fit[1], np.exp(fit[2]), np.exp(fit[3]))

    def residuals(fit: np.ndarray) -> np.ndarray:
        return (values - fit[4] - fit[0] * transient(times_s, shape_of(fit))) / scale

    low = [-50, -0.15, np.log(0.005), np.log(0.05), -50]
    high = [50, 0.25, np.log(0.4), np.log(5), 50]
    fits = [
        least_squares(
            residuals,
            [max(values.std(), 1e-3), delay_s, np.log(rise_s), np.log(0.6), 0],
            bounds=(low, high),
            loss="soft_l1",
            max_nfev=60,
        )
        for rise_s, delay_s in ((0.02, 0.0), (0.1, 0.05))
    ]
    return shape_of(min(fits, key=lambda fit: fit.cost).x)


def regressed_amplitude(neuron: Neuron) -> float:
    """Of a spike where all of them add up to the trace, by the shape that is nearest to it."""
    recordings = [
        (frames - gaussian_filter1d(frames, SLOW_S * rate_hz), rate_hz, spike_s)
        for frames, rate_hz, spike_s in at_most_60_hz(neuron)
        if len(frames) > 3 * rate_hz
    ]
    best = (0.0, np.nan)
    for rise_s, decay_s in itertools.product(RISES_S, DECAYS_S):
        of_both, of_model = 0.0, 1e-9
        for frames, rate_hz, spike_s in recordings:
            counts, _ = np.histogram(spike_s, np.arange(len(frames) + 1) / rate_hz)
            times_s = (np.arange(int(min(5 * decay_s, 4) * rate_hz) + 2) + 0.5) / rate_hz
            shape = transient(times_s, Shape(DELAY_S, rise_s, decay_s))
            model = fftconvolve(counts.astype(float), shape)[: len(frames)]
            model -= gaussian_filter1d(model, SLOW_S * rate_hz)
            of_both += float(model @ frames)
            of_model += float(model @ model)
        best = max(best, (of_both**2 / of_model, of_both / of_model))
    return best[1]
