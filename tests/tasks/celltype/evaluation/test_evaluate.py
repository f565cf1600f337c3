"""The numbers that the figures and tables of a test show."""

import csv
import json
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from sklearn import metrics as reference

from celltype_results import CLASSES, THREE, decision, random_predictions, result_of
from raphe.core.errors import SettingError
from raphe.core.metric_names import Estimate
from raphe.core.statistics.decision import NOT_SURE, Decision
from raphe.tasks.celltype.evaluation.evaluate import Evaluation, artifacts, validation_predictions
from raphe.tasks.celltype.evaluation.set_report import cells_csv, confusion_json
from raphe.tasks.celltype.metrics.predictions import Predictions, read_predictions
from raphe.tasks.celltype.stores.spike_set import Cell
from raphe.tasks.celltype.training.data import CellTypeData
from raphe.tasks.celltype.training.module import CellTypeModule

FIGURES = {"roc.png", "confusion.png", "reliability.png", "risk_coverage.png", "spikes_needed.png"}
TEXTS = {"headline.txt", "headline.csv", "cells.csv", "confusion.json", "spikes_needed.csv",
         "predictions.csv"}  # fmt: skip


@pytest.mark.parametrize("classes", [CLASSES, THREE])
@pytest.mark.parametrize("decides", [True, False])
def test_every_set_has_its_figures_tables_and_metrics(classes, decides):
    settings = {"decision": decision(len(classes))} if decides else {}
    contents = artifacts(result_of(random_predictions(n_classes=len(classes)), classes, **settings))
    kinds = {partial: set(), str: set(), float: set(), Estimate: set()}
    for name, content in contents.items():
        kind = next(kind for kind in kinds if isinstance(content, kind))
        kinds[kind].add(name.removeprefix("test/"))
    assert kinds[partial] == FIGURES and kinds[str] == TEXTS
    of_classes = {"sensitivity", "specificity", "ppv", "npv", "auroc"}
    if len(classes) > 2:
        of_classes = {"macro_ppv", "macro_f1", "macro_auroc"}
    headlines = of_classes | {"accuracy", "balanced_accuracy", "mcc"}
    of_verdicts = {"brier", "aurc"} | ({"coverage", "wrong_calls"} if decides else set())
    expected = {f"{level}/{name}" for level in ("cells", "spikes") for name in headlines}
    assert kinds[float] | kinds[Estimate] == expected | {f"cells/{name}" for name in of_verdicts}


def test_metrics_against_scikit_learn():
    predictions = random_predictions()
    contents = artifacts(result_of(predictions))
    for level, shown in (("cells", predictions.per_cell()), ("spikes", predictions)):
        called, truth = shown.predicted, shown.label
        expected = {
            "sensitivity": reference.recall_score(truth, called, pos_label=0),
            "specificity": reference.recall_score(truth, called, pos_label=1),
            "ppv": reference.precision_score(truth, called, pos_label=0),
            "npv": reference.precision_score(truth, called, pos_label=1),
            "mcc": reference.matthews_corrcoef(truth, called),
            "auroc": reference.roc_auc_score(truth == 0, shown.probability[:, 0]),
        }
        assert {name: contents[f"test/{level}/{name}"].value for name in expected} == pytest.approx(
            expected
        )


def test_confusion_table_holds_raw_counts():
    predictions = random_predictions()
    table = json.loads(confusion_json(result_of(predictions)))
    assert table["classes"] == ["SER", "NSER"]
    assert (table["rows"], table["columns"]) == ("true class", "predicted class")
    expected = reference.confusion_matrix(predictions.label, predictions.predicted)
    assert table["spikes"] == expected.tolist()
    assert np.sum(table["spikes"]) == 600 and np.sum(table["cells"]) == 20


def test_cells_are_called_by_the_mean_of_their_spikes():
    probability = np.array([[0.9, 0.1], [0.4, 0.6], [0.4, 0.6], [0.2, 0.8]])
    predictions = Predictions(
        probability,
        probability,
        label=np.array([0, 0, 0, 1]),
        cell=np.array([5, 5, 5, 2]),
        cell_ids=[f"A{i}" for i in range(6)],
    )
    dated_cells = [Cell(f"A{i}", 0, f"2026-01-0{1 + i}") for i in range(6)]
    text = cells_csv(result_of(predictions, known_cells=dated_cells))
    second, first = csv.DictReader(text.splitlines())
    assert first == {
        "cell": "A5",
        "day": "2026-01-06",
        "true_class": "SER",
        "predicted_class": "SER",
        "n_spikes": "3",
        "spikes_called_SER": "1",
        "spikes_called_NSER": "2",
        "probability_SER": "0.566667",
        "probability_NSER": "0.433333",
    }
    assert (second["cell"], second["predicted_class"]) == ("A2", "NSER")
    median = cells_csv(result_of(predictions, pooling="median"))
    assert list(csv.DictReader(median.splitlines()))[1]["predicted_class"] == "NSER"


def test_a_verdict_is_calibrated_and_may_be_not_sure():
    predictions, settled = random_predictions(30), decision()
    text = cells_csv(result_of(predictions, decision=settled))
    rows = list(csv.DictReader(text.splitlines()))
    after = settled.calibration(predictions.per_cell().probability)
    called = [row["verdict"] for row in rows]
    assert NOT_SURE in called and set(called) == {NOT_SURE, *CLASSES}
    for row, (first, second) in zip(rows, after, strict=True):
        assert float(row["stated_SER"]) == pytest.approx(first, abs=1e-6)
        sure = max(first, second) >= settled.not_sure.threshold
        assert row["verdict"] == (CLASSES[int(second > first)] if sure else NOT_SURE)


def test_headline_text_tells_counts_intervals_and_abstentions():
    predictions, settled = random_predictions(30), decision()
    dated_cells = [Cell(f"A{i:02d}", i % 2, f"2026-01-{1 + i // 3:02d}") for i in range(30)]
    text = artifacts(result_of(predictions, known_cells=dated_cells, decision=settled))[
        "test/headline.txt"
    ]
    assert "test set: 30 cells (15 SER, 15 NSER), 900 spikes" in text
    counts = predictions.per_cell().confusion()
    assert f"{counts[0, 0]}/15  10 days" in text
    assert "over 10 days, each taken as a whole, and hold for new days" in " ".join(text.split())
    undated = artifacts(result_of(predictions))["test/headline.txt"]
    assert f"{counts[0, 0]}/15  15 cells" in undated
    assert "days and animals are not all known" in " ".join(undated.split())
    abstained = ~(
        settled.calibration(predictions.per_cell().probability).max(axis=1)
        >= settled.not_sure.threshold
    )
    for index in np.flatnonzero(abstained):
        assert f"A{index:02d}" in text
    assert f"Promise: {settled.not_sure.statement()}." in " ".join(text.split())
    text = " ".join(text.split())
    assert f"{abstained.sum()} not sure" in text and "at most 3 % of new cells" in text


def test_cells_without_names_are_numbered():
    predictions = random_predictions()
    unnamed = Predictions(
        predictions.probability, predictions.sigmoid, predictions.label, predictions.cell
    )
    rows = csv.DictReader(cells_csv(result_of(unnamed)).splitlines())
    assert [row["cell"] for row in rows] == [str(i) for i in range(20)]


def test_set_of_one_class_has_no_roc():
    predictions = random_predictions()
    ser = predictions.label == 0
    only = Predictions(
        predictions.probability[ser],
        predictions.sigmoid[ser],
        predictions.label[ser],
        predictions.cell[ser],
    )
    contents = artifacts(result_of(only))
    files = {
        name for name, content in contents.items() if not isinstance(content, float | Estimate)
    }
    assert files == {f"test/{file}" for file in (FIGURES | TEXTS) - {"roc.png"}}
    table = json.loads(contents["test/confusion.json"])
    assert np.sum(table["spikes"]) == 300 and table["spikes"][1] == [0, 0]
    assert np.isnan(contents["test/cells/auroc"].value) and not np.isnan(
        contents["test/cells/sensitivity"].value
    )


def test_cells_of_one_window_each_have_no_count_of_spikes():
    single_spikes = random_predictions(20).per_cell()
    contents = artifacts(result_of(single_spikes))
    assert "test/spikes_needed.png" not in contents and "test/reliability.png" in contents
    text = contents["test/headline.txt"]
    assert "test set: 20 cells (10 SER, 10 NSER), one window each\nLooked for: SER.\n" in text
    assert text.count("AUROC") == 1 and "\nSpikes" not in text
    assert not any(name.startswith("test/spikes/") for name in contents)


def test_a_diverged_network_leaves_its_answers():
    logits = np.full((4, 2), np.nan)
    diverged = Predictions.from_logits(logits, np.array([0, 1, 0, 1]), np.arange(4))
    assert list(artifacts(result_of(diverged))) == ["test/predictions.csv"]


def test_no_figure_stays_alive_in_pyplot():
    """pyplot would keep every figure of a sweep in memory."""
    artifacts(result_of(random_predictions()))
    assert not plt.get_fignums()


def set_up(make_spikes, note="", **settings) -> tuple[CellTypeModule, CellTypeData]:
    spikes = make_spikes(n_cells=30, per_cell=4, n_samples=32, note=note)
    data = CellTypeData(spikes.path, **settings)
    data.setup()
    torch.manual_seed(0)
    model = CellTypeModule(kernel=3, filters=(2, 2), **data.facts)
    batches = data.test_dataloader()[0]
    with torch.inference_mode():
        parts = [(model.eval()(current), label, cell) for current, label, cell in batches]
    logits, label, cell = (torch.cat(part).numpy() for part in zip(*parts, strict=True))
    model.predictions = {
        "test": Predictions.from_logits(logits, label, cell, data.test_cell_ids["test"])
    }
    return model.train(), data


def test_calibration_and_band_come_from_the_validation_cells(make_spikes, tmp_path):
    model, data = set_up(make_spikes)
    contents = Evaluation(error_rate=0.4, baselines=False)(model, data)
    assert model.training
    (tmp_path / "val.csv").write_text(contents["val/predictions.csv"])
    held_out, classes = read_predictions(tmp_path / "val.csv")
    in_val = {
        data.original.cells[i].cell_id
        for i in np.unique(data.original.cell[data.parts["val"].rows])
    }
    assert set(held_out.cell_ids) == in_val and tuple(classes) == CLASSES
    cells = held_out.per_cell()
    expected = Decision.fit(cells.probability, cells.label, "mean", "temperature", 0.4)
    settled = Decision.from_facts(json.loads(contents["decision.json"]))
    assert settled.calibration.slope == pytest.approx(expected.calibration.slope, rel=1e-4)
    assert settled.not_sure.n_items == len(in_val) and settled.not_sure.wanted_error == 0.4
    assert settled.not_sure.unit == "cell" and settled.not_sure.shared == "day"
    assert "verdict" in contents["test/cells.csv"].splitlines()[0]


def test_a_note_on_the_spikes_stands_beside_the_headline(make_spikes):
    contents = Evaluation(baselines=False)(*set_up(make_spikes, note="Noise, not spikes."))
    assert contents["note.txt"] == "Noise, not spikes.\n"
    assert contents["test/headline.txt"].endswith("\nNote: Noise, not spikes.\n")


def test_split_by_day_the_promise_counts_days(make_spikes):
    model, data = set_up(make_spikes, split="day")
    contents = Evaluation(error_rate=0.4, baselines=False)(model, data)
    not_sure = Decision.from_facts(json.loads(contents["decision.json"])).not_sure
    days = {
        data.original.cells[i].day for i in np.unique(data.original.cell[data.parts["val"].rows])
    }
    assert (not_sure.unit, not_sure.n_units, not_sure.shared) == ("day", len(days), "")
    assert "% of the cells of new days are called wrong" in " ".join(
        contents["test/headline.txt"].split()
    )


def test_few_cells_of_a_class_are_said_with_what_they_can_tell():
    """Wilson's interval of 4 of 8 is 21.5 to 78.5 %."""
    text = " ".join(artifacts(result_of(random_predictions(16)))["test/headline.txt"].split())
    assert (
        "Small: 8 cells SER, 8 cells NSER. The 95 % interval of a share of 8 cells can be 57 points"
        in text
    )


def test_validation_answers_do_not_drop_out(make_spikes):
    model, data = set_up(make_spikes)
    first, second = validation_predictions(model, data), validation_predictions(model, data)
    np.testing.assert_array_equal(first.probability, second.probability)


def test_split_by_spike_holds_no_cell_out_and_calibrates_nothing(make_spikes):
    model, data = set_up(make_spikes, split="spike")
    contents = Evaluation(baselines=False)(model, data)
    assert "decision.json" not in contents and "test/cells/coverage" not in contents
    assert "the split is by spike" in contents["test/headline.txt"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pooling": "mode"}, r"evaluate\.pooling=mode: expected mean, median, trimmed"),
        ({"calibration": "isotonic"}, r"evaluate\.calibration=isotonic: expected temperature or"),
        ({"error_rate": 1.5}, r"evaluate\.error_rate=1\.5: expected a share between 0 and 1"),
        ({"error_rate": "few"}, r"evaluate\.error_rate=few: expected a share"),
        ({"baselines": "some"}, r"evaluate\.baselines=some: expected true or false"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_there_is_a_model(settings, message):
    with pytest.raises(SettingError, match=message):
        Evaluation(**settings)
