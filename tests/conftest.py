"""Fixtures shared by all tests."""

import os
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from paths import PROJECT, REAL_DATA


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared_data() -> Callable[..., Path]:
    """Path of a file of the real data beside the project; skips the test where it is absent."""

    def find(*parts: str) -> Path:
        path = REAL_DATA.joinpath(*parts)
        if not path.exists():
            pytest.skip(f"real data absent: {path}")
        return path

    return find


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
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `bundle` keeps its data and runs."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def bundle(train_py: Callable[..., int], home: Path) -> Path:
    """Of a sweep over two kernels, registered as celltype@champion; made once."""
    out = home / "bundle"
    if not out.exists():
        simulation = {"n_ser": 9, "n_nser": 9, "days": 3, "duration_s": 5}
        small = [f"prepare.simulation.{name}={value}" for name, value in simulation.items()]
        small += ["trainer.max_epochs=2", "data.batch_size=16"]
        places = [f"data_root={home / 'data'}", f"runs_root={home / 'mlruns'}"]
        assert train_py("-m", "model.kernel=3,20", *places, *small) == 0
        assert train_py("stage=export", *places, f"export.out={out}", "export.members=all") == 0
    return out
