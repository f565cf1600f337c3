"""A new database of runs, which appears whole or not at all."""

import shutil
import sys
from pathlib import Path

from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from raphe.core.ending import uninterrupted
from raphe.core.files.atomic import open_whole
from raphe.core.files.leavings import hidden_sibling, remove
from raphe.harness.database.address import address_of

SIDE_FILES = ("-journal", "-wal", "-shm")  # SQLite's, beside a database


def create_database(database: Path, artifacts: Path) -> None:
    """Make MLflow's tables, in seconds; the caller holds the lock of the folder.

    MLflow makes them in dozens of steps, and can neither go on nor begin again where one was cut
    off. So it makes them in a folder beside; what a killed process left of one the opening sweeps.
    """
    print(f"{database}: is being made, which takes some seconds", file=sys.stderr, flush=True)
    # Of a name of its own: this process keeps connections to a file that it could not finish.
    scratch = hidden_sibling(database, "partial")
    with uninterrupted():
        scratch.mkdir()
        try:
            made = scratch / database.name
            SqlAlchemyStore(address_of(made), artifacts.as_uri()).engine.dispose()
            for suffix in SIDE_FILES:  # of a database that was here once, and would spoil this one
                database.with_name(database.name + suffix).unlink(missing_ok=True)
            with open_whole(database) as file, made.open("rb") as whole:
                shutil.copyfileobj(whole, file)
        finally:
            remove(scratch)
