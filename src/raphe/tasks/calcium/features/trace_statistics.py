"""Eighteen numbers that say what kind of recording a trace is (Rupprecht & Gerhard 2017).

They need no spikes, so that a new recording can be compared with those a network was trained on.
"""

import numpy as np
from scipy.stats import kurtosis, skew

from raphe.core.errors import RecordingError
from raphe.tasks.calcium.features.spectrum import SEGMENT, power_spectrum
from raphe.tasks.calcium.recordings.sampling import RATE_HZ

LAGS = (50, 100, 200)  # samples
ORDERS = (1, 2, 3, 4, 5)  # q of the Hurst exponents
FLOOR = 1e-4  # of the spectrum: where it first falls below, imaging had no signal any more
BANDS = np.arange(0, 37, 6)  # first of the two spectral lines of each noise value
SHORTEST_SLOPE, LONGEST_SLOPE = 5, 19  # largest lags over which a Hurst exponent is fitted
NAMES = (
    "variance / mean",
    "kurtosis",
    "skewness",
    *(f"correlation after {lag / RATE_HZ:g} s" for lag in LAGS),
    *(f"Hurst exponent, q = {q}" for q in ORDERS),
    *(f"−log noise at {band * RATE_HZ / SEGMENT:.1f} Hz" for band in BANDS),
)


def statistics(trace: np.ndarray) -> np.ndarray:
    """The statistics of a trace (N,) at 100 Hz in the order of NAMES: float64 (18,).

    Conditioned traces, NaN left out. Raises RecordingError for fewer than 1024 samples.
    """
    trace = np.asarray(trace, dtype=np.float64)
    trace = trace[~np.isnan(trace)]
    if len(trace) < SEGMENT:
        raise RecordingError(
            f"a trace of {len(trace) / RATE_HZ:.2f} s: expected at least {SEGMENT / RATE_HZ} s to "
            "place it among recordings"
        )
    spread = trace.var() / trace.mean()
    trace = (trace - np.median(trace)) / trace.std()
    return np.array(
        [
            spread,
            kurtosis(trace, fisher=False),
            skew(trace),
            *(np.corrcoef(trace, np.roll(trace, lag))[0, 1] for lag in LAGS),
            *hurst_exponents(trace),
            *noise_spectrum(trace),
        ]
    )


def hurst_exponents(trace: np.ndarray) -> np.ndarray:
    """Generalised Hurst exponents of a trace (N,), one for each of ORDERS: float64 (5,).

    After Di Matteo 2007: the q-th moment of the increments over a lag, against that of the trace
    itself, both less their linear trend, grows with the lag to the power q H. The slope is fitted
    over the lags up to 5, 6 … 19 samples, and averaged.
    """
    lags = np.arange(1, LONGEST_SLOPE + 1)
    growth = np.log10([_moment_ratios(trace, lag) for lag in lags.tolist()])  # (lags, orders)
    slopes = [
        _slope(np.log10(lags[:longest]), growth[:longest])
        for longest in range(SHORTEST_SLOPE, LONGEST_SLOPE + 1)
    ]
    return np.mean(slopes, axis=0) / ORDERS


def _moment_ratios(trace: np.ndarray, lag: int) -> np.ndarray:
    """Moments of increments over `lag`, by those of the trace at the same samples: (orders,)."""
    n_steps = (len(trace) - 1) // lag
    values = trace[: n_steps * lag + 1 : lag]
    place = np.arange(len(values)) - (len(values) - 1) / 2
    slope = _slope(place, values)
    return _moments(np.diff(values) - slope) / _moments(values - values.mean() - slope * place)


def _slope(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Of y (n, …) over x (n,) by least squares: (…), in closed form, ten times polyfit's pace."""
    centred = x - x.mean()
    # Without BLAS, whose threads would wait for each other where every trace has its own thread.
    return np.einsum("n,n...->...", centred, y) / np.square(centred).sum()


def _moments(values: np.ndarray) -> np.ndarray:
    """Mean powers of the magnitudes of (n,), by each of ORDERS: (orders,)."""
    magnitudes = power = np.abs(values)
    moments = [power.mean()]
    for _ in ORDERS[1:]:  # products: a power of floats takes twenty times as long
        power = power * magnitudes
        moments.append(power.mean())
    return np.array(moments)


def noise_spectrum(trace: np.ndarray) -> np.ndarray:
    """−log of the power at seven frequencies up to 3.5 Hz: float64 (7,).

    Each is the mean over two neighbouring lines of Welch's spectrum, whose sum over the frequencies
    that imaging can have seen is 1.
    """
    _, power = power_spectrum(trace, "hamming", "spectrum")
    below = power < FLOOR
    # The original ends one line early, two before the last where nothing falls below.
    seen = max(int(below.argmax()) - 1, 1) if below.any() else -2
    logs = np.log(power / power[:seen].sum())
    return -(logs[BANDS] + logs[BANDS + 1]) / 2
