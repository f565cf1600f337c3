"""A folder of runs that was moved or copied: where its artifacts lie is set to where it is now.

MLflow keeps the place of each experiment's, run's and model's files as an absolute address. A
renamed folder's are then nowhere, and a copy's are the original's.
"""

import sqlite3
import sys
from pathlib import Path

from filelock import Timeout

from raphe.core.errors import SettingError
from raphe.core.files.locks import lock_file
from raphe.core.sentences import counted
from raphe.harness.database.address import local_folder
from raphe.harness.database.checks import connected

ARTIFACTS = "artifacts"  # folder of the runs' files, one in it for each experiment
ADDRESSES = (  # columns of MLflow's tables
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def former_places(database: Path) -> list[str]:
    """Addresses of the folders in which this one's artifacts are said to lie, beside its own."""
    here = database.parent
    with connected(database) as connection:
        rows = connection.execute("SELECT artifact_location FROM experiments").fetchall()
    places = {_root_of(location) for (location,) in rows if location}
    return sorted(
        place for place in places if place not in ("", here.as_uri()) and not _is(place, here)
    )


def relocate(database: Path) -> None:
    """Set the places of all artifacts below former folders to this one, in one transaction.

    The caller holds the lock of the folder. Raises SettingError while runs are at work in it, to
    whom the former place may still be right, as to a container that sees the folder elsewhere.
    """
    places = former_places(database)
    if not places:
        return
    here, former = database.parent, local_folder(places[0])
    if _at_work(here):
        raise SettingError(
            f"{here}: runs are at work here that know this folder as {former}; wait for them, or "
            "name it so"
        )
    with connected(database) as connection:
        connection.execute("BEGIN IMMEDIATE")
        n_runs = sum(_rewrite(connection, place, here.as_uri()) for place in places)
        connection.execute("COMMIT")
    print(
        f"{here}: was {former} before; the files of {counted('run', n_runs)} are now looked for "
        "here",
        file=sys.stderr,
        flush=True,
    )


def _rewrite(connection: sqlite3.Connection, former: str, now: str) -> int:
    """Returns of how many runs."""
    n_runs = 0
    for table, column in ADDRESSES:
        changed = connection.execute(
            f"UPDATE {table} SET {column} = :now || substr({column}, length(:former) + 1) "
            f"WHERE substr({column}, 1, length(:former) + 1) = :former || '/'",
            {"now": now, "former": former},
        )
        n_runs += changed.rowcount if table == "runs" else 0
    return n_runs


def _root_of(location: str) -> str:
    """The folder of runs, of an experiment's place in it; "" for a place that is not of this kind.

    As raphe gives it: FOLDER/artifacts/EXPERIMENT.
    """
    if local_folder(location) is None:
        return ""
    root, separator, _ = location.rpartition(f"/{ARTIFACTS}/")
    return root if separator else ""


def _is(place: str, folder: Path) -> bool:
    """Whether both are one folder, as through a link or in another case of letters."""
    local = local_folder(place)
    try:
        return local is not None and local.samefile(folder)
    except OSError:  # it is gone, as after a move
        return False


def _at_work(runs_root: Path) -> bool:
    for lock in (*runs_root.glob(".sweep-*.lock"), *runs_root.glob("work/*/lock")):
        try:
            with lock_file(lock).acquire(blocking=False):
                pass
        except Timeout:
            return True
    return False
