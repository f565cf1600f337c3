"""The datamodule: parts, facts and leaks."""

from pathlib import Path

import numpy as np
import pytest

from raphe.core.errors import SettingError, SplitError
from raphe.tasks.calcium.elephant.data import ElephantData
from raphe.tasks.calcium.stores.trace_store import write_traces


def set_up(store: Path, **settings) -> ElephantData:
    data = ElephantData(store, **settings)
    data.setup("fit")
    return data


def test_no_recording_is_in_two_loaders(store_path: Path) -> None:
    data = set_up(store_path, held_out="b")
    trained = set(data.train_dataloader().subset.rows)
    validated = set(data.val_dataloader().subset.rows)
    (tested,) = (set(batches.subset.rows) for batches in data.test_dataloader())
    assert trained and validated and tested
    assert not trained & validated and not (trained | validated) & tested


def test_the_scale_of_the_target_is_of_training_recordings_alone(store_path: Path, store) -> None:
    data = set_up(store_path, held_out="b")
    rates = [100 * store.spikes[store.recordings[row].rows].mean() for row in data.split.train]
    assert data.facts["rate_mean_per_s"] == pytest.approx(np.mean(rates), rel=0.02)
    assert data.facts["rate_std_per_s"] > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, r"data\.batch_size=0"),
        ({"consecutive": 1.5}, r"data\.consecutive=1\.5"),
    ],
)
def test_settings_that_cannot_work_are_told(store_path: Path, settings: dict, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        ElephantData(store_path, **settings)


def test_recordings_too_short_to_train_on_are_told(tmp_path: Path, labelled) -> None:
    recordings = [labelled(f"a/{index}", 250, index) for index in range(4)]
    short = write_traces(tmp_path / "short", recordings, {})
    with pytest.raises(SplitError, match="no training recording is longer than 256 samples"):
        set_up(short)
