"""The eighteen statistics, against the published values and against the original's own words."""

import numpy as np
import pytest
from scipy.io import loadmat

from raphe.core.errors import RecordingError
from raphe.tasks.calcium.features.trace_statistics import (
    NAMES,
    hurst_exponents,
    noise_spectrum,
    statistics,
)
from raphe.tasks.calcium.recordings.read_traces import read_traces


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_published_values_are_recomputed(real_data, dtype) -> None:
    """Rows 45 to 68 are the sets 4, 5 and 6; float32 is what a store holds."""
    published = loadmat(real_data("elephant", "Parameters174py.mat"))["Parameters174temp"]
    ours = [
        statistics(trace.astype(dtype))
        for dataset in (4, 5, 6)
        for _, trace, *_ in read_traces(real_data("spikefinder", f"{dataset}.train.calcium.csv.gz"))
    ]
    np.testing.assert_allclose(ours, published[45:69], rtol=1e-6)


def original_hurst(trace: np.ndarray, q: int) -> float:
    """The generalised Hurst exponent lag by lag, with explicit least squares."""
    slopes = []
    for longest in range(5, 20):
        lags, ratios = np.arange(1, longest + 1), []
        for lag in lags:
            increments = (
                trace[np.arange(lag, len(trace), lag)]
                - trace[np.arange(lag, len(trace), lag) - lag]
            )
            values = trace[np.arange(lag, len(trace) + lag, lag) - lag]
            n = len(increments) + 1
            place, values = np.arange(1, n + 1), values[:n]
            spread = (place**2).sum() - n * place.mean() ** 2
            slope = ((place * values).sum() - n * place.mean() * values.mean()) / spread
            start = values.mean() - slope * place.mean()
            residues = values - slope * place - start
            ratios.append((np.abs(increments - slope) ** q).mean() / (np.abs(residues) ** q).mean())
        x, y = np.log10(lags), np.log10(ratios)
        slopes.append(((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum())
    return float(np.mean(slopes) / q)


def test_hurst_exponents_are_those_of_the_explicit_sums() -> None:
    trace = np.random.default_rng(0).normal(size=2000).cumsum()
    expected = [original_hurst(trace, q) for q in range(1, 6)]
    np.testing.assert_allclose(hurst_exponents(trace), expected, rtol=1e-10)


def test_a_random_walk_has_a_hurst_exponent_of_one_half() -> None:
    trace = np.random.default_rng(1).normal(size=100_000).cumsum()
    np.testing.assert_allclose(hurst_exponents(trace), 0.5, atol=0.03)


def test_white_noise_has_no_memory_and_a_normals_moments() -> None:
    trace = 5 + np.random.default_rng(2).normal(size=200_000)
    named = dict(zip(NAMES, statistics(trace), strict=True))
    assert len(NAMES) == 18
    assert named["variance / mean"] == pytest.approx(0.2, rel=0.01)
    assert named["kurtosis"] == pytest.approx(3, abs=0.05)
    assert named["skewness"] == pytest.approx(0, abs=0.02)
    for lag in ("0.5", "1", "2"):
        assert named[f"correlation after {lag} s"] == pytest.approx(0, abs=0.01)
    assert named["Hurst exponent, q = 1"] == pytest.approx(0, abs=0.01)


def test_the_noise_spectrum_is_relative_to_what_imaging_saw() -> None:
    """A sine at 20 Hz imaged at 100 Hz: neither its size nor a slow recording's zeros matter."""
    rng = np.random.default_rng(3)
    trace = np.sin(2 * np.pi * 2.0 * np.arange(20_000) / 100) + 0.1 * rng.normal(size=20_000)
    np.testing.assert_allclose(noise_spectrum(trace), noise_spectrum(trace + 1e-6), atol=1e-3)
    loudest = int(noise_spectrum(trace).argmin())
    assert NAMES[11:][loudest] in ("−log noise at 1.8 Hz", "−log noise at 2.3 Hz")
    assert np.isfinite(noise_spectrum(np.cos(np.arange(4000) / 4000))).all()  # drift alone


def test_missing_samples_are_left_out_and_a_short_trace_is_told() -> None:
    trace = np.random.default_rng(4).gamma(2, size=1100)
    holed = np.insert(trace, [0, 500, 1100], np.nan)
    np.testing.assert_array_equal(statistics(holed), statistics(trace))
    with pytest.raises(RecordingError, match=r"a trace of 10\.23 s: expected at least 10\.24 s"):
        statistics(trace[:1023])
