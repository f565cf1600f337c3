"""A server of the toy predictor, with or without a watched folder."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from http_caller import answering
from raphe.core.bundles.predictor import BundlePredictor
from raphe.serve.files import live
from raphe.serve.limits import Limits
from serve.toy_predictor import Toy, toy_bundle


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(toy_bundle(tmp_path / "bundle"))


@pytest.fixture
def serve_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Serve a predictor; the page's address."""
    monkeypatch.setattr(live, "EVERY_S", 0.1)
    with ExitStack() as servers:

        def serve(predictor: BundlePredictor, folder: Path | None = None) -> str:
            watched = None if folder is None else live.Live(predictor, folder, {})
            caller = servers.enter_context(answering(predictor, Limits(), live=watched))
            return f"http://127.0.0.1:{caller.port}/"

        yield serve


@pytest.fixture
def address(toy: Toy, serve_at: Callable[..., str]) -> str:
    return serve_at(toy)
