"""Fixtures of all tests, and what holds for each: one thread, no deadline, slow files first."""

import os

# Read when the libraries load, and by the processes that tests start.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["NUMBA_NUM_THREADS"] = "1"

import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from hypothesis import HealthCheck, settings

from paths import PROJECT, REAL_DATA

# A test may take as long as the machine needs; what a fixture made stays as it is for all examples.
settings.register_profile(
    "raphe",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("raphe")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what touches the real data; files with slow tests first, so that no worker waits."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
    for item in items:
        module = getattr(item, "module", None)
        if "real_data" in item.fixturenames or hasattr(module, "REAL_DATA"):
            item.add_marker("real_data")


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def real_data() -> Callable[..., Path]:
    """Path of a file of the real data, which no clone holds; skips the test where it is absent."""

    def find(*parts: str) -> Path:
        path = REAL_DATA.joinpath(*parts)
        if not path.exists():
            pytest.skip(f"real data absent: {path}")
        return path

    return find


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this test run see, for what is made once for all of them."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def tracking_store(shared_folder: Path) -> Callable[[Path], Path]:
    """Begin an empty tracking store in a folder: MLflow takes seconds to make one, a copy none."""
    empty = shared_folder / "empty-mlflow.db"

    def begin(runs_root: Path) -> Path:
        with FileLock(f"{empty}.lock"):
            if not empty.exists():
                from mlflow import MlflowClient

                new = empty.with_suffix(".new")
                MlflowClient(f"sqlite:///{new}").search_experiments()
                new.rename(empty)
        runs_root.mkdir(parents=True, exist_ok=True)
        shutil.copy(empty, runs_root / "mlflow.db")
        return runs_root

    return begin


@pytest.fixture
def train_py(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the real train.py in this process with these arguments; returns the exit code."""
    monkeypatch.chdir(PROJECT)

    def call(*arguments: str) -> int:
        os.environ.pop("HYDRA_FULL_ERROR", None)
        monkeypatch.setattr(sys, "argv", ["train.py", *arguments])
        with pytest.raises(SystemExit) as leaving:
            runpy.run_path(str(PROJECT / "train.py"), run_name="__main__")
        return leaving.value.code

    return call


@pytest.fixture(scope="session")
def home(shared_folder: Path) -> Path:
    """Where `bundle` keeps its data and runs."""
    return shared_folder / "home"


@pytest.fixture
def bundle(
    train_py: Callable[..., int], home: Path, tracking_store: Callable[[Path], Path]
) -> Path:
    """Of a sweep over two kernels, registered as celltype@champion; made once."""
    out = home / "bundle"
    with FileLock(f"{home}.lock"):
        if not out.exists():
            simulation = {"n_ser": 9, "n_nser": 9, "days": 3, "duration_s": 5}
            small = [f"prepare.simulation.{name}={value}" for name, value in simulation.items()]
            small += ["trainer.max_epochs=2", "data.batch_size=16"]
            places = [
                f"data_root={home / 'data'}",
                f"runs_root={tracking_store(home / 'mlruns')}",
            ]
            assert train_py("-m", "model.kernel=3,20", *places, *small) == 0
            export = ["stage=export", f"export.out={out}", "export.members=all"]
            assert train_py(*export, *places) == 0
    return out
