"""Cells recorded again by drawing them again: intervals hold them, where spikes alone do not."""

import numpy as np
import pytest
from scipy.special import expit

from raphe.core.statistics.abstention import NotSure
from raphe.core.statistics.calibration import Calibration
from raphe.core.statistics.decision import Decision
from raphe.tasks.celltype.metrics.recorded_again import interval_again, log_odds, resampled

DECISION = Decision("mean", "temperature", Calibration(), NotSure(0.6, 0.05, 0.05, 40, 40, 1))


def recording(
    cell: float, rng: np.random.Generator, n: int = 40, alike: float = 0.0, day_sd: float = 0.0
) -> np.ndarray:
    """What one member says of n spikes (1, n, 2) whose log odds are alike to their neighbours'."""
    noise = rng.standard_normal(n)
    for i in range(1, n):
        noise[i] = alike * noise[i - 1] + np.sqrt(1 - alike**2) * noise[i]
    first = expit(cell + day_sd * rng.standard_normal() + 0.8 * noise)
    return np.stack([first, 1 - first], axis=1)[None]


def coverage(spread: float, day_sd: float, n: int = 40, alike: float = 0.0) -> float:
    rng = np.random.default_rng(7)
    inside = []
    for cell in rng.uniform(-2.5, 2.5, 150):
        first, again = (recording(cell, rng, n, alike, day_sd) for _ in range(2))
        probability = DECISION.of_cell(first, [1])
        low, high = interval_again(probability, resampled(DECISION, first, [1]), n, spread)[0]
        inside.append(low <= DECISION.of_cell(again, [1])[0] <= high)
    return float(np.mean(inside))


@pytest.mark.parametrize("settings", [{"day_sd": 0.0}, {"day_sd": 0.4}, {"day_sd": 0.0, "n": 6}])
def test_another_recording_lies_within(settings: dict[str, float]) -> None:
    assert 0.9 <= coverage(spread=settings["day_sd"], **settings) <= 0.99


def test_without_the_spread_between_days_it_does_not() -> None:
    assert coverage(spread=0.0, day_sd=0.4) < 0.75


def test_spikes_like_their_neighbours_are_drawn_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    in_blocks = coverage(spread=0.0, day_sd=0.0, n=100, alike=0.7)
    module = "raphe.tasks.celltype.metrics.recorded_again"
    monkeypatch.setattr(f"{module}.block_length", lambda n: 1)
    assert coverage(spread=0.0, day_sd=0.0, n=100, alike=0.7) < in_blocks - 0.05


def test_the_ends_of_two_classes_mirror_each_other() -> None:
    first = recording(1.0, np.random.default_rng(0))
    ends = interval_again(DECISION.of_cell(first, [1]), resampled(DECISION, first, [1]), 40, 0.3)
    np.testing.assert_allclose(ends[0], 1 - ends[1][::-1])


@pytest.mark.parametrize("pooling", ["mean", "median", "trimmed"])
def test_resamples_are_calibrated_as_the_cell_is(pooling: str) -> None:
    decision = Decision(pooling, "temperature", Calibration(slope=0.5), DECISION.not_sure)
    rng = np.random.default_rng(1)
    members = np.concatenate([recording(c, rng) for c in (0.5, 1.0, 1.5)])  # (3, 40, 2)
    drawn = resampled(decision, members, [1, 2, 1])
    probability = decision.of_cell(members, [1, 2, 1])
    np.testing.assert_allclose(drawn.sum(axis=1), 1)
    assert abs(log_odds(drawn[:, 0]).mean() - log_odds(probability[0])) < 0.1
    np.testing.assert_array_equal(drawn, resampled(decision, members, [1, 2, 1]))


def test_certain_spikes_have_finite_ends() -> None:
    members = np.tile([1.0, 0.0], (1, 20, 1))
    ends = interval_again(
        DECISION.of_cell(members, [1]), resampled(DECISION, members, [1]), 20, 0.3
    )
    assert np.isfinite(ends).all() and ends[0, 0] > 0.99
