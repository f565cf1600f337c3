"""Run the real train.py with the real conf and a toy task beside them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient

from paths import PROJECT

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
def runs_root(tmp_path: Path) -> Path:
    return tmp_path / "mlruns"


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
def start_train(runs_root: Path) -> Callable[..., subprocess.Popen]:
    """Start train.py as a process of its own, to be interrupted or killed."""

    def start(*overrides: str, multirun: bool = False) -> subprocess.Popen:
        search = os.pathsep.join(filter(None, (str(TOY), os.environ.get("PYTHONPATH"))))
        environment = {**os.environ, "PYTHONPATH": search, "OMP_NUM_THREADS": "1"}
        environment.pop("HYDRA_FULL_ERROR", None)
        return subprocess.Popen(
            [sys.executable, "train.py", *toy_arguments(runs_root, *overrides, multirun=multirun)],
            cwd=PROJECT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

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

    def artifacts(self, run_id: str, under: str | None = None) -> set[str]:
        found = set()
        for entry in self.client.list_artifacts(run_id, under):
            found |= self.artifacts(run_id, entry.path) if entry.is_dir else {entry.path}
        return found


@pytest.fixture
def runs(runs_root: Path) -> Callable[[], Runs]:
    return lambda: Runs(runs_root)


@pytest.fixture
def wait_for_epochs() -> Callable[[Path, int, subprocess.Popen], None]:
    """Wait until a started train.py has begun so many epochs."""

    def wait(epochs_file: Path, n: int, process: subprocess.Popen) -> None:
        deadline = time.monotonic() + 60
        while not epochs_file.exists() or len(epochs_file.read_text().split()) < n:
            assert process.poll() is None, process.stdout.read()
            assert time.monotonic() < deadline, "the run did not start"
            time.sleep(0.05)

    return wait
