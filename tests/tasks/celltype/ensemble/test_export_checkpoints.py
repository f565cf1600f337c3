"""Networks in files as a bundle: the published consensus, calibrated where cells are given."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import raphe
from paths import OWN_DATA
from raphe.core.errors import RapheError
from raphe.core.files.checkpoint import write_checkpoint
from raphe.core.recordings.recording import Recording
from raphe.core.statistics.abstention import NotSure
from raphe.tasks.celltype.ensemble import export_checkpoints as ensemble_export
from raphe.tasks.celltype.ensemble.bundle_runtime import Ensemble
from raphe.tasks.celltype.ensemble.checkpoints import read_networks
from raphe.tasks.celltype.ensemble.export_checkpoints import export_checkpoints
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.network.net import CellTypeNet
from raphe.tasks.celltype.published.keras_import import import_keras
from raphe.tasks.celltype.spikes.cut_settings import Cut, GivenWindows
from raphe.tasks.celltype.stores.lazy_array import InMemory, LazyArray
from raphe.tasks.celltype.stores.spike_set import Cell
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter
from raphe.tasks.celltype.training.module import CellTypeModule

KERAS = OWN_DATA / "keras"
MODELS = ("ModConvBinNormN20-keras3", "ModConvBinNormN20", "ModConvBinNormN5")


@pytest.fixture
def network(tmp_path: Path) -> Callable[..., Path]:
    """A checkpoint as a run leaves it, of a network that was not trained."""

    def make(name: str = "small", seed: int = 0, **settings: Any) -> Path:
        torch.manual_seed(seed)
        module = CellTypeModule(**{"kernel": 3, "n_samples": 16, "filters": (4, 6), **settings})
        return write_checkpoint(module, tmp_path / "networks" / f"{name}.ckpt")

    return make


@pytest.fixture
def export(tmp_path: Path) -> Callable[..., Path]:
    def make(*files: Path, **settings: Any) -> Path:
        return export_checkpoints(files, {}, out=tmp_path / "bundle", **settings).bundle

    return make


def test_the_graph_gives_what_keras_gave_for_the_published_models(export) -> None:
    ensemble = Ensemble.open(export(KERAS))
    windows = np.load(KERAS / "inputs.npy")[..., 1]
    predicted = ensemble.predict(windows)
    expected = np.stack([np.load(KERAS / f"{name}.outputs.npy") for name in MODELS])
    assert [member.label for member in ensemble.members] == [f"{name}.keras" for name in MODELS]
    of_classes, of_keras = (x / x.sum(axis=2, keepdims=True) for x in (predicted.members, expected))
    np.testing.assert_allclose(of_classes, of_keras, rtol=0, atol=1e-6)
    # The outputs themselves: those of Keras, in float32, are 1.2e-6 from the same in float64.
    np.testing.assert_allclose(predicted.members, expected, rtol=0, atol=2e-6)
    np.testing.assert_allclose(predicted.ensemble, expected.mean(axis=0), rtol=0, atol=1e-6)
    assert ensemble.cut == Cut()  # -50 pA, 160 points at 40 kHz


def test_the_consensus_is_the_published_one(export) -> None:
    """Spikes of which the mean of the outputs calls one class, that of scaled ones the other."""
    outputs = np.array([[0.9, 0.8], [0.05, 0.12]])
    scaled = outputs / outputs.sum(axis=1, keepdims=True)
    assert outputs.mean(axis=0).argmax() != scaled.mean(axis=0).argmax()
    of_cell = Ensemble.open(export(KERAS)).decision.of_cell(outputs[:, None], [1, 1])
    np.testing.assert_allclose(of_cell, outputs.sum(axis=0) / outputs.sum())


def test_without_a_store_nothing_is_promised(export, record: Callable[..., np.ndarray]) -> None:
    bundle = raphe.load_bundle(export(KERAS))
    manifest = bundle.manifest
    assert manifest["calibrated_by"] == "none" and manifest["figures"] == {}
    assert manifest["training"] == {"store": None, "domain": None}
    recording = Recording.from_array(record("SER", 0), 40_000.0, "pA", "cell")
    verdict = bundle.predict(recording)
    assert verdict.called and verdict.n_spikes > 5
    assert [vote.label for vote in verdict.votes] == [f"{name}.keras" for name in MODELS]
    assert "whether it is like the cells of training was not judged" in verdict.remarks[-1]
    for text in ("is not known", "not calibrated", "nothing is promised", "is not judged"):
        assert text in bundle.note
    card = (bundle.path / "MODEL_CARD.md").read_text()
    assert "Never: no cell was held out" in card and "config.yaml" not in card
    assert "nan" not in card and "None:" in card and "None " not in card
    assert "or that it is not sure" not in card and "Predictive values" not in card
    assert "Every network is a member" in card


def test_a_store_calibrates_and_stands_for_the_cells_of_training(
    export, network, make_spikes: Callable[..., Any]
) -> None:
    spikes = make_spikes(n_cells=24, note="Noise.")
    bundle = export(network("one"), network("two", 1), store=spikes.path, members="top:1")
    manifest = Ensemble.open(bundle).manifest
    assert manifest["calibrated_by"] == "temperature"
    assert manifest["figures"].keys() == {"validation"}
    assert manifest["figures"]["validation"]["n_cells"] == manifest["not_sure"]["n_items"] == 24
    assert manifest["not_sure"]["unit"] == "animal"
    assert manifest["training"]["domain"]["n_cells"] == 24
    assert manifest["training"]["store"]["content_hash"] == spikes.content_hash
    assert manifest["note"].startswith(
        "Of the store “store”: Noise. What these networks were trained on is not known"
    )
    assert len(manifest["members"]) == 1
    card = (bundle / "MODEL_CARD.md").read_text()
    for text in (
        "No cells were kept for a test",
        "cells of the store “store” in their place",
        "SHA-256 ",
    ):
        assert text in card
    statement = NotSure(**manifest["not_sure"]).statement()
    assert "provided that none of the networks was trained on these cells" in statement
    assert statement in " ".join(card.split())


def test_the_probability_of_a_cell_is_that_of_raphe_reproduce(
    export, network, make_spikes: Callable[..., Any]
) -> None:
    """Which takes the mean of each output over spikes and networks; here calibrated."""
    spikes, files = make_spikes(n_cells=8), [network("one"), network("two", 1)]
    ensemble = Ensemble.open(export(*files, store=spikes.path))
    windows = spikes.read(np.arange(spikes.n))
    members = ensemble.predict(windows).members
    outputs = []
    for file in files:
        net = CellTypeModule.load_from_checkpoint(file).eval().net
        with torch.no_grad():
            outputs.append(CellTypeNet.probabilities(net(torch.from_numpy(windows))).numpy())
    np.testing.assert_allclose(members, outputs, rtol=0, atol=1e-6)
    label, cell = spikes.label[:].astype(int), spikes.cell[:].astype(int)
    both = [np.concatenate([values, values]) for values in (label, cell)]
    sigmoid = np.concatenate(outputs).astype(float)
    per_cell = Predictions(sigmoid, sigmoid, *both).per_cell()
    for index, expected in zip(per_cell.cell, per_cell.sigmoid, strict=True):
        of_cell = ensemble.decision.of_cell(members[:, cell == index], [1, 1])
        calibrated = ensemble.decision.calibration((expected / expected.sum())[None])[0]
        np.testing.assert_allclose(of_cell, calibrated, atol=1e-6)


def test_files_of_both_kinds_go_together(export, network, tmp_path: Path) -> None:
    own = network("own", kernel=7, n_samples=160)
    ensemble = Ensemble.open(export(KERAS / "ModConvBinNormN5.keras", own))
    assert [(member.label, member.kernel) for member in ensemble.members] == [
        ("ModConvBinNormN5.keras", 5),
        ("own.ckpt", 7),
    ]
    assert ensemble.cut == Cut()


def test_windows_that_are_not_the_published_ones_are_not_cut(export, network) -> None:
    assert Ensemble.open(export(network())).cut == GivenWindows(16, 40_000.0, "pA")


def test_what_is_no_network_or_not_of_its_kind_is_told(network, tmp_path: Path) -> None:
    good = network("good")
    glif = tmp_path / "glif.ckpt"
    torch.save({"state_dict": {}, "hyper_parameters": {"level": 1}}, glif)
    text, cut, empty = tmp_path / "text.ckpt", tmp_path / "cut.ckpt", tmp_path / "empty"
    text.write_text("not a checkpoint")
    cut.write_bytes(good.read_bytes()[:-3000])
    empty.mkdir()
    keras = KERAS / "ModConvBinNormN5.keras"
    nan = network("nan")
    state = torch.load(nan, weights_only=True)
    state["state_dict"]["net.dense.bias"][0] = torch.nan
    torch.save(state, nan)
    other = f"as {good} has, got"
    refused = {
        "expected the checkpoint of a cell type network, whole": (glif, text, cut),
        "holds no .keras or .ckpt file; `raphe fetch": (empty,),
        "there is no such file or folder": (tmp_path / "absent.keras",),
        "expected a .keras or .ckpt file, or a folder": (KERAS / "inputs.npy",),
        "is the same network as": (import_keras(keras, tmp_path / "again.ckpt"),),
        f"expected n_samples 16 {other} 24": (network("long", n_samples=24),),
        f"expected rate_hz 40000 {other} 20000": (network("slow", rate_hz=20_000.0),),
        f"expected classes SER and NSER {other} A and B": (network("ab", classes=("A", "B")),),
        "some of its weights are NaN": (nan,),
    }
    for sentence, files in refused.items():
        for file in files:
            beside = keras if file.name == "again.ckpt" else good
            with pytest.raises(RapheError) as told:
                read_networks([beside, file])
            line = str(told.value)
            assert sentence in line and line.startswith(str(file)), line
            assert "\n" not in line and len(line) < 400


def test_a_store_that_cannot_calibrate_is_told(
    export, network, make_spikes: Callable[..., Any], tmp_path: Path
) -> None:
    def store(name: str, unit="pA", labels=(0, 1, 0, 1), n_samples=16, **facts: Any) -> Path:
        with SpikeStoreWriter(tmp_path / name, ("SER", "NSER"), n_samples) as writer:
            for i, label in enumerate(labels):
                windows = np.random.default_rng(i).normal(0, 30, (4, n_samples))
                writer.add(Cell(f"c{i}", label), windows.astype(np.float32), np.arange(4))
            return writer.finish(facts.pop("rate_hz", 40_000.0), unit, facts)

    keras = KERAS / "ModConvBinNormN5.keras"
    cut = {"pre_ms": 0.5, "post_ms": 3.5}
    refused = {
        "expected n_samples 16 as": (network(), store("long", n_samples=24)),
        "expected rate_hz 40000 as": (network(), store("slow", rate_hz=20_000.0)),
        "got none of NSER; add some": (network(), store("one", labels=(0, 0))),
        "expected unit pA": (keras, store("mv", "mV", n_samples=160)),
        "expected pre_ms 1.0": (keras, store("early", n_samples=160, cut=cut)),
        "there is no store here": (network(), tmp_path / "nothing"),
    }
    for sentence, (file, path) in refused.items():
        with pytest.raises(RapheError) as told:
            export(file, store=path)
        line = str(told.value)
        assert sentence in line and line.startswith(str(path)) and "; " in line, line
        assert not (tmp_path / "bundle").exists()


def test_synthetic_spikes_calibrate_nothing(
    export, network, make_spikes: Callable[..., Any], monkeypatch
) -> None:
    spikes = make_spikes()
    of_training = replace(spikes, part=LazyArray(InMemory(np.zeros(spikes.n, np.uint8))))
    monkeypatch.setattr(ensemble_export, "open_spikes", lambda _: of_training)
    with pytest.raises(RapheError, match="its spikes are synthetic, which say nothing about new"):
        export(network(), store=spikes.path)


def test_too_few_cells_leave_the_probabilities_as_they_are_and_say_so(
    export, network, make_spikes: Callable[..., Any]
) -> None:
    manifest = Ensemble.open(export(network(), store=make_spikes(n_cells=6).path)).manifest
    assert manifest["calibrated_by"] == "none" and manifest["not_sure"]["n_items"] == 6
    assert "not calibrated: 6 validation cells are too few" in manifest["note"]


def test_members_are_chosen_by_cells_only_where_there_are_some(export, network) -> None:
    for way in ("greedy", "top:1"):
        with pytest.raises(RapheError, match=f"members={way}: is chosen by labelled cells; name"):
            export(network(), members=way)
