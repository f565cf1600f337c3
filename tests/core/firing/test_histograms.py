import numpy as np

from raphe.core.firing.histograms import autocorrelogram, interval_shares


def test_intervals_are_shares_of_all_also_of_those_beyond_the_bins() -> None:
    times_s = np.array([0.5, 0.0, 0.0035, 0.007])  # in any order: 3.5, 3.5 and 493 ms
    shares = interval_shares([times_s], 100)
    assert shares[3] == np.float32(2 / 3) and shares.sum() == np.float32(2 / 3)


def test_an_autocorrelogram_counts_pairs_as_written_out() -> None:
    times_s = np.sort(np.random.default_rng(0).uniform(0, 2, 300))
    lags_ms = 1000 * (times_s[:, None] - times_s[None])[~np.eye(300, dtype=bool)]
    edges = np.arange(-10.5, 11)
    expected = np.histogram(lags_ms, edges)[0] / (300 * 1e-3)
    np.testing.assert_allclose(autocorrelogram([times_s], 21), expected, rtol=1e-5)


def test_one_spike_makes_no_interval() -> None:
    assert np.isnan(interval_shares([np.array([1.0])])).all()
    assert np.isnan(autocorrelogram([np.array([])], 21)).all()


def test_neither_an_interval_nor_a_pair_spans_two_trains() -> None:
    one, other = np.array([0.0, 0.0035]), np.array([0.005, 0.0085, 0.012])  # all 3.5 ms apart
    shares = interval_shares([one, other], 20)
    assert shares[3] == 1 and shares.sum() == 1
    apart, joined = (autocorrelogram(trains, 21) for trains in ([one, other], [[*one, *other]]))
    # A pair of the first, two of the second and one between its ends, of five spikes in all.
    assert apart[10:].sum() == np.float32(4 / (5 * 1e-3)) < joined[10:].sum()


def test_times_in_whole_ms_or_samples_fall_into_the_bin_that_begins_there() -> None:
    steps = np.random.default_rng(0).integers(2, 30, 2000)  # ms, none shorter than 2
    shares = interval_shares([np.cumsum(steps) / 1000])
    np.testing.assert_allclose(shares[:30], np.bincount(steps[1:], minlength=30) / 1999, rtol=1e-6)
    at_30_khz = np.cumsum(np.full(2000, 45)) / 30_000  # 1.5 ms apart: on the edge of the second bin
    np.testing.assert_allclose(autocorrelogram([at_30_khz], 5)[[3, 4]], [0, 999.5], rtol=1e-3)
