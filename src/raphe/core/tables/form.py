"""How a table of words is written, so that what changes in it is written as the rest of it is."""

import codecs
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from raphe.core.files.csv_text import csv_text

MARKS = {  # of an encoding, at a file's beginning
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


@dataclass(frozen=True)
class Form:
    """What Excel, LibreOffice or a person chose; as it stands, what this project writes."""

    mark: bytes = b""
    separator: str = ","
    names_separator: bool = False  # in a first line of its own, as Excel's "sep=;"
    line_end: str = "\n"

    @classmethod
    def of(cls, beginning: bytes, separator: str, names_separator: bool) -> "Form":
        """Of a file that begins so, and of what was found to separate its columns."""
        mark = next(filter(beginning.startswith, MARKS), b"")
        text = beginning.decode(MARKS.get(mark, "utf-8"), "ignore")
        return cls(mark, separator, names_separator, "\r\n" if "\r\n" in text else "\n")

    def written(self, header: Iterable[Any], rows: Iterable[Sequence[Any]]) -> bytes:
        """The table as a file's contents."""
        first = f"sep={self.separator}{self.line_end}" if self.names_separator else ""
        text = first + csv_text(header, rows, self.separator, self.line_end)
        return self.mark + text.encode(MARKS.get(self.mark, "utf-8"))
