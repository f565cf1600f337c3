"""A curve holds what its samples do, from near and from afar."""

import numpy as np
import pytest

from raphe.core.bundles.curves import MOST_POINTS, sampled_band, sampled_line
from raphe.core.errors import SettingError

RATE_HZ = 100.0


def test_from_near_each_sample_is_a_point() -> None:
    values = np.array([0.0, np.nan, 2.0, np.inf, 1 / 3])
    line = sampled_line("trace", "data", values, RATE_HZ, (0.0, 1.0), 100)
    assert line.x == [0.0, 0.01, 0.02, 0.03, 0.04]
    assert line.y == [0.0, None, 2.0, None, 0.333333]
    assert line.low == line.high == ()
    part = sampled_line("trace", "data", values, RATE_HZ, (0.015, 0.02), 100)
    assert part.x == [0.01, 0.02]  # the one before the view begins: the curve comes from there


@pytest.mark.parametrize("points", [2, 7, 100, 999])
def test_from_afar_no_peak_is_lost(points: int) -> None:
    values = np.random.default_rng(0).normal(size=1000)
    values[[17, 18, 400]] = 50.0, np.nan, -50.0
    line = sampled_line("trace", "data", values, RATE_HZ, (0.0, 10.0), points)
    assert line.y == () and len(line.x) == len(line.low) == len(line.high) <= points
    assert max(line.high) == 50.0 and min(line.low) == -50.0
    assert list(line.x) == sorted(line.x) and line.x[0] >= 0 and line.x[-1] <= 9.99


def test_stretches_stay_where_they_are_as_the_view_moves() -> None:
    values = np.random.default_rng(0).normal(size=1000)
    views = [sampled_line("", "data", values, RATE_HZ, (t, t + 5), 50) for t in (1.0, 1.03)]
    of_each = [dict(zip(view.x, view.low, strict=True)) for view in views]
    shared = set(of_each[0]) & set(of_each[1])
    assert len(shared) > 40
    inner = sorted(shared)[1:-1]
    assert all(of_each[0][x] == of_each[1][x] for x in inner)


def test_a_band_is_never_narrower_than_the_one_it_shows() -> None:
    low, high = np.zeros(1000), np.linspace(1, 2, 1000)
    near = sampled_band("spread", "spread", low[:10], high[:10], RATE_HZ, (0, 1), 100)
    assert near.high[0] == 1.0 and near.y == () and set(near.low) == {0.0}
    assert sampled_band("spread", "spread", low, high, RATE_HZ, (0, 10), 5).high[-1] == 2.0


def test_what_is_asked_for_cannot_be_without_end_or_nothing() -> None:
    values = np.zeros(3 * MOST_POINTS)
    assert len(sampled_line("", "data", values, 1.0, (0.0, 1e9), 10**9).x) <= MOST_POINTS
    assert len(sampled_line("", "data", values, 1.0, (-9.0, -8.0), 0).x) == 1
    for span in ((1.0, 1.0), (2.0, 1.0), (float("nan"), 1.0), (0.0, float("inf"))):
        with pytest.raises(SettingError, match="expected a time and a later one"):
            sampled_line("", "data", values, 1.0, span, 10)
