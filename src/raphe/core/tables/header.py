"""Whether the first line of a table of numbers names its columns or is the first of its rows."""

import re
from collections.abc import Sequence

import numpy as np

from raphe.core.tables.axis import rises_as_axis
from raphe.core.tables.dialect import hint_of_numerals, is_number, number, quoted, shown
from raphe.core.tables.text import TableFault

COMMENT = re.compile(r"\s*#\s*[^\W\d]")
WHOLE = re.compile(r"\d+")
DECIMALS_WITHIN = 3  # rows: whole numbers above decimals are names
MANY_NAMES = 6  # that rise from column to column, where no row does
FEWEST_BELOW = 8  # rows that tell what their column holds
STATUS = {"accepted", "rejected", "undecided"}  # Inscopix's second line


def has_names(
    lines: Sequence[Sequence[str]], rows_are_traces: bool = False, numbers_are_names: bool = True
) -> bool:
    """Whether the first of these lines of cells names the columns.

    Numbers are names where they count from 0 or 1, as pandas writes them. Raises TableFault
    where they may be names or the first row.
    """
    first, *rows = lines
    below = rows[:DECIMALS_WITHIN]
    if COMMENT.match(first[0]):
        raise TableFault(
            f"begins with {shown(first[0])}, as a comment; take it out, or the # before the names"
        )
    if rows_are_traces:
        return _is_above_rows(first)
    cells = [cell.strip() for cell in first]
    words = [cell for cell in cells if cell]
    if not words:
        raise TableFault("expected names or numbers, got blank cells; take this line out")
    if not all(number(cell, ",") is not None for cell in words):
        return True
    if not numbers_are_names:
        return False
    values = [number(cell, ",") for cell in words]
    counts = any(values == list(range(n, n + len(words))) for n in (0, 1))
    if not all(WHOLE.fullmatch(cell) for cell in words):
        return counts and len(words) > 2  # pandas' names of columns may be 0.0, 1.0, 2.0
    if (counts and len(words) > 2) or (not cells[0] and len(set(words)) == len(words)):
        return True
    has_fractions = any(
        is_number(cell) and not WHOLE.fullmatch(cell.strip().lstrip("+-"))
        for row in below
        for cell in row
    )
    if has_fractions and counts:
        return True
    is_distinct = len(set(words)) == len(words)
    if counts or (is_distinct and (has_fractions or _is_unlike(cells, rows))):
        raise TableFault(
            f"whether {', '.join(map(shown, first[:4]))}{' …' if first[4:] else ''} names the "
            "columns or is the first row cannot be told; write a line of names that are no numbers "
            "above the numbers"
        )
    return False


def second_header(names: Sequence[str], cells: Sequence[str]) -> tuple[str, ...]:
    """The status of each column, if the line below the names holds Inscopix's; else ().

    Raises TableFault for any other line of words.
    """
    words = [cell.strip() for cell in cells]
    told = {word.lower() for word in words[1:] if word}
    if told and told <= STATUS and len(words) == len(names) and not is_number(words[0]):
        return ("", *(word.lower() for word in words[1:]))
    if any(words) and not any(number(word, ",") is not None for word in words if word):
        for place, word in enumerate(words):
            if hint := hint_of_numerals(word):
                name = quoted(names[place]) if place < len(names) else ""
                raise TableFault(
                    f"expected numbers, column {name or place + 1} holds {shown(word)}; {hint}"
                )
        words_below = ", ".join(shown(word) for word in words if word)
        raise TableFault(
            f"expected numbers, got a second line of words below the names ({words_below[:100]}); "
            "keep one line of names"
        )
    return ()


def _is_unlike(cells: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether whole numbers differ from those below them as names do: far off, or in order."""
    columns = list(zip(cells, *rows, strict=False))
    values = np.array([[number(cell, ",") for cell in column] for column in columns], np.float64)
    if not values[:, 1:].size:
        return False
    first = values[:, 0]
    if len(rows) >= FEWEST_BELOW:
        low, high = np.fmin.reduce(values[:, 1:], axis=1), np.fmax.reduce(values[:, 1:], axis=1)
        reach = 2 * (high - low) + 2
        if np.mean((first < low - reach) | (first > high + reach)) > 0.5:
            return True
    rises = np.all(np.diff(values, axis=0) > 0, axis=0)  # of each line, from column to column
    return bool(len(first) >= MANY_NAMES and rises[0] and not np.any(rises[1:]))


def _is_above_rows(first: Sequence[str]) -> bool:
    """Whether a line stands above rows of traces: words, or numbers that rise evenly."""
    cells = [cell.strip() for cell in first[1:]]
    if not all(number(cell, ",") is not None for cell in cells):
        return True
    return rises_as_axis(np.array([number(cell, ",") for cell in cells], dtype=np.float64))
