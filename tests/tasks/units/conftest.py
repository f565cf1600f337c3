"""Made-up units of two kinds in raphe's own layout, and a bundle of them."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from raphe.core.files.checkpoint import write_checkpoint
from raphe.core.protocol import TrainedRun
from raphe.tasks.units.ensemble.export import export
from raphe.tasks.units.recordings.unit_folder import read_unit_folder
from raphe.tasks.units.stores.import_units import import_units
from raphe.tasks.units.training.data import UnitData
from raphe.tasks.units.training.module import UnitModule

N_SAMPLES, ISI_BINS, ACG_BINS = 30, 40, 41
CLASSES = ("narrow", "wide")


def made_up(n: int = 40, seed: int = 0) -> dict[str, np.ndarray]:
    """Half of n units have narrow spikes and short intervals, the others wide ones and long."""
    rng = np.random.default_rng(seed)
    wide = np.arange(n) % 2 == 1
    at = np.arange(N_SAMPLES) - 10
    width = np.where(wide, 4.0, 2.0) * rng.uniform(0.9, 1.1, n)
    after = np.exp(-(((at - 3 * width[:, None]) / (1.5 * width[:, None])) ** 2))
    waveforms = -np.exp(-((at / width[:, None]) ** 2)) + 0.4 * after
    waveforms += 0.02 * rng.standard_normal(waveforms.shape)
    tau_ms = np.where(wide, 20.0, 6.0) * rng.uniform(0.8, 1.2, n)
    isi = np.exp(-np.arange(ISI_BINS) / tau_ms[:, None]) * (np.arange(ISI_BINS) > 1)
    lag = np.abs(np.arange(ACG_BINS) - ACG_BINS // 2)
    acg = 10 * (1 - np.exp(-lag / (tau_ms[:, None] / 4)))
    return {
        "waveforms": 50 * waveforms,
        "isi": isi / isi.sum(axis=1, keepdims=True),
        "acg": acg + rng.uniform(0, 1, acg.shape),
    }


def write_folder(
    folder: Path, arrays: dict[str, np.ndarray], columns: dict[str, list[object]]
) -> Path:
    """In raphe's own layout."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array.astype(np.float32))
    with (folder / "units.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return folder


def columns_of(n: int = 40) -> dict[str, list[object]]:
    return {
        "unit": [f"u{number}" for number in range(n)],
        "label": [CLASSES[number % 2] for number in range(n)],
        "fold": [number // 2 % 4 for number in range(n)],
        "animal": [f"A{number // 4 % 5}" for number in range(n)],
    }


@pytest.fixture
def unit_folder(tmp_path: Path) -> Callable[..., Path]:
    """A folder of 40 units; arrays and columns may be given otherwise."""

    def make(name: str = "units", n: int = 40, seed: int = 0, **changed: object) -> Path:
        arrays, columns = made_up(n, seed), columns_of(n)
        for key, value in changed.items():
            target = arrays if key in arrays else columns
            if value is None:
                del target[key]
            else:
                target[key] = value
        return write_folder(tmp_path / name, arrays, columns)

    return make


@pytest.fixture(scope="session")
def unit_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the 40 units."""
    folder = tmp_path_factory.mktemp("units")
    read = read_unit_folder(write_folder(folder / "units", made_up(), columns_of()))
    return import_units(read, "units", folder / "store").store


@pytest.fixture(scope="session")
def unit_data(unit_store: Path) -> UnitData:
    """Its data, in the four folds of the table."""
    return UnitData(unit_store, split="given")


def untrained(data: UnitData, seed: int = 0) -> UnitModule:
    """A module whose networks have first weights alone, but know the scale of their inputs."""
    torch.manual_seed(seed)
    module = UnitModule(members=2, hidden=4, **data.facts)
    for name, of_folds in zip(("mean", "scale"), data.scaling(), strict=True):
        values = torch.tensor(of_folds, dtype=torch.float32).repeat_interleave(2, 0)
        getattr(module.net, name).copy_(values[:, None])
    return module.eval()


@pytest.fixture(scope="session")
def unit_bundle(
    unit_data: UnitData, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """A bundle of the classifier that is asked for."""
    folder = tmp_path_factory.mktemp("unit-bundles")
    made: dict[str, Path] = {}

    def make(classifier: str = "logistic") -> Path:
        if classifier not in made:
            file = write_checkpoint(untrained(unit_data), folder / f"{classifier}.ckpt")
            run = TrainedRun("1a2b", "", file)
            exported = export(
                [run], unit_data, "seed: 1\n", {}, folder / classifier, classifier=classifier
            )
            made[classifier] = exported.bundle
        return made[classifier]

    return make
