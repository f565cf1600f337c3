"""Bundles that travel with the package: of a task one at most, in a folder of the task's own."""

import sys
from pathlib import Path

from raphe.core.bundles.bundle import BUNDLE
from raphe.core.errors import SettingError, UsageError
from raphe.core.files.kind import MANIFEST, kind_of
from raphe.core.sentences import listed, printable

FOLDER = "shipped"
TASKS = Path(__file__).resolve().parents[2] / "tasks"


def tasks_with_bundle() -> list[str]:
    """The tasks that come with one."""
    return sorted(path.parents[1].name for path in TASKS.glob(f"*/{FOLDER}/{MANIFEST}"))


def shipped_bundle(task: str) -> Path:
    """The folder of a task's bundle. Raises UsageError where raphe ships none."""
    if task not in (shipped := tasks_with_bundle()):
        raise UsageError(
            f"task {printable(task)}: raphe ships no bundle for it, only for {listed(shipped)}; "
            "train on your own examples and name what `raphe export` then makes, as --bundle DIR"
        )
    return TASKS / task / FOLDER


def is_shipped(bundle: Path) -> bool:
    """Whether it is the very folder of one."""
    return bundle.parent.parent == TASKS


def chosen_bundle(path: Path | str, task: str | None) -> Path | str:
    """The bundle at a path. Raises SettingError where it is not of the task that is named."""
    kind = None if task is None else kind_of(Path(path))
    if kind is not None and kind.partition("/")[0] != task:
        raise SettingError(f"{path}: holds {kind}; leave out the task {printable(task)}")
    return path


def default_bundle(task: str) -> Path:
    """The one shipped for a task, where no other is named: stderr tells what it was trained on.

    Raises UsageError where there is none.
    """
    bundle = shipped_bundle(task)
    manifest = BUNDLE.read_manifest(bundle)
    print(
        f"bundle: the one that comes with raphe (content hash {manifest['content_hash'][:12]}). "
        f"{manifest['note']}",
        file=sys.stderr,
    )
    return bundle


def lacking(path: str) -> str:
    """What is expected where neither a path, as `path` calls it, nor a task is named."""
    of_shipped = " or ".join(tasks_with_bundle())
    return f"expected {path}, or --task {of_shipped}, whose bundle comes with raphe, got neither"
