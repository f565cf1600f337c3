"""Headline figures: what is resampled, which interval is whose, and the published cells."""

import csv

import numpy as np
import pytest
from scipy import stats

from raphe.tasks.celltype.metrics.cell_level import group_cells, headlines, headlines_csv
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
    figures = by_name(
        headlines("cells", predictions, group_cells(predictions, ()), TWO, np.random.default_rng(0))
    )
    for name, counts, percent in (
        ("sensitivity", (51, 54), (94.4, 84.9, 98.1)),
        ("specificity", (24, 26), (92.3, 75.9, 97.9)),
        ("ppv", (51, 53), (96.2, 87.2, 99.0)),
        ("npv", (24, 27), (88.9, 71.9, 96.1)),
        ("accuracy", (75, 80), (93.8, 86.2, 97.3)),
    ):
        figure = figures[name]
        assert figure.counts == counts and figure.interval == "Wilson"
        assert [100 * figure.value, 100 * figure.low, 100 * figure.high] == pytest.approx(
            percent, abs=0.06
        )
    assert figures["balanced_accuracy"].value == pytest.approx((51 / 54 + 24 / 26) / 2)
    assert figures["balanced_accuracy"].interval == "bootstrap over 80 cells"


def test_bootstrap_over_cells_against_scipy():
    predictions = cells_called(20, 30, 18, 20)
    groups = group_cells(predictions, ())
    area = by_name(headlines("cells", predictions, groups, TWO, np.random.default_rng(1)))["auroc"]
    positive, negative = (predictions.probability[predictions.label == c, 0] for c in (0, 1))

    def auroc(positive, negative, axis=-1):
        return (positive[..., :, None] > negative[..., None, :]).mean(axis=(-2, -1))

    # As ours: within each class.
    expected = stats.bootstrap(
        (positive, negative), auroc, n_resamples=9000, method="percentile",
        rng=np.random.default_rng(2), vectorized=True,
    ).confidence_interval  # fmt: skip
    assert area.value == pytest.approx(auroc(positive, negative))
    assert (area.low, area.high) == pytest.approx(expected, abs=0.01)


def test_days_are_resampled_where_they_are_known_and_enough():
    predictions = cells_called(18, 20, 15, 20)
    assert group_cells(predictions, dated_cells(40, days=8)).noun == "days"
    assert group_cells(predictions, dated_cells(40, days=8)).n == 8
    assert group_cells(predictions, dated_cells(40, days=7)).noun == "cells"
    assert group_cells(predictions, dated_cells(40, days=7, animals=10)).noun == "animals"
    undated = [*dated_cells(40, days=10)[:-1], Cell("c39", 1)]
    assert group_cells(predictions, undated).noun == "cells"


def test_only_the_days_of_the_tested_cells_count():
    predictions = cells_called(18, 20, 15, 20)
    store = [Cell("elsewhere", 0, f"2025-01-{d:02d}") for d in range(1, 29)] + dated_cells(
        40, days=8
    )
    moved = Predictions(
        predictions.probability, predictions.sigmoid, predictions.label, predictions.cell + 28
    )
    groups = group_cells(moved, store)
    assert groups.noun == "days" and groups.n == 8
    assert (groups.of_cell[:28] == -1).all()


def test_days_that_are_right_or_wrong_as_a_whole_widen_the_interval():
    predictions = cells_called(20, 20, 20, 20)
    wrong_days = np.arange(40) % 10 < 2
    probability = np.where(
        wrong_days[:, None], predictions.probability[:, ::-1], predictions.probability
    )
    predictions = Predictions(probability, probability, predictions.label, predictions.cell)
    rng = np.random.default_rng(3)
    width = {}
    for noun, days in (("days", 10), ("cells", 1)):
        groups = group_cells(predictions, dated_cells(40, days))
        assert groups.noun == noun
        figure = by_name(headlines("cells", predictions, groups, TWO, rng))["balanced_accuracy"]
        width[noun] = figure.high - figure.low
    assert width["days"] > 1.5 * width["cells"]


def test_spikes_have_intervals_over_cells_not_wilson():
    predictions = cells_called(18, 20, 15, 20)
    repeated = Predictions(
        *(np.repeat(field, 50, axis=0) for field in
          (predictions.probability, predictions.sigmoid, predictions.label, predictions.cell))
    )  # fmt: skip
    groups = group_cells(predictions, ())
    spikes = by_name(headlines("spikes", repeated, groups, TWO, np.random.default_rng(4)))
    cells = by_name(headlines("cells", predictions, groups, TWO, np.random.default_rng(4)))
    sensitivity = spikes["sensitivity"]
    assert sensitivity.counts == (900, 1000) and sensitivity.interval == "bootstrap over 40 cells"
    # As wide as that of 20 cells, not of 1000 spikes (0.88 to 0.92).
    assert sensitivity.high - sensitivity.low > 0.2
    assert spikes["mcc"].low == pytest.approx(cells["mcc"].low)


def test_cells_are_drawn_class_by_class_and_days_as_they_are():
    predictions = cells_called(1, 2, 20, 20)

    def lowest(known_cells):
        groups = group_cells(predictions, known_cells)
        figures = headlines("spikes", predictions, groups, TWO, np.random.default_rng(8))
        return by_name(figures)["accuracy"].low

    # Of 2 SER cells, 1 of them wrong, 2 are always drawn.
    assert lowest(()) == pytest.approx(20 / 22)
    assert lowest([Cell(f"c{i}", 0, f"2026-01-{1 + i % 11:02d}") for i in range(22)]) < 20 / 22


def test_perfect_and_absent_classes_have_no_bootstrap():
    perfect = cells_called(5, 5, 5, 5)
    groups = group_cells(perfect, ())
    figures = by_name(headlines("cells", perfect, groups, TWO, np.random.default_rng(5)))
    assert figures["mcc"].value == 1 and np.isnan(figures["mcc"].low)
    assert figures["sensitivity"].low == pytest.approx(0.566, abs=1e-3)
    only = cells_called(4, 5, 0, 0)
    figures = by_name(
        headlines("cells", only, group_cells(only, ()), TWO, np.random.default_rng(6))
    )
    assert np.isnan([figures[name].value for name in ("specificity", "auroc", "mcc")]).all()
    assert np.isnan(figures["specificity"].low)


def test_table():
    predictions = cells_called(18, 20, 15, 20)
    groups = group_cells(predictions, dated_cells(40, days=10))
    figures = headlines("cells", predictions, groups, TWO, np.random.default_rng(7))
    rows = {row["figure"]: row for row in csv.DictReader(headlines_csv(figures).splitlines())}
    assert list(rows) == [
        "sensitivity", "specificity", "ppv", "npv", "accuracy", "balanced_accuracy", "mcc", "auroc"
    ]  # fmt: skip
    assert rows["sensitivity"]["value"] == "0.9"
    assert (rows["sensitivity"]["numerator"], rows["sensitivity"]["denominator"]) == ("18", "20")
    assert (
        rows["auroc"]["interval"] == "bootstrap over 10 days" and rows["auroc"]["numerator"] == ""
    )
