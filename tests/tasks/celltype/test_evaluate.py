"""The numbers that the figures and tables of a test show."""

import csv
import io
import json

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn import metrics as reference

from raphe.tasks.celltype.evaluate import artifacts
from raphe.tasks.celltype.metrics import Predictions

CLASSES = ("SER", "NSER")
FIGURES = {"roc.png", "confusion.png", "calibration.png"}
TEXTS = {"confusion.json", "cells.csv"}


def answers(n_cells: int = 20, n_classes: int = 2, seed: int = 0) -> Predictions:
    """Thirty spikes a cell, mostly right, with an offset of its own for each cell."""
    rng = np.random.default_rng(seed)
    cell = np.repeat(np.arange(n_cells), 30)
    label = cell % n_classes
    offset = rng.normal(size=(n_cells, n_classes))[cell]
    logits = 2 * np.eye(n_classes)[label] + offset + rng.normal(size=(len(cell), n_classes))
    return Predictions.from_logits(logits, label, cell)


def test_every_set_has_its_figures_and_tables():
    made = artifacts({"test": answers(), "nonhomogeneous": answers(seed=1)}, CLASSES)
    sets = ("test", "nonhomogeneous")
    assert set(made) == {f"{name}/{file}" for name in sets for file in FIGURES | TEXTS}


@pytest.mark.parametrize("classes", [CLASSES, ("SER", "GABA", "glutamate")])
def test_figures_can_be_saved_and_name_their_axes(classes):
    made = artifacts({"test": answers(n_classes=len(classes))}, classes)
    for file in FIGURES:
        figure = made[f"test/{file}"]
        content = io.BytesIO()
        figure.savefig(content)
        assert content.getvalue().startswith(b"\x89PNG")
        named = {text for axes in figure.axes for text in (axes.get_xlabel(), axes.get_ylabel())}
        assert len(named - {""}) >= 2
        titles = [axes.get_title() for axes in figure.axes] + [figure.get_suptitle()]
        assert any("test set" in title for title in titles)


def test_roc_shows_spikes_and_cells():
    predictions = answers()
    axes = artifacts({"test": predictions}, CLASSES)["test/roc.png"].axes[0]
    lines = {line.get_label().split(",")[0]: line for line in axes.lines}
    for name, shown in (("Spikes", predictions), ("Cells", predictions.per_cell())):
        positive, score = shown.label == 0, shown.probability[:, 0]
        x, y, _ = reference.roc_curve(positive, score, drop_intermediate=False)
        np.testing.assert_allclose(lines[name].get_xdata(), x)
        np.testing.assert_allclose(lines[name].get_ydata(), y)
        assert f"AUROC {reference.roc_auc_score(positive, score):.3f}" in lines[name].get_label()
    assert "n = 600" in lines["Spikes"].get_label() and "n = 20" in lines["Cells"].get_label()


def test_confusion_shows_raw_counts_and_names_its_normalisation():
    predictions = answers()
    figure = artifacts({"test": predictions}, CLASSES)["test/confusion.png"]
    spikes, cells, bar = figure.axes
    for axes, shown in ((spikes, predictions), (cells, predictions.per_cell())):
        expected = reference.confusion_matrix(shown.label, shown.predicted)
        written = [text.get_text().split("\n") for text in axes.texts]
        assert [int(count) for count, _ in written] == expected.ravel().tolist()
        percent = 100 * expected / expected.sum(axis=1, keepdims=True)
        assert [p for _, p in written] == [f"{value:.1f} %" for value in percent.ravel()]
    assert spikes.get_ylabel() == "True class" and spikes.get_xlabel() == "Predicted class"
    assert "each row sums to 100 %" in bar.get_ylabel()


def test_confusion_table_holds_raw_counts():
    predictions = answers()
    table = json.loads(artifacts({"test": predictions}, CLASSES)["test/confusion.json"])
    assert table["classes"] == ["SER", "NSER"]
    assert (table["rows"], table["columns"]) == ("true class", "predicted class")
    expected = reference.confusion_matrix(predictions.label, predictions.predicted)
    assert table["spikes"] == expected.tolist()
    assert np.sum(table["spikes"]) == 600 and np.sum(table["cells"]) == 20


def test_calibration_shows_mean_probability_share_and_counts():
    predictions = answers()
    curve, histogram = artifacts({"test": predictions}, CLASSES)["test/calibration.png"].axes
    stated, right = predictions.probability[:, 0], predictions.label == 0
    share, mean = _binned(stated, right)
    np.testing.assert_allclose(curve.lines[1].get_xdata(), mean)
    np.testing.assert_allclose(curve.lines[1].get_ydata(), share)
    heights = np.array([bar.get_height() for bar in histogram.patches]).reshape(2, 10)
    np.testing.assert_array_equal(heights.sum(axis=1), [300, 300])
    np.testing.assert_array_equal(heights.sum(axis=0), np.histogram(stated, 10, (0, 1))[0])


def _binned(stated: np.ndarray, right: np.ndarray) -> tuple[list[float], list[float]]:
    share, mean = [], []
    for low in np.arange(10) / 10:
        inside = (stated >= low) & (stated < low + 0.1)
        if inside.any():
            share.append(right[inside].mean())
            mean.append(stated[inside].mean())
    return share, mean


def test_cells_are_called_by_the_mean_of_their_spikes():
    probability = np.array([[0.9, 0.1], [0.4, 0.6], [0.4, 0.6], [0.2, 0.8]])
    predictions = Predictions(
        probability,
        probability,
        label=np.array([0, 0, 0, 1]),
        cell=np.array([5, 5, 5, 2]),
        cell_ids=[f"A{i}" for i in range(6)],
    )
    text = artifacts({"test": predictions}, CLASSES)["test/cells.csv"]
    second, first = csv.DictReader(text.splitlines())
    assert first == {
        "cell": "A5",
        "true_class": "SER",
        "predicted_class": "SER",
        "n_spikes": "3",
        "spikes_called_SER": "1",
        "spikes_called_NSER": "2",
        "mean_probability_SER": "0.566667",
        "mean_probability_NSER": "0.433333",
    }
    assert (second["cell"], second["predicted_class"]) == ("A2", "NSER")


def test_cells_without_names_are_numbered():
    rows = csv.DictReader(artifacts({"test": answers()}, CLASSES)["test/cells.csv"].splitlines())
    assert [row["cell"] for row in rows] == [str(i) for i in range(20)]


def test_set_of_one_class_has_no_roc():
    predictions = answers()
    ser = predictions.label == 0
    only = Predictions(
        predictions.probability[ser],
        predictions.sigmoid[ser],
        predictions.label[ser],
        predictions.cell[ser],
    )
    made = artifacts({"test": only}, CLASSES)
    assert set(made) == {f"test/{file}" for file in (FIGURES | TEXTS) - {"roc.png"}}
    table = json.loads(made["test/confusion.json"])
    assert np.sum(table["spikes"]) == 300 and table["spikes"][1] == [0, 0]


def test_no_figure_stays_alive_in_pyplot():
    """pyplot would keep every figure of a sweep in memory."""
    artifacts({"test": answers()}, CLASSES)
    assert not plt.get_fignums()
