"""Whether a SQLite file is a whole database of this MLflow's, told before MLflow opens it.

MLflow itself tries a damaged file again and again for minutes, migrates an older one on the spot,
and ends with the traceback of a library.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import quote

import mlflow
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

from raphe.core.errors import SettingError
from raphe.core.files.refusals import disk_full

PATIENCE_S = 20.0  # as long as MLflow waits for another process's transaction
MOST_CHECKED_BYTES = 2**26  # page by page, in less than a second
BUSY = ("locked", "busy")


def require_readable_mlflow() -> None:
    """Raise SettingError where MLflow is installed below a folder that its migrations misread."""
    folder = Path(mlflow.__file__).parent
    if "%" in str(folder):
        raise SettingError(
            f"{folder}: MLflow cannot make or open a database from a folder whose path holds a %; "
            "rename the folder, or make the environment (.venv) elsewhere"
        )


def check_database(database: Path, to_write: bool) -> None:
    """Raise SettingError for a file that is not a whole database of this MLflow's.

    `to_write`: also for one that cannot be written now.
    """
    if not database.is_file():
        kind = "a folder" if database.is_dir() else "no file"
        raise SettingError(
            f"{database}: expected the database of tracked runs, got {kind}; move it away, and the "
            "same command makes a new one"
        )
    if to_write and not os.access(database, os.W_OK):
        raise SettingError(
            f"{database}: may not be written to by this user; see who owns it, or name another "
            "folder with runs_root=FOLDER"
        )
    try:
        with connected(database) as connection:
            if to_write:
                connection.execute("BEGIN IMMEDIATE")
                connection.rollback()
            _check_pages(connection, database)
            (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            connection.execute("SELECT count(*) FROM experiments").fetchone()
    except sqlite3.Error as error:
        raise _refusal(database, error) from error
    except TypeError:  # no row
        raise _damaged(database, "it names no version of its tables") from None
    _check_version(database, version)


@contextlib.contextmanager
def connected(database: Path) -> Iterator[sqlite3.Connection]:
    """Open a database that is there, to write if its file can be; transactions are the caller's."""
    uri = f"file:{quote(database.as_posix())}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, timeout=PATIENCE_S, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def _check_pages(connection: sqlite3.Connection, database: Path) -> None:
    """A file that was cut opens like a whole one until a lost page is asked for."""
    (n_pages,) = connection.execute("PRAGMA page_count").fetchone()
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    n_bytes = database.stat().st_size
    if n_bytes < n_pages * page_bytes:
        raise _damaged(database, f"{n_pages * page_bytes} bytes are expected, {n_bytes} are there")
    if n_bytes <= MOST_CHECKED_BYTES:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise _damaged(database, " ".join(str(verdict).split()))


@cache
def _migrations() -> ScriptDirectory:
    """MLflow's: dozens of modules, which a process that opens many databases reads once."""
    return ScriptDirectory(str(Path(mlflow.__file__).parent / "store" / "db_migrations"))


def _check_version(database: Path, version: str) -> None:
    if version in _migrations().get_heads():
        return
    try:
        _migrations().get_revision(version)
    except CommandError:
        raise SettingError(
            f"{database}: was made by a newer MLflow than the {mlflow.__version__} installed here "
            f"(its tables are of version {version}); install that one with `pip install -U mlflow`"
        ) from None
    raise SettingError(
        f"{database}: was made by an older MLflow, or was not finished (its tables are of version "
        f"{version}); make a copy and run `mlflow db upgrade sqlite:///{database}`, or, where it "
        "holds no runs to keep, move it away"
    )


def _refusal(database: Path, error: sqlite3.Error) -> SettingError:
    reason = str(error)
    if any(word in reason for word in BUSY):
        return SettingError(
            f"{database}: another program has locked it for {PATIENCE_S:g} s; close that program, "
            "then run the same command again"
        )
    if "full" in reason:
        return SettingError(disk_full(database))
    if "readonly" in reason or "unable to open" in reason:
        return SettingError(
            f"{database}: cannot be opened by this user ({reason}); see who may read and write it "
            "and its folder, or name another folder with runs_root=FOLDER"
        )
    return _damaged(database, reason)


def _damaged(database: Path, reason: str) -> SettingError:
    return SettingError(
        f"{database}: is no whole database of tracked runs ({reason}); put a copy back, or move it "
        "away, and training makes a new one"
    )
