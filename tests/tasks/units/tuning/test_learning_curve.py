from collections.abc import Callable

import numpy as np
import pytest

from raphe.tasks.units.tuning import learning_curve as module
from raphe.tasks.units.tuning.learning_curve import (
    LearningCurve,
    PowerLaw,
    fit_power_law,
    learning_curve,
)
from raphe.tasks.units.tuning.selection import Material


def test_a_law_is_found_and_solved() -> None:
    sizes = np.array([10.0, 20, 40, 80])
    values = 0.9 - 0.2 * (sizes / 80) ** -0.5
    law = fit_power_law(sizes, values[None])
    assert law.top[0] == pytest.approx(0.9) and law.steepness[0] == 0.5
    np.testing.assert_allclose(law.at(sizes)[0], values)
    assert law.needed(0.8)[0] == pytest.approx(320)  # 0.2 (n / 80)^−½ = 0.1
    assert np.isinf(law.needed(0.9)[0]) and np.isinf(law.needed(0.899)[0])


def test_a_law_neither_falls_nor_leaves_1_behind() -> None:
    sizes = np.array([10.0, 20, 40])
    falls, steep = fit_power_law(sizes, np.array([[0.8, 0.7, 0.6], [0.2, 0.7, 1.0]])).at(sizes)
    np.testing.assert_allclose(falls, 0.7)
    assert (np.diff(steep) > 0).all()
    beyond = fit_power_law(sizes, np.array([[0.5, 0.8, 0.97]]))
    assert beyond.top[0] <= 1 and beyond.at(np.array([1e6]))[0, 0] <= 1


@pytest.mark.parametrize("n", [4, 7])
def test_a_few_units_have_no_curve(n: int, material: Callable[..., Material]) -> None:
    assert learning_curve(material(n=n)) is None


def test_a_bundle_that_is_wrong_learns(
    material: Callable[..., Material], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REPEATS", 1)
    curve = learning_curve(material(n=40, right=0.2))
    assert curve is not None and curve.rises and curve.value[0] < 0.85 < 0.9 < curve.value[-1]
    assert curve.sizes[-1] == 32 and (np.diff(curve.sizes) > 0).all()
    needed, low, high = curve.needed(0.5)
    assert low <= needed <= high
    low_ends, high_ends = curve.band(np.array([10.0, 30.0]))
    assert (low_ends < high_ends).all() and (high_ends <= 1).all()


def test_classes_come_early_and_late_and_groups_whole() -> None:
    label, group = np.arange(40) % 2, np.arange(40) // 2 % 10
    rng = np.random.default_rng(0)
    order = module._in_shares(np.arange(40), label, np.arange(40), rng)
    assert all(0 < label[order[:n]].sum() < n for n in (6, 10, 20))
    rows = module._first_groups(module._in_shares(np.arange(40), label, group, rng), group, 5)
    assert len(rows) == 8 and set(np.bincount(group[rows])) == {0, 4}


def test_a_class_of_which_all_are_right_is_not_sure() -> None:
    label = np.array([0, 0, 0, 1, 1, 1])
    draws = module._balanced(np.ones((1, 6)), label, np.ones((200, 6)), one_more=True)
    assert 0.7 < draws.min() < 0.8 and draws.max() == 1


def test_it_tells_of_no_more_units_than_it_says() -> None:
    one = np.ones(1)
    law = PowerLaw(0.9 * one, 0.3 * one, one, 40.0)  # 40 of 50: a fifth was left out
    curve = LearningCurve(np.array([6.0, 40]), np.array([0.4, 0.6]), np.zeros((1, 2)), law, law, 50)

    def target(n: float) -> float:
        return float(law.at(np.array([n]))[0, 0])

    assert np.isfinite(curve.needed(target(curve.farthest - 1))).all()
    assert np.isinf(curve.needed(target(curve.farthest + 1))).all()
