"""The folder of tracked runs: the database in it, and whether there is one."""

from pathlib import Path

from raphe.core.errors import SettingError

DATABASE = "mlflow.db"


def require_runs(runs_root: Path | str) -> Path:
    """The database of the folder. Raises SettingError where nothing has been tracked."""
    database = Path(runs_root) / DATABASE
    if not database.is_file():
        raise SettingError(
            f"{database}: there are no tracked runs here; train first, or name their folder with "
            "--runs FOLDER (a setting: runs_root=FOLDER)"
        )
    return database
