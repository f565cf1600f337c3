"""A tracking store is opened whole, or refused in one sentence that names file and remedy."""

import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from raphe.core.errors import SettingError
from raphe.harness.database import checks, opening
from raphe.harness.database.address import address_of
from raphe.harness.database.opening import open_to_read, open_to_write
from raphe.harness.tracking import Tracker
from waiting import HANG_S

OPEN = """
import pathlib, sys
from raphe.harness.tracking import Tracker
Tracker("one", pathlib.Path(sys.argv[1]))
"""
N_KILLS = 8
PARTIAL = ".mlflow.db.*.partial"


def opening_process(runs_root: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", OPEN, str(runs_root)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


@pytest.fixture
def runs_root(tmp_path: Path, tracking_store: Callable[[Path], Path]) -> Path:
    return tracking_store(tmp_path / "mlruns")


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "PATIENCE_S", 0.2)


def junk(database: Path) -> None:
    database.write_bytes(b"not a database" * 100)


def cut(database: Path) -> None:
    database.write_bytes(database.read_bytes()[: database.stat().st_size * 2 // 3])


def cut_within_its_header(database: Path) -> None:
    database.write_bytes(database.read_bytes()[:50])


def zeros_inside(database: Path) -> None:
    content = bytearray(database.read_bytes())
    content[4096 : 3 * 4096] = bytes(2 * 4096)
    database.write_bytes(content)


def folder(database: Path) -> None:
    database.unlink()
    database.mkdir()


def broken_link(database: Path) -> None:
    database.unlink()
    database.symlink_to(database.with_name("nowhere") / "mlflow.db")


def half_made(database: Path) -> None:
    """As MLflow leaves its database when it is interrupted."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DELETE FROM alembic_version")


def of_another_program(database: Path) -> None:
    database.unlink()
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE mine (a)")


def version(name: str) -> Callable[[Path], None]:
    def change(database: Path) -> None:
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (name,))

    return change


DAMAGES = [
    (junk, "is no whole database of tracked runs .*; put a copy back, or move it away"),
    (cut, "is no whole database of tracked runs"),
    (cut_within_its_header, "is no whole database of tracked runs"),
    (zeros_inside, "is no whole database of tracked runs"),
    (folder, "got a folder; move it away"),
    (broken_link, "got no file; move it away"),
    (half_made, "is no whole database of tracked runs"),
    (of_another_program, "is no whole database of tracked runs .no such table"),
    (version("ffffffffffff"), "was made by a newer MLflow than the"),
    (version("451aebb31d03"), "was made by an older MLflow.*mlflow db upgrade"),
]


@pytest.mark.parametrize(("damage", "told"), DAMAGES)
def test_a_damaged_database_is_one_sentence_at_once_and_stays_as_it_is(
    runs_root: Path, damage: Callable[[Path], None], told: str
) -> None:
    database = runs_root / "mlflow.db"
    damage(database)
    before = database.read_bytes() if database.is_file() else None
    started = time.monotonic()
    for open_it in (open_to_write, open_to_read):
        with pytest.raises(SettingError, match=f"^{database}: .*{told}"):
            open_it(runs_root, None)
    assert time.monotonic() - started < HANG_S / 4
    assert (database.read_bytes() if database.is_file() else None) == before


def test_a_database_that_another_program_keeps_locked_is_told(runs_root: Path) -> None:
    with closing(sqlite3.connect(runs_root / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for open_it in (open_to_write, open_to_read):
            with pytest.raises(SettingError, match="another program has locked it for"):
                open_it(runs_root, None)
    open_to_write(runs_root, None)


def test_mlflow_below_a_folder_with_a_percent_sign_is_refused(
    runs_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks.mlflow, "__file__", "/a%b/.venv/mlflow/__init__.py")
    with pytest.raises(SettingError, match="a folder whose path holds a %; rename the folder"):
        open_to_read(runs_root, None)


def test_runs_and_artifacts_are_tracked_below_a_folder_of_odd_characters(
    tmp_path: Path, tracking_store: Callable[[Path], Path]
) -> None:
    root = tracking_store(tmp_path / "100%41 a?b#c;d&e='f' (g) ü" / "mlruns")
    run = Tracker("one", root).begin("run", {"raphe.key": "k"})
    run.log_text("text", "sub/note.txt")
    run.end("FINISHED")
    (note,) = root.glob("artifacts/one/*/artifacts/sub/note.txt")
    assert note.read_text() == "text"
    copy = open_to_read(root, None).download_artifacts(run.run_id, "sub/note.txt", str(tmp_path))
    assert Path(copy).read_text() == "text"
    assert {path.name for path in tmp_path.iterdir()} == {root.parent.name, "note.txt"}


def test_a_named_database_that_is_not_there_is_told_and_nothing_is_made(tmp_path: Path) -> None:
    uri = address_of(tmp_path / "no" / "x.db")
    with pytest.raises(SettingError, match="expected the path of a database, there is none"):
        open_to_read(tmp_path, uri)
    with pytest.raises(SettingError, match=r"expected a folder .* for the database"):
        open_to_write(tmp_path, uri)
    assert not list(tmp_path.iterdir())


def test_a_server_that_does_not_answer_is_told_at_once_and_without_its_password() -> None:
    for scheme in ("http", "postgresql", "mysql+pymysql"):
        with pytest.raises(SettingError, match=r"got no answer from 127\.0\.0\.1:9 ") as error:
            open_to_read(Path("unused"), f"{scheme}://me:SECRET@127.0.0.1:9/runs?token=SECRET")
        assert "SECRET" not in str(error.value)


def test_a_server_that_takes_and_never_speaks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "ANSWER_S", 0.1)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))  # and does not listen
        with pytest.raises(SettingError, match="no answer"):
            open_to_read(Path("unused"), f"http://127.0.0.1:{full.getsockname()[1]}")


def test_an_interruption_while_the_database_is_made_waits_and_leaves_a_whole_one(
    tmp_path: Path,
) -> None:
    process = opening_process(tmp_path)
    wait_for(tmp_path, f"{PARTIAL}/mlflow.db", process)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=HANG_S)
    assert process.returncode == -signal.SIGTERM, (
        errors
    )  # ended by it, but not before the database was whole
    checks.check_database(tmp_path / "mlflow.db", to_write=True)
    assert not list(tmp_path.glob(PARTIAL))


@pytest.mark.parametrize("is_made", [True, False])
def test_what_a_killed_process_left_of_a_database_is_swept(runs_root: Path, is_made: bool) -> None:
    whole = runs_root / "mlflow.db"
    partial = runs_root / f".mlflow.db.{socket.gethostname()}.999999999.1.01234567.partial"
    partial.mkdir()
    shutil.copy(whole, partial)
    cut(partial / "mlflow.db")
    if not is_made:
        whole.write_bytes(b"")  # as MLflow itself leaves one, where it is killed at once
        (runs_root / "mlflow.db-journal").write_bytes(b"of a database that was removed")
    open_to_write(runs_root, None)
    assert {path.name for path in runs_root.iterdir()} == {"mlflow.db", ".mlflow.lock"}


@pytest.mark.ci
def test_a_process_killed_at_any_time_while_it_makes_the_database_hinders_no_later_one(
    tmp_path: Path,
) -> None:
    random = Random(0)
    for number in range(N_KILLS):
        runs_root = tmp_path / str(number)
        process = opening_process(runs_root)
        wait_for(runs_root, PARTIAL, process)
        time.sleep(random.uniform(0, 6))
        process.kill()
        process.wait(HANG_S)
        Tracker("one", runs_root).begin("run", {}).end("FINISHED")
        assert not list(runs_root.glob(PARTIAL))


def wait_for(folder: Path, pattern: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + HANG_S
    while not list(folder.glob(pattern)) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
