"""What the names of files and folders say about a spike: its class, its cell, its trigger."""

import datetime
import re
from collections.abc import Sequence
from pathlib import PurePath

from raphe.core.neo.formats import recording_name

CLASSES = ("SER", "NSER")  # of the published data, in its order
# One letter, yymmdd, "#", the recording of that day: the naming of Corradetti et al. 2024.
CELL_ID = re.compile(r"[A-Za-z](\d\d)(\d\d)(\d\d)#\d+")
TRIGGER = re.compile(r"_trigger_(\d+)")
SYNTHETIC = re.compile(r"\d+mean_")  # of a moving mean of so many samples, and a noise mask
UNKNOWN_TRIGGER = -1


def parse_cell_id(name: str | PurePath) -> tuple[str, datetime.date | None]:
    """Cell id and day of a file's name, or its folder's; a day that it does not tell is None.

    >>> parse_cell_id("SER/A140313#073.abf")
    ('A140313#073', datetime.date(2014, 3, 13))
    """
    cell_id = recording_name(PurePath(name))
    match = CELL_ID.fullmatch(cell_id)
    if match is None:
        return cell_id, None
    year, month, day = (int(digits) for digits in match.groups())
    try:
        return cell_id, datetime.date(2000 + year, month, day)
    except ValueError:
        return cell_id, None


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


def is_synthetic(name: str | PurePath) -> bool:
    """Whether a single spike's name is that of a synthetic one.

    >>> is_synthetic("3mean_A131024#140_trigger_1001976.csv"), is_synthetic("A131024#089_trigger_5")
    (True, False)
    """
    return SYNTHETIC.match(PurePath(name).name) is not None


def label_from_folders(folders: Sequence[str], classes: Sequence[str]) -> int | None:
    """Index of the class that the folder nearest to the file is named after; None without one."""
    index = {name.casefold(): label for label, name in enumerate(classes)}
    return next((index[f.casefold()] for f in reversed(folders) if f.casefold() in index), None)
