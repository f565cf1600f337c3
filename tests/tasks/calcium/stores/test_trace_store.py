"""Traces come back from a store as they were written."""

from pathlib import Path

import numpy as np
import pytest

from raphe.core.errors import StoreError
from raphe.core.files.store import StoreWriter, check_store
from raphe.tasks.calcium.stores.trace_store import CalciumStore, open_traces, write_traces


def test_recordings_come_back(tmp_path: Path, labelled) -> None:
    written = [labelled("a/0", 300, 0), labelled("b/x", 200, 1)]
    path = write_traces(tmp_path / "store", iter(written), {"note": "made up"})
    store = open_traces(path)
    assert (store.datasets, store.note) == (("a", "b"), "made up")
    for recording, stored in zip(written, store.recordings, strict=True):
        assert (stored.name, stored.dataset) == (recording.name, recording.dataset)
        assert stored.imaging_hz == 30.0
        assert stored.n_spikes == recording.spikes.sum()
        np.testing.assert_array_equal(store.calcium[stored.rows], recording.calcium)
        np.testing.assert_array_equal(store.spikes[stored.rows], recording.spikes)
    check_store(path)


def test_a_store_of_another_kind_or_of_nothing_is_refused(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "other", {"x": ((), "float32")}) as writer:
        writer.append(x=np.zeros(3))
        writer.finish({"kind": "something/else"})
    with pytest.raises(StoreError, match="expected a store of calcium/traces, got something/else"):
        open_traces(tmp_path / "other")
    with pytest.raises(StoreError, match="expected recordings to write, got none"):
        write_traces(tmp_path / "empty", [], {})
    assert not (tmp_path / "empty").exists()


def test_samples_stay_on_disk(store: CalciumStore) -> None:
    assert isinstance(store.calcium, np.memmap) and isinstance(store.spikes, np.memmap)
