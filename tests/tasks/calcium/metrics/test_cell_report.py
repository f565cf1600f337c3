"""Figures and tables of a test."""

import csv

import matplotlib.pyplot as plt
import numpy as np
import pytest

from raphe.tasks.calcium.metrics.cell_report import cell_report
from raphe.tasks.calcium.metrics.scored_cells import (
    FEWEST_CELLS,
    InferredCell,
    InferredRecording,
    scored_cells,
)
from raphe.tasks.calcium.recordings.sampling import smoothed, z_scored
from raphe.tasks.calcium.stores.trace_store import CalciumStore


def inferred(store: CalciumStore, rows, rates: bool = True) -> list[InferredCell]:
    """The truth with noise, more of it in each further recording."""
    rng = np.random.default_rng(0)
    answers = []
    for noise, row in enumerate(rows):
        spikes = store.spikes[store.recordings[row].rows]
        rate = z_scored(smoothed(spikes)) + 0.3 * noise * rng.normal(size=len(spikes))
        answers.append(InferredRecording(int(row), rate, np.maximum(rate, 0) if rates else None))
    return scored_cells(answers, store)


def test_files_by_name(store: CalciumStore) -> None:
    files = cell_report("fold", inferred(store, range(12)), store)
    assert {name: not isinstance(file, str) for name, file in files.items()} == {
        "fold/scores.png": True,
        "fold/traces.png": True,
        "fold/cells.csv": False,
        "fold/seconds.csv": False,
    }


def test_the_table_holds_every_cell_and_score(store: CalciumStore) -> None:
    answers = inferred(store, [3, 7])
    table = cell_report("test", answers, store)["test/cells.csv"]
    rows = list(csv.DictReader(table.splitlines()))
    assert [(row["cell"], row["dataset"]) for row in rows] == [("a/3", "a"), ("b/3", "b")]
    for row, answer in zip(rows, answers, strict=True):
        recording = store.recordings[answer.recordings[0].index]
        assert int(row["n_spikes"]) == recording.n_spikes
        assert float(row["duration_s"]) == recording.n_samples / 100
        for name, value in answer.scores.items():
            assert float(row[name]) == pytest.approx(value, abs=1e-6)


def test_scores_are_drawn_by_dataset_with_their_means(store: CalciumStore) -> None:
    answers = inferred(store, range(12))
    axes = cell_report("test", answers, store)["test/scores.png"]().axes[0]
    drawn = [line for line in axes.lines if line.get_marker() == "o"]
    bars = [container[0] for container in axes.containers]
    for container in axes.containers:  # of 3 to 5 cells: no interval
        assert FEWEST_CELLS > 5 and not container[2][0].get_segments()[0].size
    for dataset, points, mean in zip("abc", drawn, bars, strict=True):
        scores = [answer.scores["correlation"] for answer in answers if answer.dataset == dataset]
        np.testing.assert_allclose(points.get_ydata(), np.sort(scores))
        assert mean.get_ydata() == pytest.approx([np.mean(scores)])
    assert [label.get_text() for label in axes.get_xticklabels()][1] == "b\nn = 5"


@pytest.mark.parametrize(("rates", "unit"), [(True, "spikes/s"), (False, "z-score")])
def test_examples_go_from_the_best_to_the_worst(
    store: CalciumStore, rates: bool, unit: str
) -> None:
    answers = inferred(store, range(12), rates)
    figure = cell_report("test", answers, store)["test/traces.png"]()
    assert len(figure.axes) == 4
    assert figure.axes[0].get_title("left").startswith("a/0: correlation 0.9")
    assert figure.axes[-1].get_title("left").startswith("c/")
    assert unit in figure.get_supylabel()
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    truth = lines["smoothed spikes"].get_ydata()
    scale = 100 if rates else 1
    spikes = store.spikes[store.recordings[0].rows]
    expected = smoothed(spikes) * scale if rates else z_scored(smoothed(spikes))
    np.testing.assert_allclose(truth, expected)


def test_a_cell_without_a_score_spoils_nothing(store: CalciumStore) -> None:
    flat = np.zeros(store.recordings[0].n_samples)
    answers = [*scored_cells([InferredRecording(0, flat, flat)], store), *inferred(store, [5])]
    files = cell_report("test", answers, store)
    assert len(files["test/traces.png"]().axes) == 1
    only = cell_report("test", answers[:1], store)
    for figure in (files["test/scores.png"], only["test/scores.png"], only["test/traces.png"]):
        figure().canvas.draw()


def test_no_figure_stays_alive_in_pyplot(store: CalciumStore) -> None:
    for file in cell_report("test", inferred(store, range(12)), store).values():
        if not isinstance(file, str):
            file()
    assert not plt.get_fignums()
