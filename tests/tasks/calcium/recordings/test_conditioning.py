"""Traces at 100 Hz with c2s' percentiles, whatever is missing or wrong in them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raphe.core.recordings.rates import rate_ratio
from raphe.tasks.calcium.recordings.conditioning import (
    AS_IT_IS,
    Conditioning,
    baseline,
    fault,
    running_percentile,
)
from raphe.tasks.calcium.recordings.sampling import RATE_HZ


def c2s_percentile_filter(x: np.ndarray, window_length: int, perc: int = 5) -> np.ndarray:
    """As c2s words it: the percentile of each sample's surround, one after the other."""
    d = window_length // 2 + 1
    return np.array([np.percentile(x[max(t - d + 1, 0) : t + d], perc) for t in range(len(x))])


@settings(max_examples=30)
@given(st.integers(2, 80), st.integers(1, 100), st.integers(0, 9))
def test_running_percentile_is_that_of_c2s(n: int, window: int, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=n)
    np.testing.assert_allclose(
        running_percentile(x, window), c2s_percentile_filter(x, window), atol=1e-12
    )


@settings(max_examples=50)
@given(st.integers(1, 300), st.integers(1, 400), st.sampled_from([5, 0, 50, 80, 100]), st.data())
def test_running_percentile_is_that_of_pandas_to_the_last_digit(
    n, window, percentile, data
) -> None:
    pd = pytest.importorskip("pandas")
    seed = data.draw(st.integers(0, 99))
    x = np.random.default_rng(seed).normal(size=n).round(seed % 3)  # with ties
    rolling = pd.Series(x).rolling(2 * (window // 2) + 1, center=True, min_periods=1)
    np.testing.assert_array_equal(
        running_percentile(x, window, percentile), rolling.quantile(percentile / 100).to_numpy()
    )


def drifting(n: int = 3000) -> np.ndarray:
    rng = np.random.default_rng(1)
    return 50 + 0.01 * np.arange(n) + rng.gamma(2, 1, n)


def test_percentiles_become_0_and_1_as_in_c2s() -> None:
    trace = drifting()
    means = trace.reshape(-1, 20).mean(axis=1)  # over 0.2 s
    middles = np.arange(9.5, 3000, 20)
    expected = trace - np.interp(np.arange(3000), middles, c2s_percentile_filter(means, 50))
    low, high = np.percentile(expected, [5, 80])
    conditioned = Conditioning(baseline_s=10.0)(trace, 100.0)
    np.testing.assert_allclose(conditioned.samples, (expected - low) / (high - low), atol=1e-5)
    assert not conditioned.missing.any()


@pytest.mark.parametrize("rate_hz", [3.0, 9.9])
def test_slow_frames_have_the_baseline_of_c2s_itself(rate_hz: float) -> None:
    trace = drifting(500)
    expected = c2s_percentile_filter(trace, int(20 * rate_hz))
    np.testing.assert_allclose(baseline(trace, rate_hz, 20.0), expected, atol=1e-12)


def test_fast_frames_have_the_baseline_of_c2s_but_for_its_noise() -> None:
    """A wave of 4 min under transients, at 30 Hz; the last mean is of fewer frames."""
    rng = np.random.default_rng(0)
    slow = 3 * np.sin(np.arange(7204) / 7200 * 2 * np.pi)
    transients = np.convolve(rng.poisson(0.01, 7204), 5 * np.exp(-np.arange(60) / 15))[:7204]
    trace = slow + transients + rng.normal(0, 1, 7204)
    both = baseline(trace, 30.0, 40.0), running_percentile(trace, 1200)
    difference = both[0] - both[1]  # of means, so higher: their noise is less
    assert 0.5 < difference.mean() < 1.5 and difference.std() < 0.3


def test_neither_scale_nor_offset_of_the_detector_matters() -> None:
    trace = drifting()
    plain, scaled = (Conditioning()(each, 30.0).samples for each in (trace, 1000 * trace - 4000))
    np.testing.assert_allclose(plain, scaled, atol=1e-4)


def test_a_trace_that_is_conditioned_already_stays_as_it_is() -> None:
    trace = drifting()
    np.testing.assert_array_equal(AS_IT_IS(trace, 100.0).samples, trace.astype(np.float32))


@pytest.mark.parametrize("rate_hz", [7.5, 11.39, 30.0, 60.06, 200.0, 1000.0])
def test_resampling_keeps_a_slow_wave_and_its_time(rate_hz: float) -> None:
    time_s = np.arange(int(40 * rate_hz)) / rate_hz
    resampled = AS_IT_IS(np.sin(2 * np.pi * 0.5 * time_s), rate_hz).samples
    assert len(resampled) == np.ceil(len(time_s) * rate_ratio(RATE_HZ, rate_hz))
    inner = slice(300, 3600)
    expected = np.sin(2 * np.pi * 0.5 * np.arange(len(resampled)) / 100)
    np.testing.assert_allclose(resampled[inner], expected[inner], atol=0.01)


def test_a_bright_cell_does_not_dip_at_its_ends() -> None:
    bright = 1000 + np.sin(np.arange(300) / 20)
    resampled = AS_IT_IS(bright, 30.0).samples
    assert resampled.min() > 998 and resampled.max() < 1002


def test_resampling_does_not_fold_what_is_too_fast() -> None:
    time_s = np.arange(40_000) / 1000
    fast = AS_IT_IS(np.sin(2 * np.pi * 90 * time_s), 1000.0).samples
    assert np.abs(fast[100:-100]).max() < 0.01


def test_gaps_are_bridged_and_marked_and_ends_held() -> None:
    trace = np.array([np.nan, np.nan, 1, 2, np.nan, 4, 3, np.nan])
    conditioned = AS_IT_IS(trace, 100.0)
    np.testing.assert_array_equal(conditioned.samples, [1, 1, 1, 2, 3, 4, 3, 3])
    np.testing.assert_array_equal(conditioned.missing, np.isnan(trace))
    doubled = AS_IT_IS(trace, 50.0)
    assert len(doubled.samples) == 16 and np.isfinite(doubled.samples).all()
    np.testing.assert_array_equal(np.flatnonzero(~doubled.missing), [4, 5, 6, 7, 10, 11, 12, 13])


def test_what_is_missing_changes_no_percentile() -> None:
    trace = drifting()
    padded = np.concatenate([np.full(500, np.nan), trace, np.full(700, np.nan)])
    np.testing.assert_allclose(
        Conditioning()(padded, 100.0).samples[500:3500],
        Conditioning()(trace, 100.0).samples,
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("trace", "reason"),
    [
        ([np.nan, np.nan], "no sample is a number"),
        ([1, np.inf, -np.inf, np.nan], "2 of 4 samples infinite"),
        ([np.nan, 3, 3, 3], "constant at 3"),
        ([1, 2, np.nan], ""),
    ],
)
def test_a_trace_nothing_can_be_inferred_from_is_told(trace: list[float], reason: str) -> None:
    assert fault(np.array(trace)) == reason


def test_a_trace_that_is_mostly_flat_is_not_divided_by_nothing() -> None:
    trace = np.zeros(2000)
    trace[1000] = 1.0
    assert np.isfinite(Conditioning()(trace, 30.0).samples).all()
