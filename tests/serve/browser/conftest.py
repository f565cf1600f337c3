"""A server of the toy predictor."""

from collections.abc import Callable
from pathlib import Path

import pytest

from serve.toy_predictor import Toy, toy_bundle


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(toy_bundle(tmp_path / "bundle"))


@pytest.fixture
def address(toy: Toy, serve_at: Callable[..., str]) -> str:
    return serve_at(toy)
