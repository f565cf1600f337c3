"""The datamodule: parts, facts and leaks."""

from pathlib import Path

import numpy as np
import pytest

from raphe.core.errors import SettingError, SplitError
from raphe.tasks.calcium.elephant.data import CalciumData
from raphe.tasks.calcium.stores.trace_store import TraceStore, open_traces, write_traces


def set_up(store: Path, **settings) -> CalciumData:
    data = CalciumData(store, **settings)
    data.setup("fit")
    return data


def test_no_recording_is_in_two_loaders(store_path: Path) -> None:
    data = set_up(store_path, held_out="b")
    trained = set(data.train_dataloader().part.rows)
    validated = set(data.val_dataloader().part.rows)
    (tested,) = (set(batches.part.rows) for batches in data.test_dataloader())
    assert trained and validated and tested
    assert not trained & validated and not (trained | validated) & tested


def test_the_scale_of_the_target_is_of_training_recordings_alone(store_path: Path, store) -> None:
    data = set_up(store_path, held_out="b")
    rates = [100 * store.spikes[store.recordings[row].rows].mean() for row in data.split.train]
    assert data.facts["rate_mean_per_s"] == pytest.approx(np.mean(rates), rel=0.02)
    assert data.facts["rate_std_per_s"] > 0


def test_further_stores_are_tested_on_whole(tmp_path: Path, store_path: Path, labelled) -> None:
    other = write_traces(tmp_path / "other", [labelled("z/0", 500, 99)], {})
    data = set_up(store_path, test_stores={"other": other, "none": None})
    assert data.test_names == ["test", "other"]
    assert data.test_store("other").recordings[0].name == "z/0"
    assert [len(batches) for batches in data.test_dataloader()] == [len(data.split.test), 1]
    assert set(data.hashes) == {"traces", "other"}


def test_a_test_store_with_a_training_recording_is_refused(
    tmp_path: Path, store_path: Path, store: TraceStore, labelled
) -> None:
    data = CalciumData(store_path)
    row = int(data.split.train[0])
    copied = labelled("renamed/0", store.recordings[row].n_samples, row)  # the same seed
    leak = write_traces(tmp_path / "leak", [copied], {})
    assert np.array_equal(open_traces(leak).calcium, store.calcium[store.recordings[row].rows])
    with pytest.raises(SplitError, match="its recording renamed/0 is trained on"):
        CalciumData(store_path, test_stores={"leak": leak})


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"batch_size": 0}, r"data\.batch_size=0"),
        ({"consecutive": 1.5}, r"data\.consecutive=1\.5"),
    ],
)
def test_settings_that_cannot_work_are_told(store_path: Path, settings: dict, told: str) -> None:
    with pytest.raises(SettingError, match=told):
        CalciumData(store_path, **settings)


def test_recordings_too_short_to_train_on_are_told(tmp_path: Path, labelled) -> None:
    recordings = [labelled(f"a/{index}", 250, index) for index in range(4)]
    short = write_traces(tmp_path / "short", recordings, {})
    with pytest.raises(SplitError, match="no training recording is longer than 256 samples"):
        set_up(short)
