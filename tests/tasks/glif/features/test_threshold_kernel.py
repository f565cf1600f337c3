import numpy as np
from scipy.stats import norm

from raphe.tasks.glif.features.threshold_kernel import (
    log_between,
    log_likelihood,
    log_tail,
    threshold_parts,
)


def test_shares_of_the_normal_distribution_keep_their_digits_in_both_tails() -> None:
    for low, high in ((-1.0, 0.5), (3.0, 4.0), (-9.0, -8.5), (11.0, 40.0), (-0.1, 0.1)):
        a, b = (low, high) if low + high < 0 else (-high, -low)
        expected = norm.logcdf(b) + np.log1p(-np.exp(norm.logcdf(a) - norm.logcdf(b)))
        np.testing.assert_allclose(log_between(low, high), expected, rtol=1e-9)
    for x in (-3.0, 2.0, 30.0):
        np.testing.assert_allclose(log_tail(x), norm.logsf(x), rtol=1e-5)


def likelihood(threshold_mv: float, varies_mv: float) -> float:
    course = np.array([5.0, 9.0, 10.0, 3.0, 7.0])
    tables = (course, np.zeros((5, 1)), np.array([0, 3]), np.array([2, 4]), np.array([True, False]),
              np.zeros((2, 1)), np.zeros((2, 1)))  # fmt: skip
    values = np.array([threshold_mv, 0.0, 0.0, 0.0, 0.0, varies_mv])
    return log_likelihood(*tables, np.zeros(1), values)


def test_a_spike_lies_between_the_highest_that_did_not_fire_and_itself() -> None:
    by_hand = np.log(norm.cdf((10 - 9.5) / 0.1) - norm.cdf((9 - 9.5) / 0.1))
    np.testing.assert_allclose(likelihood(9.5, 0.1), by_hand, rtol=1e-9)  # 7 mV is far below
    assert likelihood(9.5, 0.01) > likelihood(8.0, 1.0) > likelihood(8.0, 0.01)


def test_a_spike_below_what_did_not_fire_is_the_less_probable_the_further_it_lies_below() -> None:
    def below(mv: float) -> float:
        course = np.array([9.0, 9.0 - mv])
        tables = (course, np.zeros((2, 1)), np.array([0]), np.array([1]), np.array([True]),
                  np.zeros((2, 1)), np.zeros((2, 1)))  # fmt: skip
        return log_likelihood(*tables, np.zeros(1), np.array([9.5, 0.0, 0.0, 0.0, 0.0, 1.0]))

    falling = [below(mv) for mv in (-0.5, 0.0, 0.5, 5.0, 10.0, 1000.0)]
    assert np.isfinite(falling).all()
    assert (np.diff(falling) < 0).all()
    np.testing.assert_allclose(falling[4] - falling[3], -20, rtol=1e-6)  # 5 mV, of 0.25 mV each


def test_parts_of_the_threshold_decay_as_the_model_has_them() -> None:
    course = np.full(30, 4.0)
    sweep, starts, stops = np.array([0, 0]), np.array([0, 12]), np.array([10, 30])
    keep, share = np.array([0.9]), np.array([0.1])
    chosen = np.arange(12, 30)
    raised, followed = np.zeros((1, 18)), np.zeros((1, 18))
    after, fires = np.array([False, True]), np.array([True, False])
    threshold_parts(
        course, sweep, starts, stops, after, fires, keep, share, chosen, raised, followed
    )
    np.testing.assert_allclose(raised[0], 0.9 ** np.arange(18))
    # It rested in the dead time: ten steps before it, none in it.
    np.testing.assert_allclose(followed[0], 4 * (1 - 0.9 ** (10 + np.arange(18))))
