"""Pooling against NumPy and SciPy, member by member and spike by spike."""

import numpy as np
import pytest
from scipy.stats import trim_mean

from raphe.core.errors import SettingError
from raphe.core.statistics.cell_probability import cell_probability, pool

WAYS = {"mean": np.mean, "median": np.median, "trimmed": lambda values: trim_mean(values, 0.1)}


def predictions(members: int, n: int, n_classes: int = 2) -> np.ndarray:
    rng = np.random.default_rng(n)
    return rng.dirichlet(np.ones(n_classes), size=(members, n))


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("n", [1, 7, 50])
def test_members_and_spikes_are_pooled_alike(how, n):
    probability = predictions(11, n)
    pooled = cell_probability(probability, how)
    assert pooled[0] == pytest.approx(WAYS[how](probability[..., 0].ravel()))
    assert pooled.sum() == pytest.approx(1)
    np.testing.assert_allclose(cell_probability(probability[:1], how),
                               cell_probability(probability[0], how))  # fmt: skip


@pytest.mark.parametrize("how", WAYS)
def test_three_classes_sum_to_one(how):
    probability = predictions(4, 30, n_classes=3)
    pooled = cell_probability(probability, how)
    expected = np.array([WAYS[how](probability[..., c].ravel()) for c in range(3)])
    np.testing.assert_allclose(pooled, expected / expected.sum())


def test_many_sets_of_spikes_at_once():
    values = predictions(6, 20, n_classes=3)
    for how in WAYS:
        np.testing.assert_allclose(
            pool(values, how), np.stack([pool(of_spikes, how) for of_spikes in values]), rtol=1e-12
        )


def test_a_few_spikes_of_another_cell_move_median_and_trimmed_mean_less():
    of_cell, of_another = np.tile([0.9, 0.1], (19, 1)), np.array([[0.0, 1.0]])
    mixed = np.concatenate([of_cell, of_another])
    assert cell_probability(mixed)[0] == pytest.approx(0.855)
    assert cell_probability(mixed, "median")[0] == pytest.approx(0.9)
    assert cell_probability(mixed, "trimmed")[0] == pytest.approx(0.9)


def test_medians_that_are_all_zero_speak_for_none():
    np.testing.assert_allclose(cell_probability(np.eye(3), "median"), [1 / 3] * 3)


def test_another_way_is_refused():
    with pytest.raises(SettingError, match=r"evaluate\.pooling=mode: expected mean, median"):
        cell_probability(np.eye(2), "mode")
