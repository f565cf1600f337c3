"""The joint test against distances and deviates that scipy works out."""

import json

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import mahalanobis

from raphe.tasks.celltype.features.joint_test import ALL, GROUPS, PARTS, SINGLE, JointTest

COLUMNS = ("baseline_pA", "asymmetry", "mains_locking_SD")  # none of them a logarithm


def cells(n: int, seed: int = 0) -> tuple[list[dict[str, float]], np.ndarray]:
    """Statistics of three groups, the first two of them correlated by 0.9; mean spikes of noise."""
    rng = np.random.default_rng(seed)
    values = rng.multivariate_normal([5, 0, 1], [[1, 0.9, 0], [0.9, 1, 0], [0, 0, 4]], n)
    spikes = rng.normal(0, 0.01, (n, 12)) + np.sin(np.arange(12))
    return [dict(zip(COLUMNS, row, strict=True)) for row in values], spikes


@pytest.fixture
def fitted() -> JointTest:
    return JointTest.fit(*cells(400), "pA")


def test_scores_are_normal_deviates_of_mahalanobis_distances(fitted: JointTest) -> None:
    scaled = np.linspace(-2, 3, len(fitted.statistics))
    scores = dict(zip(PARTS, fitted.scores(scaled), strict=True))
    assert scores[SINGLE] == 3
    for group in (*GROUPS, ALL):
        rows = fitted.rows(group)
        inverse = np.linalg.inv(fitted.covariance[np.ix_(rows, rows)])
        squared = mahalanobis(scaled[rows], fitted.mean[rows], inverse) ** 2
        exact = stats.norm.isf(stats.chi2.sf(squared, len(rows)))
        assert scores[group] == pytest.approx(exact, abs=0.15)


def test_what_a_cell_lacks_is_left_out(fitted: JointTest) -> None:
    statistics, spikes = cells(1, seed=5)
    values = fitted.values({**statistics[0], "mains_locking_SD": np.nan}, spikes[0])
    scores = dict(zip(PARTS, fitted.scores(fitted.scaled(values)), strict=True))
    assert scores["firing"] == 0 and np.isfinite(list(scores.values())).all()


def test_two_statistics_that_do_not_go_together_are_far_though_each_is_near(
    fitted: JointTest,
) -> None:
    _, spikes = cells(1, seed=5)
    against = {"baseline_pA": 5 + 1.6, "asymmetry": -1.6, "mains_locking_SD": 1.0}
    scaled = fitted.scaled(fitted.values(against, spikes[0]))
    scores = dict(zip(PARTS, fitted.scores(scaled), strict=True))
    assert scores[ALL] > 2.5 and np.abs(scaled[:2]).max() < 2
    assert set(np.argsort(-fitted.contributions(scaled, ALL))[:2]) == {
        fitted.columns.index("baseline_pA"),
        fitted.columns.index("asymmetry"),
    }


def test_an_uneven_spread_counts_on_the_side_that_a_value_lies_on() -> None:
    rng = np.random.default_rng(1)
    statistics, spikes = cells(400)
    for cell, value in zip(statistics, rng.exponential(1.0, 400), strict=True):
        cell["baseline_pA"] = value
    test = JointTest.fit(statistics, spikes, "pA")
    row = test.columns.index("baseline_pA")
    assert test.above[row] > 1.5 * test.below[row]
    # No farther out than the same quantile of a normal distribution would be.
    high = {"baseline_pA": -np.log(0.01), "asymmetry": 0.0, "mains_locking_SD": 1.0}
    assert test.scaled(test.values(high, spikes[0]))[row] < 2.6


def test_a_value_that_is_nearly_nothing_is_not_told_as_0() -> None:
    statistics, spikes = cells(40)
    sizes = np.linspace(66, 134, 40)
    for cell, size in zip(statistics, sizes, strict=True):
        cell["amplitude_pA"] = size
    test = JointTest.fit(statistics, spikes, "pA")
    row = test.columns.index("amplitude_pA")
    values = test.values({**statistics[0], "amplitude_pA": 9e-11}, 1e-12 * spikes[0])
    assert test.compared(row, values) == "less than 0.000002 pA (in training 66.0 to 134 pA)"


def test_facts_are_json_and_bring_the_test_back(fitted: JointTest) -> None:
    facts = json.loads(json.dumps(fitted.facts(), allow_nan=False))
    statistics, spikes = cells(1, seed=9)
    again = JointTest.from_facts(facts)
    expected = fitted.scores(fitted.scaled(fitted.values(statistics[0], spikes[0])))
    found = again.scores(again.scaled(again.values(statistics[0], spikes[0])))
    assert found == pytest.approx(expected, abs=0.01)


def test_a_statistic_that_is_the_same_in_every_cell_tells_none_apart() -> None:
    statistics, spikes = cells(40)
    for cell in statistics:
        cell["baseline_pA"] = 0.0
    test = JointTest.fit(statistics, spikes, "pA")
    scaled = test.scaled(test.values({**statistics[0], "baseline_pA": 9.0}, spikes[0]))
    assert scaled[test.columns.index("baseline_pA")] == pytest.approx(0, abs=1e-6)
