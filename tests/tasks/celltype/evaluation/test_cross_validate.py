"""Folds pooled: every cell once, chosen on validation cells alone, what is missing named."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import recall_score, roc_auc_score

from figure_texts import assert_texts_apart
from raphe.core.errors import SettingError, StoreError
from raphe.core.protocol import SweptRun
from raphe.core.statistics.decision import Decision
from raphe.tasks.celltype.evaluation.baseline_cells import baseline_cells, baseline_cells_csv
from raphe.tasks.celltype.evaluation.cross_validate import CrossValidation, fold_numbers
from raphe.tasks.celltype.metrics.predictions import Predictions, predictions_csv
from raphe.tasks.celltype.training.data import CellTypeData

CLASSES = ("SER", "NSER")


@pytest.fixture
def store(make_spikes) -> Path:
    return make_spikes(n_cells=20, per_cell=6, n_samples=160, note="Noise, not spikes.").path


def data_of(store: Path, fold: int = 0, folds=5, split="cell") -> CellTypeData:
    data = CellTypeData(store, folds=folds, fold=fold, split=split)
    data.setup()
    return data


def said(data: CellTypeData, part: str, sharp: float, seed: int) -> Predictions:
    """CandidatePredictions for a part, the better the sharper; below 0 they are wrong."""
    rng = np.random.default_rng([seed, data.spike_split.fold, len(part)])
    rows = data.spike_split.rows(part)
    label, cell = data.original.label[rows].astype(int), data.original.cell[rows].astype(int)
    offset = rng.normal(size=(len(data.original.cells), 2))[cell]
    logits = sharp * np.eye(2)[label] + offset + 0.3 * rng.normal(size=(len(rows), 2))
    return Predictions.from_logits(logits, label, cell, data.test_cell_ids["test"])


def member(
    folder: Path, data: CellTypeData, kernel: int, val: float, test: float, swept: bool = True
) -> SweptRun:
    """A run whose predictions are so sharp on validation and on test."""
    home = folder / f"{data.spike_split.fold}-{kernel}"
    for part, sharp in (("val", val), ("test", test)):
        (home / part).mkdir(parents=True, exist_ok=True)
        predictions = said(data, part, sharp, kernel)
        (home / part / "predictions.csv").write_text(predictions_csv(predictions, CLASSES))
    settings = {"data.fold": str(data.spike_split.fold)}
    if swept:
        settings["model.kernel"] = str(kernel)
    label = " ".join(f"{name}={value}" for name, value in settings.items())
    return SweptRun(label, settings, monitored=-val, fetch=lambda name: home / name)


def pool(runs, data, missing: Sequence[Mapping[str, str]] = (), **settings) -> dict:
    return CrossValidation(**{"baselines": False, **settings})(runs, missing, data)


def auroc_of_folds(truth: np.ndarray, score: np.ndarray, fold: np.ndarray) -> float:
    """The mean over the folds, each weighted by its pairs of both classes."""
    areas, pairs = [], []
    for here in (fold == number for number in np.unique(fold)):
        areas.append(roc_auc_score(truth[here], score[here]))
        pairs.append(truth[here].sum() * (~truth[here]).sum())
    return float(np.average(areas, weights=pairs))


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_every_cell_is_counted_once_as_its_own_fold_calls_it(store, tmp_path):
    folds = [data_of(store, fold) for fold in range(5)]
    runs = [member(tmp_path, data, 8, 2.0, 2.0, swept=False) for data in folds]
    artifacts = pool(runs, folds[0])
    rows = rows_of(artifacts["pooled/cells.csv"])
    assert [row["cell"] for row in rows] == [cell.cell_id for cell in folds[0].original.cells]
    assert all(row["n_spikes"] == "6" for row in rows)
    expected = {}
    for data in folds:
        cells = said(data, "test", 2.0, 8).per_cell()
        val = said(data, "val", 2.0, 8).per_cell()
        settled = Decision.fit(val.probability, val.label, "mean", "temperature", 0.05)
        stated = settled.calibration(cells.probability)
        for i, index in enumerate(cells.cell):
            expected[index] = (data.spike_split.fold, cells.probability[i, 0], stated[i, 0])
    for index, row in enumerate(rows):
        fold, raw, stated = expected[index]
        assert int(row["fold"]) == fold
        assert float(row["probability_SER"]) == pytest.approx(raw, abs=1e-5)
        assert float(row["stated_SER"]) == pytest.approx(stated, abs=1e-4)
    score = np.array([expected[index][1] for index in range(20)])
    truth = np.arange(20) % 2 == 0
    fold = np.array([expected[index][0] for index in range(20)])
    assert artifacts["pooled/cells/auroc"].value == pytest.approx(
        auroc_of_folds(truth, score, fold)
    )
    curves = artifacts["pooled/roc.png"]()
    stated = f"AUROC {auroc_of_folds(truth, score, fold):.3f} ("
    (label,) = [
        line.get_label() for line in curves.axes[0].lines if line.get_label().startswith("Cells")
    ]
    assert stated in label and label.endswith(" within folds")
    assert f"is {roc_auc_score(truth, score):.3f} (cells) and " in curves.caption
    assert artifacts["pooled/cells/sensitivity"].value == pytest.approx(
        recall_score(truth, score > 0.5)
    )
    for page in ("pooled/headline.txt", "summary.txt"):
        assert "\nNote: Noise, not spikes.\n" in artifacts[page]
    counted = rows_of(artifacts["pooled/headline.csv"])
    assert {row["denominator"] for row in counted if row["figure"] == "accuracy"} == {"20", "120"}
    figure = artifacts["pooled/folds.png"]()
    assert [label.get_text() for label in figure.axes[1].get_xticklabels()] == list("12345")
    assert_texts_apart(figure)
    unsure = sum(
        len(line.get_xdata()) for line in figure.axes[0].lines if line.get_mfc() == "white"
    )
    assert unsure == sum(int(row["n_not_sure"]) for row in rows_of(artifacts["pooled/folds.csv"]))
    summary = " ".join(artifacts["summary.txt"].split())
    assert "20 of 20 cells tested" in summary
    n = len(val.label)
    assert (
        f"Verdicts are not calibrated: that takes {20 - n} more validation cells. The band was "
        f"chosen in each fold on its own {n} validation cells. "
    ) in summary


def test_what_is_chosen_is_chosen_on_validation_cells_alone(store, tmp_path):
    """Kernel 4 is best on validation and worst on test; 8 the other way round."""
    folds = [data_of(store, fold) for fold in range(5)]
    runs = [
        member(tmp_path, data, kernel, val, test)
        for data in folds
        for kernel, val, test in ((4, 6.0, -6.0), (8, 0.1, 6.0))
    ]
    for way in ("best", "top:1", "greedy"):
        artifacts = pool(runs, folds[0], members=way)
        assert artifacts["pooled/cells/auroc"].value < 0.1, way
        assert {row["network"] for row in rows_of(artifacts["pooled/folds.csv"])} == {
            "model.kernel=4"
        }
        assert "model.kernel=4 in 5" in artifacts["summary.txt"]
    both = pool(runs, folds[0], members="all")
    assert {row["network"] for row in rows_of(both["pooled/cells.csv"])} == {
        "model.kernel=4, model.kernel=8"
    }


def test_each_fold_may_choose_another(store, tmp_path):
    folds = [data_of(store, fold) for fold in range(5)]
    better = {4: (0, 2, 4), 8: (1, 3)}
    runs = [
        member(tmp_path, data, kernel, 3.0 if data.spike_split.fold in better[kernel] else 1.0, 2.0)
        for data in folds
        for kernel in (4, 8)
    ]
    chosen = [row["network"] for row in rows_of(pool(runs, folds[0])["pooled/folds.csv"])]
    assert chosen == [f"model.kernel={4 if fold in better[4] else 8}" for fold in range(5)]
    largest = pool(runs, folds[0], mode="max")  # of what is here less where it is better
    assert [row["network"] for row in rows_of(largest["pooled/folds.csv"])] == [
        f"model.kernel={8 if fold in better[4] else 4}" for fold in range(5)
    ]


def test_folds_that_failed_are_named_with_the_cells_that_lack(store, tmp_path):
    folds = [data_of(store, fold) for fold in range(5)]
    runs = [
        member(tmp_path, data, kernel, 1.0, 2.0)
        for data in folds
        for kernel in (4, 8)
        if data.spike_split.fold != 2 and (data.spike_split.fold, kernel) != (3, 8)
    ]
    missing = [
        {"data.fold": "2", "model.kernel": "4"},
        {"data.fold": "2", "model.kernel": "8"},
        {"data.fold": "3", "model.kernel": "8"},
    ]
    artifacts = pool(runs, folds[0], missing)
    summary = " ".join(artifacts["summary.txt"].split())
    untested = np.flatnonzero(folds[0].spike_split.fold_of_cell == 2)
    names = ", ".join(folds[0].original.cells[index].cell_id for index in untested)
    assert (
        f"MISSING: fold 3 did not finish: {len(untested)} cells are not tested: {names}." in summary
    )
    assert "model.kernel=8 did not finish and could not be chosen in fold 4." in summary
    assert f"{20 - len(untested)} of 20 cells tested" in summary
    assert {row["fold"] for row in rows_of(artifacts["pooled/cells.csv"])} == set("0134")


def test_a_diverged_network_is_not_chosen_and_a_diverged_fold_is_missing(store, tmp_path):
    folds = [data_of(store, fold) for fold in range(5)]
    runs = [member(tmp_path, data, kernel, 1.0, 2.0) for data in folds for kernel in (4, 8)]
    for fold, kernel in ((0, 4), (1, 4), (1, 8)):
        path = tmp_path / f"{fold}-{kernel}" / "val" / "predictions.csv"
        head, *rows = path.read_text().splitlines()
        rows = [",".join([*row.split(",")[:2], "nan", "nan"]) for row in rows]
        path.write_text("\n".join([head, *rows]))
    artifacts = pool(runs, folds[0], members="all")
    chosen = {row["fold"]: row["network"] for row in rows_of(artifacts["pooled/folds.csv"])}
    assert chosen["0"] == "model.kernel=8" and "1" not in chosen
    assert "MISSING: fold 2" in artifacts["summary.txt"]


@pytest.mark.parametrize("split", ["cell", "day", "animal"])
def test_leaving_one_out_pools_folds_of_one_class(store, tmp_path, split):
    first = data_of(store, 0, "all", split)
    folds = [data_of(store, fold, "all", split) for fold in fold_numbers(first)]
    runs = [member(tmp_path, data, 8, 2.0, 2.0, swept=False) for data in folds]
    artifacts = pool(runs, first)
    assert len(rows_of(artifacts["pooled/cells.csv"])) == 20
    assert 0 < artifacts["pooled/cells/auroc"].value <= 1
    rows = rows_of(artifacts["pooled/folds.csv"])
    counts = ["n_right_SER", "n_SER", "n_right_NSER", "n_NSER"]
    whole = ["fold", "n_cells", *counts, "n_not_sure", "n_validation_cells", "kept/val/loss", split]
    assert list(rows[0]) == whole  # and no network, as none was chosen among others
    assert "network" not in rows_of(artifacts["pooled/cells.csv"])[0]
    field = "cell_id" if split == "cell" else split
    assert [row[split] for row in rows] == sorted(
        {getattr(cell, field) for cell in first.original.cells}
    )
    assert f"leave one {split} out" in artifacts["summary.txt"]
    summary = " ".join(artifacts["summary.txt"].split())
    says_so = "compares cells that different networks scored" in summary
    assert says_so == (split == "cell")  # the days and animals of this store mix the classes
    lowest = artifacts["pooled/folds.png"]().axes[-1].xaxis
    assert [label.get_text() for label in lowest.get_ticklabels()] == [row[split] for row in rows]
    assert lowest.get_tick_params()["labelbottom"]


def test_baselines_are_pooled_over_the_same_folds(store, tmp_path):
    folds = [data_of(store, fold) for fold in range(5)]
    runs = [member(tmp_path, data, 8, 2.0, 2.0, swept=False) for data in folds]
    with pytest.raises(StoreError, match="train again"):
        pool(runs, folds[0], baselines=True)
    score, fold = np.empty(20), np.empty(20)
    for data, run in zip(folds, runs, strict=True):
        baselines = baseline_cells(data)["test"]
        ids = data.test_cell_ids["test"]
        run.fetch("test/baseline_cells.csv").write_text(baseline_cells_csv(baselines, ids, CLASSES))
        score[baselines.cell] = baselines.of("trees_window").probability[:, 0]
        fold[baselines.cell] = data.spike_split.fold
    artifacts = pool(runs, folds[0], baselines=True)
    (row,) = [
        row
        for row in rows_of(artifacts["pooled/baselines.csv"])
        if (row["classifier"], row["figure"]) == ("trees_window", "auroc")
    ]
    assert float(row["value"]) == pytest.approx(
        auroc_of_folds(np.arange(20) % 2 == 0, score, fold), abs=1e-5
    )
    summary = artifacts["summary.txt"]
    assert summary.startswith("The network tells the classes apart: AUROC 1.00 (95 % interval ")
    assert "the best of 7 simple baselines, " in " ".join(summary.splitlines()[:4])
    assert "trees on window " in summary and len(summary.splitlines()) < 45


def test_answers_of_other_cells_than_the_folds_are_refused(store, tmp_path):
    right, wrong = data_of(store, 0), data_of(store, 1)
    run = member(tmp_path, wrong, 8, 2.0, 2.0)
    moved = SweptRun(run.label, {"data.fold": "0"}, run.monitored, run.fetch)
    with pytest.raises(SettingError, match="tested on other cells than those of the fold"):
        pool([moved], right)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"members": "bset"}, r"sweep\.summarise\.members=bset: expected best, top:N"),
        ({"pooling": "mode"}, r"evaluate\.pooling=mode"),
        ({"error_rate": 0}, r"evaluate\.error_rate=0"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(SettingError, match=message):
        CrossValidation(**settings)


def test_without_folds_there_is_nothing_to_sweep_over(store):
    with pytest.raises(SettingError, match=r"data\.folds=null: expected a number of folds, or all"):
        fold_numbers(CellTypeData(store))
