"""Reference simulations of AllenSDK, a made-up cell, small stores and bundles."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from raphe.core.files.checkpoint import write_checkpoint
from raphe.core.protocol import TrainedRun
from raphe.tasks.glif.ensemble.export import export
from raphe.tasks.glif.lstm_study.study import Study
from raphe.tasks.glif.lstm_study.voltage_store import write_study
from raphe.tasks.glif.neurons.models import Neurons
from raphe.tasks.glif.neurons.neuron_config import from_config
from raphe.tasks.glif.neurons.simulation import simulate
from raphe.tasks.glif.synthetic.prior import write_prior
from raphe.tasks.glif.synthetic.simulated_experiments import Experiment
from raphe.tasks.glif.synthetic.typical_cells import typical_prior
from raphe.tasks.glif.training.data import PosteriorData
from raphe.tasks.glif.training.module import PosteriorModule

SMALL = Study(n_train=12, n_val=6, n_test=6, rate_hz=20_000.0, simulated=600, fed=500)


@pytest.fixture(scope="session")
def reference(real_data) -> Callable[[str], tuple[Neurons, dict[str, np.ndarray]]]:
    """A case's neuron and its arrays, from AllenSDK 2.16.2."""

    def load(case: str) -> tuple[Neurons, dict[str, np.ndarray]]:
        with np.load(real_data("glif", "reference", f"{case}.npz")) as file:
            arrays = {name: file[name] for name in file.files}
        return from_config(json.loads(str(arrays["config_json"])))[0], arrays

    return load


@pytest.fixture(scope="session")
def store_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 samples at 20 kHz of every cell of the grid."""
    return write_study(tmp_path_factory.mktemp("glif") / "store", SMALL)


@pytest.fixture
def cell(tmp_path: Path) -> list[str]:
    """A neuron that fires under a step, at 50 kHz, as arrays in SI units."""
    neuron = Neurons(
        1, capacitance_f=90e-12, resistance_ohm=200e6, threshold_v=28e-3, dead_time_s=4e-3
    )
    current = np.zeros(30_000)
    current[500:1000] = 50e-12
    current[3000:] = 1.4 * 28e-3 / 200e6
    voltage = simulate(neuron, current, 1 / 50_000).voltage_v[0] - 0.072
    rng = np.random.default_rng(0)
    np.save(tmp_path / "voltage.npy", voltage + 1e-4 * rng.normal(size=len(voltage)))
    np.save(tmp_path / "current.npy", current)
    return [str(tmp_path / "voltage.npy"), "--stimulus", str(tmp_path / "current.npy"),
            "--rate", "50000"]  # fmt: skip


@pytest.fixture(scope="session")
def posterior_data(tmp_path_factory: pytest.TempPathFactory) -> PosteriorData:
    """Short simulated experiments with typical neurons."""
    file = tmp_path_factory.mktemp("prior") / "prior.json"
    write_prior(typical_prior(1), file)
    short = Experiment(length_s=(0.3, 0.4), keep_every=(4,))
    return PosteriorData(file, experiment=short, batch_size=8, batches=2, n_val=8, n_test=8)


def untrained_posterior(
    data: PosteriorData, folder: Path, number: int, encode_traces: bool
) -> TrainedRun:
    """A run whose network is as it begins: it answers what least squares say."""
    size = {"filters": (2, 2, 2), "units": 2, "heads": 1, "features": 3}
    torch.manual_seed(number)
    module = PosteriorModule(encode_traces, **size, n_samples=100, **data.facts)
    file = write_checkpoint(module, folder / f"{number}.ckpt")
    return TrainedRun(str(number), f"seed={number}", file)


@pytest.fixture(scope="session")
def posterior_bundle(
    posterior_data: PosteriorData, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Of two untrained networks, of which one reads the traces."""
    folder = tmp_path_factory.mktemp("posterior")
    runs = [untrained_posterior(posterior_data, folder, n, bool(n)) for n in range(2)]
    return export(runs, posterior_data, "seed: 1\n", {"data": "none"}, folder / "bundle").bundle
