"""What a batch goes on without is told in one sentence, whatever was wrong with it."""

from pathlib import Path

from raphe.core.errors import RecordingError
from raphe.core.files.left_out import FULL_ERROR, Failure, left_out_words

PATH = Path("rig/a.abf")


def test_a_failure_names_its_file_once():
    assert str(Failure(PATH, "is cut")) == f"{PATH}: is cut"
    assert str(Failure(PATH, f"{PATH}: is cut")) == f"{PATH}: is cut"


def test_a_name_cannot_write_over_the_terminal():
    path = Path("\x1b[2J\u202efba.abf")
    assert str(Failure(path, "is\ncut")) == r"\x1b[2J\u202efba.abf: is\ncut"
    named_once = Failure.of(path, RecordingError(f"{path}: is cut"))
    assert str(named_once) == r"\x1b[2J\u202efba.abf: is cut"


def test_every_exception_becomes_a_sentence(monkeypatch, capsys):
    monkeypatch.delenv(FULL_ERROR, raising=False)
    assert str(Failure.of(PATH, RecordingError("is cut"))) == f"{PATH}: is cut"
    refused = PermissionError(13, "Permission denied", str(PATH))
    assert str(Failure.of(PATH, refused)) == (
        f"{PATH}: could not be read: permission is denied; choose a place that is yours, or ask "
        "for access"
    )
    ours = str(Failure.of(PATH, KeyError("x")))
    assert "please report it" in ours and "KeyError" not in ours
    assert not capsys.readouterr().err


def test_the_traceback_of_a_defect_is_there_for_those_who_ask(monkeypatch, capsys):
    monkeypatch.setenv(FULL_ERROR, "1")
    Failure.of(PATH, KeyError("x"))
    assert "KeyError: 'x'" in capsys.readouterr().err


def test_the_first_of_those_left_out_stands_in_the_sentence():
    assert left_out_words([]) == ""
    failures = [Failure(PATH, "is cut"), Failure(PATH, "is a pipe")]
    assert left_out_words(failures) == f"; left out: {PATH}: is cut (and 1 more like it)"
