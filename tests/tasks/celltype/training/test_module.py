"""Training end to end on a small made-up set: figures, checkpoints, resuming."""

import copy
from functools import partial

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from torch.utils.data import DataLoader, TensorDataset

from raphe.core.errors import SettingError
from raphe.tasks.celltype.metrics.epoch_figures import epoch_figures
from raphe.tasks.celltype.training.keras_adam import KerasAdam
from raphe.tasks.celltype.training.module import CellTypeModule, one_hot_loss, spike_figures

NAMES = set(spike_figures(epoch_figures(torch.zeros(2, 2), torch.tensor([0, 1]), one_hot_loss)))


def spikes(n: int, seed: int, n_classes: int = 2, n_samples: int = 160) -> TensorDataset:
    """Downward peaks, wider from class to class, in noise; ten spikes a cell."""
    random = torch.Generator().manual_seed(seed)
    label = torch.arange(n) % n_classes
    position = (torch.arange(n_samples) - n_samples / 4) / (2.0 + 3 * label[:, None])
    noise = torch.randn(n, n_samples, generator=random)
    current = -80 * torch.exp(-position.square()) + 10 * noise
    return TensorDataset(current, label, (torch.arange(n) // n_classes) // 10)


class Spikes(pl.LightningDataModule):
    test_cell_ids = {  # noqa: RUF012
        "test": tuple(f"A{i}" for i in range(5)),
        "nonhomogeneous": tuple(f"B{i}" for i in range(5)),
    }

    def train_dataloader(self):
        return DataLoader(spikes(256, 0), batch_size=64, shuffle=True)

    def val_dataloader(self):
        return DataLoader(spikes(60, 1), batch_size=64)

    def test_dataloader(self):
        return [DataLoader(spikes(90, 2), batch_size=64), DataLoader(spikes(50, 3), batch_size=20)]


class Figures(pl.Callback):
    """Keeps what was logged at the end of each training epoch."""

    def __init__(self):
        self.epochs = []

    def on_train_epoch_end(self, trainer, module):
        self.epochs.append({name: float(v) for name, v in trainer.callback_metrics.items()})


class AtStart(pl.Callback):
    """Keeps weights and optimiser state as training begins."""

    def on_train_start(self, trainer, pl_module):
        self.weights = copy.deepcopy(pl_module.state_dict())
        self.optimizer = copy.deepcopy(trainer.optimizers[0].state_dict()["state"])


def trainer(folder, *callbacks, epochs: int = 2, **options) -> pl.Trainer:
    return pl.Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        default_root_dir=folder,
        callbacks=list(callbacks),
        logger=False,
        enable_checkpointing=any(isinstance(c, ModelCheckpoint) for c in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )


def fitted(folder, *callbacks, epochs: int = 2, seed: int = 0, ckpt_path=None, **settings):
    pl.seed_everything(seed, verbose=False)
    module = CellTypeModule(kernel=8, filters=(4, 8), **settings)
    trainer(folder, *callbacks, epochs=epochs).fit(module, datamodule=Spikes(), ckpt_path=ckpt_path)
    return module


def test_learns_and_logs_each_epoch(tmp_path):
    figures = Figures()
    fitted(tmp_path, figures, epochs=4, optimizer=partial(torch.optim.Adam, lr=1e-2))
    last = figures.epochs[-1]
    counting = ("accuracy", "f1", "brier", "keras_sensitivity_at_specificity_0.50")
    streamed = {"loss", *(f"spikes/{figure}" for figure in counting)}
    assert set(last) == {f"train/{name}" for name in streamed} | {f"val/{name}" for name in NAMES}
    assert last["val/loss"] < figures.epochs[0]["val/loss"]
    assert last["val/spikes/accuracy"] > 0.9


def test_figures_are_of_the_whole_epoch(tmp_path):
    module = fitted(tmp_path, epochs=1).eval()
    checked = trainer(tmp_path).validate(module, datamodule=Spikes(), verbose=False)[0]
    current, label, _ = spikes(60, 1).tensors
    with torch.no_grad():
        expected = spike_figures(epoch_figures(module(current), label, one_hot_loss))
    assert checked == pytest.approx({f"val/{name}": value for name, value in expected.items()})


def test_training_loss_is_binary_cross_entropy_on_one_hot_labels():
    module = CellTypeModule(kernel=8, dropout=0.0)
    batch = spikes(32, 0).tensors
    loss = module.training_step(batch, 0)
    sigmoid = module.net.probabilities(module(batch[0]))
    target = torch.eye(2)[batch[1]]
    expected = torch.nn.functional.binary_cross_entropy(sigmoid, target)
    torch.testing.assert_close(loss, expected)
    module.training_step(batch, 1)  # two equal batches: the epoch's figure is the batch's loss
    assert module._running.figures()["loss"] == pytest.approx(loss.item(), rel=1e-6)


def test_training_loss_of_more_classes_is_cross_entropy():
    module = CellTypeModule(kernel=3, dropout=0.0, classes=("a", "b", "c"), n_samples=40)
    batch = spikes(33, 0, n_classes=3, n_samples=40).tensors
    loss = module.training_step(batch, 0)
    probability = module.net.class_probability(module(batch[0]))
    expected = -probability[torch.arange(33), batch[1]].log().mean()
    torch.testing.assert_close(loss, expected)
    assert module._running.figures()["loss"] == pytest.approx(loss.item(), rel=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_weight_of_two_counts_as_a_spike_twice(n_classes):
    current, label, cell = spikes(30, 0, n_classes=n_classes, n_samples=40).tensors
    classes = "abc"[:n_classes]
    weights = [2.0, *(n_classes - 1) * [1.0]]
    torch.manual_seed(0)
    weighted = CellTypeModule(
        kernel=3, dropout=0.0, classes=classes, n_samples=40, class_weights=weights
    )
    torch.manual_seed(0)
    plain = CellTypeModule(kernel=3, dropout=0.0, classes=classes, n_samples=40)
    twice = torch.cat([torch.arange(30), torch.arange(30)[label == 0]])
    expected = plain.training_step((current[twice], label[twice], cell[twice]), 0)
    loss = weighted.training_step((current, label, cell), 0)
    torch.testing.assert_close(loss * 30, expected * len(twice))


def test_each_test_set_has_its_name_and_its_predictions(tmp_path):
    module = fitted(tmp_path)
    results = trainer(tmp_path).test(module, datamodule=Spikes(), verbose=False)
    logged = {name for result in results for name in result}
    names = {*NAMES, "n_spikes", "n_cells"}
    assert logged == {f"{s}/{name}" for s in ("test", "nonhomogeneous") for name in names}
    assert module.predictions["test"].label.size == results[0]["test/n_spikes"] == 90
    assert list(module.predictions) == ["test", "nonhomogeneous"]
    assert module.predictions["test"].cell_ids == ("A0", "A1", "A2", "A3", "A4")
    assert module.predictions["nonhomogeneous"].cell_ids[0] == "B0"
    for (name, predictions), (n, seed) in zip(
        module.predictions.items(), [(90, 2), (50, 3)], strict=True
    ):
        current, label, cell = spikes(n, seed).tensors
        np.testing.assert_array_equal(predictions.label, label)
        np.testing.assert_array_equal(predictions.cell, cell)
        with torch.no_grad():
            logits = module.eval()(current)
        expected = module.net.class_probability(logits)
        np.testing.assert_allclose(predictions.probability, expected, atol=1e-6)
        np.testing.assert_allclose(predictions.sigmoid, logits.sigmoid(), atol=1e-6)
        merged = {k: v for result in results for k, v in result.items()}
        accuracy = np.mean(predictions.predicted == predictions.label)
        assert merged[f"{name}/spikes/accuracy"] == pytest.approx(accuracy)


def test_checkpoint_loads_with_torch_defaults(tmp_path):
    checkpoint = ModelCheckpoint(dirpath=tmp_path, filename="last")
    facts = {"classes": np.array(["fast", "slow"]), "n_samples": np.int64(160), "rate_hz": 2e4}
    optimizer = partial(torch.optim.SGD, lr=1e-3)
    module = fitted(tmp_path, checkpoint, epochs=1, optimizer=optimizer, **facts).eval()
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert not [key for key in saved["state_dict"] if "metric" in key]
    loaded = CellTypeModule.load_from_checkpoint(tmp_path / "last.ckpt").eval()
    assert loaded.hparams.classes == ("fast", "slow")
    assert dict(loaded.hparams) == dict(module.hparams)
    current = spikes(5, 9).tensors[0]
    torch.testing.assert_close(loaded(current), module(current), rtol=0, atol=0)


@pytest.mark.parametrize("on_train_epoch_end", [True, False])
def test_resumes_where_it_stopped(tmp_path, on_train_epoch_end):
    def kept(name):
        return ModelCheckpoint(
            dirpath=tmp_path, filename=name, save_on_train_epoch_end=on_train_epoch_end
        )

    fitted(tmp_path, kept("half"), epochs=2)
    half = torch.load(tmp_path / "half.ckpt", weights_only=True)
    figures, start = Figures(), AtStart()
    resumed = fitted(tmp_path, figures, start, epochs=4, seed=5, ckpt_path=tmp_path / "half.ckpt")
    torch.testing.assert_close(start.weights, half["state_dict"])
    torch.testing.assert_close(start.optimizer, half["optimizer_states"][0]["state"])
    assert len(figures.epochs) >= 2
    assert resumed.trainer.global_step == 2 * half["global_step"]
    assert resumed.trainer.current_epoch == 4
    assert figures.epochs[-1]["train/loss"] > 0


def test_one_seed_gives_one_result(tmp_path):
    results = []
    for _ in range(2):
        module = fitted(tmp_path, seed=3)
        results.append(trainer(tmp_path).test(module, datamodule=Spikes(), verbose=False))
    assert results[0] == results[1]


@pytest.mark.parametrize("kernel", [1, 8, 20])
def test_bfloat16_learns_as_float32_does(tmp_path, kernel):
    losses = {}
    for precision in ("32-true", "bf16-mixed"):
        figures = Figures()
        pl.seed_everything(0, verbose=False)
        faster = partial(torch.optim.Adam, lr=1e-2)
        module = CellTypeModule(kernel, filters=(4, 8), optimizer=faster)
        fit = trainer(tmp_path, figures, epochs=4, precision=precision)
        fit.fit(module, datamodule=Spikes())
        assert {value.dtype for value in module.state_dict().values()} == {torch.float32}
        losses[precision] = [epoch["val/loss"] for epoch in figures.epochs]
    assert losses["bf16-mixed"] != losses["32-true"]
    assert losses["bf16-mixed"] == pytest.approx(losses["32-true"], rel=0.02, abs=2e-3)
    assert losses["bf16-mixed"][-1] < 0.7 * losses["bf16-mixed"][0]


def test_default_optimiser_is_adam_as_in_keras():
    optimizer = CellTypeModule().configure_optimizers()
    assert type(optimizer) is KerasAdam
    assert optimizer.defaults["lr"] == 1e-3 and optimizer.defaults["eps"] == 1e-7


def test_given_optimiser_is_used():
    module = CellTypeModule(optimizer=partial(torch.optim.SGD, lr=0.25))
    assert module.configure_optimizers().defaults["lr"] == 0.25


def test_three_classes_train_and_test(tmp_path):
    module = CellTypeModule(kernel=3, filters=(2, 4), classes=("a", "b", "c"), n_samples=40)
    data = DataLoader(spikes(96, 0, n_classes=3, n_samples=40), batch_size=32)
    fit = trainer(tmp_path, epochs=1)
    fit.fit(module, data, data)
    assert {"val/spikes/macro_auroc", "val/spikes/macro_f1", "train/spikes/accuracy"} <= set(
        fit.callback_metrics
    )
    assert not [name for name in fit.callback_metrics if "sensitivity" in name]


def test_impossible_settings_are_refused_before_training():
    with pytest.raises(SettingError, match="largest that fits is 53"):
        CellTypeModule(kernel=60)
    with pytest.raises(SettingError, match="a name of its own"):
        CellTypeModule(classes=("SER", "SER"))
    with pytest.raises(SettingError, match="at least 2"):
        CellTypeModule(classes=("SER",))
