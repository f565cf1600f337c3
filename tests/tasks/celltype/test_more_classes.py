"""Four classes of windows cut elsewhere, from the files to verdicts; figures by scikit-learn's."""

import csv
import json
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import binomtest
from sklearn import metrics as reference

from raphe import cli
from raphe.core.abf.writer import write_abf
from raphe.core.files.checkpoint import write_checkpoint
from raphe.core.protocol import TrainedRun
from raphe.core.statistics.decision import NOT_SURE
from raphe.tasks.celltype.ensemble.bundle_runtime import Ensemble
from raphe.tasks.celltype.ensemble.export import export
from raphe.tasks.celltype.evaluation.evaluate import Evaluation
from raphe.tasks.celltype.features.cell_statistics import cell_statistics
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.training.data import CellTypeData
from raphe.tasks.celltype.training.module import CellTypeModule, one_hot_loss
from raphe.tasks.celltype.verdicts.cell_input import CellSpikes
from raphe.tasks.celltype.verdicts.judge import Judge
from raphe.tasks.celltype.verdicts.verdict import UNLIKE_TRAINING

CLASSES = ("PV", "SST", "VIP", "pyramidal")
N_SAMPLES, RATE_HZ = 57, 40_000.0
PER_CELL = 6


def waveforms(label: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Troughs whose width is that of their class, more or less, in noise: (n, T) in µV."""
    time = np.arange(N_SAMPLES) - 26
    width = (3 + 2.5 * label) * rng.uniform(0.75, 1.25)
    trough = -100 * np.exp(-((time / width) ** 2)) + 30 * np.exp(-(((time - 15) / width) ** 2))
    return (trough + rng.normal(0, 12, (n, N_SAMPLES))).astype(np.float32)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """96 cells of 24 animals, one class an animal, as `raphe import windows` copies them."""
    folder, rng = tmp_path_factory.mktemp("windows"), np.random.default_rng(0)
    windows, rows = [], []
    for cell in range(96):
        animal = cell // 4
        windows.append(waveforms(animal % 4, PER_CELL, rng))
        row = {"label": CLASSES[animal % 4], "cell_id": f"c{cell}", "animal": f"m{animal}"}
        rows += PER_CELL * [row]
    np.save(folder / "waveforms.npy", np.concatenate(windows))
    with (folder / "units.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    arguments = ["waveforms.npy", "units.csv", "store"]
    arguments = [str(folder / name) for name in arguments]
    assert cli.main(["import", "windows", *arguments, "--rate-hz", "40000", "--unit", "uV"]) == 0
    return folder / "store"


@pytest.fixture(scope="module")
def data(store: Path) -> CellTypeData:
    data = CellTypeData(store, split="animal", fractions=(0.5, 0.25, 0.25))
    data.setup()
    return data


@pytest.fixture(scope="module")
def modules(data: CellTypeData) -> list[CellTypeModule]:
    return [_trained(data, kernel) for kernel in (3, 8)]


def _trained(data: CellTypeData, kernel: int) -> CellTypeModule:
    torch.manual_seed(kernel)
    module = CellTypeModule(kernel, filters=(4, 8), **data.facts)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-2)
    for _ in range(12):
        for current, label, _ in data.train_dataloader():
            optimizer.zero_grad()
            one_hot_loss(module(current), label).backward()
            optimizer.step()
    return module.eval()


@pytest.fixture(scope="module")
def bundle(data, modules, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    runs = [
        TrainedRun(f"run{k}", f"k={k}", write_checkpoint(module, folder / f"{k}.ckpt"))
        for k, module in enumerate(modules)
    ]
    out = folder / "bundle"
    return export(runs, data, "", {}, out, members="all", error_rate=0.1).bundle


def softmax(module: CellTypeModule, windows: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return deepcopy(module).double()(torch.from_numpy(windows).double()).softmax(1).numpy()


@pytest.fixture(scope="module")
def made(data, modules) -> dict[str, object]:
    """What an Evaluation makes of the first network."""
    (batches,) = data.test_dataloader()
    current, label, cell = (torch.cat(parts) for parts in zip(*batches, strict=True))
    with torch.inference_mode():
        logits = modules[0](current).numpy()
    predictions = Predictions.from_logits(logits, label, cell, data.test_cell_ids["test"])
    modules[0].predictions = {"test": predictions}
    return Evaluation(baselines=False)(modules[0], data)


def test_cell_level_figures_are_scikit_learns(data, modules, made) -> None:
    cells = data._cells("test")
    assert {cell.animal for cell in cells}.isdisjoint(cell.animal for cell in data._cells("train"))
    label = np.array([cell.label for cell in cells])
    windows = data.original.read(data.spike_split.rows("test"))
    probability = softmax(modules[0], windows).reshape(len(cells), PER_CELL, 4).mean(axis=1)
    called = probability.argmax(axis=1)
    assert 0.5 < reference.accuracy_score(label, called) < 1  # figures that could go wrong

    recall = reference.recall_score(label, called, average=None)
    expected = {
        "accuracy": reference.accuracy_score(label, called),
        "balanced_accuracy": reference.balanced_accuracy_score(label, called),
        "macro_f1": reference.f1_score(label, called, average="macro"),
        "macro_auroc": reference.roc_auc_score(label, probability, multi_class="ovr"),
        "mcc": reference.matthews_corrcoef(label, called),
        **{f"sensitivity of {name}": recall[c] for c, name in enumerate(CLASSES)},
    }
    rows = {
        row["figure"]: row
        for row in csv.DictReader(made["test/headline.csv"].splitlines())
        if row["level"] == "cells"
    }
    assert {name: float(rows[name]["value"]) for name in expected} == pytest.approx(
        expected, abs=2e-6
    )
    for c, name in enumerate(CLASSES):
        row = rows[f"sensitivity of {name}"]
        own = called[label == c] == c
        method = "exact" if own.all() or not own.any() else "wilson"
        ends = binomtest(int(own.sum()), len(own)).proportion_ci(method=method)
        assert row["interval"] == "8 cells, these 2 animals only"
        assert (float(row["low"]), float(row["high"])) == pytest.approx(tuple(ends), abs=1e-6)
    confusion = json.loads(made["test/confusion.json"])
    assert (confusion["rows"], confusion["columns"]) == ("true class", "predicted class")
    assert confusion["cells"] == reference.confusion_matrix(label, called).tolist()
    for name in ("balanced_accuracy", "macro_f1", "macro_auroc"):
        assert made[f"test/cells/{name}"].value == pytest.approx(expected[name])


def test_the_page_of_headlines_names_every_class_and_the_axis(made) -> None:
    text = made["test/headline.txt"]
    for name in CLASSES:
        assert f"true {name}" in text and f"called {name}" in text
        assert f"sensitivity of {name}" in text
    assert "looked for" not in text  # no class is
    assert "macro AUROC" in text


def test_the_bundle_says_what_torch_says(data, modules, bundle) -> None:
    windows = data.original.read(np.arange(40))
    found = Ensemble.open(bundle).predict(windows)
    expected = np.stack([softmax(module, windows) for module in modules])
    np.testing.assert_allclose(found.members, expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found.ensemble, expected.mean(axis=0), rtol=0, atol=1e-5)


def test_new_windows_are_called(bundle, tmp_path: Path, capsys) -> None:
    rng = np.random.default_rng(5)
    cells = {
        f"{name}-{number}": waveforms(label, 20, rng)
        for label, name in enumerate(CLASSES)
        for number in range(4)
    }
    cells["tenfold"] = 10 * waveforms(0, 20, rng)
    array, table, out = tmp_path / "new.npy", tmp_path / "new.csv", tmp_path / "out"
    np.save(array, np.concatenate([*cells.values()]))
    table.write_text("cell_id\n" + "".join(20 * f"{cell_id}\n" for cell_id in cells))
    command = ["predict", array, "--units", table, "--bundle", bundle, "--out", out]
    assert cli.main([*map(str, command)]) == 0
    cells = json.loads((out / "verdicts.json").read_text())["cells"]
    verdicts = {cell["cell_id"]: cell["verdict"] for cell in cells}
    assert verdicts.pop("tenfold") == UNLIKE_TRAINING
    called = {one: verdict for one, verdict in verdicts.items() if verdict in CLASSES}
    assert set(verdicts.values()) <= {*CLASSES, NOT_SURE, UNLIKE_TRAINING}
    right = [one.startswith(f"{verdict}-") for one, verdict in called.items()]
    assert len(called) >= 8 and np.mean(right) > 0.7
    for cell in cells:
        assert sum(cell["probability"].values()) == pytest.approx(1, abs=1e-4)
    assert (out / "index.html").is_file()


def test_a_new_cell_is_measured_as_those_of_training(bundle) -> None:
    judge = Judge(bundle)
    windows = waveforms(0, 20, np.random.default_rng(7))
    found = judge.judge(CellSpikes("c", (), windows, np.full(20, np.nan))).verdict.statistics
    measured = cell_statistics(windows, RATE_HZ, "uV", baseline_ms=0.0)
    assert found == pytest.approx(measured, nan_ok=True)
    told = {name for name, value in found.items() if np.isfinite(value)}
    assert told == set(judge.ensemble.manifest["training"]["domain"]["quantiles"])


def test_a_recording_is_refused_where_windows_were_given(bundle, tmp_path: Path, capsys) -> None:
    write_abf(tmp_path / "cell.abf", np.zeros(40_000), RATE_HZ, "pA")
    assert cli.main(["predict", str(tmp_path), "--bundle", str(bundle)]) == 1
    told = capsys.readouterr().err
    assert "windows that were not cut from recordings" in told and "57 samples" in told


def test_the_band_keeps_its_promise_on_new_cells(data, bundle) -> None:
    """Of 400 new cells no more are called wrong than was asked for, give or take chance."""
    judge, rng = Judge(bundle), np.random.default_rng(6)
    label = np.arange(400) % 4
    windows = np.stack([waveforms(c, PER_CELL, rng) for c in label])
    members = judge.ensemble.predict(windows.reshape(-1, N_SAMPLES)).members
    members = members.reshape(2, 400, PER_CELL, 4).transpose(1, 0, 2, 3)
    probability = np.stack([judge.decision.of_cell(one, [1, 1]) for one in members])
    decided = judge.decision.not_sure.decided(probability)
    wrong = decided & (probability.argmax(axis=1) != label)
    assert decided.mean() > 0.2
    assert wrong.mean() < 2 * judge.decision.not_sure.wanted_error


@pytest.mark.ci
def test_the_experiment_leaves_animals_out_and_reports_over_all(
    train_py, places, store: Path, tmp_path: Path
) -> None:
    quick = ["data.folds=2", "trainer.max_epochs=1", "model.filters=[2,4]", "baselines=false"]
    assert train_py("experiment=celltypes", f"data.store={store}", *places, *quick) == 0
    (cells,) = tmp_path.glob("mlruns/**/pooled/cells.csv")
    rows = list(csv.DictReader(cells.read_text().splitlines()))
    assert sorted(int(row["cell"][1:]) for row in rows) == list(range(96))
    folds_of_animal: dict[int, set[str]] = {}
    for row in rows:
        folds_of_animal.setdefault(int(row["cell"][1:]) // 4, set()).add(row["fold"])
    assert all(len(folds) == 1 for folds in folds_of_animal.values())
    headline = cells.with_name("headline.csv").read_text()
    assert all(f"sensitivity of {name}," in headline for name in CLASSES)
    assert "macro_f1" in headline and ",24 animals\n" in headline
