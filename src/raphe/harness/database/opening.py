"""The one place that opens a tracking store: a database as it should be, a server that answers."""

import contextlib
import logging
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from raphe.core.errors import SettingError
from raphe.core.files.leavings import sweep
from raphe.core.files.locks import can_write, locked
from raphe.core.files.refusals import disk_full, is_disk_full
from raphe.core.sentences import first_line
from raphe.harness.database.address import (
    address_of,
    is_server,
    local_folder,
    sqlite_file,
    without_credentials,
)
from raphe.harness.database.checks import check_database, require_readable_mlflow
from raphe.harness.database.creation import create_database
from raphe.harness.database.folder import DATABASE, make_runs_folder, require_runs
from raphe.harness.database.login import (
    knows_no_login,
    login_refused,
    require_readable_login,
)
from raphe.harness.database.patience import OutOfPatience
from raphe.harness.database.relocation import ARTIFACTS, former_places, relocate

LOCK = ".mlflow.lock"
LINE_LENGTH = 160  # of what MLflow says in an error
ANSWER_S = 10.0
PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}
SETTING, OPTION = "tracking.uri=", "--uri "
REMEDIES = {
    SETTING: "start one with `mlflow server`, or leave tracking.uri=null",
    OPTION: "start one with `mlflow server`, or name another with --uri",
}


# What it raises is told; it would print its tracebacks, too, and each step of a new database.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


@contextlib.contextmanager
def reaching(uri: str, named_by: str = SETTING) -> Iterator[None]:
    """Turn what a store that does not answer raises into a SettingError, also in making a client.

    A database whose driver is not installed is an ImportError. A server that has answered once and
    is waited for in vain is no wrong address: that passes.
    """
    try:
        yield
    except OutOfPatience:
        raise
    except (MlflowException, ImportError, SQLAlchemyError) as error:
        if is_disk_full(error) and (database := sqlite_file(uri)) is not None:
            raise SettingError(disk_full(database)) from error
        if (database := sqlite_file(uri)) is not None:
            raise SettingError(
                f"{database}: expected the database of tracked runs, got {said(error)}; see who "
                "may read and write it, or name another folder of runs"
            ) from error
        if knows_no_login(error):
            raise SettingError(login_refused(f"{named_by}{without_credentials(uri)}")) from error
        raise SettingError(
            f"{named_by}{without_credentials(uri)}: expected an MLflow server or database, got "
            f"{said(error)}; {REMEDIES[named_by]}"
        ) from error


def said(error: BaseException) -> str:
    """What an error says, in a line and without credentials."""
    return without_credentials(first_line(error, LINE_LENGTH))


def open_to_write(
    runs_root: Path, uri: str | None, is_known_to_answer: bool = False
) -> MlflowClient:
    """A client of the database in a folder of runs, which is made if it is not there, or of `uri`.

    Args:
        runs_root: the folder of runs.
        uri: of a server or database.
        is_known_to_answer: of a server that another process of the command has reached: it is not
            asked, as it may be away for a moment.

    Raises:
        SettingError: there is none to work with.
    """
    make_runs_folder(runs_root)
    database = runs_root / DATABASE if uri is None else sqlite_file(uri)
    if is_known_to_answer and is_server(uri):
        return MlflowClient(uri)
    if database is None:
        return _of_server(str(uri), SETTING)
    require_readable_mlflow()
    if not database.parent.is_dir():
        raise SettingError(
            f"tracking.uri={uri}: expected a folder {database.parent} for the database, there is "
            "none; make it, or correct the path"
        )
    # Processes that open a fresh SQLite file at once crash in MLflow's migrations.
    with reaching(address_of(database)), locked(database.parent / LOCK):
        sweep(database.parent)  # of one that was killed as it made a database, or had just done so
        if not os.path.lexists(database) or _is_empty(database):
            create_database(database, runs_root / ARTIFACTS)
        check_database(database, to_write=True)
        if uri is None:  # else runs of several folders may be tracked in it
            relocate(database)
        return MlflowClient(address_of(database))


def open_to_read(runs_root: Path, uri: str | None) -> MlflowClient:
    """A client of what is tracked already; makes nothing. Raises SettingError where nothing is."""
    database = require_runs(runs_root).absolute() if uri is None else sqlite_file(uri)
    if database is None:
        return _of_server(str(uri), OPTION)
    require_readable_mlflow()
    if uri is not None and not database.exists():
        address = without_credentials(uri)
        raise SettingError(f"--uri {address}: expected the path of a database, there is none")
    with reaching(address_of(database)):
        check_database(database, to_write=False)
        if uri is None and (former := former_places(database)):
            if not (os.access(database, os.W_OK) and can_write(database.parent)):
                print(
                    f"note: {database.parent}: was {local_folder(former[0])} before and cannot be "
                    "written to; files of its runs are still looked for there",
                    file=sys.stderr,
                )
                return MlflowClient(address_of(database))
            with locked(database.parent / LOCK):
                check_database(database, to_write=True)
                relocate(database)
        return MlflowClient(address_of(database))


def _is_empty(database: Path) -> bool:
    """As SQLite leaves a file where it is killed at once."""
    return database.is_file() and not database.stat().st_size


def _of_server(uri: str, named_by: str) -> MlflowClient:
    """MLflow tries a server or database that is not there for minutes; asked once, it is told."""
    if is_server(uri):
        require_readable_login()
    with reaching(uri, named_by):
        _require_answer(uri, named_by)
        return MlflowClient(uri)


def _require_answer(uri: str, named_by: str) -> None:
    try:
        parts = urlsplit(uri)
        port = parts.port or PORTS.get(parts.scheme.partition("+")[0])
        host = parts.hostname
    except ValueError:
        host = port = None
    if not host or port is None:
        return  # MLflow knows other kinds, and refuses what is none
    if parts.scheme in getproxies() and not proxy_bypass(host):
        return  # asked through another machine
    try:
        socket.create_connection((host, port), timeout=ANSWER_S).close()
    except OSError as error:
        raise SettingError(
            f"{named_by}{without_credentials(uri)}: expected an MLflow server or database, got no "
            f"answer from {host}:{port} ({error.strerror or first_line(error)}); "
            f"{REMEDIES[named_by]}"
        ) from error
