"""The figures of a test: what they show, in which colours, and that no text lies upon another."""

from functools import partial

import numpy as np
import pytest
from matplotlib.colors import to_hex
from sklearn import metrics as reference

from celltype_results import CLASSES, THREE, decision, random_predictions, result_of
from figure_texts import assert_texts_apart
from raphe.core.figure_style import PaperFigure, class_colour
from raphe.core.statistics.figure_interval import Headline
from raphe.tasks.celltype.evaluation.evaluate import artifacts
from raphe.tasks.celltype.evaluation.figures import confusion_figure, interval_words, roc_figure
from raphe.tasks.celltype.evaluation.probability_figures import (
    reliability_figure,
    risk_coverage_figure,
)
from raphe.tasks.celltype.metrics.cell_level import headlines
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.stores.spike_set import Cell


def headlines_of(predictions: Predictions, level: str) -> list[Headline]:
    result = result_of(predictions)
    return headlines(level, result.levels[level], result.groups, result.classes)


@pytest.mark.parametrize(
    ("n_cells", "classes", "one_window"),
    [
        pytest.param(8, CLASSES, False, marks=pytest.mark.ci),
        pytest.param(40, CLASSES, False, marks=pytest.mark.ci),
        (30, THREE, False),
        (24, CLASSES, True),
    ],
)
def test_figures_are_fit_for_a_paper(n_cells, classes, one_window):
    predictions = random_predictions(n_cells, len(classes))
    if one_window:
        predictions = predictions.per_cell()
    result = result_of(predictions, classes, decision=decision(len(classes)))
    for name, draw in artifacts(result).items():
        if isinstance(draw, partial):
            figure = draw()
            assert isinstance(figure, PaperFigure) and figure.caption.count(".") >= 2, name
            assert_texts_apart(figure)
            named = {
                text for axes in figure.axes for text in (axes.get_xlabel(), axes.get_ylabel())
            }
            assert len(named - {""}) >= 2, name
            titles = [axes.get_title() for axes in figure.axes] + [figure.get_suptitle()]
            assert any("test set" in title for title in titles), name


@pytest.mark.parametrize(
    ("n_days", "words"),
    [
        (0, "95 % intervals over cells"),
        (2, "95 % intervals over cells, which hold for these 2 days only"),
        (4, "95 % intervals over 4 days"),
    ],
)
def test_a_caption_says_what_the_intervals_are_over(n_days, words):
    days = [f"2026-01-{1 + i // 2 % n_days:02d}" if n_days else "" for i in range(20)]
    cells = [Cell(f"A{i}", i % 2, day) for i, day in enumerate(days)]
    assert interval_words(result_of(random_predictions(), known_cells=cells)) == words


def test_classes_have_their_colours():
    histogram = reliability_figure(result_of(random_predictions())).axes[2]
    for index, name in enumerate(CLASSES):
        bars = histogram.containers[index]
        assert bars.get_label() == f"true {name}"
        assert to_hex(bars[0].get_facecolor()).upper() == class_colour(index)
    curves = roc_figure(result_of(random_predictions(n_classes=3), THREE)).axes[0].lines
    assert [curve.get_color() for curve in curves[:3]] == [class_colour(i) for i in range(3)]


def test_cells_of_one_window_each_are_drawn_once():
    result = result_of(random_predictions(24).per_cell())
    for draw, n_panels in ((confusion_figure, 1), (reliability_figure, 2)):
        panels = [axes for axes in draw(result).axes if axes.get_label() != "<colorbar>"]
        assert len(panels) == n_panels
        assert "24 cells, one window each" in panels[0].get_title()
    labels = [line.get_label() for line in roc_figure(result).axes[0].lines]
    assert not any(label.startswith("Spikes") for label in labels)


def test_roc_shows_spikes_and_cells():
    predictions = random_predictions()
    axes = roc_figure(result_of(predictions)).axes[0]
    lines = {line.get_label().split(",")[0]: line for line in axes.lines}
    for name, shown in (("Spikes", predictions), ("Cells", predictions.per_cell())):
        positive, score = shown.label == 0, shown.probability[:, 0]
        x, y, _ = reference.roc_curve(positive, score, drop_intermediate=False)
        np.testing.assert_allclose(lines[name].get_xdata(), x)
        np.testing.assert_allclose(lines[name].get_ydata(), y)
        assert f"AUROC {reference.roc_auc_score(positive, score):.3f}" in lines[name].get_label()
        interval = next(h for h in headlines_of(predictions, name.lower()) if h.name == "auroc")
        assert f"({interval.low:.2f}–{interval.high:.2f})" in lines[name].get_label()
    assert "n = 600" in lines["Spikes"].get_label() and "n = 20" in lines["Cells"].get_label()


def test_confusion_shows_raw_counts_and_names_its_normalisation():
    predictions = random_predictions()
    cells, spikes, bar = confusion_figure(result_of(predictions)).axes
    for axes, shown in ((spikes, predictions), (cells, predictions.per_cell())):
        expected = reference.confusion_matrix(shown.label, shown.predicted)
        written = [text.get_text().split("\n") for text in axes.texts if not text.get_gid()]
        assert [int(count) for count, *_ in written] == expected.ravel().tolist()
        percent = 100 * expected / expected.sum(axis=1, keepdims=True)
        assert [p for _, p, _ in written] == [f"{value:.1f} %" for value in percent.ravel()]
        level = "cells" if shown is not predictions else "spikes"
        by_name = {h.name: h for h in headlines_of(predictions, level)}
        for place, name in ((0, "sensitivity"), (3, "specificity")):
            low, high = 100 * by_name[name].low, 100 * by_name[name].high
            assert written[place][2] == f"({low:.0f}–{high:.0f})"
    assert cells.get_ylabel() == "True class" and spikes.get_xlabel() == "Predicted class"
    assert "each row sums to 100 %" in bar.get_ylabel()


def test_reliability_shows_cells_before_and_after_calibration_and_spikes():
    predictions, settled = random_predictions(60), decision()
    figure = reliability_figure(result_of(predictions, decision=settled))
    of_cells, of_spikes, cell_counts, spike_counts = figure.axes
    cells = predictions.per_cell()
    calibrated = settled.calibration(cells.probability)
    for line, stated, shown, n_bins in (
        (of_cells.lines[1], cells.probability[:, 0], cells, 6),
        (of_cells.lines[2], calibrated[:, 0], cells, 6),
        (of_spikes.lines[1], predictions.probability[:, 0], predictions, None),
    ):
        if n_bins:  # of equal mass
            edges = np.quantile(stated, np.linspace(0, 1, n_bins + 1))
        else:
            edges = np.linspace(0, 1, 11)
        row = np.clip(np.searchsorted(edges, stated) - 1, 0, len(edges) - 2)
        filled = [row == b for b in range(len(edges) - 1) if (row == b).any()]
        np.testing.assert_allclose(line.get_xdata(), [stated[b].mean() for b in filled])
        np.testing.assert_allclose(line.get_ydata(), [(shown.label[b] == 0).mean() for b in filled])
    for panel, n in ((cell_counts, 60), (spike_counts, 1800)):
        assert sum(bar.get_height() for bar in panel.patches) == n
    assert of_cells.get_title().startswith("60 cells in 6 bins\nECE 0.")
    assert of_spikes.get_title().startswith("1800 spikes in 10 bins\nECE 0.")
    n_points = [len(line.get_xdata()) for line in (*of_cells.lines[1:], *of_spikes.lines[1:])]
    assert len(of_cells.collections) == sum(n_points[:2])  # each point has its interval
    assert len(of_spikes.collections) == n_points[2]


def test_few_cells_are_said_to_be_few_in_place_of_one_bin():
    of_cells = reliability_figure(result_of(random_predictions(8))).axes[0]
    assert len(of_cells.lines) == 1  # the diagonal
    (text,) = [text.get_text() for text in of_cells.texts if not text.get_gid()]
    assert text == "8 cells: too few for bins,\n20 are needed"


def test_risk_and_coverage_mark_the_band():
    predictions, settled = random_predictions(60), decision()
    axes = risk_coverage_figure(result_of(predictions, decision=settled)).axes[0]
    (mark,) = [line for line in axes.lines if line.get_marker() == "D"]
    stated = settled.calibration(predictions.per_cell().probability)
    decided = stated.max(axis=1) >= settled.not_sure.threshold
    wrong = stated.argmax(axis=1) != predictions.per_cell().label
    assert mark.get_xdata()[0] == pytest.approx(100 * decided.mean())
    assert mark.get_ydata()[0] == pytest.approx(100 * wrong[decided].mean())
    (band,) = axes.collections  # whole: from where it is narrow enough for the axis
    x, y = band.get_paths()[0].vertices.T
    assert x.min() >= 25 and y.max() < axes.get_ylim()[1]
    limit = axes.lines[-1]
    np.testing.assert_allclose(limit.get_xdata() * limit.get_ydata(), 100 * 3)  # 3 % of all
