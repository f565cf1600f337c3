"""The published schedule: what a session holds, in what order, and what is scored when."""

import numpy as np
import pytest
import pytorch_lightning as pl

from raphe.core.errors import SettingError, StoreError
from raphe.tasks.celltype.synthetic.synthesize import synthesize
from raphe.tasks.celltype.training.bank import CellTypeBank
from raphe.tasks.celltype.training.module import CellTypeModule
from raphe.tasks.celltype.training.session_data import LEAKS, SessionData, Sessions

SESSIONS = Sessions(n_spikes=100, epochs=2)


class Trainer:
    current_epoch = 0


@pytest.fixture
def stores(make_spikes, make_masks, tmp_path):
    original, masks = make_spikes(n_cells=24, per_cell=20), make_masks(n_cells=24)
    other = make_spikes(n_cells=26, folder="other")
    out = tmp_path / "synthetic"
    synthesize(original.path, masks.path, out, per_class=500, split="spike", workers=1)
    return {
        "store": original.path,
        "synthetic": out,
        "test_stores": {"other": other.path},
        "split": "spike",
        "batch_size": 8,
    }


@pytest.fixture
def make(stores):
    def call(sessions=SESSIONS, **settings):
        data = SessionData(**{**stores, **settings}, sessions=sessions)
        data.setup()
        data.trainer = Trainer()
        return data

    return call


def epoch_of(data, number, part="train"):
    """Every current of an epoch, in its order: (n, T)."""
    data.trainer.current_epoch = number
    batches = data.train_dataloader() if part == "train" else data.val_dataloader()[0]
    return np.concatenate([current.numpy() for current, _, _ in batches])


def as_set(windows):
    return {window.tobytes() for window in windows}


def test_the_published_sizes():
    data = Sessions()
    assert data.n_spikes * data.fractions[0] == 44_415


def test_epochs_of_a_session_hold_the_same_spikes_in_orders_of_their_own(make):
    data = make()
    first, second, third = (epoch_of(data, number) for number in (0, 1, 2))
    assert len(first) == 70
    assert as_set(first) == as_set(second)
    assert not np.array_equal(first, second)
    assert not as_set(first) & as_set(third)


def test_sessions_go_through_all_spikes_before_any_comes_again(make):
    data = make(Sessions(n_spikes=100, epochs=1, fractions=(0.98, 0.01, 0.01), parents="all"))
    seen = [data._read_session(number).current for number in range(10)]
    whole = data.source.spikes.read(np.arange(1000))
    assert sorted(map(bytes, np.concatenate(seen))) == sorted(map(bytes, whole))


def test_a_resumed_run_sees_what_an_unbroken_one_sees(make):
    data = make()
    unbroken = [epoch_of(data, number) for number in range(4)]
    np.testing.assert_array_equal(epoch_of(make(), 3), unbroken[3])


def test_as_published_parts_are_of_the_session_and_it_is_said(make):
    data = make(Sessions(n_spikes=100, epochs=2, parents="all"))
    parts = [epoch_of(data, 0), epoch_of(data, 0, "val")]
    parts += [np.concatenate([c.numpy() for c, _, _ in data.test_dataloader()[0]])]
    assert [len(part) for part in parts] == [70, 15, 15]
    assert len(as_set(np.concatenate(parts))) == 100
    assert LEAKS in data.note


def test_by_default_validation_and_test_are_original_spikes(make):
    data = make()
    validated = as_set(epoch_of(data, 0, "val"))
    assert validated <= as_set(data.original.read(np.arange(data.original.n)))
    assert LEAKS not in data.note


def test_test_stores_are_scored_after_the_last_epoch_of_a_session(make):
    data = make()
    scored = []
    for number in range(4):
        data.trainer.current_epoch = number
        scored.append((len(data.val_dataloader()), data.val_sets))
    session = (2, ["val", "session/other"])
    assert scored == [(1, ["val"]), session, (1, ["val"]), session]


@pytest.mark.parametrize("in_bank", [False, True])
def test_session_scores_are_logged(make, in_bank):
    data = make()
    trainer = pl.Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
        reload_dataloaders_every_n_epochs=1,
    )  # fmt: skip
    model = CellTypeModule(3, **data.facts)
    trainer.fit(CellTypeBank({"k": model}) if in_bank else model, datamodule=data)
    logged = {name.removeprefix("k|"): value for name, value in trainer.callback_metrics.items()}
    assert {"session/other/spikes/accuracy", "val/loss", "train/loss"} <= set(logged)
    assert 0 <= logged["session/other/cells/sensitivity"] <= 1
    assert not [name for name in logged if name.startswith("val/cells")]


@pytest.mark.parametrize("parents", ["train", "all"])
def test_the_classes_are_as_frequent_as_the_synthetic_spikes(make, parents):
    data = make(Sessions(n_spikes=300, epochs=1, parents=parents))
    label = np.concatenate([data.block().label for data.trainer.current_epoch in range(3)])
    np.testing.assert_allclose(data.class_shares, np.bincount(label) / len(label), atol=0.05)


def test_online_sessions_hold_training_spikes_too(make, make_masks):
    masks = make_masks(n_cells=24, folder="masks-online").path
    data = make(synthetic="online", masks=masks)
    assert len(as_set(epoch_of(data, 0))) == 70
    published = make(
        Sessions(n_spikes=100, epochs=2, parents="all"), synthetic="online", masks=masks
    )
    assert len(as_set(epoch_of(published, 0))) == 70


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"synthetic": None}, SettingError, "data.synthetic=null"),
        ({"sessions": Sessions(n_spikes=5000)}, StoreError, "a session of 5000 spikes"),
    ],
)
def test_what_cannot_make_a_session_is_refused(make, settings, error, message):
    with pytest.raises(error, match=message):
        make(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_spikes": 0}, "data.sessions.n_spikes=0"),
        ({"epochs": 1.5}, "data.sessions.epochs=1.5"),
        ({"parents": "some"}, "expected train or all"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(SettingError, match=message):
        Sessions(**settings)
