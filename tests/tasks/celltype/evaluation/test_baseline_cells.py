"""What baselines say of cells: thresholds of validation cells, kept once, compared in pairs."""

import csv
import multiprocessing
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from figure_texts import assert_texts_apart
from raphe.core.errors import StoreError
from raphe.tasks.celltype.evaluation import baseline_cells as kept
from raphe.tasks.celltype.evaluation.baseline_cells import (
    BaselineCells,
    baseline_cells,
    baseline_cells_csv,
    choose_threshold,
    moved,
    read_baseline_cells,
)
from raphe.tasks.celltype.evaluation.baseline_report import NETWORK, baseline_artifacts, compare
from raphe.tasks.celltype.evaluation.baseline_run import TrainedBaselines
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.metrics.set_result import SetResult
from raphe.tasks.celltype.stores.subsampling import balanced_subsample, balanced_subsample_of_blocks
from raphe.tasks.celltype.training.data import CellTypeData

CLASSES = ("SER", "NSER")


@given(st.integers(0, 10**6), st.integers(1, 120))
def test_drawn_in_blocks_each_group_gives_as_many_as_drawn_at_once(seed, n_most):
    rng = np.random.default_rng(seed)
    group = rng.choice(6, 200, p=rng.dirichlet(np.ones(6)))
    cuts = np.sort(rng.choice(200, 3))
    blocks = [(part, group[part]) for part in np.split(np.arange(200), cuts)]
    counts = np.bincount(group, minlength=6)
    drawn = balanced_subsample_of_blocks(blocks, counts, n_most, rng)
    assert (np.diff(drawn) > 0).all()
    at_once = np.bincount(group[balanced_subsample(group, n_most, rng)], minlength=6)
    ours = np.bincount(group[drawn], minlength=6)
    drawn_from = counts > 0
    if n_most >= drawn_from.sum():
        assert ours.sum() <= n_most and (at_once - ours).min() >= 0
        assert (at_once - ours).max() <= 1
    else:
        assert (ours[drawn_from] == 1).all()


def test_every_spike_is_drawn_equally_often():
    group = np.array([0] * 30 + [1] * 10)
    times = np.zeros(40)
    for seed in range(2000):
        blocks = [(np.arange(25), group[:25]), (np.arange(25, 40), group[25:])]
        rng = np.random.default_rng(seed)
        times[balanced_subsample_of_blocks(blocks, np.bincount(group), 10, rng)] += 1
    np.testing.assert_allclose(times[:30].sum() / 2000, 5)
    assert np.abs(times[:30] / 2000 - 1 / 6).max() < 0.035  # four SD
    assert np.abs(times[30:] / 2000 - 1 / 2).max() < 0.045


@given(st.integers(0, 10**6), st.integers(2, 30))
def test_no_threshold_is_better_on_the_validation_cells(seed, n):
    rng = np.random.default_rng(seed)
    score, positive = np.round(rng.random(n), 2), rng.random(n) < 0.5
    threshold = choose_threshold(score, positive)
    if positive.all() or not positive.any():
        assert threshold == 0.5
        return
    reached = balanced_accuracy_score(positive, score >= threshold)
    between = np.append(np.linspace(score.min() + 1e-9, score.max(), 500), 0.5)
    called = score >= between[:, None]
    reachable = (called[:, positive].mean(axis=1) + (~called[:, ~positive]).mean(axis=1)) / 2
    assert reached == pytest.approx(max(reachable))
    if balanced_accuracy_score(positive, score >= 0.5) == pytest.approx(max(reachable)):
        assert threshold == 0.5


def test_moved_probabilities_are_cut_at_a_half_and_keep_their_order():
    first = np.array([0.0, 0.1, 0.299, 0.3, 0.301, 0.9, 1.0])
    after = moved(np.stack([first, 1 - first], axis=1), 0.3)
    np.testing.assert_allclose(after.sum(axis=1), 1)
    np.testing.assert_array_equal(after[:, 0] >= 0.5 - 1e-12, first >= 0.3)
    assert (np.diff(after[:, 0]) > 0).all() and after[0, 0] == 0 and after[-1, 0] == 1


@pytest.fixture
def data(make_spikes, tmp_path):
    spikes = make_spikes(n_cells=24, per_cell=6, n_samples=160)
    data = CellTypeData(spikes.path, cache=tmp_path / "cache", test_stores={})
    data.setup()
    return data


def test_they_are_those_of_the_trained_baselines(data):
    trained = TrainedBaselines(data, data.seed)
    baselines = baseline_cells(data)["test"]
    in_val = trained.of_validation()
    for name, predictions in trained.predictions().items():
        cells, val = predictions["test"].per_cell(), in_val[name].per_cell()
        threshold = choose_threshold(val.probability[:, 0], val.label == 0)
        of_baseline = baselines.of(name)
        np.testing.assert_array_equal(of_baseline.cell, cells.cell)
        np.testing.assert_array_equal(of_baseline.label, cells.label)
        np.testing.assert_allclose(of_baseline.probability, moved(cells.probability, threshold))
        np.testing.assert_array_equal(
            of_baseline.predicted == 0, cells.probability[:, 0] >= threshold
        )
    np.testing.assert_array_equal(baselines.n_spikes, 6)


def test_they_are_trained_once_for_a_split(data, monkeypatch):
    baselines = baseline_cells(data)
    trained = []
    monkeypatch.setattr(kept, "TrainedBaselines", lambda *_: trained.append(1))
    again = baseline_cells(data)
    assert not trained
    for field in BaselineCells.__dataclass_fields__:
        np.testing.assert_array_equal(
            getattr(again["test"], field), getattr(baselines["test"], field)
        )
    for other in ({"seed": 1}, {"folds": 3}, {"cache": None}):
        path = data.original.path
        with pytest.raises(AttributeError):  # it would train: the stand-in cannot
            baseline_cells(CellTypeData(path, **{"cache": data.cache, **other}))
    assert len(trained) == 3
    for file in data.cache.glob("*.npz"):
        file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(AttributeError):
        baseline_cells(data)


def _ask_and_count(path, cache, folder):
    data = CellTypeData(path, cache=cache)
    ask = kept._ask

    def counted(*arguments):
        (folder / str(multiprocessing.current_process().pid)).touch()
        return ask(*arguments)

    kept._ask = counted
    baseline_cells(data)


def test_processes_that_ask_at_once_train_once(data, tmp_path):
    folder = tmp_path / "trained"
    folder.mkdir()
    spawn = multiprocessing.get_context("fork")
    arguments = (data.original.path, data.cache, folder)
    workers = [spawn.Process(target=_ask_and_count, args=arguments) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert len(list(folder.iterdir())) == 1


def test_the_table_is_read_back(data, tmp_path):
    written = baseline_cells(data)["test"]
    ids = [cell.cell_id for cell in data.original.cells]
    path = tmp_path / "cells.csv"
    path.write_text(baseline_cells_csv(written, ids, CLASSES))
    read = read_baseline_cells(path, {name: index for index, name in enumerate(ids)}, CLASSES)
    assert read.names == written.names
    for field in ("cell", "label", "n_spikes"):
        np.testing.assert_array_equal(getattr(read, field), getattr(written, field))
    np.testing.assert_allclose(read.probability, written.probability, rtol=1e-8)
    with pytest.raises(StoreError, match="train again"):
        read_baseline_cells(path, {}, CLASSES)


def cells_of(n_cells=40, sharp=2.0, seed=0) -> Predictions:
    rng = np.random.default_rng(seed)
    label = np.arange(n_cells) % 2
    logits = sharp * np.eye(2)[label] + rng.normal(size=(n_cells, 2))
    return Predictions.from_logits(logits, label, np.arange(n_cells), [f"c{i}" for i in label])


def asked_of(*predictions: Predictions, n_spikes=1) -> BaselineCells:
    names = ["udi_threshold", "trees_window"][: len(predictions)]
    first = predictions[0]
    probability = np.stack([of_baseline.probability for of_baseline in predictions])
    return BaselineCells(
        names, first.cell, first.label, np.full(len(first.cell), n_spikes), probability
    )


def test_the_network_is_compared_with_each_on_the_same_cells():
    network, weak = cells_of(sharp=3.0), cells_of(sharp=0.5, seed=1)
    result = SetResult("test", network, CLASSES)
    compared = compare(result, asked_of(network, weak))
    by_name = {(row.classifier, row.headline.name): row for row in compared}
    same, other = by_name["udi_threshold", "auroc"], by_name["trees_window", "auroc"]
    assert (same.difference.value, same.difference.p) == (0, 1)
    expected = [
        roc_auc_score(cells.label == 0, cells.probability[:, 0]) for cells in (network, weak)
    ]
    assert by_name[NETWORK, "auroc"].headline.value == pytest.approx(expected[0])
    assert other.difference.value == pytest.approx(expected[0] - expected[1])
    assert 0 < other.difference.low < other.difference.value < other.difference.high
    assert other.difference.p < 0.01
    for row in compared:
        if row.difference is not None:
            ours = by_name[NETWORK, row.headline.name].headline.value
            assert row.difference.value == pytest.approx(ours - row.headline.value)


def test_table_page_and_figure_name_the_difference():
    network, weak = cells_of(sharp=3.0), cells_of(sharp=0.5, seed=1)
    made_files = baseline_artifacts(SetResult("test", network, CLASSES), asked_of(weak, network))
    assert isinstance(made_files["baselines.png"](), Figure)
    rows = list(csv.DictReader(made_files["baselines.csv"].splitlines()))
    by_figure = {row["classifier"]: row for row in rows if row["figure"] == "auroc"}
    assert by_figure[NETWORK]["network_minus_it"] == ""
    difference = float(by_figure["udi_threshold"]["network_minus_it"])
    assert (
        f"{difference:+.3f}" in made_files["baselines.txt"]
        and "a threshold" in made_files["baselines.txt"]
    )
    labels = [text.get_text() for text in made_files["baselines.png"]().axes[0].get_yticklabels()]
    assert labels == ["network", "UDI threshold", "trees on window"]
    figure = made_files["baselines.png"]()
    values, differences = figure.axes[::2], figure.axes[1::2]
    assert (
        len({axes.get_xlim() for axes in values})
        == 1
        == len({axes.get_xlim() for axes in differences})
    )
    assert "trees on window (gradient-boosted trees" in figure.caption
    assert_texts_apart(figure)


def test_other_spikes_are_not_compared():
    network = cells_of()
    result = SetResult("test", network, CLASSES)
    for baselines in (asked_of(cells_of(30)), asked_of(network, n_spikes=2)):
        made_files = baseline_artifacts(result, baselines)
        assert (
            list(made_files) == ["baselines.txt"] and "other spikes" in made_files["baselines.txt"]
        )


def test_of_one_class_what_is_undefined_is_left_out():
    whole = cells_of()
    of_first = whole.label == 0
    first_class = Predictions(
        whole.probability[of_first],
        whole.sigmoid[of_first],
        whole.label[of_first],
        whole.cell[of_first],
    )
    result = SetResult("test", first_class, CLASSES)
    made_files = baseline_artifacts(result, asked_of(first_class))
    named = {row["figure"] for row in csv.DictReader(made_files["baselines.csv"].splitlines())}
    assert "sensitivity" in named and "auroc" not in named and "balanced_accuracy" not in named
    assert "baselines.png" not in made_files


@pytest.mark.ci
def test_who_finds_baselines_kept_loads_no_scikit_learn():
    program = (
        "import sys, raphe.tasks.celltype.evaluation.evaluate\nsys.exit('sklearn' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
