"""One table of the traces of several files, from those of each."""

from collections.abc import Sequence
from pathlib import Path

from raphe.core.errors import StoreError
from raphe.core.files.atomic import open_whole
from raphe.core.files.csv_text import csv_line, csv_rows, damage_told
from raphe.tasks.calcium.prediction.rate_folder import REMEDY, TABLE

ALL_TRACES = "all_traces.csv"


def write_all_traces(folders: Sequence[Path], out: Path) -> Path:
    """Write the rows of the folders' tables into one in `out`, with the folder before each.

    The columns are those of the first; all have the same. Returns the table's path. Raises
    StoreError.
    """
    path = out / ALL_TRACES
    with open_whole(path) as file:
        is_begun = False
        for folder in folders:
            with damage_told(folder / TABLE, StoreError, REMEDY):
                for row in csv_rows(folder / TABLE):
                    if not is_begun:
                        file.write(csv_line(("folder", *row)).encode())
                        is_begun = True
                    file.write(csv_line((folder.name, *row.values())).encode())
    return path
