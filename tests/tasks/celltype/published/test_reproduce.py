"""Both definitions from a run's own predictions, from a sweep's, and from networks on a store."""

import csv
import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from sklearn import metrics as reference

from paths import OWN_DATA
from raphe import cli
from raphe.core.claims import percent, proportion
from raphe.core.errors import SettingError
from raphe.tasks.celltype.metrics.predictions import (
    Predictions,
    predictions_csv,
    sensitivity_at_specificity,
)
from raphe.tasks.celltype.metrics.set_result import SetResult
from raphe.tasks.celltype.published.consensus import mean_of
from raphe.tasks.celltype.published.ensemble_figures import consensus_figure, epochs_figure
from raphe.tasks.celltype.published.keras_import import import_keras
from raphe.tasks.celltype.published.reproduce import Sources, reproduce
from raphe.tasks.celltype.published.reproduce_figure import reproduce_figure
from raphe.tasks.celltype.published.run_claims import run_claims
from raphe.tasks.celltype.published.run_folder import (
    RunResults,
    find_run,
    read_epochs,
    read_run,
    sweep_members,
)
from raphe.tasks.celltype.published.store_claims import leaked_share, predictions_of
from raphe.tasks.celltype.training.module import CellTypeModule

CLASSES = ("SER", "NSER")
KERAS = OWN_DATA / "keras"


def random_predictions(
    seed: int = 0, n_cells: int = 24, first: int = 0, n_classes: int = 2
) -> Predictions:
    """Unbalanced: two cells of three are SER."""
    rng = np.random.default_rng(seed)
    cell = np.repeat(np.arange(n_cells), 15)
    label = np.minimum(cell % 3, 1) if n_classes == 2 else cell % n_classes
    label = 1 - label if n_classes == 2 else label
    offset = rng.normal(size=(n_cells, n_classes))[cell]
    logits = np.eye(n_classes)[label] + offset + rng.normal(size=(len(cell), n_classes)) - 0.3
    return Predictions.from_logits(logits, label, cell, [f"c{first + i}" for i in range(n_cells)])


def keep(folder, name: str, predictions: Predictions, classes=CLASSES) -> None:
    (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / name / "predictions.csv").write_text(predictions_csv(predictions, classes))


EPOCHS = """epoch,session/other/cells/npv,session/other/cells/ppv,session/other/cells/sensitivity,\
session/other/cells/specificity,train/spikes/accuracy,train/loss,val/spikes/accuracy,val/loss
1,,,,,0.6,0.7,0.7,0.6
2,0.75,0.9,0.8,0.5,0.7,0.6,0.75,0.55
3,,,,,0.8,0.5,0.8,0.5
4,0.25,nan,0.6,1.0,0.9,0.4,0.85,0.45
"""


def kept_sweep(root, kernels) -> str:
    """A sweep as train.py leaves it on disk."""
    runs = root / "artifacts" / "celltype"
    for kernel in kernels:
        folder = runs / f"{kernel:032x}" / "artifacts"
        keep(folder, "test", random_predictions(seed=kernel))
        (folder / "epochs.csv").write_text(EPOCHS)
    parent = runs / ("f" * 32) / "artifacts"
    parent.mkdir(parents=True)
    rows = [f"{kernel},{kernel:032x}" for kernel in kernels]
    (parent / "sweep.csv").write_text("\n".join(["model.kernel,run_id", *rows]) + "\n")
    return "f" * 32


def by_quantity(claims) -> dict:
    return {claim.quantity: claim for claim in claims}


def test_both_definitions_against_scikit_learn(tmp_path):
    predictions = random_predictions()
    keep(tmp_path, "test", predictions)
    claims = by_quantity(run_claims(read_run(tmp_path, "run")))
    cells = predictions.per_cell()
    theirs = reference.confusion_matrix(cells.label, cells.predicted, normalize="pred")
    plain = reference.confusion_matrix(cells.label, cells.predicted, normalize="true")
    assert not np.allclose(np.diagonal(theirs), np.diagonal(plain))
    for quantity, i in (("true positive rate of cells", 0), ("true negative rate of cells", 1)):
        assert claims[quantity].theirs_value == pytest.approx(theirs[i, i])
        assert claims[quantity].ours_value.value == pytest.approx(plain[i, i])
    area = claims["AUC of cells"]
    exchanged = reference.roc_auc_score(cells.predicted == 0, cells.label == 0)
    assert area.theirs_value == pytest.approx(exchanged)
    plain_area = reference.roc_auc_score(cells.label == 0, cells.probability[:, 0])
    assert area.ours_value.value == pytest.approx(plain_area)
    truth = np.eye(2)[predictions.label].ravel()
    recall = reference.recall_score(truth, predictions.sigmoid.ravel() > 0.5)
    assert claims["recall of spikes"].theirs_value == pytest.approx(recall)
    exact = sensitivity_at_specificity(predictions.probability[:, 0], predictions.label == 0, 0.5)
    assert claims["sensitivity at specificity 0.5 of spikes"].ours_value.value == pytest.approx(
        exact, abs=1e-6
    )


@pytest.mark.parametrize(
    ("first_of_val", "beginning"),
    [
        (0, "by spike, as published: 100.0 %"),
        (18, "by spike, as published: 25.0 %"),
        (24, "by cell or by day: 0.0 %"),
    ],
)
def test_a_run_shows_how_it_was_split(tmp_path, first_of_val, beginning):
    keep(tmp_path, "test", random_predictions())
    keep(tmp_path, "val", random_predictions(first=first_of_val))
    claim = by_quantity(run_claims(read_run(tmp_path, "run")))["split"]
    assert claim.ours.startswith(beginning)


def test_days_of_the_cells_are_resampled(tmp_path):
    keep(tmp_path, "test", random_predictions())
    rows = [f"c{i},2026-01-{1 + i % 9:02d}" for i in range(24)]
    (tmp_path / "test" / "cells.csv").write_text("\n".join(["cell,day", *rows]) + "\n")
    result = read_run(tmp_path, "run").sets["test"]
    assert result.groups.noun == "day" and result.groups.n == 9


def test_simulated_cells_are_said_to_be_simulated(tmp_path):
    keep(tmp_path, "test", random_predictions())
    (tmp_path / "note.txt").write_text("These recordings are simulated.\n")
    claims = reproduce(Sources(runs=[str(tmp_path)])).claims
    assert by_quantity(claims)["recordings"].ours == "These recordings are simulated."
    assert "simulated" in reproduce_figure(claims).caption


def test_ensembles_of_text_and_code(tmp_path):
    sweep = kept_sweep(tmp_path, range(18, 33))
    claims = reproduce(Sources(runs=[sweep], runs_root=tmp_path)).claims
    for source, kernels in (("text", range(20, 31)), ("code", range(20, 32))):
        (claim,) = [
            claim for claim in claims
            if f"ensemble of the {source}" in claim.source and "positive" in claim.quantity
        ]  # fmt: skip
        members = [random_predictions(seed=k) for k in kernels]
        sigmoid = np.mean([claim.sigmoid for claim in members], axis=0)
        cell = members[0].cell
        of_cell = np.stack([sigmoid[cell == i].mean(axis=0) for i in range(24)])
        truth = np.array([members[0].label[cell == i][0] for i in range(24)])
        called = np.where(of_cell[:, 0] > of_cell[:, 1], 0, 1)
        matrix = reference.confusion_matrix(truth, called, normalize="pred")
        assert claim.theirs_value == pytest.approx(matrix[0, 0])
    (difference,) = [claim for claim in claims if "differently" in claim.quantity]
    assert difference.ours.endswith("of 24")


def test_a_consensus_is_written_cell_by_cell_and_as_a_matrix(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("raphe.core.figure_style.DOTS_PER_IN", 20)
    sweep = kept_sweep(tmp_path, range(20, 31))  # what the code has is not whole
    out = tmp_path / "out"
    arguments = ["--run", sweep, "--runs", str(tmp_path), "--out", str(out)]
    assert cli.main(["reproduce", *arguments]) == 0
    printed = capsys.readouterr().out
    written = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    figures = ("reproduce", "ensemble_1/epochs", "ensemble_1/k20-30/test/confusion")
    drawn = {f"{name}.{kind}" for name in figures for kind in ("png", "pdf", "caption.txt")}
    tables = {"reproduce.txt", "reproduce.csv", "ensemble_1/k20-30/test/cells.csv"}
    assert written == drawn | tables
    assert f"{out}/ensemble_1/k20-30/test/cells.csv" in printed
    members = [random_predictions(seed=k) for k in range(20, 31)]
    sigmoid = np.mean([member.sigmoid for member in members], axis=0)
    with (out / "ensemble_1/k20-30/test/cells.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["cell"] for row in rows] == [f"c{i}" for i in range(24)]
    for i, row in enumerate(rows):
        of_cell = sigmoid[members[0].cell == i].mean(axis=0)
        outputs = [float(row[f"mean_output_{name}"]) for name in CLASSES]
        assert outputs == pytest.approx(of_cell, abs=1e-6)
        assert row["called_class"] == CLASSES[of_cell.argmax()] and row["n_spikes"] == "15"
        assert row["true_class"] == CLASSES[members[0].label[members[0].cell == i][0]]


def test_the_matrix_of_a_consensus_has_both_shares():
    result = SetResult("other", random_predictions(), CLASSES)
    cells = result.cells
    called = np.where(cells.sigmoid[:, 0] > cells.sigmoid[:, 1], 0, 1)
    figure = consensus_figure(result, range(20, 31), "These recordings are simulated. " * 6)
    for axes, normalize in zip(figure.axes, ("true", "pred"), strict=True):
        counts = reference.confusion_matrix(cells.label, called)
        shares = reference.confusion_matrix(cells.label, called, normalize=normalize)
        entries = [text.get_text() for text in axes.texts if not text.get_gid()]
        assert entries == [
            f"{n}\n{100 * share:.1f} %"
            for n, share in zip(counts.ravel(), shares.ravel(), strict=True)
        ]
    assert "simulated" in figure.caption
    assert f"of SER {percent(proportion(9, 16))} and of NSER" in figure.caption


def test_epochs_of_all_kernels_are_in_one_figure(tmp_path):
    sweep = kept_sweep(tmp_path, (3, 20, 31))
    (ensemble,) = reproduce(Sources(runs=[sweep], runs_root=tmp_path)).ensembles
    figure = epochs_figure(ensemble.epochs)
    *panels, bar = figure.axes
    assert bar.get_ylabel() == "Kernel size k (samples)"
    for axes, metric in zip(
        panels,
        ("train/spikes/accuracy", "val/spikes/accuracy", "train/loss", "val/loss"),
        strict=True,
    ):
        assert [line.get_label() for line in axes.lines] == ["3", "20", "31"]
        assert len({line.get_color() for line in axes.lines}) == 3
        with io.StringIO(EPOCHS) as file:
            values = [float(row[metric]) for row in csv.DictReader(file)]
        assert axes.lines[0].get_ydata().tolist() == values
        assert axes.lines[0].get_xdata().tolist() == [1, 2, 3, 4]


def test_rates_of_cells_are_averaged_over_sessions(tmp_path):
    sweep = kept_sweep(tmp_path, (20, 21))
    claims = reproduce(Sources(runs=[sweep], runs_root=tmp_path)).claims
    positive, negative = (claim for claim in claims if "set after each of" in claim.source)
    assert positive.source.endswith("other set after each of 2 sessions, 2 networks")
    assert positive.theirs.startswith("90.0 %, at best 90.0 %, false negative 10.0 %")
    assert positive.theirs.endswith(", where any cell is called so: 2 of 4")  # nan in the others
    assert positive.ours == "sensitivity 70.0 %, at best 80.0 %"
    assert negative.theirs == "50.0 %, at best 75.0 %, false positive 50.0 %"
    assert negative.ours_value.value == pytest.approx(0.75)
    folder = tmp_path / "artifacts" / "celltype" / f"{20:032x}" / "artifacts"
    claims = reproduce(Sources(runs=[str(folder)])).claims
    sources = {claim.source for claim in claims if "set after" in claim.source}
    assert len(sources) == 1 and sources.pop().endswith("other set after each of 2 sessions")
    (folder / "epochs.csv").write_text("epoch,val/loss\n1,low\n")
    with pytest.raises(SettingError, match=r"epochs\.csv: expected a table of numbers"):
        read_epochs(folder)


def test_kernels_that_a_sweep_lacks_are_named(tmp_path):
    sweep = kept_sweep(tmp_path, range(20, 31))
    claims = reproduce(Sources(runs=[sweep[:6]], runs_root=tmp_path)).claims
    (missing,) = [claim for claim in claims if claim.ours.startswith("none with")]
    assert missing.ours == "none with k = 31" and "of the code" in missing.source


def test_members_must_have_seen_the_same_spikes():
    predictions, other_cells = random_predictions(), random_predictions(first=1)
    other_order = Predictions(
        predictions.probability[::-1],
        predictions.sigmoid[::-1],
        predictions.label[::-1],
        predictions.cell[::-1],
        predictions.cell_ids,
    )
    for other in (other_cells, other_order):
        with pytest.raises(SettingError, match="tested on different spikes"):
            mean_of([SetResult("test", each, CLASSES) for each in (predictions, other)])


def test_three_classes_have_no_such_definitions():
    three = ("PV", "SST", "VIP")
    run = RunResults("run", {"test": SetResult("test", random_predictions(n_classes=3), three)})
    with pytest.raises(SettingError, match=r"of two classes, this run has 3 \(PV, SST, VIP\)"):
        run_claims(run)


def test_what_is_no_run_is_told(tmp_path):
    with pytest.raises(SettingError, match=r"--run abc: expected a run's id.*has none"):
        find_run("abc", tmp_path)
    kept_sweep(tmp_path, (1, 2))
    with pytest.raises(SettingError, match="2 runs that begin so"):
        find_run("0000", tmp_path)
    with pytest.raises(SettingError, match=r"found none.*train again"):
        read_run(tmp_path, "run")
    (tmp_path / "sweep.csv").write_text("model.columns,run_id\n1,a\n2,b\n")
    with pytest.raises(SettingError, match=r"expected a sweep over model\.kernel alone"):
        sweep_members(tmp_path, tmp_path)


def test_a_store_shows_how_its_split_leaks(make_spikes):
    spikes = make_spikes(n_cells=12, per_cell=20)
    assert leaked_share(spikes, "spike") == 1
    assert leaked_share(spikes, "cell") == 0


def save(path, kernel: int, **facts) -> None:
    torch.manual_seed(kernel)
    module = CellTypeModule(kernel=kernel, filters=(2, 2), **facts)
    torch.save(
        {
            "state_dict": module.state_dict(),
            "hyper_parameters": dict(module.hparams),
            "pytorch-lightning_version": "2.6.0",
        },
        path,
    )


def test_networks_are_shown_the_whole_store(make_spikes, tmp_path):
    spikes = make_spikes(n_cells=6, per_cell=5, n_samples=32)
    facts = {"classes": spikes.classes, "n_samples": 32, "rate_hz": 40_000.0}
    for kernel in (2, 3):
        save(tmp_path / f"{kernel}.ckpt", kernel, **facts)
    runs = predictions_of([tmp_path / "2.ckpt", tmp_path / "3.ckpt"], spikes)
    assert list(runs) == [2, 3]
    module = CellTypeModule.load_from_checkpoint(tmp_path / "3.ckpt").eval()
    with torch.inference_mode():
        expected = module(torch.tensor(spikes.read(slice(0, 30)))).sigmoid().numpy()
    result = runs[3].sets["whole"]
    np.testing.assert_allclose(result.spikes.sigmoid, expected, rtol=1e-5)
    assert result.cell_name(result.spikes.cell[-1]) == spikes.cells[-1].cell_id
    with pytest.raises(SettingError, match="a second network with kernel 2"):
        predictions_of([tmp_path / "2.ckpt"] * 2, spikes)
    save(tmp_path / "other.ckpt", 2, **{**facts, "n_samples": 40})
    with pytest.raises(SettingError, match="expected a network for n_samples 32"):
        predictions_of([tmp_path / "other.ckpt"], spikes)
    with pytest.raises(SettingError, match="there is no such checkpoint"):
        predictions_of([tmp_path / "none.ckpt"], spikes)


def test_the_authors_own_networks_on_a_store(make_spikes, tmp_path, capsys):
    keras = KERAS / "ModConvBinNormN5.keras"
    checkpoint = import_keras(keras, tmp_path / "n5.ckpt")
    store = make_spikes(n_cells=12, per_cell=4, n_samples=160).path
    assert cli.main(["reproduce", "--store", str(store), "--checkpoints", str(checkpoint)]) == 0
    printed = capsys.readouterr().out
    assert (
        "n5.ckpt, whole set: 12 cells, 48 spikes" in printed and "100.0 % split by spike" in printed
    )


def test_command_prints_and_writes_table_and_figure(tmp_path, capsys):
    assert cli.main(["reproduce", "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "sensitivity 94.4 % (84.9 to 98.1), 51/54 cells" in printed
    assert (tmp_path / "out" / "reproduce.txt").read_text().strip() in printed
    rows = list(csv.DictReader((tmp_path / "out" / "reproduce.csv").read_text().splitlines()))
    assert float(rows[0]["theirs_value"]) == 0.962 and float(
        rows[0]["ours_value"]
    ) == pytest.approx(51 / 54, abs=1e-6)
    assert (tmp_path / "out" / "reproduce.png").read_bytes().startswith(b"\x89PNG")
    assert not plt.get_fignums()


def test_checkpoints_need_a_store(tmp_path, capsys):
    assert cli.main(["reproduce", "--checkpoints", "a.ckpt"]) == 1
    assert "name it with --store STORE" in capsys.readouterr().err


def test_figure_shows_both_values_of_every_claim(tmp_path):
    keep(tmp_path, "test", random_predictions())
    claims = reproduce(Sources(runs=[str(tmp_path)])).claims
    shown = [
        claim for claim in claims if claim.theirs_value is not None and claim.ours_value is not None
    ]
    search, rows = reproduce_figure(claims).axes
    diamonds = [line.get_xdata()[0] for line in rows.lines if line.get_marker() == "D"]
    assert diamonds == [claim.theirs_value for claim in shown]
    assert [label.get_text() for label in rows.get_yticklabels()] == [
        claim.quantity[:1].upper() + claim.quantity[1:] for claim in shown
    ]
    both = [line for line in search.lines if "tables" in str(line.get_label())]
    first, second = (set(zip(*line.get_data(), strict=True)) for line in both)
    assert first & second == {(51, 24)}
