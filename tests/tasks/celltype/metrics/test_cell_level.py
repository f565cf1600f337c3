"""Headline figures: what their intervals are over, how wide they are, and the published cells."""

import csv

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from raphe.core.statistics.answers import Answer, above
from raphe.tasks.celltype.metrics.cell_level import (
    group_cells,
    headlines,
    headlines_csv,
    interval_note,
    mean_loss,
    share_of_cells,
)
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.stores.spike_set import Cell

TWO = ("SER", "NSER")


def cells_called(right_ser: int, ser: int, right_nser: int, nser: int) -> Predictions:
    """One row a cell, called with probabilities all of their own."""
    label = np.repeat([0, 1], [ser, nser])
    right = np.concatenate([np.arange(ser) < right_ser, np.arange(nser) < right_nser])
    confidence = np.linspace(0.6, 0.99, ser + nser)
    first = np.where(right == (label == 0), confidence, 1 - confidence)
    probability = np.stack([first, 1 - first], axis=1)
    return Predictions(probability, probability, label, np.arange(ser + nser))


def by_name(figures) -> dict:
    return {figure.name: figure for figure in figures}


def dated_cells(n: int, days: int, animals: int = 1) -> list[Cell]:
    return [
        Cell(f"c{i}", i % 2, f"2026-01-{1 + i % days:02d}", f"m{i % animals}") for i in range(n)
    ]


def test_the_published_cells():
    predictions = cells_called(51, 54, 24, 26)
    figures = by_name(headlines("cells", predictions, group_cells(predictions, ()), TWO))
    for name, counts, percent in (
        ("sensitivity", (51, 54), (94.4, 84.9, 98.1)),
        ("specificity", (24, 26), (92.3, 75.9, 97.9)),
        ("ppv", (51, 53), (96.2, 87.2, 99.0)),
        ("npv", (24, 27), (88.9, 71.9, 96.1)),
        ("accuracy", (75, 80), (93.8, 86.2, 97.3)),
    ):
        figure = figures[name]
        assert figure.counts == counts and figure.interval == f"{counts[1]} cells"
        assert [100 * figure.value, 100 * figure.low, 100 * figure.high] == pytest.approx(
            percent, abs=0.06
        )
    assert figures["balanced_accuracy"].value == pytest.approx((51 / 54 + 24 / 26) / 2)
    assert figures["balanced_accuracy"].interval == "80 cells"


def test_days_come_before_animals_and_both_before_cells():
    predictions = cells_called(18, 20, 15, 20)
    assert group_cells(predictions, dated_cells(40, days=3)).noun == "day"
    assert group_cells(predictions, dated_cells(40, days=3)).n == 3
    assert group_cells(predictions, dated_cells(40, days=2, animals=10)).noun == "animal"
    assert group_cells(predictions, dated_cells(40, days=2, animals=2)).noun == "day"
    undated = [*dated_cells(40, days=10, animals=4)[:-1], Cell("c39", 1, animal="m3")]
    assert group_cells(predictions, undated).noun == "animal"
    unknown = [*dated_cells(40, days=10)[:-1], Cell("c39", 1)]
    assert group_cells(predictions, unknown).noun == "cell"
    assert group_cells(predictions, ()).noun == "cell"


def test_only_the_days_of_the_tested_cells_count():
    predictions = cells_called(18, 20, 15, 20)
    store = [Cell("elsewhere", 0, f"2025-01-{d:02d}") for d in range(1, 29)] + dated_cells(
        40, days=8
    )
    moved = Predictions(
        predictions.probability, predictions.sigmoid, predictions.label, predictions.cell + 28
    )
    groups = group_cells(moved, store)
    assert groups.noun == "day" and groups.n == 8
    assert (groups.of_cell[:28] == -1).all()


def on_wrong_days(days: int = 10, wrong: int = 2) -> Predictions:
    """All right but those of the first days, all wrong."""
    predictions = cells_called(20, 20, 20, 20)
    of_wrong_day = np.arange(40) % days < wrong
    probability = np.where(
        of_wrong_day[:, None], predictions.probability[:, ::-1], predictions.probability
    )
    return Predictions(probability, probability, predictions.label, predictions.cell)


def test_days_that_are_right_or_wrong_as_a_whole_widen_every_interval():
    predictions = on_wrong_days()
    cells, days = (
        by_name(headlines("cells", predictions, group_cells(predictions, known), TWO))
        for known in ((), dated_cells(40, days=10))
    )
    for name, figure in days.items():
        assert figure.interval == "10 days"
        assert figure.value == cells[name].value
        width = figure.high - figure.low
        assert width > 1.2 * (cells[name].high - cells[name].low), name
    # As sure as 8 of 10, not as 32 of 40, and by t.
    assert days["accuracy"].low < stats.binomtest(8, 10).proportion_ci(method="wilson").low


def test_days_that_do_not_differ_narrow_nothing():
    predictions = cells_called(10, 20, 10, 20)  # of each day half are right
    known = [Cell(f"c{i}", i // 20, f"2026-01-{1 + i % 10:02d}") for i in range(40)]
    figures = by_name(headlines("cells", predictions, group_cells(predictions, known), TWO))
    accuracy = figures["accuracy"]
    assert accuracy.value == 0.5
    low, high = stats.binomtest(20, 40).proportion_ci(method="wilson")
    assert accuracy.low < low and high < accuracy.high


@pytest.mark.parametrize("days", [1, 2])
def test_two_days_hold_for_themselves_alone(days):
    predictions = cells_called(18, 20, 15, 20)
    groups = group_cells(predictions, dated_cells(40, days))
    figures = headlines("cells", predictions, groups, TWO)
    only = "this day only" if days == 1 else "these 2 days only"
    assert by_name(figures)["sensitivity"].interval == f"20 cells, {only}"
    note = interval_note(figures, groups)
    assert "hold for these days alone" in note and "For new days they are too narrow" in note


@pytest.mark.parametrize(
    ("split", "holds_for"),
    [
        ("spike", "have other cells in the training part, as these do"),
        ("cell", "have other cells in the training part, as these do"),
        ("day", "hold for new days"),
        ("animal", "hold for new days"),
        (None, "hold for new days"),
    ],
)
def test_the_note_does_not_speak_of_new_days_where_these_were_trained_on(split, holds_for):
    predictions = cells_called(18, 20, 15, 20)
    groups = group_cells(predictions, dated_cells(40, 10), split=split)
    note = interval_note(headlines("cells", predictions, groups, TWO), groups)
    assert holds_for in note and ("new days" in note) == (split not in ("spike", "cell"))


def test_animals_in_place_of_too_few_days_were_trained_on_where_days_were_held_out():
    known = dated_cells(40, days=2, animals=10)
    assert group_cells(cells_called(18, 20, 15, 20), known, split="day").trained_on


def test_a_class_of_two_days_is_told_of_its_figures_alone():
    predictions = cells_called(18, 20, 15, 20)
    known = [Cell(f"c{i}", i // 20, f"2026-{1 + i // 20:02d}-{1 + i % (5 if i < 20 else 2):02d}")
             for i in range(40)]  # fmt: skip
    groups = group_cells(predictions, known)
    figures = headlines("cells", predictions, groups, TWO)
    told = {figure.name: figure.interval for figure in figures}
    assert told["sensitivity"] == "5 days" and told["accuracy"] == "7 days"
    assert told["specificity"] == "20 cells, these 2 days only"
    assert told["balanced_accuracy"] == "40 cells, these 7 days only"
    assert "Those marked “these days only” are over cells" in interval_note(figures, groups)


def test_the_reader_is_told_of_what_new_cells_an_interval_holds():
    predictions = cells_called(18, 20, 15, 20)

    def note(known):
        groups = group_cells(predictions, known)
        return interval_note(headlines("cells", predictions, groups, TWO), groups)

    assert "because their days and animals are not all" in note(())
    of_days = [Cell(f"c{i}", 0, f"2026-01-{1 + i % 10:02d}") for i in range(40)]
    assert note(of_days).endswith("over 10 days, each taken as a whole, and hold for new days.")
    assert "10 days of 2 animals" in note(dated_cells(40, 10, animals=2))
    assert note(dated_cells(40, 10, animals=2)).endswith("new days of these animals.")
    assert note(dated_cells(40, 10, animals=1)).endswith("new days of this animal.")
    assert note(dated_cells(40, 10, animals=40)).endswith("hold for new days.")


def repeated(predictions: Predictions, times: int) -> Predictions:
    return Predictions(
        *(np.repeat(field, times, axis=0) for field in
          (predictions.probability, predictions.sigmoid, predictions.label, predictions.cell))
    )  # fmt: skip


def test_spikes_have_the_intervals_of_their_cells():
    predictions = cells_called(18, 20, 15, 20)
    groups = group_cells(predictions, ())
    spikes = by_name(headlines("spikes", repeated(predictions, 50), groups, TWO))
    cells = by_name(headlines("cells", predictions, groups, TWO))
    sensitivity = spikes["sensitivity"]
    assert sensitivity.counts == (900, 1000) and sensitivity.interval == "20 cells"
    # As wide as that of 20 cells, not of 1000 spikes (0.88 to 0.92).
    for name, figure in cells.items():
        width = figure.high - figure.low
        assert spikes[name].high - spikes[name].low == pytest.approx(width, rel=0.25), name


def test_spikes_of_cells_of_days_have_intervals_over_days():
    known = dated_cells(40, days=10)
    predictions = repeated(on_wrong_days(), 30)
    figures = by_name(headlines("spikes", predictions, group_cells(predictions, known), TWO))
    assert figures["accuracy"].interval == "10 days"
    cells = by_name(headlines("spikes", predictions, group_cells(predictions, ()), TWO))
    width = cells["accuracy"].high - cells["accuracy"].low
    assert figures["accuracy"].high - figures["accuracy"].low > 1.3 * width


def test_spikes_that_are_nearly_all_right_are_no_surer_than_their_cells():
    predictions = repeated(cells_called(20, 20, 20, 20), 50)
    probability = predictions.probability.copy()
    probability[0] = probability[0, ::-1]
    one_wrong = Predictions(probability, probability, predictions.label, predictions.cell)
    lows = [
        by_name(headlines("spikes", p, group_cells(p, ()), TWO))["sensitivity"].low
        for p in (one_wrong, predictions)
    ]
    assert 0.75 < lows[0] < 0.87 and lows[0] == pytest.approx(lows[1], abs=0.05)


def test_perfect_figures_have_exact_bounds_and_absent_classes_none():
    perfect = cells_called(5, 5, 5, 5)
    figures = by_name(headlines("cells", perfect, group_cells(perfect, ()), TWO))
    for name, n in (("sensitivity", 5), ("accuracy", 10), ("balanced_accuracy", 10), ("auroc", 5)):
        expected = proportion_confint(n, n, method="beta")
        assert (figures[name].low, figures[name].high) == pytest.approx(expected), name
    assert figures["mcc"].low == pytest.approx(2 * 0.025**0.1 - 1)
    only = cells_called(4, 5, 0, 0)
    figures = by_name(headlines("cells", only, group_cells(only, ()), TWO))
    assert np.isnan([figures[name].value for name in ("specificity", "auroc", "mcc")]).all()
    assert np.isnan(figures["specificity"].low) and figures["specificity"].interval == ""


def test_perfect_days_are_less_sure_than_perfect_cells():
    perfect = cells_called(20, 20, 20, 20)
    lows = [
        by_name(headlines("cells", perfect, group_cells(perfect, known), TWO))["auroc"].low
        for known in ((), dated_cells(40, 10), dated_cells(40, 4))
    ]
    assert 0.5 < lows[2] < lows[1] < lows[0] < 1


@pytest.mark.parametrize("right", [0, 1, 2])
def test_from_four_cells_no_figure_is_above_or_below_chance(right):
    cells = cells_called(right, 2, right, 2)
    for known in ((), dated_cells(4, 4), dated_cells(4, 2)):
        for figure in headlines("cells", cells, group_cells(cells, known), TWO):
            chance = 0.0 if figure.name == "mcc" else 0.5
            if not np.isnan(figure.value):
                assert above(figure, chance, 0.0) is Answer.CANNOT_TELL, figure


def test_a_share_of_some_cells_has_the_same_interval():
    predictions = on_wrong_days()
    groups = group_cells(predictions, dated_cells(40, days=10))
    right = predictions.predicted == predictions.label
    share = share_of_cells("right", right, np.ones(40, bool), predictions, groups)
    accuracy = by_name(headlines("cells", predictions, groups, TWO))["accuracy"]
    assert (share.low, share.high, share.counts) == (accuracy.low, accuracy.high, (32, 40))
    nothing = share_of_cells("right", right, np.zeros(40, bool), predictions, groups)
    assert np.isnan(nothing.value)


def test_table():
    predictions = cells_called(18, 20, 15, 20)
    groups = group_cells(predictions, dated_cells(40, days=10))
    figures = headlines("cells", predictions, groups, TWO)
    rows = {row["figure"]: row for row in csv.DictReader(headlines_csv(figures).splitlines())}
    assert list(rows) == [
        "sensitivity", "specificity", "ppv", "npv", "accuracy", "balanced_accuracy", "mcc", "auroc"
    ]  # fmt: skip
    assert rows["sensitivity"]["value"] == "0.9"
    assert (rows["sensitivity"]["numerator"], rows["sensitivity"]["denominator"]) == ("18", "20")
    assert rows["auroc"]["interval"] == "10 days" and rows["auroc"]["numerator"] == ""


def test_copies_of_a_cell_count_as_one():
    called = cells_called(17, 20, 16, 20)
    alone = by_name(headlines("cells", called, group_cells(called, ()), TWO))
    fields = (called.probability, called.probability, called.label)
    twice = Predictions(*(np.concatenate([field, field]) for field in fields), np.arange(80))
    joined = [Cell(f"c{i}", int(twice.label[i]), group=f"c{i % 40}") for i in range(80)]
    apart = [Cell(f"c{i}", int(twice.label[i])) for i in range(80)]
    figures = by_name(headlines("cells", twice, group_cells(twice, joined), TWO))
    as_80 = by_name(headlines("cells", twice, group_cells(twice, apart), TWO))
    for name in ("accuracy", "sensitivity", "auroc"):
        width = {
            how: of[name].high - of[name].low
            for how, of in {"alone": alone, "joined": figures, "as 80": as_80}.items()
        }
        assert width["joined"] == pytest.approx(width["alone"], rel=0.15), name
        assert width["as 80"] < 0.8 * width["joined"], name
    assert figures["accuracy"].interval == "40 cells"


def test_the_standard_error_of_the_loss_is_that_of_means_of_cells() -> None:
    rng = np.random.default_rng(0)
    cell, label = np.repeat(np.arange(12), 5), np.zeros(60, np.int64)
    logits = rng.normal(size=(60, 2)) + rng.normal(size=(12, 2))[cell]
    spikes = Predictions.from_logits(logits, label, cell)
    loss = mean_loss(spikes, group_cells(spikes.per_cell(), ()))
    of_cells = spikes.losses().reshape(12, 5).mean(axis=1)
    assert loss.value == pytest.approx(of_cells.mean())
    assert loss.se == pytest.approx(of_cells.std(ddof=1) / np.sqrt(12))
    assert loss.low < loss.value - loss.se < loss.value + loss.se < loss.high
    few = Predictions.from_logits(logits[:10], label[:10], cell[:10])
    assert mean_loss(few, group_cells(few.per_cell(), ())).se is None
