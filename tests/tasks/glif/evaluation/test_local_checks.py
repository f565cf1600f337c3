"""Local checks against posteriors that are known: right, and wrong for some cells alone."""

from dataclasses import replace

import numpy as np
import pytest

from raphe.core.errors import SettingError
from raphe.tasks.glif.evaluation.local_checks import (
    SIGNIFICANT,
    LocalChecks,
    check_locally,
    in_units,
)
from raphe.tasks.glif.metrics.posterior_scores import PosteriorTest

M, S, TRIALS = 1000, 60, 20


def _tested(
    width: float = 1.0, bias: float = 0.0, n: int = M, n_samples: int = S
) -> tuple[PosteriorTest, np.ndarray]:
    """x ~ N(θ, 1) with θ ~ N(0, 1), twice: the posterior is N(x / 2, 1 / 2). The cells lie in the
    order of a feature, from −1 to 1; where that is below 0 deviations are off by a factor, and
    draws of the first quantity by a bias in deviations."""
    rng = np.random.default_rng(0)
    feature = np.linspace(-1, 1, n)
    wrong = (feature < 0)[:, None]
    truth = rng.normal(size=(n, 2))
    centre = (truth + rng.normal(size=(n, 2))) / 2
    off = np.where(wrong, width, 1.0) * rng.normal(size=(n_samples, n, 2)) + bias * wrong * [1, 0]
    samples = centre + np.sqrt(0.5) * off
    test = PosteriorTest(truth, samples, np.zeros(n), np.zeros(n), np.arange(n) % 2 == 0)
    return test, np.stack([feature, rng.normal(size=n)], axis=1)


@pytest.mark.ci
@pytest.mark.parametrize(("width", "bias"), [(0.3, 0.0), (2.0, 0.0), (1.0, 1.0)])
def test_a_posterior_is_rejected_where_it_is_wrong_and_nowhere_else(
    width: float, bias: float
) -> None:
    """Of the first half of the cells. Those beside the border are like both."""
    checks = check_locally(*_tested(width, bias), n_cells=6, trials=TRIALS)
    assert checks.cells.tolist() == [0, 200, 400, 599, 799, 999]
    assert checks.spiked.tolist() == [True, True, True, False, False, False]
    rejected = (checks.p < SIGNIFICANT).tolist()
    assert rejected[:2] == [True, True] and rejected[4:] == [False, False]
    assert checks.rejected == sum(rejected) / 6
    assert (checks.statistic > checks.by_chance)[:2].all()
    assert checks.p_of_share == pytest.approx(1 / (1 + TRIALS))  # no trial rejects so many


@pytest.mark.ci  # sbi loads for seconds
def test_truth_and_a_draw_in_its_place_are_treated_alike() -> None:
    """So that p is exact: exchanged, the one has the statistic that the other had."""
    test, features = _tested(n=40, n_samples=30)
    exchanged = replace(
        test, truth=test.samples[0], samples=np.concatenate([test.truth[None], test.samples[1:]])
    )
    first, second = (check_locally(each, features, 3, trials=1) for each in (test, exchanged))
    assert first.statistic == pytest.approx(second.by_chance, rel=1e-12)
    assert first.by_chance == pytest.approx(second.statistic, rel=1e-12)
    assert (first.statistic != first.by_chance).all()


def test_truth_and_draws_are_in_units_of_the_posterior() -> None:
    """However narrow and however much two quantities go together."""
    rng = np.random.default_rng(0)
    mixed = np.array([[1e-3, 0.0], [9e-4, 1e-4]])
    centre = rng.normal(size=(5, 2))
    samples = centre + rng.normal(size=(4000, 5, 2)) @ mixed.T
    truth = centre + np.array([2.0, -1.0]) @ mixed.T
    test = PosteriorTest(truth, samples, np.zeros(5), np.zeros(5), np.ones(5, bool))
    claims, draws = (tensor.numpy() for tensor in in_units(test, 10))
    assert claims.shape == (11, 5, 2) and draws.shape == (3990, 5, 2)
    assert np.abs(claims[0] - [2.0, -1.0]).max() < 0.1
    assert draws.std(axis=0) == pytest.approx(np.ones((5, 2)), abs=0.05)
    assert np.abs(np.corrcoef(draws[:, 0].T)[0, 1]) < 0.05


def test_draws_too_few_for_the_trials_are_told() -> None:
    with pytest.raises(SettingError, match=r"expected 200 draws of each posterior .* got 60"):
        check_locally(*_tested(n=10), n_cells=3)


def test_more_cells_than_there_are_cannot_be_checked() -> None:
    with pytest.raises(
        SettingError, match=r"evaluate\.local=1001: expected at most the 1000 cells"
    ):
        check_locally(*_tested(), n_cells=M + 1)


def test_a_table_has_a_row_for_each_cell() -> None:
    columns = np.array([3, 7]), np.array([True, False]), *np.array([[0.1, 0.2]] * 3), 0.5
    text = LocalChecks(*columns).csv()
    assert text.splitlines()[:2] == [
        "cell,spiked,statistic,statistic_95_by_chance,p", "3,1,0.1,0.1,0.1",
    ]  # fmt: skip
