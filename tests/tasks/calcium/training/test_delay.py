"""A dataset's delay is found again, and moving is exact."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raphe.tasks.calcium.training.delay import LONGEST_DELAY, delay, moved


@pytest.mark.parametrize("by", [-16, -8, 0, 3, 11])
def test_a_known_delay_is_found(by: int) -> None:
    rng = np.random.default_rng(by + 99)
    trains = [rng.poisson(0.03, 3000).astype(float) for _ in range(3)]
    bump = np.exp(-(np.arange(-9, 10) ** 2) / 18)
    expected = [np.convolve(train, bump, "same") + 0.2 * rng.random(3000) for train in trains]
    assert delay(expected, [moved(train, by) for train in trains]) == by


def test_without_spikes_there_is_none() -> None:
    assert delay([np.random.default_rng(0).random(400)], [np.zeros(400)]) == 0


@given(st.integers(-LONGEST_DELAY, LONGEST_DELAY))
def test_moved_back_all_but_the_ends_is_there_again(by: int) -> None:
    samples = np.arange(100.0) + 1
    back = moved(moved(samples, by), -by)
    inside = slice(LONGEST_DELAY, -LONGEST_DELAY)
    np.testing.assert_array_equal(back[inside], samples[inside])
    assert (moved(samples, by) == 0).sum() == abs(by)
