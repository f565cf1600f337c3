"""The folder of tracked runs: the database in it, whether it is there and can be written."""

import os
import re
from pathlib import Path
from tempfile import TemporaryFile

from raphe.core.errors import SettingError
from raphe.core.files.refusals import refusal

DATABASE = "mlflow.db"
DEFAULT_RUNS_ROOT = Path("mlruns")  # where commands look
NOT_USED = "cannot be made or written to"
MOUNTS = Path("/proc/mounts")  # Linux's
OVER_A_NETWORK = re.compile(
    r"nfs\d?|cifs|smb\w*|afs|ceph|lustre|gpfs|beegfs|glusterfs|fuse\.(sshfs|rclone|s3fs|glusterfs|"
    r"ceph\S*|gcsfuse|blobfuse\d?|smb\S*|gvfsd\S*|davfs\S*|osxfs|juicefs)|davfs"
)


def require_runs(runs_root: Path | str) -> Path:
    """The database of the folder. Raises SettingError where nothing has been tracked."""
    database = Path(runs_root) / DATABASE
    if not os.path.lexists(database):
        raise SettingError(
            f"{database}: there are no tracked runs here; train first, or name their folder with "
            "--runs FOLDER (a setting: runs_root=FOLDER)"
        )
    return database


def make_runs_folder(runs_root: Path) -> None:
    """Make the folder of runs and see that files can be written there. Raises SettingError."""
    try:
        runs_root.mkdir(parents=True, exist_ok=True)
        try:
            TemporaryFile(dir=runs_root).close()
        except OSError as error:  # without the name of that file, which says nothing
            raise OSError(error.errno, error.strerror) from error
    except OSError as error:
        raise SettingError(refusal(error, f"runs_root={runs_root}", NOT_USED)) from error


def network_note(runs_root: Path, mounts: Path = MOUNTS) -> str:
    """What is to be said of a folder of runs that lies on another machine; "" of a local one.

    SQLite asks the file system for locks, which those of a network may grant to two at once.
    """
    kind = _file_system(runs_root.resolve(), mounts)
    if not OVER_A_NETWORK.fullmatch(kind):
        return ""
    return (
        f"note: {runs_root} lies on a network ({kind}), where SQLite's locks cannot be relied "
        "upon: train from one machine at a time, or set runs_root to a local folder, or "
        "tracking.uri to an MLflow server"
    )


def _file_system(folder: Path, mounts: Path) -> str:
    """The kind of the innermost mount that holds a folder; "" where nothing tells it."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    kinds = {}
    for fields in map(str.split, lines):
        if len(fields) > 2:
            place = re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), fields[1])
            kinds[Path(place)] = fields[2]  # of several at one place the last is seen
    return next((kinds[place] for place in (folder, *folder.parents) if place in kinds), "")


def given_runs(runs_root: Path) -> list[object]:
    """The option that names a folder of runs to a command; nothing where it looks by itself."""
    is_default = runs_root.absolute() == DEFAULT_RUNS_ROOT.absolute()
    return [] if is_default else ["--runs", runs_root]
