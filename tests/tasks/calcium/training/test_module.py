"""Training in two phases: schedules, gain; what is kept in a checkpoint."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from raphe.core.errors import SettingError
from raphe.core.files.checkpoint import write_checkpoint
from raphe.tasks.calcium.stores.trace_store import open_traces
from raphe.tasks.calcium.training.data import RateData
from raphe.tasks.calcium.training.module import RateModule

SMALL = {"members": 2, "channels": 8, "dilations": (1, 2)}


def data(store_path: Path, **settings) -> RateData:
    small = {"length": 256, "batch_size": 4, "batches": 2, "pretrain_epochs": 1}
    rate_data = RateData(store_path, **(small | settings))
    rate_data.setup("fit")
    return rate_data


def fitted(
    store_path: Path, epochs: int = 2, callbacks=(), ckpt_path=None, **settings
) -> tuple[RateModule, RateData]:
    rate_data = data(store_path, held_out="b")
    torch.manual_seed(0)
    model = RateModule(**SMALL, **settings, **rate_data.facts)
    trainer = pl.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, callbacks=list(callbacks),
    )  # fmt: skip
    trainer.fit(model, datamodule=rate_data, ckpt_path=ckpt_path)
    trainer.test(model, datamodule=rate_data, verbose=False)
    return model, rate_data


def test_it_trains_and_tests_on_what_was_held_out(store_path: Path) -> None:
    model, rate_data = fitted(store_path)
    inferred = [recording for cell in model.inferred["test"] for recording in cell.recordings]
    assert [recording.index for recording in inferred] == rate_data.split.test.tolist()
    assert all((recording.rate_per_s >= 0).all() for recording in inferred)


def test_a_gain_is_what_the_datasets_need_on_geometric_average(store_path: Path) -> None:
    """Two datasets and the synthetic one, which needs 1: their product to the power of a third."""
    model, rate_data = fitted(store_path)
    gain, model.net.gain[:] = model.net.gain.clone(), 1.0
    needed = {"a": [], "c": []}
    for recording in rate_data.parts["train"].recordings:
        expected = model.expected(
            rate_data.store.calcium[recording.rows], recording.imaging_hz
        ).sum(1)
        needed[recording.dataset].append(recording.n_spikes / expected)
    means = [np.exp(np.mean(np.log(each), axis=0)) for each in needed.values()]
    np.testing.assert_allclose(gain, (means[0] * means[1]) ** (1 / 3), rtol=1e-4)
    assert len(set(gain.tolist())) == 2


def test_the_data_held_out_do_not_touch_the_training(store_path: Path, monkeypatch) -> None:
    """Weights and gain are the same, whatever the spikes and traces held out are."""
    first, _ = fitted(store_path)

    def spoiled(path):
        store = open_traces(path)
        calcium, spikes = np.array(store.calcium), np.array(store.spikes)
        for recording in store.recordings:
            if recording.dataset == "b":
                calcium[recording.rows] = 7.0 * np.arange(recording.n_samples)
                spikes[recording.rows] = 1
        return replace(store, calcium=calcium, spikes=spikes)

    monkeypatch.setattr("raphe.tasks.calcium.training.recording_data.open_traces", spoiled)
    second, _ = fitted(store_path)
    for name, value in first.state_dict().items():
        torch.testing.assert_close(second.state_dict()[name], value, msg=name)


def test_each_phase_warms_up_and_cools_down() -> None:
    model = RateModule(**SMALL, pretrain_epochs=4, tuning_rate=0.5)
    model._trainer = type("Trainer", (), {"max_epochs": 6})()
    rates = [model._learning_rate(epoch, batch, 10) for epoch in range(6) for batch in range(10)]
    first, second = np.array(rates[:40]), np.array(rates[40:])
    assert first[0] == second[0] == 0
    assert 0.9 < first.max() <= 1 and first[-1] < 0.01
    assert 0.45 < second.max() <= 0.5 and second[-1] < 0.02


def test_training_can_go_on_from_a_checkpoint(store_path: Path, tmp_path: Path) -> None:
    """Interrupted while it is tuned, it ends with the weights of one go."""
    at_once, _ = fitted(store_path, epochs=3)
    kept = tmp_path / "kept.ckpt"
    keep = pl.callbacks.LambdaCallback(
        on_train_epoch_end=lambda trainer, _: (
            trainer.save_checkpoint(kept) if trainer.current_epoch == 1 else None
        )
    )
    fitted(store_path, epochs=3, callbacks=[keep])
    resumed, _ = fitted(store_path, epochs=3, ckpt_path=kept)
    for name, value in at_once.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value, msg=name)


@pytest.mark.parametrize("latency_s", [0.05, -0.04])
def test_a_latency_is_a_number_of_steps(latency_s: float) -> None:
    with pytest.raises(SettingError, match=r"model\.latency_s=.*: expected a multiple of 0\.04 s"):
        RateModule(**SMALL, latency_s=latency_s)
    assert RateModule(**SMALL, latency_s=0.12).net.members[0].latency == 3


def test_a_causal_network_does_not_see_the_future_of_a_trace() -> None:
    """Not even by the floor and the noise of the whole trace, by which it is scaled."""
    torch.manual_seed(0)
    model = RateModule(**SMALL, latency_s=0.4).eval()
    for member in model.net.members:
        for block in member.blocks:
            torch.nn.init.normal_(block.adapt.weight, std=0.3)
    trace = np.random.default_rng(0).normal(size=800).cumsum()
    other = trace.copy()
    other[600:] = 50 * np.random.default_rng(1).normal(size=200)
    first, second = model.expected(trace, 100.0), model.expected(other, 100.0)
    np.testing.assert_allclose(second[:, :560], first[:, :560], rtol=1e-2)
    assert np.abs(second[:, 560:600] - first[:, 560:600]).max() > 0.01


def test_it_begins_from_weights(tmp_path: Path) -> None:
    torch.manual_seed(1)
    trained = RateModule(**SMALL)
    path = write_checkpoint(trained, tmp_path / "weights.ckpt")
    begun = RateModule(**SMALL, weights=path)
    for name, value in trained.net.state_dict().items():
        torch.testing.assert_close(begun.net.state_dict()[name], value)
    with pytest.raises(SettingError, match=r"model\.weights=.*expected a checkpoint"):
        RateModule(**SMALL, weights=tmp_path / "none.ckpt")


def test_nothing_held_out_leaves_nothing_to_test(store_path: Path) -> None:
    rate_data = data(store_path, held_out="none")
    assert rate_data.test_names == [] and rate_data.test_dataloader() == []
    assert len(rate_data.split.train) == 12  # all, those validated on among them


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"length": 402}, r"data\.length=402: expected a multiple of 4"),
        ({"synthetic": 1.5}, r"data\.synthetic=1\.5: expected a share"),
        ({"batches": 0}, r"data\.batches=0: expected a whole number from 1 up"),
    ],
)
def test_settings_that_cannot_be_are_told(store_path: Path, settings, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        data(store_path, **settings)


def test_members_begin_with_weights_of_their_own() -> None:
    first, second = RateModule(**SMALL).net.members
    assert not torch.equal(first.first.weight, second.first.weight)
    with pytest.raises(SettingError, match=r"model\.members=0"):
        RateModule(members=0)
