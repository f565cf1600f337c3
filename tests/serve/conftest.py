"""A bundle that answers as a test says, and a server of it."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from http_caller import Caller, answering
from raphe.core.bundles.bundle import CARD, BundleWriter
from raphe.core.bundles.fields import Field, read_fields
from raphe.core.bundles.manifest import BundleKind
from raphe.core.bundles.predictor import BundlePredictor
from raphe.core.errors import RecordingError
from raphe.serve.limits import Limits
from serve.toy_predictor import Toy, toy_bundle

ECHO = BundleKind("toy/echo", (CARD,), (), {})


class Echo(BundlePredictor):
    """Answers how many samples it was given, or does what the test says; sees which files."""

    FIELDS = (
        Field("samples", "numbers", "in pA", needed=True),
        Field("rate_hz", "number", "samples a second"),
        Field("prevalence", "shares", "of the classes", option="--prevalence"),
    )
    SUFFIXES = (".npy", ".csv", ".nwb")
    FILE_FIELDS = (Field("sweep", "whole", "its number", option="--sweep"),)
    ANSWER = {"n": "how many samples"}  # noqa: RUF012
    does: Callable[..., dict[str, Any]] | None = None

    def example(self) -> dict[str, Any]:
        return {"samples": [0.0, 1.0]}

    def answer(self, values: Mapping[str, object]) -> dict[str, Any]:
        given = read_fields(values, self.FIELDS)
        if self.does is not None:
            return self.does(given)
        return {"n": len(given["samples"])}

    def answer_file(self, path: Path, values: Mapping[str, object]) -> dict[str, Any]:
        given = read_fields(values, self.FILE_FIELDS)
        if self.does is not None:
            return self.does(path)
        if path.stat().st_size == 3:
            raise RecordingError(f"{path}: expected more than 3 bytes; pass --sweep")
        return {"n": path.stat().st_size, **given}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Echo:
    with BundleWriter(tmp_path_factory.mktemp("echo") / "bundle") as writer:
        return Echo(writer.finish(ECHO, {CARD: b"# A card"}, {"note": "A <toy>."}))


@pytest.fixture
def echo(served: Echo) -> Iterator[Echo]:
    yield served
    served.does = None


@pytest.fixture(scope="module")
def caller(served: Echo) -> Iterator[Caller]:
    with answering(served, Limits(file_bytes=100_000, at_once=1), names=["rig.lab"]) as caller:
        yield caller


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    return Toy(toy_bundle(tmp_path_factory.mktemp("toy") / "bundle"))


@pytest.fixture(scope="module")
def page(toy: Toy) -> Iterator[Caller]:
    """A caller of a server that the page asks."""
    with answering(toy, Limits(file_bytes=100_000, at_once=2)) as caller:
        yield caller
