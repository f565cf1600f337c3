"""Risk and coverage by hand; the promised error rate on made-up cells."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raphe.core.errors import SettingError
from raphe.core.statistics.abstention import (
    HeldOut,
    NotSure,
    choose_not_sure,
    risk_coverage,
    units_needed,
)

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
    assert chosen.kept == (n >= units_needed(wanted))
    bound = wanted if chosen.kept else wanted * n / (n + 1) + 1 / (n + 1)
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
    assert chosen.kept
    assert np.mean(wrong) <= 0.05 + 2 * np.std(wrong) / np.sqrt(1500)
    # Nor much less often: the bound is tight up to 1 / (n + 1).
    assert np.mean(wrong) >= 0.05 - 1 / (n + 1)
    assert np.mean(called) > 0.05


def test_too_few_cells_promise_less_and_say_so():
    assert units_needed(0.05) == 19
    few = choose_not_sure(np.full(18, 0.9), np.ones(18, bool), 0.05)
    assert not few.kept and few.threshold == 0 and few.promised_error == pytest.approx(1 / 19)
    assert "at most 5.3 % of new cells" in few.statement()
    assert "promising 5 % would take 19 held-out cells" in few.statement()
    enough = choose_not_sure(np.full(19, 0.9), np.ones(19, bool), 0.05)
    assert enough.kept and enough.threshold == 0
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


def days(n_days: int, per_day: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Confidence, right and day of the cells of days of which some are bad."""
    day = np.repeat(np.arange(n_days), per_day)
    bad = rng.random(n_days) < 0.3
    right = rng.random(len(day)) >= np.where(bad[day], 0.4, 0.01)
    return rng.uniform(0.5, 1, len(day)), right, day


def share_wrong(
    held_out_days: int, by_day: bool, wanted: float = 0.05
) -> tuple[float, float, float]:
    """Of cells of new days: the mean share called wrong, its standard error, what was promised."""
    rng = np.random.default_rng(1)
    wrong, promised = [], 0.0
    for _ in range(1000):
        confidence, right, day = days(held_out_days, 5, rng)
        held_out = HeldOut(unit="day", unit_of_item=day) if by_day else None
        chosen = choose_not_sure(confidence, right, 0.05, held_out)
        promised = chosen.promised_error
        confidence, right, _ = days(20, 5, rng)
        wrong.append(((confidence >= chosen.threshold) & ~right).mean())
    return float(np.mean(wrong)), float(np.std(wrong) / np.sqrt(len(wrong))), promised


@pytest.mark.parametrize("n_days", [4, 25])
def test_of_new_days_no_more_are_called_wrong_than_promised(n_days: int) -> None:
    wrong, error, promised = share_wrong(n_days, by_day=True)
    assert wrong <= promised + 2 * error
    assert (promised == 0.05) == (n_days >= units_needed(0.05))


def test_cells_of_few_days_taken_as_independent_break_the_promise() -> None:
    wrong, error, promised = share_wrong(4, by_day=False)
    assert promised == 0.05 and wrong > promised + 2 * error


def test_groups_of_any_size_count_alike() -> None:
    confidence, right = np.full(31, 0.9), np.ones(31, bool)
    right[:2] = False  # both cells of one day of two, and none of the other's 29
    day = np.repeat(["a", "b"], [2, 29])
    chosen = choose_not_sure(confidence, right, 0.4, HeldOut(unit="day", unit_of_item=day))
    assert chosen.threshold > 0.9 and chosen.n_decided == 0  # by cell 2 of 31 would pass
    assert choose_not_sure(confidence, right, 0.4).threshold == 0


@pytest.mark.parametrize("by_day", [False, True])
def test_the_rule_is_mapies_conformal_risk_control(by_day: bool) -> None:
    methods = pytest.importorskip("mapie.risk_control.methods")
    rng = np.random.default_rng(3)
    thresholds = np.arange(0.5, 1, 0.01)
    for _ in range(5):
        confidence = (rng.integers(50, 100, 90) + 0.5) / 100
        right = rng.random(90) < 0.9
        day = np.sort(rng.integers(0, 25, 90)) if by_day else np.arange(90)
        wrong = ~right[:, None] & (confidence[:, None] >= thresholds)
        of_day = np.stack([wrong[day == d].mean(axis=0) for d in np.unique(day)])
        _, bound = methods.get_r_hat_plus(of_day, thresholds, "crc", None, None, None)
        theirs = thresholds[bound <= 0.1 + 1e-9][0]
        held_out = HeldOut(unit="day", unit_of_item=day) if by_day else None
        ours = choose_not_sure(confidence, right, 0.1, held_out)
        if by_day:  # the more careful of both rules
            theirs = max(theirs, choose_not_sure(confidence, right, 0.1).threshold)
        np.testing.assert_array_equal(confidence >= ours.threshold, confidence >= theirs)


def test_classes_of_another_mix_are_weighted() -> None:
    rng = np.random.default_rng(5)
    wrong = []
    for _ in range(1500):
        label = np.arange(60) % 2  # half and half held out, a tenth of new ones are of class 0
        confidence = rng.uniform(0.5, 1, 60)
        right = rng.random(60) < np.where(label == 0, 0.97, 0.8)
        weight = np.array([0.1, 0.9])[label] / 0.5
        chosen = choose_not_sure(confidence, right, 0.05, weight=weight)
        assert chosen.kept
        n_wrong_each = 1 - chosen.threshold if chosen.threshold else 0.5  # of uniform confidence
        wrong.append(min(n_wrong_each / 0.5, 1) * (0.1 * 0.03 + 0.9 * 0.2))
    assert np.mean(wrong) <= 0.05 + 2 * np.std(wrong) / np.sqrt(1500)
    assert np.mean(wrong) > 0.02
    assert not choose_not_sure(np.full(20, 0.9), np.ones(20, bool), 0.05, weight=[1.8] * 20).kept


def test_counts_stand_beside_what_they_weigh() -> None:
    """Half of the cells called wrong, all of a class that is rare elsewhere."""
    weight = np.repeat([0.02, 1.98], 100)
    chosen = choose_not_sure(np.full(200, 0.9), np.arange(200) >= 100, 0.05, weight=weight)
    assert chosen.statement() == (
        "on average at most 5 % of new cells like those held out are called wrong (200 of 200 "
        "held-out cells were called, 100 of them wrong; weighted to these class frequencies, 1 % "
        "of all)"
    )


def test_what_was_seen_is_rounded_and_what_is_promised_rounded_up() -> None:
    kept = {"n_items": 30, "n_decided": 30, "n_units": 30}
    none_wrong = NotSure(0.7, 0.05, 0.0501, n_wrong=0, wrong_share=0.0, **kept).statement()
    assert "at most 5.1 % of" in none_wrong and "class frequencies, 0 % of all" in none_wrong
    few_wrong = NotSure(0.7, 0.05, 0.0, n_wrong=1, wrong_share=0.0123, **kept).statement()
    assert "at most 0 % of" in few_wrong and "class frequencies, 1.2 % of all" in few_wrong


@pytest.mark.parametrize(
    ("not_sure", "sentence"),
    [
        (
            NotSure(0.7, 0.05, 0.05, 30, 28, 1, n_units=30, units_needed=19, shared="day"),
            "on average at most 5 % of new cells of the days trained on are called wrong (28 of 30 "
            "held-out cells were called, 1 of them wrong); nothing is promised for other days",
        ),
        (
            NotSure(0.7, 0.05, 0.05, 300, 28, 1, unit="day", n_units=24, units_needed=19),
            "on average at most 5 % of the cells of new days are called wrong (28 of 300 held-out "
            "cells of 24 days were called, 1 of them wrong)",
        ),
        (
            NotSure(0.7, 0.05, 1.3 / 7, 30, 28, 1, unit="day", n_units=6, units_needed=19),
            "on average at most 19 % of the cells of new days are called wrong (28 of 30 held-out "
            "cells of 6 days were called, 1 of them wrong); promising 5 % would take 19 held-out "
            "days",
        ),
        (
            NotSure(0.0, 0.05, 1.0, 0, 0, 0),
            "nothing is promised about new cells, as none were held out",
        ),
    ],
)
def test_one_sentence_says_what_is_promised_of_whom(not_sure: NotSure, sentence: str) -> None:
    assert not_sure.statement() == sentence
