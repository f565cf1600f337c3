"""The table of labels beside a watched folder's recordings: read as it changes, and written."""

import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock

from raphe.core.bundles.opened_file import HandLabel, LabelTable
from raphe.core.bundles.predictor import BundlePredictor
from raphe.core.errors import RapheError, RecordingError, SettingError
from raphe.core.files.atomic import write_file
from raphe.core.files.folders import file_in
from raphe.core.files.leavings import LOCK
from raphe.core.files.locks import locked
from raphe.serve.refusal import refusing

TABLE = "cells.csv"  # as `raphe extract` reads it
WRITERS = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


class FolderLabels:
    """Whoever has it open, in a spreadsheet or another page, changes the one file.

    `problem` says why the table cannot be read, "" where it can: then `of` tells what it said last.
    """

    def __init__(self, predictor: BundlePredictor, folder: Path) -> None:
        self.problem = ""
        self._predictor, self._folder = predictor, folder
        self._table: LabelTable | None = None
        self._seen: object = None  # of the file, as the disk tells it; None where there is none
        self._using = Lock()

    def of(self, file: str, item: str | None) -> HandLabel:
        """What the table says of a file, by its path in the folder, or of one of its items."""
        table = self._table
        return HandLabel(file, "", "", item) if table is None else table.of(file, item)

    def look(self) -> bool:
        """Read the table if it is another; whether it was."""
        if not self._predictor.labels:
            return False
        with self._using:
            before, self._seen = self._seen, Unseen()
            try:
                path = file_in(self._folder, TABLE, RecordingError)
                self._seen = _seen(path)
                if self._seen == before:
                    return False
                self._table = None if path is None else self._predictor.label_table(path)
            except RapheError as error:
                problem = self._predictor.sentence(error, self._folder)
            else:
                problem = ""
            is_same = problem != "" and problem == self.problem
            self.problem = problem
        return not is_same

    def write(self, labels: Sequence[HandLabel]) -> list[str]:
        """Read once, write once, whole or not at all; of each label why it cannot be, or "".

        Raises Refusal where none can be.
        """
        refused = []
        lock = locked(self._folder / LOCK)  # hidden: another server may write into the folder
        with self._using, refusing(self._predictor, self._folder), lock:
            path = file_in(self._folder, TABLE, RecordingError)
            mode = None if path is None else stat.S_IMODE(path.stat().st_mode)
            if mode is not None and not mode & WRITERS:
                raise RecordingError(
                    f"{path}: is read-only, so no label was written; allow it to be written, and "
                    "try again"
                )
            table = self._predictor.label_table(path)
            for label in labels:
                try:
                    table.say(label)
                    refused.append("")
                except SettingError as error:
                    refused.append(self._predictor.sentence(error, self._folder))
            if all(refused):
                return refused
            written = write_file(path or self._folder / TABLE, table.contents)
            if mode is not None:
                with suppress(OSError):  # of a share that knows no permissions
                    written.chmod(mode)  # whoever might write it before may write it now
            self._table, self.problem, self._seen = table, "", _seen(written)
        return refused


class Unseen:
    """In place of what the disk told of a file: like nothing that it will tell."""


def _seen(path: Path | None) -> object:
    """What differs once a file is another."""
    if path is None:
        return None
    try:
        status = path.stat()
    except OSError:  # it went meanwhile
        return Unseen()
    return path.name, status.st_mtime_ns, status.st_size, status.st_ino
