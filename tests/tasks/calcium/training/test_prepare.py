"""Which store is trained on, and when it is made."""

from pathlib import Path

import numpy as np
import pytest

from raphe.core.errors import RecordingError, StoreError
from raphe.tasks.calcium.recordings.conditioning import Conditioning
from raphe.tasks.calcium.recordings.trace_set import TraceOptions
from raphe.tasks.calcium.stores.trace_store import open_traces
from raphe.tasks.calcium.synthetic.simulated_recordings import CAVEAT, Simulation
from raphe.tasks.calcium.training.prepare import prepare

SMALL = Simulation(datasets=1, recordings=3, duration_s=20.0)


def settle(folder: Path, store=None, recordings=None, **settings) -> Path:
    simulation = settings.pop("simulation", SMALL)
    files, conditioning = TraceOptions(**settings), Conditioning()
    return prepare(store, recordings, folder, simulation, files, conditioning)["store"]


def test_a_store_that_is_named_is_used(tmp_path: Path, store_path: Path) -> None:
    assert settle(tmp_path / "data", store_path) == store_path
    assert not (tmp_path / "data").exists()
    with pytest.raises(
        StoreError, match=r"data\.store=nowhere: .* `raphe import traces FOLDER now"
    ):
        settle(tmp_path, "nowhere")


def test_the_simulation_is_made_once_for_its_settings(tmp_path: Path) -> None:
    store = settle(tmp_path)
    written = (store / "manifest.json").stat().st_mtime_ns
    assert open_traces(store).note == CAVEAT
    assert settle(tmp_path) == store
    assert (store / "manifest.json").stat().st_mtime_ns == written
    assert settle(tmp_path, simulation=Simulation(1, 3, 20.0, seed=7)) != store


def test_recordings_are_imported_anew_when_a_file_changes(tmp_path: Path, capsys) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    calcium = np.random.default_rng(0).normal(size=(2, 300))
    calcium[1] = 1.0
    np.save(folder / "x.calcium.npy", calcium)
    np.save(folder / "x.spikes.npy", np.ones((2, 300)))
    with pytest.raises(RecordingError, match="pass --rate HZ"):
        settle(tmp_path / "data", recordings=folder)
    store = settle(tmp_path / "data", recordings=folder, rate_hz=30.0)
    assert "warning: left out x/1: constant at 1" in capsys.readouterr().err
    assert settle(tmp_path / "data", recordings=folder, rate_hz=30.0) == store
    np.save(folder / "x.calcium.npy", calcium[:, ::-1])
    assert settle(tmp_path / "data", recordings=folder, rate_hz=30.0) != store
    with pytest.raises(RecordingError, match="expected a folder of recordings"):
        settle(tmp_path / "data", recordings=tmp_path / "absent")
