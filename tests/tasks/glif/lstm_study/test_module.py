"""Losses against numpy, learning on a task that can be learnt, weights in and out."""

from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from raphe.core.errors import SettingError
from raphe.tasks.glif.lstm_study.data import LstmGlifData
from raphe.tasks.glif.lstm_study.grid import TARGETS, targets
from raphe.tasks.glif.lstm_study.module import LstmGlifModule
from raphe.tasks.glif.lstm_study.weights_import import LstmGlifFileError, import_lstm_glif


def trainer(folder: Path, **settings) -> pl.Trainer:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    return pl.Trainer(accelerator="cpu", default_root_dir=folder, **quiet, **settings)


@pytest.fixture(scope="module")
def tested(store_path: Path, tmp_path_factory) -> tuple[LstmGlifModule, LstmGlifData, dict]:
    data = LstmGlifData(store_path)
    torch.manual_seed(0)
    module = LstmGlifModule(**data.facts)
    runner = trainer(tmp_path_factory.mktemp("run"), max_epochs=3, enable_checkpointing=False)
    runner.fit(module, datamodule=data)
    (test,) = runner.test(module, datamodule=data, verbose=False)
    return module, data, test


def test_the_loss_is_the_studys_mean_squared_error(tested) -> None:
    module, data, test = tested
    truth = targets(data.traces.parameters[data.traces.rows("test")])
    np.testing.assert_array_equal(module.truth, truth)
    assert test["test/loss"] == pytest.approx(((module.answers - truth) ** 2).mean(), rel=1e-5)
    constant = targets(data.traces.parameters[data.traces.rows("train")]).mean(axis=0)
    assert test["test/constant_loss"] == pytest.approx(((constant - truth) ** 2).mean(), rel=1e-5)
    assert test["test/n_traces"] == 6
    at = TARGETS.index("R_input")
    mse = ((module.answers - truth)[:, at] ** 2).mean()
    assert test["test/traces/mse_R_input"] == pytest.approx(mse, rel=1e-5)
    assert test["test/traces/r2_R_input"] == pytest.approx(1 - mse / truth[:, at].var(), rel=1e-4)


def test_it_learns(tested) -> None:
    module, _, _ = tested
    assert len(module.history["train"]) == len(module.history["val"]) == 3
    assert module.history["train"][-1] < 0.9 * module.history["train"][0]


def test_the_published_optimiser_is_the_default() -> None:
    optimizer = LstmGlifModule().configure_optimizers()
    assert isinstance(optimizer, torch.optim.Adam) and optimizer.defaults["lr"] == 1e-2
    with pytest.raises(SettingError, match=r"model\.net=gru: expected one of lstm_published"):
        LstmGlifModule("gru")


def test_history_outlives_a_checkpoint_of_an_earlier_epoch() -> None:
    module, early = LstmGlifModule(), {}
    module.history = {"train": [3.0], "val": [2.0]}
    module.on_save_checkpoint(early)
    fresh = LstmGlifModule()
    fresh.on_load_checkpoint(early)
    assert fresh.history["train"] == [3.0]
    module.history = {"train": [3.0, 1.0], "val": [2.0, 1.0]}
    module.on_load_checkpoint(early)
    assert module.history["train"] == [3.0, 1.0]


def write_weights(path: Path, **changed: np.ndarray) -> Path:
    shapes = {"weight_ih_l0": (20, 1), "weight_hh_l0": (20, 5), "bias_ih_l0": 20, "bias_hh_l0": 20}
    rng = np.random.default_rng(0)
    arrays = {
        f"encode_lstm.{name}{side}": rng.normal(size=shape)
        for name, shape in shapes.items()
        for side in ("", "_reverse")
    }
    arrays |= {
        "model_param.weight": rng.normal(size=(5, 10)),
        "model_param.bias": rng.normal(size=5),
    }
    np.savez(path, **(arrays | changed))
    return path


def test_weights_become_a_checkpoint(tmp_path: Path) -> None:
    path = write_weights(tmp_path / "weights.npz")
    module = LstmGlifModule.load_from_checkpoint(
        import_lstm_glif(path, tmp_path / "published.ckpt")
    )
    with np.load(path) as file:
        np.testing.assert_allclose(
            module.net.lstm.weight_hh_l0_reverse.detach(), file["encode_lstm.weight_hh_l0_reverse"]
        )
        np.testing.assert_allclose(module.net.readout.bias.detach(), file["model_param.bias"])


def test_other_weights_are_refused(tmp_path: Path) -> None:
    def refused(message: str, **changed: np.ndarray) -> None:
        with pytest.raises(LstmGlifFileError, match=message):
            import_lstm_glif(write_weights(tmp_path / "w.npz", **changed), tmp_path / "w.ckpt")

    wider = {"encode_lstm.weight_ih_l0": np.zeros((20, 2))}
    refused(r"weight_ih_l0: expected shape \(20, 1\), got \(20, 2\)", **wider)
    refused("model_param.bias: some weights are NaN", **{"model_param.bias": np.full(5, np.nan)})
    (tmp_path / "text.npz").write_text("no")
    with pytest.raises(LstmGlifFileError, match=r"text\.npz: expected arrays by name .*, got an"):
        import_lstm_glif(tmp_path / "text.npz", tmp_path / "w.ckpt")
    assert not (tmp_path / "w.ckpt").exists()
