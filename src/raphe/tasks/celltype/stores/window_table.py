"""The table beside an array of windows: which class, cell, animal, day and source a row is of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from raphe.core.errors import StoreError
from raphe.core.recordings.class_names import check_classes, is_class
from raphe.core.sentences import counted, listed
from raphe.core.tables.dialect import quoted
from raphe.core.tables.words import Row, Table, iso_day, read_table, spellings

MOST_CLASSES = 255  # a spike's label is one byte
ROW = "row"  # a column that numbers the rows, which then must stand in the array's order
NUMBERING = (ROW, "index", "unnamed: 0")  # and a first column without a name, as pandas saves it
SESSION_COLUMNS = ("session", "probe", "subject", "mouse", "animal", "experiment")  # or with _id
FEWEST_REPEATED = 3  # cells that come again in their order, from which on it is no chance
# In any order: so many cells, each once, of which most come again before any comes a third time.
FEWEST_IN_SESSION, SHARE_REPEATED = 8, 0.75


@dataclass(frozen=True)
class ColumnNames:
    """What the table calls its columns. All but the label may be absent; "" for none."""

    label: str = "label"
    cell_id: str = "cell_id"
    animal: str = "animal"
    day: str = "day"
    source: str = "source"


@dataclass(frozen=True)
class WindowRow:
    """What the table says of one window; day, animal and source are "" if unknown."""

    line: int  # in the file, from 1
    cell_id: str
    label: str  # the class's name, merged and as it is spelt first
    spelt: str  # the label as it stands here
    day: str  # YYYY-MM-DD
    animal: str
    source: str


def read_window_rows(
    path: Path,
    names: ColumnNames | None = None,
    merge: Mapping[str, str] | None = None,
    labelled: bool = True,
) -> list[WindowRow]:
    """The rows of a table, in their order; `merge` gives labels the name of another.

    Without a column of cell ids each row is a cell of its own, called by its number. Raises
    StoreError for a file that is no such table, for two rows that contradict each other about a
    cell, and for ids that begin anew, as where each session numbers its units. A table that is
    not `labelled` needs no labels, and those in it are not read.
    """
    names = names or ColumnNames()
    table = read_table(path, StoreError)
    if labelled and names.label not in table:
        raise StoreError(
            f"{path}: expected a column {names.label!r}, got {table.columns_in_words}; name the "
            "column of the labels with --label-column"
        )
    for option in ("cell_id", "animal", "day", "source"):
        chosen = getattr(names, option)
        if chosen and chosen != getattr(ColumnNames, option) and chosen not in table:
            raise StoreError(
                f"{path}: there is no column {chosen!r}, it has {table.columns_in_words}; "
                f"correct --{option.removesuffix('_id')}-column"
            )
    _check_order(table)
    labels = [row[names.label] if labelled else "" for row in table.rows]
    class_of = _classes_of_labels(path, labels, merge or {})
    window_rows = []
    for number, (row, label) in enumerate(zip(table.rows, labels, strict=True)):
        day = row.get(names.day)
        window_rows.append(
            WindowRow(
                row.line,
                cell_id=_cell_id(path, number, row, names.cell_id),
                label=class_of[label],
                spelt=label,
                day=iso_day(day, f"{path}, line {row.line}", StoreError) if day else "",
                animal=row.get(names.animal),
                source=row.get(names.source),
            )
        )
    _refuse_contradictions(path, window_rows)
    _refuse_cells_of_two_sessions(table, window_rows)
    _refuse_ids_begun_anew(path, window_rows)
    return window_rows


def choose_classes(
    path: Path, rows: Sequence[WindowRow], classes: Sequence[str] | None
) -> tuple[str, ...]:
    """The classes asked for, or all in the order in which they first come.

    As the table spells them: case does not tell two classes apart. Raises StoreError.
    """
    labels = dict.fromkeys(row.label for row in rows)
    if classes is None:
        without = [row for row in rows if not is_class(row.label)]
        if without:
            label = without[0].label
            more = f" (and {counted('more row', len(without) - 1)})" if without[1:] else ""
            raise StoreError(
                f"{path}, line {without[0].line}{more}: has no label"
                f"{f', {label!r} names no class' if label else ''}; write one, or choose those to "
                "take with --classes"
            )
        classes = tuple(labels)
    check_classes(classes, f"{path}: --classes", StoreError)
    _refuse_unknown(path, classes, labels, "--classes")
    spelling = spellings(classes, preferred=tuple(labels))
    classes = [spelling[name] for name in classes]
    if not 2 <= len(set(classes)) == len(classes) <= MOST_CLASSES:
        shown = ", ".join(classes[:10]) + (f" … {len(classes)} in all" if classes[10:] else "")
        raise StoreError(
            f"{path}: expected 2 to {MOST_CLASSES} classes, each once, got {shown or 'none'}; "
            "choose them with --classes"
        )
    return tuple(classes)


def spellings_told(rows: Iterable[WindowRow]) -> list[str]:
    """Which labels are counted as the same in another case, a sentence for each class."""
    spelt: dict[str, dict[str, None]] = {}
    for row in rows:
        if row.spelt != row.label and row.spelt.casefold() == row.label.casefold():
            spelt.setdefault(row.label, {})[row.spelt] = None
    return [
        f"{listed(others)} {'is' if len(others) == 1 else 'are'} counted as {label}"
        for label, others in spelt.items()
    ]


def _check_order(table: Table) -> None:
    """Refuse rows that are numbered like the array's but stand in another order."""
    for place, column in enumerate(table.columns):
        if column.casefold() not in NUMBERING and (place or column):
            continue
        numbers = [row[column] for row in table.rows]
        if not all(number.isdecimal() for number in numbers):
            continue
        order = [int(number) for number in numbers]
        first = min(order, default=0)
        if first in (0, 1) and order != sorted(order) == [*range(first, first + len(order))]:
            which = f"column {column}" if column else "first column, which has no name,"
            raise StoreError(
                f"{table.path}: its {which} says that the rows do not stand in the order of the "
                f"windows; sort the table by {column or 'it'}, or take that column away if the "
                "windows were sorted alike"
            )


def _cell_id(path: Path, number: int, row: Row, column: str) -> str:
    """As the table says; without a column of cell ids the row's number."""
    if column.casefold() not in row.values:
        return row.get(ROW) or str(number)
    if not row[column]:
        raise StoreError(f"{path}, line {row.line}: expected a {column}, got a blank")
    return row[column]


def _classes_of_labels(
    path: Path, labels: Sequence[str], merge: Mapping[str, str]
) -> dict[str, str]:
    """The class of each label as the table spells it, after merging. Raises StoreError."""
    spelling = spellings(labels)
    merged = {name.casefold(): target for name, target in merge.items()}
    _refuse_unknown(path, merge, spelling.values(), "--merge")
    classes = {label: merged.get(label.casefold(), spelt) for label, spelt in spelling.items()}
    of_class = spellings(classes.values())
    return {label: of_class[name] for label, name in classes.items()}


def _refuse_unknown(path: Path, names: Iterable[str], labels: Iterable[str], option: str) -> None:
    labels = {label.casefold(): label for label in labels}
    unknown = [name for name in names if name.casefold() not in labels]
    if unknown:
        raise StoreError(
            f"{path}: no row is labelled {unknown[0]!r}, its labels are "
            f"{', '.join(map(quoted, sorted(filter(None, labels.values()))))}; correct {option}"
        )


def _refuse_contradictions(path: Path, rows: Sequence[WindowRow]) -> None:
    first: dict[str, WindowRow] = {}
    for row in rows:
        other = first.setdefault(row.cell_id, row)
        for what in ("label", "day", "animal", "source"):
            there, here = getattr(other, what), getattr(row, what)
            if there != here:
                raise StoreError(
                    f"{path}: cell {quoted(row.cell_id)} has {what} {quoted(there) or 'unknown'} "
                    f"in line {other.line} but {quoted(here) or 'unknown'} in line {row.line}; "
                    "correct one of them, or give two cells two ids"
                )


def _refuse_cells_of_two_sessions(table: Table, rows: Sequence[WindowRow]) -> None:
    """Refuse a cell with two values in a column that says where it is from, used or not."""
    columns = [
        name for name in table.columns if name.casefold().removesuffix("_id") in SESSION_COLUMNS
    ]
    for column in columns:
        first: dict[str, tuple[str, int]] = {}
        for row, of_table in zip(rows, table.rows, strict=True):
            there, line = first.setdefault(row.cell_id, (of_table[column], row.line))
            if there != of_table[column]:
                cell, here = quoted(row.cell_id), quoted(of_table[column])
                raise StoreError(
                    f"{table.path}: cell {cell} has {column} {quoted(there) or 'unknown'} in line "
                    f"{line} but {here or 'unknown'} in line {row.line}: do its ids begin anew "
                    f"there? Give each cell an id of its own, such as {quoted(there) or 'A'}/{cell}"
                )


def _refuse_ids_begun_anew(path: Path, rows: Sequence[WindowRow]) -> None:
    """Refuse cells that all come again after all others: units of another session.

    Windows of one cell stand together, or mixed with those of others.
    """
    blocks: list[dict[str, int]] = [{}]  # runs of rows in which no cell comes again: id → line
    previous = None
    for row in rows:
        if row.cell_id != previous:
            if row.cell_id in blocks[-1]:
                blocks.append({})
            blocks[-1][row.cell_id] = row.line
        previous = row.cell_id
    most = 0
    for before, block in pairwise(blocks):
        again = [cell_id for cell_id in block if cell_id in before]
        smaller = min(len(before), len(block))
        is_session = smaller >= FEWEST_IN_SESSION and len(again) >= SHARE_REPEATED * smaller
        if not is_session and again != [cell_id for cell_id in before if cell_id in block]:
            return
        most = max(most, len(again))
    if most >= FEWEST_REPEATED:
        cell_id = next(iter(blocks[1]))
        raise StoreError(
            f"{path}, line {blocks[1][cell_id]}: the ids begin anew with {cell_id}; of units of "
            f"another session give each an id of its own, such as A/{cell_id}; of windows of the "
            "same cells let those of a cell stand together"
        )
