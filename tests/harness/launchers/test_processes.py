"""Work that several processes share, of which some are killed and some raise errors."""

import os
import signal
import threading
from pathlib import Path

import pytest

from raphe.harness.launchers.processes import import_ahead, run_all, start_method

pytestmark = pytest.mark.usefixtures("server_of_processes")


def test_every_piece_is_done_once_by_processes_that_loaded_before(tmp_path: Path) -> None:
    def note(name: str) -> None:
        import sys

        with (tmp_path / name).open("x") as file:  # x: not twice
            file.write(f"{os.getpid()} {'calendar' in sys.modules}")

    import_ahead(["calendar", "of_nobody"])
    run_all(note, [(name,) for name in "abcdef"], n_processes=2)
    done = [path.read_text().split() for path in sorted(tmp_path.iterdir())]
    assert len(done) == 6 and {loaded for _, loaded in done} == {"True"}
    assert str(os.getpid()) not in {process for process, _ in done}


def test_the_piece_of_a_process_that_is_killed_is_lost_and_no_other(tmp_path: Path) -> None:
    def note(name: str) -> None:
        if name == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        (tmp_path / name).touch()

    run_all(note, [("killed",), ("a",), ("b",), ("c",)], n_processes=2)
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b", "c"}
    run_all(note, [("killed",), ("d",)], n_processes=1)  # nobody is left for it
    assert not (tmp_path / "d").exists()


def test_where_a_socket_has_no_room_each_process_imports_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ("long" * 25)
    folder.mkdir()
    assert start_method() == "forkserver"
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    assert start_method() == "spawn"
    run_all((tmp_path / "done").write_text, [("1",)], n_processes=1)
    assert (tmp_path / "done").read_text() == "1"


def test_an_error_is_raised_once_all_else_is_done(tmp_path: Path) -> None:
    def note(name: str) -> None:
        if name == "wrong":
            raise ValueError("a wrong piece")
        (tmp_path / name).touch()

    with pytest.raises(ValueError, match="a wrong piece") as raised:
        run_all(note, [("wrong",), ("a",), ("b",)], n_processes=1)
    assert "in note" in str(raised.value.__cause__)  # where it was raised
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}


def test_an_error_that_no_other_process_can_have_is_told() -> None:
    def fail(_: int) -> None:
        error = ValueError("of a lock")
        error.lock = threading.Lock()
        raise error

    with pytest.raises(RuntimeError, match=r"ValueError\('of a lock'\)"):
        run_all(fail, [(0,)], n_processes=1)
