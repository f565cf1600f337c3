"""From checkpoints to a bundle: chosen without test cells, verified, complete, readable."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir

from paths import CONF
from raphe import __version__
from raphe.core.bundles import cards
from raphe.core.bundles.bundle import BundleError
from raphe.core.bundles.methods import epochs_chosen
from raphe.core.bundles.predictor import load_predictor
from raphe.core.errors import RapheError, SettingError
from raphe.core.files.checkpoint import write_checkpoint
from raphe.core.protocol import Exported, TrainedRun
from raphe.tasks.celltype.ensemble import export_facts, onnx_graph
from raphe.tasks.celltype.ensemble.bundle_runtime import Ensemble
from raphe.tasks.celltype.ensemble.candidates import CandidatePredictions
from raphe.tasks.celltype.ensemble.card_words import rule_sentence
from raphe.tasks.celltype.ensemble.choice_cells import ChoiceCells
from raphe.tasks.celltype.ensemble.export import export
from raphe.tasks.celltype.ensemble.selection import by_cells, choose
from raphe.tasks.celltype.spikes.cut_settings import Cut, GivenWindows
from raphe.tasks.celltype.stores.spike_set import Cell, SpikeSet
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter
from raphe.tasks.celltype.synthetic.synthesize import synthesize
from raphe.tasks.celltype.training.data import CellTypeData
from raphe.tasks.celltype.training.module import CellTypeModule
from raphe.tasks.celltype.training.session_data import SessionData, Sessions

KERNELS = (1, 2, 3, 4, 5)
STAR = 5  # not the kernel of the least loss over cells


@pytest.fixture
def make_runs(tmp_path: Path) -> Callable[..., list[TrainedRun]]:
    """Networks as they are before training: what they say is arbitrary."""

    def trained(kernel: int, settings: dict[str, Any]) -> TrainedRun:
        torch.manual_seed(kernel)
        module = CellTypeModule(kernel=kernel, **settings)
        checkpoint = write_checkpoint(module, tmp_path / f"{kernel}.ckpt")
        return TrainedRun(f"run{kernel}", f"model.kernel={kernel}", checkpoint)

    return lambda **settings: [trained(kernel, settings) for kernel in KERNELS]


@pytest.fixture
def runs(make_runs: Callable[..., list[TrainedRun]]) -> list[TrainedRun]:
    return make_runs(n_samples=16)


@pytest.fixture
def make_data(make_spikes: Callable[..., SpikeSet]) -> Callable[..., CellTypeData]:
    def make(**settings: Any) -> CellTypeData:
        store = make_spikes(n_cells=24, note="Noise, not spikes.").path
        # Its cells have the same names, which only a split by spike puts up with.
        leaks = settings.get("split") == "spike"
        other = make_spikes(n_cells=26, folder="other").path if leaks else None
        data = CellTypeData(store, test_stores={"other": other}, **settings)
        data.setup()
        return data

    return make


@pytest.fixture
def make(runs: list[TrainedRun], tmp_path: Path) -> Callable[..., Exported]:
    def call(data: CellTypeData, out: str = "bundle", **settings: Any) -> Exported:
        arguments = {"members": "2-4", "provenance": {"sweep": "s1"}, **settings}
        return export(runs, data, settings="seed: 42\n", out=tmp_path / out, **arguments)

    return call


def test_the_bundle_gives_what_the_checkpoints_give(make, make_data, runs) -> None:
    data = make_data()
    ensemble = Ensemble.open(make(data).bundle)
    assert [(m.label, m.origin, m.times) for m in ensemble.members] == [
        (f"k={k}", f"run run{k}", 1) for k in (2, 3, 4)
    ]
    windows = data.original.read(np.arange(30))
    probabilities = ensemble.predict(windows)
    for member, of_member in zip(ensemble.members, probabilities.members, strict=True):
        net = CellTypeModule.load_from_checkpoint(runs[member.kernel - 1].checkpoint).eval().net
        with torch.inference_mode():
            expected = net.class_probability(net(torch.from_numpy(windows))).numpy()
        np.testing.assert_allclose(of_member, expected, atol=1e-5)
        for key, value in net.state_dict().items():
            np.testing.assert_array_equal(ensemble.state(member)[key], value.numpy())
    np.testing.assert_allclose(
        probabilities.ensemble, probabilities.members.mean(axis=0), atol=1e-6
    )


def test_the_manifest_says_what_prediction_needs(make, make_data) -> None:
    data = make_data()
    manifest = Ensemble.open(make(data, error_rate=0.2).bundle).manifest
    assert manifest["classes"] == ["SER", "NSER"]
    assert "Noise, not spikes." in manifest["note"]
    assert manifest["window"]["cut"] is None  # 16 samples are no cut of ours
    assert manifest["training"]["store_hashes"] == data.hashes
    assert manifest["training"]["split"]["digest"] == data.spike_split.digest
    assert manifest["not_sure"]["wanted_error"] == 0.2
    trained = {cell for cells in manifest["training"]["cells"].values() for cell in cells}
    validated = {cell.cell_id for cell in data._cells("val")}
    assert len(trained) > 10 and not trained & validated
    assert manifest["training"]["domain"]["n_cells"] == len(trained)
    assert manifest["provenance"] == {"sweep": "s1", "diverged": []}


def test_windows_of_the_published_length_are_cut_as_published(
    make_spikes: Callable[..., SpikeSet],
) -> None:
    window = export_facts.window(make_spikes(n_samples=160, folder="long"))
    assert Cut(**window["cut"]) == Cut()


def test_members_and_decision_do_not_depend_on_test_cells(make, make_data, monkeypatch) -> None:
    data = make_data()
    before = Ensemble.open(make(data, members="greedy").bundle).manifest
    predictions_of = CandidatePredictions.of

    def with_test_labels_swapped(
        networks, batches, name: str, firing: torch.Tensor | None
    ) -> CandidatePredictions:
        predictions = predictions_of(networks, batches, name, firing)
        if name == "test":
            predictions.label[:] = 1 - predictions.label
        return predictions

    monkeypatch.setattr(CandidatePredictions, "of", with_test_labels_swapped)
    after = Ensemble.open(make(data, "again", members="greedy").bundle).manifest
    for fact in ("members", "calibration", "not_sure"):
        assert after[fact] == before[fact]
    assert after["figures"]["test"] != before["figures"]["test"]


def test_each_way_is_compared_on_the_cells_of_each_set(make, make_data) -> None:
    data = make_data()
    manifest = Ensemble.open(make(data, members="top:2").bundle).manifest
    rows = {row["way"]: row for row in manifest["selection"]["compared"]}
    assert "no finished network of 20" in rows["published"]["impossible"]
    assert rows["all"]["members"] == "1–5"
    n_cells = {name: of_set["n_cells"] for name, of_set in rows["top:2"]["sets"].items()}
    assert n_cells == {"validation": len(data._cells("val")), "test": len(data._cells("test"))}
    assert len(manifest["members"]) == 2


def test_validation_chose_an_epoch_where_it_kept_one_or_stopped_the_training() -> None:
    last = {"callbacks.keep": "last", "trainer.max_epochs": 10}
    assert epochs_chosen({"callbacks.keep": "best"}) and not epochs_chosen(last)
    assert epochs_chosen({**last, "callbacks.patience": 3})
    assert not epochs_chosen({**last, "callbacks.patience": 9})


def test_a_grid_of_kernels_and_seeds_names_both(make_data, make_runs, tmp_path: Path) -> None:
    runs = [
        replace(run, run_id=f"{run.run_id}-{seed}", label=f"{run.label} seed={seed}")
        for seed in (1, 2)
        for run in make_runs(n_samples=16)
    ]
    exported = export(runs, make_data(), "", {}, tmp_path / "bundle", members="2-4")
    labels = [member.label for member in Ensemble.open(exported.bundle).members]
    assert labels == [f"k={k} seed={seed}" for seed in (1, 2) for k in (2, 3, 4)]
    card = (exported.bundle / "MODEL_CARD.md").read_text()
    assert cards.WHOSE in card
    assert "**2-4**" in card and "2–4 (2 networks each)" in card and "| k=3 seed=2 " in card


def test_a_split_by_spike_calibrates_nothing_and_says_so(make, make_data) -> None:
    exported = make(make_data(split="spike"), members="best")
    same_cells = "their cells are those that were trained on and chosen by"
    assert same_cells in exported.summary and "cells alone" not in exported.summary
    ensemble = Ensemble.open(exported.bundle)
    assert ensemble.decision.method == "none"
    assert set(ensemble.manifest["figures"]) == {"validation", "test", "other"}
    assert "Noise, not spikes.” Trained on a split by spike" in ensemble.manifest["note"]
    assert "Never: no cell was held out" in (exported.bundle / "MODEL_CARD.md").read_text()


@pytest.mark.parametrize("parents", ["train", "all"])
def test_networks_of_sessions_promise_nothing_by_copies_of_training_spikes(
    make, make_spikes, make_masks, tmp_path: Path, parents: str
) -> None:
    original, masks = make_spikes(n_cells=24), make_masks(n_cells=24)
    synthetic = tmp_path / "synthetic"
    synthesize(original.path, masks.path, synthetic, per_class=60, split="cell", workers=1)
    sessions = Sessions(n_spikes=50, epochs=2, parents=parents)
    data = SessionData(original.path, synthetic=synthetic, sessions=sessions)
    data.setup()
    manifest = json.loads((make(data).bundle / "manifest.json").read_text())
    assert (manifest["validation"] is None) == (parents == "all")


def test_the_card_and_the_summary_tell_what_matters(make, make_data) -> None:
    exported = make(make_data())
    card = (exported.bundle / "MODEL_CARD.md").read_text()
    for text in ("SER or NSER?", "Noise, not spikes.", "## Limits", "| sensitivity", "2–4", "s1"):
        assert text in card, text
    assert "nan" not in card and "None" not in card
    of_sets = Ensemble.open(exported.bundle).manifest["figures"].values()
    shown = [figure for of_set in of_sets for figure in of_set["all_cells"]]
    assert card.count(" days only)") >= sum("only" in figure["interval"] for figure in shown) > 0
    assert f"raphe predict RECORDINGS --bundle {exported.bundle}" in exported.summary
    assert "kernels 2–4" in exported.summary
    assert 0 <= exported.metrics["test/cells/accuracy"] <= 1


@pytest.mark.parametrize("members", ["all", "one-se"])
def test_card_and_summary_say_who_chose_and_what_that_flatters(
    make, make_data, members: str
) -> None:
    exported = make(make_data(), members=members)
    card = (exported.bundle / "MODEL_CARD.md").read_text()
    chosen_by_cells = members == "one-se"
    for text in (card, exported.summary):
        assert rule_sentence(members) in text
        assert ("cannot be told from 4 days: 5 are needed" in text) == chosen_by_cells
        assert ("nested cross-validation" in text) == chosen_by_cells
        assert "for want of networks: published (kernels 20 to 30 as in the paper), coded " in text
        assert "greedy, networks added one by one" in text
    optimism = Ensemble.open(exported.bundle).manifest["selection"]["optimism"]
    assert (optimism is None) == (not chosen_by_cells)


@pytest.mark.parametrize(
    ("way", "has_cells", "sentence"),
    [
        ("all", True, "Every network is a member: nothing was chosen."),
        ("all", False, "Every network is a member: there were no cells to choose by."),
        ("2-4", True, "The kernel sizes were set beforehand: no data chose them."),
        ("published", True, "The kernel sizes were set beforehand as published: no data chose"),
        (
            "best",
            True,
            "made on the validation cells alone: the kernel size of the lowest loss",
        ),
        ("one-se", True, "within one standard error of the lowest (Breiman et al. 1984)."),
        ("top:1", True, "made on the validation cells alone: the network of the lowest loss over"),
        ("greedy", True, "made on the validation cells alone: networks were added one by one"),
    ],
)
def test_only_where_cells_chose_it_is_said_that_they_did(
    way: str, has_cells: bool, sentence: str
) -> None:
    assert sentence in rule_sentence(way, has_cells)
    assert ("made on the validation cells" in rule_sentence(way, has_cells)) == by_cells(way)


def test_the_optimism_stands_in_the_manifest_with_its_numbers(
    make_spikes: Callable[..., SpikeSet], runs, tmp_path: Path
) -> None:
    store = make_spikes(n_cells=40, folder="large").path
    data = CellTypeData(store, fractions=(0.4, 0.3, 0.3), split="day")
    data.setup()
    exported = export(runs, data, "", {}, tmp_path / "bundle", members="best")
    optimism = Ensemble.open(exported.bundle).manifest["selection"]["optimism"]
    assert optimism["noun"] == "day" and optimism["n_groups"] >= 5
    assert optimism["low"] < optimism["corrected"] < optimism["high"]
    assert optimism["sentence"] in exported.summary


def test_a_choice_unlike_the_sweeps_own_is_told_with_both(
    make, make_data, runs: list[TrainedRun]
) -> None:
    reason = "with the lowest validation loss over spikes"
    runs[STAR - 1] = replace(runs[STAR - 1], chosen_for=reason)
    exported = make(make_data(), members="best")
    (chosen,) = Ensemble.open(exported.bundle).members
    assert chosen.kernel != STAR
    assert (
        f"The sweep's own choice differs: it is k={STAR}, {reason}; here kernel {chosen.kernel} is "
        "chosen, by the validation loss over cells"
    ) in exported.summary
    assert f": 1 network, kernel {chosen.kernel}\n" in exported.summary


def test_one_network_is_no_choice(make_data, runs: list[TrainedRun], tmp_path: Path) -> None:
    runs[0] = replace(runs[0], chosen_for="with the lowest validation loss over spikes")
    settings = "trainer: {max_epochs: 2}\ncallbacks: {patience: 10, keep: best}\n"
    exported = export(runs[:1], make_data(), settings, {}, tmp_path / "bundle")
    card = (exported.bundle / "MODEL_CARD.md").read_text()
    assert card.startswith("# SER or NSER? One network\n")
    assert "There was one network, so nothing was chosen." in card
    assert "whether it is SER or NSER, with" in card
    assert "cannot be told from" not in exported.summary and "nested" not in exported.summary
    assert "differs" not in exported.summary
    text = (exported.bundle / "METHODS.md").read_text()
    assert "for 2 epochs" in text and "training stopped" not in text and "Of 1" not in text


@pytest.mark.parametrize("choice", ["best", "one-se"])
def test_what_follows_a_sweep_of_any_kernels_can_be_done(choice: str) -> None:
    """A plain `raphe export --sweep` takes the members as the sweep chose, whatever was trained."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", [f"choose={choice}"])
    assert config.export.members == choice and config.export.checkpoints.members == "all"
    probability = np.full((3, 4, 2), 0.5)
    cells = ChoiceCells(probability, np.array([0, 0, 1, 1]), np.arange(4))
    assert choose(config.export.members, [4, 8, 12], cells).sum() == 1


def test_the_paragraph_on_methods_tells_what_was_done(make_data, runs, tmp_path: Path) -> None:
    settings = """
trainer: {max_epochs: 25}
callbacks: {patience: 10, keep: best}
model: {dropout: 0.5, optimizer: {_target_: a.KerasAdam, lr: 0.001}}
data: {batch_size: 64, weigh: classes, synthetic: null}
"""
    data = make_data()
    exported = export(runs, data, settings, {}, tmp_path / "bundle", members="greedy")
    text = (exported.bundle / "METHODS.md").read_text()
    assert text.strip() in (exported.bundle / "MODEL_CARD.md").read_text()
    for words in (
        "Cells were classified as SER or NSER from the shape of their spikes by",
        "Each spike was a window of 0.400 ms (16 samples at 40 kHz)",
        f"{len(data._cells('test'))} cells for testing, so that no cell was in two parts.",
        "on the cross-entropy for at most 25 epochs (Adam, learning rate 0.001, batches of 64 "
        "spikes, dropout 0.5), with each class given the same weight; training stopped after 10 "
        "epochs without a lower validation loss over spikes, and the weights of the epoch of the "
        "lowest validation loss over spikes were used.",
        "Of 5 networks trained (kernel sizes 1–5), members were selected by",
        "; it was not calibrated.",
        "conformal risk control (Angelopoulos et al. 2022) on ",
        "forward selection with replacement on the validation cells (Caruana et al. 2004)",
        f"raphe {__version__} and PyTorch {torch.__version__.partition('+')[0]}.",
        "\n- Caruana R, ",
    ):
        assert words in text, words
    assert "Guo" not in text  # too few cells to calibrate


def test_three_classes_of_imported_windows(make_runs, tmp_path: Path) -> None:
    classes, rng = ("PV", "SST", "VIP"), np.random.default_rng(0)
    with SpikeStoreWriter(tmp_path / "store", classes, 40) as writer:
        for i in range(24):
            windows = rng.normal(0, 30, (4, 40)).astype(np.float32)
            writer.add(Cell(f"c{i}", i % 3, animal=f"m{i // 3}"), windows, np.arange(4))
        store = writer.finish(30_000.0, "µV", {"baseline_ms": 0.0})
    data = CellTypeData(store)
    data.setup()
    runs = make_runs(n_samples=40, rate_hz=30_000.0, classes=classes)
    exported = export(runs, data, "", {}, tmp_path / "bundle", members="top:3")
    ensemble = Ensemble.open(exported.bundle)
    assert ensemble.classes == classes
    assert ensemble.cut == GivenWindows(40, 30_000.0, "µV")
    assert ensemble.predict(data.original.read(np.arange(7))).members.shape == (3, 7, 3)
    predictor = load_predictor(exported.bundle)
    assert set(predictor.answer(predictor.example())["probability"]) == set(classes)
    with pytest.raises(SettingError, match="samples: the bundle was trained on windows"):
        predictor.answer({"samples": [1.0], "rate_hz": 30_000, "unit": "pA"})
    assert "of PV" in (exported.bundle / "MODEL_CARD.md").read_text()


def test_a_graph_that_differs_from_its_checkpoint_is_refused(
    make, make_data, monkeypatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(onnx_graph, "NORM_EPSILON", 10.0)
    with pytest.raises(BundleError, match=r"k=2 \(run run2\): the ONNX graph and the check"):
        make(make_data())
    assert not (tmp_path / "bundle").exists()


def test_networks_that_diverged_are_left_out(make, make_data, runs) -> None:
    checkpoint = torch.load(runs[4].checkpoint, weights_only=True)
    checkpoint["state_dict"]["net.dense.bias"][0] = float("nan")
    torch.save(checkpoint, runs[4].checkpoint)
    data = make_data()
    exported = make(data)
    assert "diverged: k=5" in exported.summary
    assert Ensemble.open(exported.bundle).manifest["provenance"]["diverged"] == ["k=5"]
    with pytest.raises(SettingError, match="no finished network of 5"):
        make(data, "other", members="4-5")
    with pytest.raises(SettingError, match=r"=5 \(run run5\): its training diverged.*; train"):
        export(runs[4:], data, "", {}, exported.bundle.with_name("third"))


def test_what_stands_there_is_refused_before_any_work(make, make_data, tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "thesis.docx").write_text("years of work")
    with pytest.raises(RapheError, match="is not replaced"):
        make(make_data(), overwrite=True)


def test_windows_of_another_length_are_told_which(make, make_data) -> None:
    ensemble = Ensemble.open(make(make_data()).bundle)
    with pytest.raises(SettingError, match=r"expected windows \(N, 16\) in pA, got \(3, 160\)"):
        ensemble.predict(np.zeros((3, 160)))
    with pytest.raises(SettingError, match=r"NaN or infinity in window 2 \(counted from 0\)"):
        ensemble.predict(np.where(np.arange(3)[:, None] == 2, np.nan, np.ones((3, 16))))


def test_predicting_loads_neither_torch_nor_mlflow(make, make_data) -> None:
    data = make_data()
    bundle = make(data).bundle
    windows = data.original.read(np.arange(3))
    code = (
        "import json, sys, numpy as np\n"
        "from raphe.tasks.celltype.ensemble.bundle_runtime import Ensemble\n"
        f"ensemble = Ensemble.open({str(bundle)!r})\n"
        f"predicted = ensemble.predict(np.array({windows.tolist()!r}))\n"
        "ensemble.state(ensemble.members[0])\n"
        "print(json.dumps([predicted.ensemble.tolist(), list(sys.modules)]))"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    predicted, loaded = json.loads(process.stdout)
    np.testing.assert_array_equal(predicted, Ensemble.open(bundle).predict(windows).ensemble)
    assert not {"torch", "pytorch_lightning", "mlflow", "hydra", "onnx"} & set(loaded)
