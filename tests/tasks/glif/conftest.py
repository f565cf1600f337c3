"""Reference simulations of AllenSDK, and a small store of the published grid."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from raphe.tasks.glif.lstm_study.study import Study
from raphe.tasks.glif.lstm_study.voltage_store import write_study
from raphe.tasks.glif.neurons.models import Neurons
from raphe.tasks.glif.neurons.neuron_config import from_config

SMALL = Study(n_train=12, n_val=6, n_test=6, rate_hz=20_000.0, simulated=600, fed=500)


@pytest.fixture(scope="session")
def reference(shared_data) -> Callable[[str], tuple[Neurons, dict[str, np.ndarray]]]:
    """A case's neuron and its arrays, from AllenSDK 2.16.2."""

    def load(case: str) -> tuple[Neurons, dict[str, np.ndarray]]:
        with np.load(shared_data("glif", "reference", f"{case}.npz")) as file:
            arrays = {name: file[name] for name in file.files}
        return from_config(json.loads(str(arrays["config_json"])))[0], arrays

    return load


@pytest.fixture(scope="session")
def store_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 samples at 20 kHz of every cell of the grid."""
    return write_study(tmp_path_factory.mktemp("glif") / "store", SMALL)
