"""Which tables of a folder the page of files does not describe."""

import csv
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from generated.written_files import FILES

ARTIFACTS = re.compile(r"(?:.*/)?mlruns/artifacts/[^/]+/\w+/artifacts/(?P<path>.+)")
OF_MLFLOW = re.compile(r"(?:.*/)?mlruns/artifacts/[^/]+/models/")
OF_RUNS = ("a run", "a sweep")
DESCRIBED = [  # by itself, not as one of a kind
    written for written in FILES if written.where != "the page" and not written.name.endswith("*")
]


def undescribed(folder: Path, brought: Collection[str]) -> Iterator[tuple[str, str]]:
    """Each CSV file, by its path in the folder, with its header.

    `brought` are files and folders that raphe did not write.
    """
    for file in sorted(folder.rglob("*.csv")):
        path = file.relative_to(folder)
        if set(path.parts) & set(brought) or OF_MLFLOW.match(path.as_posix()):
            continue
        in_run = ARTIFACTS.fullmatch(path.as_posix())
        names = (in_run["path"],) if in_run else (file.name, path.as_posix())
        with file.open(encoding="utf-8", newline="") as lines:
            header = next(csv.reader(lines), [])
        if not any(
            (written.where in OF_RUNS) == bool(in_run)
            and any(map(written.is_called, names))
            and (not written.columns or all(map(written.describes, header)))
            for written in DESCRIBED
        ):
            yield path.as_posix(), ",".join(header)
