"""Fixtures shared by all tests."""

import os
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

PROJECT = Path(__file__).resolve().parents[1]
SHARED_DATA = PROJECT.parent / "shared" / "data"


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared_data() -> Callable[..., Path]:
    """Path of a file of the real data beside the project; skips the test where it is absent."""

    def find(*parts: str) -> Path:
        path = SHARED_DATA.joinpath(*parts)
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
