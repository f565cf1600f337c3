"""What the names of files and folders say about a spike: its class, its cell, its trigger."""

import re
from collections.abc import Sequence
from pathlib import PurePath

from raphe.core.recordings.recording import CELL_ID

CLASSES = ("SER", "NSER")  # of the published data, in its order
TRIGGER = re.compile(r"_trigger_(\d+)")
UNKNOWN_TRIGGER = -1


def parse_window_name(name: str) -> tuple[str, int]:
    """Cell id and trigger of a single spike's name; the trigger is -1 where there is none.

    The id of a synthetic spike is that of the cell it was made from:

    >>> parse_window_name("3mean_A131024#140_trigger_1001976.csv")
    ('A131024#140', 1001976)
    """
    stem = PurePath(name).name.removesuffix(".csv")
    match = TRIGGER.search(stem)
    before = stem[: match.start()] if match else stem
    recording = CELL_ID.search(before)
    return recording.group() if recording else before, int(match[1]) if match else UNKNOWN_TRIGGER


def label_from_folders(folders: Sequence[str], classes: Sequence[str]) -> int | None:
    """Index of the class that the folder nearest to the file is named after; None without one."""
    index = {name.casefold(): label for label, name in enumerate(classes)}
    return next((index[f.casefold()] for f in reversed(folders) if f.casefold() in index), None)
