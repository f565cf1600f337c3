"""A table as text: read block by block, in UTF-8, or in UTF-16 if it begins with its mark.

Lines end in any of the ways that Windows, Unix and old Macs end them; a file may be packed by gzip.
"""

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from raphe.core.errors import RapheError
from raphe.core.files.path import file_status

BLOCK_BYTES = 2**20
LONGEST_LINE = 2**26  # characters: three million numbers
NO_TEXT = {  # what a file begins with that is no text, whatever it is called
    b"PK\x03\x04": "a workbook or a ZIP archive",
    b"\xd0\xcf\x11\xe0": "a workbook of an old Excel",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
}
ENCODINGS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
GZIP = b"\x1f\x8b"
SAVE_AS = 'save the table as CSV in UTF-8 (Excel: "CSV UTF-8")'
NAMED_SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)  # Excel's own first line


class TableFault(ValueError):
    """What is wrong with a table: a sentence that lacks only the file's name."""

    def __init__(self, sentence: str, line: int | None = None) -> None:
        super().__init__(sentence if line is None else f"line {line}: {sentence}")
        self.sentence, self.line = sentence, line


@dataclass(frozen=True)
class Block:
    """Consecutive lines of a file, without their ends."""

    first_line: int  # its number in the file, from 1
    lines: Sequence[str]


@contextmanager
def table_faults(path: Path, error_type: type[RapheError]) -> Iterator[None]:
    """Tell what goes wrong with a table as the caller's error, with file and line."""
    try:
        yield
    except TableFault as fault:
        where = path if fault.line is None else f"{path}, line {fault.line}"
        raise error_type(f"{where}: {fault.sentence}") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise error_type(
            f"{path}: is cut or damaged, gzip cannot unpack it ({error}); copy it anew"
        ) from None
    except OSError as error:
        raise error_type(f"{path}: could not be read ({error.strerror or error})") from None


@contextmanager
def opened(path: Path, error_type: type[RapheError]) -> Iterator[BinaryIO]:
    """A file's bytes, unpacked if gzip packed them. Raises `error_type` for whatever goes wrong."""
    file_status(path, error_type)
    with table_faults(path, error_type), _unpacked(path) as stream:
        yield stream


@contextmanager
def _unpacked(path: Path) -> Iterator[BinaryIO]:
    with path.open("rb") as file:
        is_packed = file.read(len(GZIP)) == GZIP
        file.seek(0)
        if not is_packed:
            yield file
            return
        if path.suffix.lower() != ".gz":  # a small one may hold too much for whoever takes it in
            raise TableFault("is packed by gzip; unpack it, or end its name in .gz")
        with gzip.open(file) as unpacked:
            yield cast(BinaryIO, unpacked)


def blocks(stream: BinaryIO) -> Iterator[Block]:
    """The lines of a file, some thousands at a time. Raises TableFault for what is no text."""
    chunk = stream.read(BLOCK_BYTES)
    decoder = codecs.getincrementaldecoder(_encoding(chunk))()
    first_line, pending = 1, ""
    while True:
        is_last = not chunk
        try:
            text = pending + decoder.decode(chunk, final=is_last)
        except UnicodeDecodeError as error:
            line = first_line + pending.count("\n") + error.object[: error.start].count(b"\n")
            raise TableFault(f"is not UTF-8 ({error.reason}); {SAVE_AS}", line) from None
        body = text if is_last else text.rstrip("\r")  # the line's end may go on in the next
        held = text[len(body) :]
        if "\r" in body:  # "\r\r\n" is "\r\n" that was written as text once more
            body = body.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")
        end = len(body) if is_last and not body.endswith("\n") else body.rfind("\n") + 1
        lines = body[:end].removesuffix("\n").split("\n") if end else []
        if "\0" in body[:end]:
            line = next(number for number, text in enumerate(lines, first_line) if "\0" in text)
            raise TableFault(f"holds a NUL byte: the file is damaged or no text; {SAVE_AS}", line)
        if lines:
            yield Block(first_line, lines)
        first_line, pending = first_line + len(lines), body[end:] + held
        if is_last:
            return
        if len(pending) > LONGEST_LINE:
            raise TableFault(f"is longer than {LONGEST_LINE} characters: no table", first_line)
        chunk = stream.read(BLOCK_BYTES)


def outside_quotes(line: str) -> str:
    """A line with what stands in quotes taken out, for its separators to be counted."""
    return re.sub(r'"(?:[^"]|"")*"?', '""', line) if '"' in line else line


def named_separator(line: str) -> str | None:
    """The separator that Excel's own first line names, as "sep=;"."""
    match = NAMED_SEPARATOR.fullmatch(line.strip(" "))
    return match[1] if match else None


def _encoding(beginning: bytes) -> str:
    for magic, kind in NO_TEXT.items():
        if beginning.startswith(magic):
            raise TableFault(f"is {kind}, not text; {SAVE_AS}")
    for mark in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
        if beginning.startswith(mark):
            raise TableFault(f"is UTF-32; {SAVE_AS}")
    for mark, encoding in ENCODINGS.items():
        if beginning.startswith(mark):
            return encoding
    if b"\0" in beginning[:4]:
        raise TableFault(f"is no text, or UTF-16 without its mark; {SAVE_AS}", 1)
    return "utf-8"
