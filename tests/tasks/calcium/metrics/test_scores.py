"""The challenge's score, against the organisers' figures and against other ways to compute it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import interp1d
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import minimize
from scipy.stats import norm, poisson, rankdata

from raphe.tasks.calcium.metrics.scores import log_likelihood_gain, rate_error, score
from raphe.tasks.calcium.recordings.sampling import binned

MEASURES = {
    "correlation", "rank_correlation", "auc", "gain_bits_per_s", "correlation_smoothed",
}  # fmt: skip


def trains(n: int = 4003, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    rate = np.exp(np.convolve(rng.normal(size=n), np.ones(50) / 7, "same") - 3.5)
    return rate + 0.01 * rng.normal(size=n), rng.poisson(rate).astype(float)


def organisers(prediction: np.ndarray, spikes: np.ndarray) -> float:
    """The official implementation, as the challenge's repository words it."""
    known = ~(np.isnan(prediction) | np.isnan(spikes))
    x, y = (np.convolve(train[known], np.ones(4), "valid")[::4] for train in (prediction, spikes))
    with np.errstate(invalid="ignore"):
        return np.corrcoef(x, y)[0, 1]


@pytest.mark.parametrize(("dataset", "published"), [(4, 0.245), (5, 0.166), (6, 0.273)])
def test_the_trace_itself_scores_what_the_organisers_say(real_data, dataset, published) -> None:
    calcium, spikes = (
        np.genfromtxt(
            real_data("spikefinder", f"{dataset}.train.{kind}.csv.gz"),
            delimiter=",",
            skip_header=1,
        ).T
        for kind in ("calcium", "spikes")
    )
    pairs = zip(calcium, spikes, strict=True)
    correlations = [score([trace], [train])["correlation"] for trace, train in pairs]
    assert np.mean(correlations) == pytest.approx(published, abs=5e-4)


@given(n=st.integers(30, 60), missing=st.sets(st.integers(0, 59), max_size=10), seed=st.integers(0))
def test_correlation_is_the_organisers(n: int, missing: set[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    prediction, spikes = rng.normal(size=n), rng.integers(0, 3, n).astype(float)
    for index in missing:
        (prediction, spikes)[index % 2][index % n] = np.nan
    ours, theirs = score([prediction], [spikes])["correlation"], organisers(prediction, spikes)
    assert ours == pytest.approx(theirs) or (np.isnan(ours) and not abs(theirs) <= 1)


def test_rank_and_auc_are_those_of_ranks_and_pairs() -> None:
    prediction, spikes = trains()
    x, y = binned(prediction, spikes)
    measured = score([prediction], [spikes])
    assert measured["rank_correlation"] == pytest.approx(
        np.corrcoef(rankdata(x), rankdata(y))[0, 1], abs=1e-6
    )
    with_spike, without = x[y > 0, None], x[y == 0]
    pairs = (with_spike > without).mean() + (with_spike == without).mean() / 2
    assert measured["auc"] == pytest.approx(pairs, abs=1e-6)


def test_far_from_0_and_1_a_prediction_s_auc_is_still_that_of_pairs() -> None:
    """A sigmoid would make the largest of them alike."""
    prediction, spikes = trains()
    assert score([1e4 * prediction], [spikes])["auc"] == pytest.approx(
        score([prediction], [spikes])["auc"], abs=1e-6
    )


def test_no_measure_but_those_of_rates_depends_on_the_scale() -> None:
    prediction, spikes = trains()
    plain, scaled = score([prediction], [spikes]), score([100 * prediction - 7], [spikes])
    assert set(plain) == MEASURES
    assert scaled == pytest.approx(plain, rel=1e-3)


def test_gain_of_two_levels_is_that_of_their_means() -> None:
    """Where the prediction has two values the best expectation is the mean count at each."""
    rng = np.random.default_rng(1)
    level = np.repeat([0.0, 1.0], [600, 400])
    count = rng.poisson(np.where(level == 1, 0.9, 0.1)).astype(float)
    means = np.where(level == 1, count[level == 1].mean(), count[level == 0].mean())
    likelier = poisson.logpmf(count, means) - poisson.logpmf(count, count.mean())
    assert log_likelihood_gain(level, count) == pytest.approx(
        25 * likelier.mean() / np.log(2), rel=1e-4
    )


def test_gain_is_that_of_the_organisers_optimiser() -> None:
    """Their way: interp1d between the deciles, SLSQP with a constraint for each step."""
    x, count = binned(*trains())
    support = np.percentile(x, range(0, 101, 10))

    def loss(y: np.ndarray) -> float:
        expected = interp1d(support, y)(x) + 1e-8
        return np.mean(expected - count * np.log(expected))

    rising = [{"type": "ineq", "fun": lambda y, i=i: y[i] - y[i - 1]} for i in range(1, 11)]
    rising.append({"type": "ineq", "fun": lambda y: y[0]})
    start = np.linspace(0.01, 1, 11)
    best = minimize(loss, start, method="SLSQP", tol=1e-9, constraints=rising)
    expected = interp1d(support, best.x)(x) + 1e-8
    likelier = poisson.logpmf(count, expected) - poisson.logpmf(count, count.mean())
    theirs = 25 * likelier.mean() / np.log(2)
    assert theirs > 1
    assert log_likelihood_gain(x, count) == pytest.approx(theirs, rel=1e-3)


def test_a_prediction_that_says_nothing_gains_nothing() -> None:
    _, spikes = trains()
    noise = np.random.default_rng(5).permutation(spikes) + np.arange(len(spikes)) % 7
    assert 0 <= score([noise], [spikes])["gain_bits_per_s"] < 0.15


def test_errors_and_ratio_count_spikes_missed_and_invented() -> None:
    _, spikes = trains()
    padded = np.concatenate([np.zeros(200), spikes, np.zeros(200)])
    rate = 100 * padded
    for factor in (0, 1, 3):
        scores = rate_error([factor * rate], [padded])
        assert scores["error_both_smoothed"] == pytest.approx(abs(factor - 1), abs=1e-12)
        assert scores["bias"] == pytest.approx(factor - 1)
        assert scores["rate_ratio"] == pytest.approx(factor)
    assert rate_error([np.roll(rate, 2000)], [padded])["bias"] == pytest.approx(0, abs=1e-9)
    with_gaps = np.where(np.arange(len(rate)) < 150, np.nan, rate)
    assert rate_error([with_gaps], [padded])["error_both_smoothed"] == pytest.approx(0, abs=1e-12)


def test_the_error_of_one_spike_told_too_wide_is_that_between_two_gaussians() -> None:
    """A spike becomes a Gaussian of 0.2 s, the rate is one of 0.5 s, as it is and smoothed.

    Of two Gaussians of sd a > b, one above the other near 0 alone, the areas between them are
    twice what the narrow one has more of within where they cross.
    """

    def differ(a: float, b: float) -> float:
        crossing = np.sqrt(2 * np.log(a / b) / (1 / b**2 - 1 / a**2))
        return 2 * (2 * norm.cdf(crossing / b) - 2 * norm.cdf(crossing / a))

    spikes = np.zeros(4001)
    spikes[2000] = 1
    time_s = (np.arange(4001) - 2000) / 100
    rate = norm.pdf(time_s, scale=0.5)
    scores = rate_error([rate], [spikes])
    assert scores["error_spikes_smoothed"] == pytest.approx(differ(0.5, 0.2), rel=1e-3)
    both = differ(np.hypot(0.5, 0.2), 0.2)
    assert scores["error_both_smoothed"] == pytest.approx(both, rel=1e-3)
    assert scores["rate_ratio"] == pytest.approx(1, rel=1e-6)
    # Of two Gaussians the integral of the product is a Gaussian's of sd √(a² + b²), at 0.
    a, b = np.hypot(0.5, 0.2), 0.2
    expected = np.sqrt(2 * a * b / (a**2 + b**2))
    smoothed = score([rate], [spikes])["correlation_smoothed"]
    assert smoothed == pytest.approx(expected, abs=0.01)  # less the mean of 40 s


def cascade(rate: np.ndarray, spikes: np.ndarray, frame_hz: float) -> tuple[float, float, float]:
    """Correlation, error and bias as Rupprecht et al. 2021 word them, by direct summation."""
    sd = 0.2 * frame_hz
    lag = np.arange(-int(4 * sd + 0.5), int(4 * sd + 0.5) + 1)
    kernel = np.exp(-(lag**2) / (2 * sd**2))
    kernel /= kernel.sum()
    padded = np.pad(spikes, len(lag) // 2, mode="symmetric")
    truth = np.array([padded[place : place + len(lag)] @ kernel for place in range(len(spikes))])
    truth *= frame_hz
    difference = rate - truth
    return (
        np.corrcoef(rate, truth)[0, 1],
        np.abs(difference).sum() / truth.sum(),
        difference.sum() / truth.sum(),
    )


def test_error_and_bias_are_those_of_the_paper() -> None:
    rate, spikes = trains(1500, seed=3)
    rate = 80 * np.maximum(rate, 0)
    scores = rate_error([rate], [spikes])
    _, error, bias = cascade(rate, spikes, 100)
    assert scores["error_spikes_smoothed"] == pytest.approx(error)
    assert scores["bias"] == pytest.approx(bias)
    assert scores["error_both_smoothed"] < scores["error_spikes_smoothed"]


def test_a_cell_s_recordings_count_by_their_length_and_are_smoothed_apart() -> None:
    """Bins of both, as one: a mean of correlations would leave out what differs between them."""
    long, short = trains(2000, seed=1), trains(402, seed=2)
    scores = score(*zip(long, short, strict=True))
    x, y = (
        np.concatenate([train[: len(train) // 4 * 4].reshape(-1, 4).sum(1) for train in pair])
        for pair in zip(long, short, strict=True)
    )
    assert scores["correlation"] == pytest.approx(np.corrcoef(x, y)[0, 1])
    a, b = (
        np.concatenate([gaussian_filter1d(train, 20.0) for train in pair])
        for pair in zip(long, short, strict=True)
    )
    assert scores["correlation_smoothed"] == pytest.approx(np.corrcoef(a, b)[0, 1])
    errors = rate_error(*zip(long, short, strict=True))
    assert errors["rate_ratio"] == pytest.approx(
        sum(rate.sum() for rate, _ in (long, short))
        / 100
        / sum(spikes.sum() for _, spikes in (long, short))
    )


def test_a_recording_without_spikes_counts_in_its_cell() -> None:
    """In short segments, as of a fast scan, most have none: left out, false spikes were free."""
    rate, spikes = trains(2000)
    silent = np.zeros(2000)
    noisy = score([rate, rate], [spikes, silent])["correlation"]
    assert noisy < score([rate, silent], [spikes, silent])["correlation"]
    assert rate_error([rate, rate], [spikes, silent])["rate_ratio"] == pytest.approx(
        2 * rate_error([rate], [spikes])["rate_ratio"]
    )


@pytest.mark.parametrize(
    ("prediction", "spikes"),
    [(np.ones(100), np.arange(100) % 2), (np.arange(100), np.zeros(100)), (np.ones(3), np.ones(3))],
)
def test_no_value_without_spikes_or_without_variation(prediction, spikes) -> None:
    measured = score([prediction], [spikes])
    assert set(measured) == MEASURES and np.isnan(list(measured.values())).all()
    assert np.isnan(list(rate_error([np.ones(9)], [np.zeros(9)]).values())).all()
