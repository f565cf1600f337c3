"""Members of a bank against the same networks trained alone."""

from functools import partial

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset

from raphe.core.errors import SettingError
from raphe.tasks.celltype.training.bank import CellTypeBank
from raphe.tasks.celltype.training.module import CellTypeModule

KERNELS = (1, 4, 20)
EPOCHS = 3
SGD = partial(torch.optim.SGD, lr=0.02, momentum=0.9)


class Random(pl.LightningDataModule):
    """Spikes of chance, alike in each epoch; the last batch is smaller."""

    def __init__(self) -> None:
        super().__init__()
        random = torch.Generator().manual_seed(0)
        label = torch.arange(150) % 2
        current = 30 * torch.randn(150, 160, generator=random) - 20 * label[:, None]
        self.spikes = TensorDataset(current, label, label)

    def train_dataloader(self) -> DataLoader:
        return DataLoader(self.spikes, batch_size=40)

    val_dataloader = train_dataloader


class EachEpoch(pl.Callback):
    """Seed as the harness does, keep the figures, take a member out after an epoch."""

    def __init__(self, stop: tuple[int, str] | None = None) -> None:
        self.stop = stop
        self.figures: list[dict[str, float]] = []

    def on_train_batch_start(self, trainer, module, batch, batch_idx) -> None:
        if batch_idx == 0:
            torch.manual_seed(100 + trainer.current_epoch)

    def on_train_epoch_start(self, trainer, module) -> None:
        if self.stop and trainer.current_epoch == self.stop[0]:
            module.active.discard(self.stop[1])

    def on_validation_end(self, trainer, module) -> None:
        self.figures.append({name: float(v) for name, v in trainer.callback_metrics.items()})


def model(kernel: int, **settings) -> CellTypeModule:
    pl.seed_everything(kernel, verbose=False)
    return CellTypeModule(kernel, filters=(4, 8), **settings)


def fit(
    module: pl.LightningModule,
    callback: EachEpoch,
    precision: str = "32-true",
    epochs: int = EPOCHS,
) -> None:
    pl.Trainer(
        accelerator="cpu",
        precision=precision,
        max_epochs=epochs,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[callback],
    ).fit(module, datamodule=Random())


def alone(precision: str = "32-true", **settings) -> dict[str, tuple[CellTypeModule, EachEpoch]]:
    trained = {}
    for kernel in KERNELS:
        single, callback = model(kernel, **settings), EachEpoch()
        fit(single, callback, precision)
        trained[f"k={kernel}"] = (single, callback)
    return trained


def bank_of(way: str | None = None, **settings) -> tuple[CellTypeBank, dict[str, CellTypeModule]]:
    members = {f"k={kernel}": model(kernel, **settings) for kernel in KERNELS}
    return CellTypeBank(members, way), members


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_one_by_one_each_member_is_bit_for_bit_the_network_trained_alone(
    n_threads: int, precision: str
) -> None:
    expected = alone(precision)
    bank, members = bank_of()
    callback = EachEpoch()
    torch.set_num_threads(n_threads)
    fit(bank, callback, precision)
    assert torch.get_num_threads() == n_threads
    torch.set_num_threads(1)
    for label, (single, callback_alone) in expected.items():
        torch.testing.assert_close(members[label].state_dict(), single.state_dict(), rtol=0, atol=0)
        for together, figures in zip(callback.figures, callback_alone.figures, strict=True):
            figures_together = {name: together[f"{label}|{name}"] for name in figures}
            assert figures_together == pytest.approx(figures, rel=0, abs=0, nan_ok=True)


@pytest.mark.parametrize("optimizer", [None, SGD])
def test_batched_each_member_is_the_network_trained_alone(optimizer) -> None:
    expected = alone(optimizer=optimizer)
    bank, members = bank_of("batched", optimizer=optimizer)
    callback = EachEpoch()
    fit(bank, callback)
    for label, (single, callback_alone) in expected.items():
        for key, value in single.state_dict().items():
            torch.testing.assert_close(members[label].state_dict()[key], value, rtol=0, atol=1e-3)
        for together, figures in zip(callback.figures, callback_alone.figures, strict=True):
            name = "val/loss"
            assert together[f"{label}|{name}"] == pytest.approx(figures[name], abs=1e-4)


@pytest.mark.parametrize(("way", "atol"), [("one_by_one", 0.0), ("batched", 1e-3)])
def test_more_classes_that_weigh_alike_are_trained_as_alone(way: str, atol: float) -> None:
    settings = {"classes": ("a", "b", "c"), "class_weights": (2.0, 0.5, 0.0)}
    expected = alone(**settings)
    unlike = alone(classes=settings["classes"])
    bank, members = bank_of(way, **settings)
    fit(bank, EachEpoch())
    for label, (single, _) in expected.items():
        bias = members[label].net.dense.bias
        torch.testing.assert_close(bias, single.net.dense.bias, rtol=0, atol=atol)
        assert (bias - unlike[label][0].net.dense.bias).abs().max() > 2e-3


@pytest.mark.parametrize(("way", "atol"), [("one_by_one", 0.0), ("batched", 1e-3)])
def test_a_member_that_stops_stays_as_it_was_and_the_others_go_on(way: str, atol: float) -> None:
    alike = partial(torch.testing.assert_close, rtol=0, atol=atol)
    bank, members = bank_of(way)
    callback = EachEpoch(stop=(1, "k=4"))
    fit(bank, callback)
    whole, unstopped = bank_of(way)
    fit(whole, EachEpoch())
    alike(members["k=20"].state_dict(), unstopped["k=20"].state_dict())
    short = {f"k={kernel}": model(kernel) for kernel in KERNELS}
    fit(CellTypeBank(short, way), EachEpoch(), epochs=1)
    alike(members["k=4"].state_dict(), short["k=4"].state_dict())
    assert "k=4|val/loss" in callback.figures[0]


def test_settings_no_bank_can_have_are_told() -> None:
    with pytest.raises(SettingError, match=r"bank\.way=both: expected one_by_one or batched"):
        bank_of("both")
    members = {"a": model(1), "b": model(1, optimizer=SGD)}
    with pytest.raises(SettingError, match=r"one setting of model.optimizer.*bank.way=one_by_one"):
        fit(CellTypeBank(members, "batched"), EachEpoch())
    factored = partial(torch.optim.Adafactor, lr=0.01)
    with pytest.raises(SettingError, match="one number for each weight, as Adam, not Adafactor"):
        fit(bank_of("batched", optimizer=factored)[0], EachEpoch())
