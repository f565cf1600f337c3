"""A signal ends a program once, in one line, and lets it tidy up."""

import os
import signal

import pytest

from raphe.core import ending
from raphe.core.ending import GOES_ON, Interrupted, interrupted, interruptible


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_each_signal_to_end_raises_and_has_its_exit_code(number: int, code: int, capsys) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as raised, interruptible():
        signal.raise_signal(number)
    assert interrupted(raised.value, GOES_ON) == code
    assert capsys.readouterr().err == (
        "interrupted: run the same command again to go on from here\n"
    )
    assert signal.getsignal(number) is before


def test_a_second_signal_does_not_cut_the_tidying_short(monkeypatch) -> None:
    tidied = []
    with pytest.raises(Interrupted), interruptible():
        try:
            os.kill(os.getpid(), signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
            tidied.append(True)
    assert tidied
    monkeypatch.setattr(ending, "ENDING_S", 0.0)  # one that comes late is heeded
    with pytest.raises(Interrupted) as raised, interruptible():
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGTERM)
    assert raised.value.number == signal.SIGTERM


def test_a_signal_that_was_to_be_ignored_is(monkeypatch) -> None:
    """As `nohup raphe …` has it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_a_library_made_of_the_interruption_has_its_exit_code() -> None:
    with pytest.raises(KeyboardInterrupt) as raised:
        try:
            raise Interrupted(signal.SIGTERM)
        except KeyboardInterrupt:
            raise KeyboardInterrupt from SystemExit(1)
    assert interrupted(raised.value) == 143
