"""Recordings split and handed out whole: parts, further stores and leaks."""

from pathlib import Path

import numpy as np
import pytest

from raphe.core.errors import SplitError
from raphe.tasks.calcium.recordings.sampling import z_scored
from raphe.tasks.calcium.stores.trace_store import (
    CalciumStore,
    RecordingSubset,
    open_traces,
    write_traces,
)
from raphe.tasks.calcium.training.recording_data import (
    RecordingBatches,
    RecordingData,
    z_scored_input,
)


def test_whole_recordings_come_one_by_one(store: CalciumStore) -> None:
    batches = list(RecordingBatches(RecordingSubset(store, np.array([3, 7])), z_scored_input))
    assert [int(index) for *_, index in batches] == [3, 7]
    for (calcium, log_frame_rate, spikes, _), row in zip(batches, (3, 7), strict=True):
        rows = store.recordings[row].rows
        np.testing.assert_allclose(calcium[0], z_scored(store.calcium[rows]), atol=1e-5)
        np.testing.assert_array_equal(spikes[0], store.spikes[rows])
        assert log_frame_rate == pytest.approx(0)  # 30 frames/s


def test_further_stores_are_tested_on_whole(tmp_path: Path, store_path: Path, labelled) -> None:
    other = write_traces(tmp_path / "other", [labelled("z/0", 500, 99)], {})
    data = RecordingData(store_path, test_stores={"other": other, "none": None})
    data.setup("test")
    assert data.test_names == ["test", "other"]
    assert data.test_store("other").recordings[0].name == "z/0"
    assert [len(batches) for batches in data.test_dataloader()] == [len(data.split.test), 1]
    assert set(data.hashes) == {"traces", "other"}


def test_a_test_store_with_a_training_recording_is_refused(
    tmp_path: Path, store_path: Path, store: CalciumStore, labelled
) -> None:
    data = RecordingData(store_path)
    row = int(data.split.train[0])
    copied = labelled("renamed/0", store.recordings[row].n_samples, row)  # the same seed
    leak = write_traces(tmp_path / "leak", [copied], {})
    assert np.array_equal(open_traces(leak).calcium, store.calcium[store.recordings[row].rows])
    with pytest.raises(SplitError, match="its recording renamed/0 is trained on"):
        RecordingData(store_path, test_stores={"leak": leak})
