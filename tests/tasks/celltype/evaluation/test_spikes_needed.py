"""Verdicts from few spikes against the binomial distribution and against brute force."""

import csv

import numpy as np
import pytest
from scipy.stats import binom

from raphe.core.statistics.abstention import NotSure
from raphe.core.statistics.calibration import Calibration
from raphe.core.statistics.decision import Decision
from raphe.tasks.celltype.evaluation.spikes_needed import (
    N_DRAWS,
    spikes_needed,
    spikes_needed_figure,
)
from raphe.tasks.celltype.metrics.enough_spikes import FEWEST_SPIKES
from raphe.tasks.celltype.metrics.predictions import Predictions


def sure_spikes(n_cells: int, per_cell: int, share_right: float) -> Predictions:
    """Each spike is sure, and right in a fixed share of each cell's."""
    cell = np.repeat(np.arange(n_cells), per_cell)
    label = cell % 2
    right = np.tile(np.arange(per_cell) < round(share_right * per_cell), n_cells)
    called = np.where(right, label, 1 - label)
    probability = np.where(np.eye(2, dtype=bool)[called], 0.99, 0.01)
    return Predictions(probability, probability, label, cell)


def test_accuracy_from_m_spikes_is_that_of_a_majority():
    needed = spikes_needed(sure_spikes(40, 3000, 0.65), np.random.default_rng(0))
    assert needed.all_spikes == 1
    # Of 3000 spikes a few are drawn nearly as from infinitely many; a tie is right for half.
    m = needed.counts[needed.counts <= 100]
    expected = binom.sf(m // 2, m, 0.65) + np.where(m % 2 == 0, binom.pmf(m // 2, m, 0.65) / 2, 0)
    np.testing.assert_allclose(needed.accuracy.mean(axis=1)[: len(m)], expected, atol=0.015)
    np.testing.assert_array_equal(needed.agreement, needed.accuracy)
    assert needed.enough == m[expected >= 0.95][0] == 30


def test_all_spikes_are_drawn_in_the_end():
    rng = np.random.default_rng(1)
    predictions = sure_spikes(10, 50, 0.6)
    probability = rng.dirichlet((1, 1), len(predictions.label))
    predictions = Predictions(probability, probability, predictions.label, predictions.cell)
    for pooling in ("mean", "median", "trimmed"):
        needed = spikes_needed(predictions, rng, pooling)
        assert needed.counts[-1] == 50 and needed.agreement.shape == (len(needed.counts), N_DRAWS)
        assert (needed.agreement[-1] == 1).all()
        assert (needed.accuracy[-1] == needed.all_spikes).all()


def test_cells_with_fewer_spikes_count_with_all_they_have():
    long, short = sure_spikes(6, 100, 1.0), sure_spikes(2, 4, 0.0)
    both = Predictions(
        np.concatenate([long.probability, short.probability]),
        np.concatenate([long.sigmoid, short.sigmoid]),
        np.concatenate([long.label, short.label]),
        np.concatenate([long.cell, short.cell + 6]),
    )
    needed = spikes_needed(both, np.random.default_rng(2))
    assert needed.n_cells == 8 and needed.counts[-1] == 100
    assert needed.n_short.tolist() == [0, 0, 0] + [2] * (len(needed.counts) - 3)
    np.testing.assert_allclose(needed.accuracy, 6 / 8)
    assert needed.enough == FEWEST_SPIKES


def test_a_cell_between_two_verdicts_needs_more_spikes_with_a_band():
    """A third of each cell's spikes are wrong, so that its few may fall below the threshold."""
    predictions = sure_spikes(20, 600, 2 / 3)
    not_sure = NotSure(0.62, 0.05, 0.05, 40, 40, 1)
    decision = Decision("mean", "temperature", Calibration(), not_sure)
    rng = np.random.default_rng(4)
    called = spikes_needed(predictions, rng)
    may_abstain = spikes_needed(predictions, rng, decision=decision)
    assert called.enough < may_abstain.enough
    np.testing.assert_allclose(
        called.accuracy.mean(axis=1), may_abstain.accuracy.mean(axis=1), atol=0.02
    )


def test_table():
    needed = spikes_needed(sure_spikes(10, 30, 0.8), np.random.default_rng(3))
    rows = list(csv.DictReader(needed.table().splitlines()))
    assert [int(row["n_spikes"]) for row in rows] == [1, 2, 3, 5, 7, 10, 15, 20, 30]
    for row, draws in zip(rows, needed.accuracy, strict=True):
        assert float(row["accuracy_mean"]) == pytest.approx(draws.mean(), abs=1e-6)
        low, high = np.quantile(draws, [0.05, 0.95])
        ends = float(row["accuracy_p05"]), float(row["accuracy_p95"])
        assert ends == pytest.approx((low, high), abs=1e-6)
    assert rows[0]["n_cells"] == "10" and rows[0]["n_cells_with_fewer"] == "0"


def test_the_figure_says_where_the_rule_and_not_the_curve_sets_the_number():
    floor = "5 spikes, the fewest that are ever called enough"
    reached = "30 spikes: 95 % of verdicts as from all"
    for share_right, label in ((1.0, floor), (0.65, reached)):
        needed = spikes_needed(sure_spikes(40, 3000, share_right), np.random.default_rng(0))
        figure = spikes_needed_figure("test", needed)
        labels = {line.get_label() for line in figure.axes[0].lines}
        assert label in labels and len(labels & {floor, reached}) == 1
        assert "never fewer than 5 spikes" in figure.caption
