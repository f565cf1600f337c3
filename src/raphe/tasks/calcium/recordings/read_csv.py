"""Tables of traces: a column a recording, as the Spikefinder challenge hands them out.

T samples, N columns.
"""

import csv
import gzip
import io
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError
from raphe.tasks.calcium.recordings.sampling import RATE_HZ
from raphe.tasks.calcium.recordings.trace_set import LAYOUTS, TraceOptions, TraceSet

CHALLENGE = re.compile(r"\d+\.(train|test)\.(calcium|spikes)\.csv(\.gz)?")
BYTE_ORDER_MARK = "\ufeff"  # Excel begins a file with it
MISSING = {"", "na", "n/a", "#n/a", "nan", "null", "none", "<na>"}  # in lower case


def read_csv(path: Path, options: TraceOptions) -> TraceSet:
    """Read a table with a header line; an unnamed first column that counts the rows is left out.

    Files with the challenge's own names are at 100 Hz; of others the rate must be told. Empty
    fields, blank lines and what a short line lacks are NaN.
    """
    rate_hz = options.rate(path, RATE_HZ if CHALLENGE.fullmatch(path.name) else None)
    content = path.read_bytes()
    content = gzip.decompress(content) if path.suffix.lower() == ".gz" else content
    text = content.decode().removeprefix(BYTE_ORDER_MARK)
    header, _, body = text.replace("\r\n", "\n").replace("\r", "\n").partition("\n")
    names = next(csv.reader([header]), [])
    if not names or any(_is_fraction(name) for name in names):
        raise RecordingError(
            f"{path}: expected a header line above the numbers, got {names[0] if names else 'none'}"
            "; name each column"
        )
    values = _values(path, names, body.removesuffix("\n"))
    if not names[0] and np.array_equal(values[:, 0], np.arange(len(values))):
        names, values = names[1:], values[:, 1:]
    return TraceSet.from_matrix(path, values, rate_hz, LAYOUTS[1], _distinct(names))


def _values(path: Path, names: Sequence[str], body: str) -> np.ndarray:
    """The table below the header: float64 (T, N)."""
    if not body:
        return np.empty((0, len(names)))
    try:
        numbers = io.StringIO(_with_nan(body))
        values = np.loadtxt(numbers, delimiter=",", comments=None, ndmin=2)
    except ValueError:  # short lines, quotes, other words for missing; or a fault, to be told
        return _values_by_field(path, names, body)
    return values if values.shape[1] == len(names) else _values_by_field(path, names, body)


def _with_nan(body: str) -> str:
    """The same table with nan in its empty fields."""
    body = f"\n{body}\n"
    for empty in (",,", ",,", "\n,", ",\n", "\n\n", "\n\n"):  # twice where two can overlap
        body = body.replace(empty, f"{empty[0]}nan{empty[1]}")
    return body[1:-1]


def _values_by_field(path: Path, names: Sequence[str], body: str) -> np.ndarray:
    lines = list(csv.reader(body.split("\n")))
    values = np.full((len(lines), len(names)), np.nan)
    for number, (row, fields) in enumerate(zip(values, lines, strict=True), start=2):
        if len(fields) > len(names):
            raise RecordingError(
                f"{path}: expected {len(names)} columns as its header names, line {number} holds "
                f"{len(fields)}; separate by commas, write decimals with a point, name each column"
            )
        for place, field in enumerate(fields):
            if field.strip().lower() not in MISSING:
                row[place] = _number(path, names[place], number, field)
    return values


def _number(path: Path, name: str, line: int, field: str) -> float:
    try:
        if "_" not in field:  # Python's own notation of thousands
            return float(field)
    except ValueError:
        pass
    raise RecordingError(f"{path}: expected numbers, column {name} holds {field!r} in line {line}")


def _distinct(names: Sequence[str]) -> list[str]:
    """Names of columns: the number of one without a name, and of a repeated one its repetition."""
    distinct: list[str] = []
    for number, name in enumerate(names, start=1):
        name, repetition = name or f"column {number}", 0
        while name in distinct:
            repetition += 1
            name = f"{names[number - 1]}.{repetition}"
        distinct.append(name)
    return distinct


def _is_fraction(name: str) -> bool:
    try:
        return not float(name).is_integer()
    except (ValueError, OverflowError):
        return False
