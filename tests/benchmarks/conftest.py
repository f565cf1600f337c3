import csv
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from paths import PROJECT
from raphe.core.files.checkpoint import write_checkpoint
from raphe.core.protocol import TrainedRun
from raphe.tasks.calcium.ensemble.export import export
from raphe.tasks.calcium.stores.trace_store import write_traces
from raphe.tasks.calcium.synthetic.simulated_recordings import Simulation, simulate
from raphe.tasks.calcium.training.data import RateData
from raphe.tasks.calcium.training.module import RateModule

BENCHMARKS = PROJECT / "benchmarks"
SETS = {"DS04-OGB1-zf-pDp": 3, "DS18-R-CaMP-m-CA3": 2}
PEER_COLUMNS = (
    "dataset", "neuron", "method", "r_25hz", "r_200ms", "error_200ms", "bias_200ms",
    "true_rate_per_s", "said_rate_per_s",
)  # fmt: skip


@pytest.fixture(autouse=True)
def beside_each_other(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The scripts import each other by name, as when one of them is run."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if (BENCHMARKS / f"{name}.py").exists():
            del sys.modules[name]


@pytest.fixture
def run_script(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def run(name: str, *arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        runpy.run_path(str(BENCHMARKS / name), run_name="__main__")

    return run


@pytest.fixture
def ground_truth(tmp_path: Path) -> Path:
    """Two small sets in the form of the real ones, two segments a neuron, and scores of others."""
    folder = tmp_path / "ground_truth"
    folder.mkdir()
    rng = np.random.default_rng(0)
    with (folder / "peers.csv").open("w", newline="") as file:
        peers = csv.writer(file)
        peers.writerow(PEER_COLUMNS)
        for name, n_neurons in SETS.items():
            n_segments, n_frames, rate_hz = 2 * n_neurons, 600, 20.0
            spikes = [np.sort(rng.uniform(0, n_frames / rate_hz, 30)) for _ in range(n_segments)]
            trains = [np.histogram(s, np.arange(n_frames + 1) / rate_hz)[0] for s in spikes]
            decay = np.exp(-np.arange(100) / 10)
            dff = [
                np.convolve(train, decay)[:n_frames] * 0.1 + 0.02 * rng.normal(size=n_frames)
                for train in trains
            ]
            np.savez(
                folder / f"{name}.npz",
                dff=np.concatenate(dff).astype(np.float32),
                start=np.arange(n_segments + 1) * n_frames,
                rate=np.full(n_segments, rate_hz),
                neuron=np.repeat(np.arange(n_neurons), 2).astype(np.int32),
                spike_time=np.concatenate(spikes),
                spike_start=np.arange(n_segments + 1) * 30,
                name=np.array([f"cell{number}" for number in range(n_neurons)]),
            )
            for number in range(n_neurons):
                for method in ("CASCADE", "OASIS", "Elephant", "raphe 84b3b28"):
                    peers.writerow([name, f"cell{number}", method, 0.5, 0.8, 1, 0.5, 1, 1.5])
    return folder


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of one untrained network."""
    folder = tmp_path_factory.mktemp("bundle")
    write_traces(folder / "store", simulate(Simulation(2, 3, 20.0)), {})
    data = RateData(folder / "store", held_out="sim2")
    data.setup()
    module = RateModule(members=1, channels=8, dilations=(1, 2))
    run = TrainedRun("run", "", write_checkpoint(module, folder / "0.ckpt"))
    return export([run], data, "", {}, folder / "bundle").bundle
