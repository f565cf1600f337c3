"""A small store of labelled traces, random recordings, and a bundle of small networks."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from nwb_files import write_fluorescence
from raphe.core.files.checkpoint import write_checkpoint
from raphe.core.protocol import Exported, TrainedRun
from raphe.tasks.calcium.ensemble.export import export
from raphe.tasks.calcium.stores.trace_store import (
    CalciumStore,
    LabelledRecording,
    open_traces,
    write_traces,
)
from raphe.tasks.calcium.synthetic.simulated_recordings import Simulation, simulate
from raphe.tasks.calcium.training.data import RateData
from raphe.tasks.calcium.training.module import RateModule


def _labelled(name: str, n: int, seed: int) -> LabelledRecording:
    """Spikes that raise a noisy, decaying trace."""
    rng = np.random.default_rng(seed)
    spikes = rng.poisson(0.03, n)
    spikes[n // 2] += 1
    decay = np.exp(-np.arange(200) / 40)
    calcium = np.convolve(spikes, decay)[:n] + 0.1 * rng.normal(size=n)
    return LabelledRecording(
        name, name.split("/")[0], name, calcium.astype(np.float32), spikes, 30.0
    )


@pytest.fixture(scope="session")
def labelled() -> Callable[[str, int, int], LabelledRecording]:
    """A recording of a name, a length in samples and a seed."""
    return _labelled


@pytest.fixture(scope="session")
def store_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three datasets, a, b and c, of 4, 5 and 3 recordings of different length."""
    counts = {"a": 4, "b": 5, "c": 3}
    names = [f"{dataset}/{index}" for dataset, count in counts.items() for index in range(count)]
    recordings = [_labelled(name, 400 + 37 * seed, seed) for seed, name in enumerate(names)]
    return write_traces(tmp_path_factory.mktemp("calcium") / "store", recordings, {})


@pytest.fixture
def store(store_path: Path) -> CalciumStore:
    return open_traces(store_path)


def _rate_module(seed: int) -> RateModule:
    """Untrained, but with members of different gain that adapt to a trace."""
    torch.manual_seed(seed)
    module = RateModule(members=2, channels=8, dilations=(1, 2))
    for member in module.net.members:
        for block in member.blocks:
            torch.nn.init.normal_(block.adapt.weight, std=0.3)
    module.net.gain[:] = torch.tensor([0.5, 2.0])
    return module


@pytest.fixture(scope="session")
def rate_module() -> Callable[[int], RateModule]:
    return _rate_module


@pytest.fixture(scope="session")
def rate_data(tmp_path_factory: pytest.TempPathFactory) -> RateData:
    """Two simulated datasets, the second held out."""
    store = tmp_path_factory.mktemp("traces") / "store"
    write_traces(store, simulate(Simulation(2, 3, 30.0)), {"note": "These are simulated."})
    data = RateData(store, held_out="sim2")
    data.setup()
    return data


@pytest.fixture(scope="session")
def exported(rate_data: RateData) -> Callable[[Path], Exported]:
    """Export the modules of seeds 0 and 1 to folder / "out"."""

    def write(folder: Path) -> Exported:
        runs = [
            TrainedRun(
                f"run{seed}",
                f"seed={seed}",
                write_checkpoint(_rate_module(seed), folder / f"{seed}.ckpt"),
            )
            for seed in (0, 1)
        ]
        return export(runs, rate_data, "seed: 0\n", {"sweep": "abc"}, folder / "out")

    return write


@pytest.fixture(scope="session")
def rate_bundle(exported, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(tmp_path_factory.mktemp("bundle")).bundle


@pytest.fixture(scope="session")
def fluorescence() -> Callable[..., Path]:
    """Writes an NWB file, see write_fluorescence."""
    return write_fluorescence
