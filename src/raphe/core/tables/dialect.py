"""How a table of numbers is written: what separates its columns, and which mark its decimals have.

What can be read in two ways is refused: nothing is guessed from one line.
"""

import csv
import re
from collections.abc import Sequence

from raphe.core.tables.text import TableFault, outside_quotes

RUNS_OF_SPACES, ONE_COLUMN = " ", ""  # beside a comma, a semicolon and a tab
SEPARATOR_WORDS = {
    ",": "commas",
    ";": "semicolons",
    "\t": "tabs",
    RUNS_OF_SPACES: "spaces",
    ONE_COLUMN: "nothing",
}
MISSING = {"", "na", "n/a", "#n/a", "nan", "null", "none", "<na>"}  # in lower case
COMMA_NUMBER = re.compile(r"[+-]?\d+(,\d+)?([eE][+-]?\d+)?")
# A comma that marks decimals, not thousands: not three digits behind it, too many before, or 10^x.
IS_DECIMAL = re.compile(r"(?<![\d.,])0,\d|(?<!\d)\d{4,},\d|\d,(?!\d{3}(?!\d))\d|,\d+[eE]")
THOUSAND, WHOLE = re.compile(r"[1-9]\d{0,2}\.\d{3}"), re.compile(r"[1-9]\d{0,2}")
MINUS_SIGNS = "\N{MINUS SIGN}\N{EN DASH}\N{EM DASH}\N{HYPHEN}\N{NON-BREAKING HYPHEN}"
NUMERALS = re.compile(rf"(?=.*\d)[\d\s.,:;|'’`+{MINUS_SIGNS}-]+")  # letters in none
DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}")
SHOWN = 40  # characters of a cell in a sentence
WORD = re.compile(r'"(?:[^"]|"")*"|\S+')


def sniff(lines: Sequence[str], has_header: bool | None = None) -> str:
    """What separates the columns of a table whose first lines that are not blank these are.

    Raises TableFault where lines with one comma can be read in two ways.
    """
    header, *rows = map(outside_quotes, lines)
    rows = rows or [header]
    for separator in (";", "\t"):
        if any(separator in row for row in rows):
            return separator
    spaced = _separated_by_spaces(header, rows)
    if not any("," in row for row in rows):
        return spaced
    n_commas = header.count(",")
    names_by_comma = n_commas and len(header.split()) == 1 and not is_number(header)
    if names_by_comma and all(row.count(",") == n_commas for row in rows):
        return ","  # spaces are inside its cells
    if spaced and all(COMMA_NUMBER.fullmatch(word) for row in rows for word in row.split()):
        return spaced
    if max(row.count(",") for row in rows) > 1:
        return ","
    return "," if has_header and "," in header else _one_comma(header, rows)


def split(line: str, separator: str) -> list[str]:
    """The cells of a line, without the quotes around them. Raises TableFault without a line."""
    if separator == ONE_COLUMN and '"' not in line:
        return [line]
    if separator == RUNS_OF_SPACES:
        return [word.strip('"') if '"' in word else word for word in WORD.findall(line)]
    if '"' not in line:
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator or "\x1f", strict=True), [])
    except csv.Error as error:
        raise TableFault(
            f"a quote that opens in this line is not closed where its cell ends ({error}); "
            "close it, or take it away"
        ) from None


def refuse_thousands(rows: Sequence[Sequence[str]]) -> None:
    """Refuse rows of cells in which points may mark thousands, as in 1.234 beside 987.

    Decimals of a column have as many digits everywhere, or now and then fewer than three.
    """
    for column in zip(*rows, strict=False):
        cells = [cell.strip().lstrip("+-") for cell in column]
        pointed = [cell for cell in cells if "." in cell]
        whole = [cell for cell in cells if WHOLE.fullmatch(cell)]
        if pointed and whole and all(map(THOUSAND.fullmatch, pointed)):
            raise TableFault(
                f"whether the point in {shown(pointed[0])} marks decimals or thousands cannot be "
                f"told, as {shown(whole[0])} has none; write decimals with a point everywhere, and "
                "thousands without a separator"
            )


def number(cell: str, decimal: str) -> float | None:
    """A cell's number, NaN for one that is missing, None for what is neither."""
    word = cell.strip()
    if word.lower() in MISSING:
        return float("nan")
    if decimal == ",":
        word = word.replace(",", ".")
    try:
        return float(word) if "_" not in word and word.isascii() else None
    except ValueError:
        return None


def is_number(cell: str) -> bool:
    """Whether a cell that is not missing holds a number, whatever its decimal mark."""
    return cell.strip().lower() not in MISSING and number(cell, ",") is not None


def shown(cell: str) -> str:
    """A cell as a sentence quotes it."""
    cell = cell.strip()
    return repr(cell if len(cell) <= SHOWN else f"{cell[:SHOWN]}…")


def hint_of_numerals(cell: str) -> str:
    """How to write what is a number to a person but not here, or ""."""
    cell = cell.strip()
    if not NUMERALS.fullmatch(cell):
        return ""
    if ":" in cell or DATE.fullmatch(cell):
        return "write times in seconds, or take them out"
    if cell[0] in MINUS_SIGNS and number("-" + cell[1:], ",") is not None:
        return f"write its minus as -, not as {cell[0]}"
    if "|" in cell:
        return "separate columns by commas, semicolons or tabs"
    return "write thousands without a separator, and decimals with a point"


def quoted(name: str) -> str:
    """A column's name as a sentence has it: between quotes where it is long or odd."""
    return name if name.isprintable() and len(name) <= SHOWN else shown(name)


def _separated_by_spaces(header: str, rows: Sequence[str]) -> str:
    """RUNS_OF_SPACES if they divide rows into cells, as many in each or as many as names."""
    widths = {len(row.split()) for row in rows}
    n_names = len(header.split())
    is_even = len(widths) == 1 or (n_names > 1 and n_names in widths)
    return RUNS_OF_SPACES if is_even and max(widths) > 1 else ONE_COLUMN


def _one_comma(header: str, rows: Sequence[str]) -> str:
    """What a single comma in each row is: a separator, or the mark of a column's decimals."""
    pairs = [row.split(",") for row in rows]
    all_whole = all(COMMA_NUMBER.fullmatch(cell.strip()) for pair in pairs for cell in pair)
    if not all_whole:
        return ","
    is_decimal = any(IS_DECIMAL.search(row) for row in rows) or any(
        len(pair) == 1 or re.match(r"0\d", pair[-1]) for pair in pairs
    )
    if "," in header and not COMMA_NUMBER.fullmatch(header.strip()):
        return ","  # two names
    if "," in header:
        if any(re.match(r"0\d", cell) for cell in header.split(",")):
            return ONE_COLUMN
        raise TableFault(
            f"whether {shown(header)} are two numbers or one with a decimal comma cannot be told; "
            "write a line of names above the numbers, and decimals with a point"
        )
    firsts = [int(pair[0]) for pair in pairs if len(pair) == 2]
    is_count = len(firsts) == len(pairs) and firsts == list(
        range(firsts[0], firsts[0] + len(firsts))
    )
    if is_count or not is_decimal:
        raise TableFault(
            f"the header names one column, and whether {shown(rows[0])} below it are two numbers, "
            "a decimal comma or a thousand cannot be told; name each column, and write decimals "
            "with a point"
        )
    return ONE_COLUMN
