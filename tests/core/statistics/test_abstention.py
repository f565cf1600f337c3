"""Risk and coverage by hand; the promised error rate on made-up cells."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raphe.core.errors import SettingError
from raphe.core.statistics.abstention import choose_not_sure, items_needed, risk_coverage

answers = st.lists(st.tuples(st.integers(5, 10), st.booleans()), min_size=1, max_size=60)


def test_risk_coverage_by_hand():
    curve = risk_coverage([0.6, 0.9, 0.8, 0.9], [False, True, False, True])
    np.testing.assert_allclose(curve.coverage, [0.5, 0.75, 1])
    np.testing.assert_allclose(curve.risk, [0, 1 / 3, 1 / 2])
    np.testing.assert_allclose(curve.threshold, [0.9, 0.8, 0.6])
    assert curve.area == pytest.approx(0.25 / 3 + 0.25 / 2)


@given(answers)
def test_risk_coverage_against_every_threshold(rows):
    confidence = np.array([c for c, _ in rows]) / 10
    right = np.array([r for _, r in rows])
    curve = risk_coverage(confidence, right)
    for coverage, risk, threshold in zip(curve.coverage, curve.risk, curve.threshold, strict=True):
        decided = confidence >= threshold
        assert coverage == pytest.approx(decided.mean())
        assert risk == pytest.approx((~right[decided]).mean())
    assert curve.coverage[-1] == 1


def test_area_of_the_best_the_worst_and_chance():
    confidence = np.linspace(1, 0.5, 1000)
    assert risk_coverage(confidence, np.ones(1000, bool)).area == 0
    assert risk_coverage(confidence, np.zeros(1000, bool)).area == pytest.approx(1)
    # All errors last, a share e of them: e + (1 - e) ln(1 - e) (Geifman et al. 2019).
    sorted_right = np.arange(1000) < 800
    expected = 0.2 + 0.8 * np.log(0.8)
    assert risk_coverage(confidence, sorted_right).area == pytest.approx(expected, abs=2e-3)


@given(answers, st.sampled_from([0.02, 0.05, 0.1, 0.3]))
def test_the_threshold_is_the_smallest_allowed(rows, wanted):
    confidence = np.array([c for c, _ in rows]) / 10
    right = np.array([r for _, r in rows])
    chosen = choose_not_sure(confidence, right, wanted)
    n = len(rows)
    assert chosen.guaranteed == (n >= items_needed(wanted))
    bound = wanted if chosen.guaranteed else wanted * n / (n + 1) + 1 / (n + 1)
    assert (chosen.n_wrong + 1) / (n + 1) <= bound + 1e-9
    smaller = [t for t in (0, *confidence) if t < chosen.threshold]
    for threshold in smaller:
        n_wrong = (~right[confidence >= threshold]).sum()
        assert (n_wrong + 1) / (n + 1) > bound + 1e-9


def cells(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Confidences that say too much: right less often than they state."""
    confidence = rng.uniform(0.5, 1, n)
    return confidence, rng.random(n) < 0.5 + 0.7 * (confidence - 0.5)


@pytest.mark.parametrize("n", [19, 20, 60])
def test_new_cells_are_called_wrong_no_more_often_than_wanted(n):
    rng = np.random.default_rng(0)
    wrong, called = [], []
    for _ in range(1500):
        chosen = choose_not_sure(*cells(n, rng), 0.05)
        confidence, right = cells(500, rng)
        decided = chosen.decided(np.stack([confidence, 1 - confidence], axis=1))
        wrong.append((decided & ~right).mean())
        called.append(decided.mean())
    assert chosen.guaranteed
    assert np.mean(wrong) <= 0.05 + 2 * np.std(wrong) / np.sqrt(1500)
    # Nor much less often: the bound is tight up to 1 / (n + 1).
    assert np.mean(wrong) >= 0.05 - 1 / (n + 1)
    assert np.mean(called) > 0.05


def test_too_few_cells_promise_nothing_and_say_so():
    assert items_needed(0.05) == 19
    few = choose_not_sure(np.full(18, 0.9), np.ones(18, bool), 0.05)
    assert not few.guaranteed and few.threshold == 0
    assert "needs 19 held out" in few.statement()
    enough = choose_not_sure(np.full(19, 0.9), np.ones(19, bool), 0.05)
    assert enough.guaranteed and enough.threshold == 0
    assert "at most 5 %" in enough.statement() and "19 of 19 held-out cells" in enough.statement()


@pytest.mark.parametrize("wanted", [0, 1, -0.1, 5])
def test_an_error_rate_is_a_share(wanted):
    with pytest.raises(SettingError, match="expected a share between 0 and 1"):
        choose_not_sure([0.9], [True], wanted)


def test_two_classes_have_a_band_around_a_half():
    confidence = np.linspace(0.5, 1, 100)
    chosen = choose_not_sure(confidence, confidence > 0.7, 0.1)
    p = np.array([0.05, 0.2, 0.5, 0.8, 0.95])
    decided = chosen.decided(np.stack([p, 1 - p], axis=1))
    assert decided.tolist() == [True, True, False, True, True]
