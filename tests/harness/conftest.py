"""Run the real train.py with the real conf and a toy task beside them."""

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from multiprocessing import forkserver
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from paths import PROJECT
from waiting import wait_until

TOY = Path(__file__).parent / "toy"


def toy_arguments(runs_root: Path, *overrides: str, multirun: bool = False) -> list[str]:
    return [
        *(["-m"] if multirun else []),
        f"--config-dir={TOY / 'conf'}",
        "task=toy",
        f"runs_root={runs_root}",
        *overrides,
    ]


@pytest.fixture
def runs_root(tmp_path: Path, tracking_store: Callable[[Path], Path]) -> Path:
    return tracking_store(tmp_path / "mlruns")


@pytest.fixture
def train(
    runs_root: Path, train_py: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    """Call train.py on the toy in this process; returns the exit code."""
    monkeypatch.syspath_prepend(str(TOY))

    def call(*overrides: str, multirun: bool = False) -> int:
        return train_py(*toy_arguments(runs_root, *overrides, multirun=multirun))

    return call


@pytest.fixture
def server_of_processes() -> Iterator[None]:
    """One of this test alone, with its environment and its output."""
    forkserver._forkserver._stop()
    yield
    forkserver._forkserver._stop()


@pytest.fixture
def train_with_workers(train: Callable[..., int], server_of_processes: None) -> Callable[..., int]:
    """`train` where a sweep starts processes."""
    return train


@pytest.fixture
def start_train_py() -> Iterator[Callable[..., subprocess.Popen]]:
    """Start train.py as a process of its own, to be interrupted or killed."""
    started = []

    def start(*arguments: str) -> subprocess.Popen:
        search = os.pathsep.join(filter(None, (str(TOY), os.environ.get("PYTHONPATH"))))
        environment = {**os.environ, "PYTHONPATH": search}
        environment.pop("HYDRA_FULL_ERROR", None)
        process = subprocess.Popen(
            [sys.executable, "train.py", *arguments],
            cwd=PROJECT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def start_train(
    runs_root: Path, start_train_py: Callable[..., subprocess.Popen]
) -> Callable[..., subprocess.Popen]:
    """The same on the toy."""

    def start(*overrides: str, multirun: bool = False) -> subprocess.Popen:
        return start_train_py(*toy_arguments(runs_root, *overrides, multirun=multirun))

    return start


class Runs:
    """What the tracking store of a test holds."""

    def __init__(self, runs_root: Path) -> None:
        self.client = MlflowClient(f"sqlite:///{runs_root / 'mlflow.db'}")

    def all(self) -> list:
        experiment = self.client.get_experiment_by_name("toy")
        return self.client.search_runs(
            [experiment.experiment_id], order_by=["attributes.start_time ASC"]
        )

    def parents(self) -> list:
        return [run for run in self.all() if "raphe.sweep" in run.data.tags]

    def children(self) -> list:
        return [run for run in self.all() if "mlflow.parentRunId" in run.data.tags]

    def history(self, run_id: str, metric: str) -> list[tuple[int, float]]:
        history = self.client.get_metric_history(run_id, metric)
        return [(entry.step, entry.value) for entry in history]

    def epochs(self, run: Run) -> tuple[list[str], list[list[float]]]:
        """Header and rows of the table of epochs."""
        path = Path(self.client.download_artifacts(run.info.run_id, "epochs.csv"))
        header, *rows = csv.reader(path.read_text().splitlines())
        return header, [[float(value) for value in row] for row in rows]

    def artifacts(self, run_id: str, under: str | None = None) -> set[str]:
        found = set()
        for entry in self.client.list_artifacts(run_id, under):
            found |= self.artifacts(run_id, entry.path) if entry.is_dir else {entry.path}
        return found


@pytest.fixture
def runs(runs_root: Path) -> Callable[[], Runs]:
    return lambda: Runs(runs_root)


class Epochs:
    """The epochs that the toy has begun, and where it is held."""

    def __init__(self, folder: Path) -> None:
        self._begun, self._hold = folder / "epochs", folder / "hold"
        self.settings = [f"model.epochs_file={self._begun}", f"model.hold_file={self._hold}"]

    @property
    def begun(self) -> list[str]:
        """Their numbers, in the order in which they began."""
        return self._begun.read_text().split() if self._begun.exists() else []

    def hold_at(self, n_begun: int) -> None:
        """Whoever begins this epoch or a later one waits there."""
        new = self._hold.with_suffix(".new")
        new.write_text(str(n_begun))
        new.replace(self._hold)  # whole, as it may be read meanwhile

    def let_go(self) -> None:
        self._hold.unlink()

    def wait(self, n_begun: int, process: subprocess.Popen) -> None:
        wait_until(lambda: len(self.begun) >= n_begun, process)


@pytest.fixture
def epochs(tmp_path: Path) -> Epochs:
    return Epochs(tmp_path)
