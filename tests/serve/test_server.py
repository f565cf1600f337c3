"""From a folder to a server: a bundle that is whole, an address that can be, words of both."""

import re
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import uvicorn

from raphe import cli
from raphe.core.bundles.bundle import CARD, BundleWriter
from raphe.core.bundles.manifest import BundleKind
from raphe.core.bundles.predictor import BundlePredictor
from raphe.serve import server
from waiting import HANG_S

ECHO = BundleKind("toy/echo", (CARD,), (), {})


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`raphe serve` of a bundle of no task, up to where it would listen for good."""
    with BundleWriter(tmp_path / "bundle") as writer:
        opened = writer.finish(ECHO, {CARD: b"# A card"}, {"note": ""})

    class Toy(BundlePredictor):
        SUFFIXES = (".abf",)

        def example(self) -> dict:
            return {}

    def load(path: Path, threads: int, content_hash: str | None) -> Toy:
        assert path.is_absolute()  # so that a sentence's words are told from it
        return Toy(opened)

    monkeypatch.setattr(server, "load_predictor", load)
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, listeners: None)
    return lambda *options: cli.main(["serve", str(tmp_path / "bundle"), *options])


def test_it_says_where_it_listens_and_how_to_ask(start, capsys) -> None:
    assert start("--port", "0") == 0
    told = capsys.readouterr()
    first, *_, last = told.out.splitlines()
    assert first.endswith("bundle: is being checked and loaded")
    assert last.startswith("http://127.0.0.1:") and last.endswith("/")
    assert "toy/echo, every hash is right" in told.out and told.err == ""
    assert "  curl --data-binary @recording.abf 'http://127.0.0.1:" in told.out
    assert "/predict/file?name=recording.abf'" in told.out
    assert "/explained/can_i_trust_this says how far its answers can be trusted\n" in told.out


def test_a_bundle_in_a_relative_folder_is_served(start, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["serve", "bundle", "--port", "0"]) == 0


def test_what_the_first_answer_would_wait_for_is_done_at_the_start(
    start, capsys, monkeypatch
) -> None:
    answered = threading.Event()
    monkeypatch.setattr(BundlePredictor, "PREPARES", "it is compiled")
    monkeypatch.setattr(BundlePredictor, "answer", lambda self, values: answered.set())
    assert start("--port", "0") == 0
    assert answered.wait(HANG_S)
    assert "it is compiled; answers wait until then" in capsys.readouterr().out


def test_another_host_needs_a_token_and_is_told_to_be_open(start, capsys) -> None:
    assert start("--port", "0", "--host", "0.0.0.0") == 0
    told = capsys.readouterr()
    assert "whoever has the link can ask" in told.err and "nothing is encrypted" in told.err
    (token,) = re.findall(r"\nhttp://[\d.]+:\d+/\?token=([\w-]{22})\n$", told.out)
    assert f"-H 'Authorization: Bearer {token}'" in told.out
    assert start("--port", "0", "--host", "localhost") == 0
    assert capsys.readouterr().err == ""


def test_silent_connections_neither_shut_others_out_nor_keep_it_alive(start, monkeypatch) -> None:
    configs = []
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, _: configs.append(self.config))
    assert start("--port", "0") == 0
    (config,) = configs
    assert config.limit_concurrency is None and config.timeout_graceful_shutdown <= 10


def test_an_address_that_cannot_be_is_one_sentence(start, capsys) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert start("--port", str(port)) == 1
    told = capsys.readouterr().err
    assert told == (
        f"error: --port {port}: another program listens there; name a free one, as --port "
        f"{port + 1}\n"
    )
    assert start("--port", "99999") == 1
    assert "expected a number from 0" in capsys.readouterr().err
    assert start("--host", "nowhere.invalid") == 1
    assert "--host nowhere.invalid --port 8000: cannot listen there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value"),
    [("--max-mb", "-1"), ("--max-mb", "nan"), ("--max-mb", "x"), ("--at-once", "0")],
)
def test_limits_that_cannot_be_are_wrong_usage(start, option: str, value: str) -> None:
    with pytest.raises(SystemExit) as leaving:
        start(option, value)
    assert leaving.value.code == 2


def test_a_bundle_that_is_not_whole_is_not_served(tmp_path: Path, capsys) -> None:
    with BundleWriter(tmp_path / "bundle") as writer:
        writer.finish(BundleKind("calcium/rates", (CARD,), (), {}), {CARD: b"a card"}, {})
    assert cli.main(["serve", str(tmp_path / "bundle")]) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: ") and "manifest.json: it holds no conditioning" in told
