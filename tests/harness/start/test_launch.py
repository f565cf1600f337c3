"""Programs that are started one after the other in one process."""

import os
import signal

import pytest

from raphe.core.errors import StoreError
from raphe.harness.start.launch import launch


@pytest.fixture(autouse=True)
def handlers():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def refused() -> None:
    raise StoreError("nowhere: no such store")


def test_a_second_program_of_a_process_tells_its_errors_in_a_line_too(monkeypatch, capsys):
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    for _ in range(2):
        assert launch(refused) == 1
        assert capsys.readouterr().err == "error: nowhere: no such store\n"
        assert "HYDRA_FULL_ERROR" not in os.environ


def test_a_traceback_is_shown_where_it_is_asked_for(monkeypatch):
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(StoreError):
        launch(refused)
    assert os.environ["HYDRA_FULL_ERROR"] == "1"
