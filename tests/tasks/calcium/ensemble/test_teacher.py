"""An ensemble teaches one network, which is exported as what it is."""

import json
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from raphe.core.errors import SettingError
from raphe.core.files.checkpoint import write_checkpoint
from raphe.core.protocol import TrainedRun
from raphe.tasks.calcium.ensemble.bundle import DISTILLED, RateBundle
from raphe.tasks.calcium.ensemble.export import export
from raphe.tasks.calcium.ensemble.teacher import Teacher
from raphe.tasks.calcium.features.network_input import network_input
from raphe.tasks.calcium.training.data import RateData
from raphe.tasks.calcium.training.module import RateModule

SMALL = {"length": 256, "batch_size": 4, "batches": 2, "pretrain_epochs": 0, "synthetic": 0.5}


@pytest.fixture(scope="module")
def teacher(rate_bundle: Path) -> Teacher:
    return Teacher(rate_bundle)


def taught(rate_data: RateData, teacher: Teacher, **settings) -> RateData:
    """Of the same store, with the same data set held out."""
    held = {"held_out": "sim2"} | SMALL | settings
    data = RateData(rate_data.store.path, teacher=teacher, **held)
    data.setup()
    return data


def trained(data: RateData) -> RateModule:
    torch.manual_seed(0)
    model = RateModule(members=1, channels=8, dilations=(1, 2), **data.facts)
    trainer = pl.Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(model, datamodule=data)
    return model


def test_mean_and_deviation_of_what_the_heads_learn_are_the_ensembles(teacher, rate_data) -> None:
    recording = rate_data.store.recordings[0]
    trace = rate_data.store.calcium[recording.rows][:1000]
    shown = network_input(trace, recording.imaging_hz)
    heads = teacher(shown.samples[None], shown.log_frame_rate[None])[:, 0] * 100
    bins = heads.reshape(2, -1, 4)
    members = teacher.bundle.graph.expected(shown).reshape(4, -1, 4).sum(2) * 25
    assert (bins == bins[..., :1]).all() and (heads >= 0).all()
    np.testing.assert_allclose(bins[..., 0].mean(0), members.mean(0), rtol=1e-5)
    certain = members.std(0) < members.mean(0)  # elsewhere the low end would be below 0
    assert certain.any()
    np.testing.assert_allclose(
        bins[..., 0].std(0)[certain], members.std(0)[certain], rtol=1e-3, atol=1e-5
    )


def test_a_network_learns_of_what_its_teacher_saw_alone(teacher, rate_data) -> None:
    model = trained(taught(rate_data, teacher))
    assert len(model.net.members) == 1 and model.net.gain.tolist() == [1, 1]
    with pytest.raises(
        SettingError, match=r"trained on \d recordings? of sim\d, here there are 3;"
    ):
        trained(taught(rate_data, teacher, held_out="none"))


def test_another_teacher_makes_other_data(teacher, rate_data) -> None:
    assert taught(rate_data, teacher).hashes["teacher"] == teacher.content_hash


def test_the_batches_of_a_teacher_hold_what_it_says(teacher, rate_data) -> None:
    data = taught(rate_data, teacher)
    for calcium, log_frame_rate, spikes in data.train_dataloader():
        assert spikes.shape == (2, *calcium.shape)
        np.testing.assert_array_equal(spikes, teacher(calcium.numpy(), log_frame_rate.numpy()))


def test_no_teacher_at_a_path_is_told() -> None:
    with pytest.raises(SettingError, match=r"data\.teacher\.bundle=nowhere: expected an exported"):
        Teacher("nowhere")


def test_a_bundle_tells_whom_its_network_learned_from(teacher, rate_data, tmp_path: Path) -> None:
    data = taught(rate_data, teacher)
    run = TrainedRun("run", "", write_checkpoint(trained(data), tmp_path / "one.ckpt"))
    exported = export([run], data, "seed: 0\n", {}, tmp_path / "out")
    manifest = json.loads((exported.bundle / "manifest.json").read_text())
    distilled = manifest[DISTILLED]
    assert (distilled["networks"], distilled["members"], manifest["n_members"]) == (1, 4, 2)
    assert distilled["teacher"] == teacher.content_hash
    for name in ("training", "domain", "frame_hz", "conditioning", "note"):
        assert manifest[name] == teacher.bundle.manifest[name]
    assert distilled["figures"]["test"] == teacher.bundle.manifest["figures"]["test"]
    opened = RateBundle.open(exported.bundle)
    assert opened.networks == "4 networks (as one that learned from them says)"
    assert teacher.bundle.networks == "4 networks"
    assert opened.graph.expected(network_input(np.arange(40.0), 30.0)).shape == (2, 40)
    card = (exported.bundle / "MODEL_CARD.md").read_text()
    assert "Spike rates from calcium traces: 1 network\n" in card
    assert "### Beside the ensemble it learned from" in card and teacher.content_hash[:12] in card
    assert "one that learned what 4 say" in (exported.bundle / "METHODS.md").read_text()
