"""The table beside an array of windows: which class, cell, animal, day and source a row is of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from raphe.core.errors import StoreError
from raphe.core.tables.words import Row, iso_day, read_table, spellings

MOST_CLASSES = 255  # a spike's label is one byte
ROW = "row"  # a column that numbers the rows, which then must stand in the array's order


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
    """What the table says of one window; label, day, animal and source are "" if unknown."""

    line: int  # in the file, from 1
    cell_id: str
    label: str  # the class's name
    day: str  # YYYY-MM-DD
    animal: str
    source: str


def read_window_rows(
    path: Path, names: ColumnNames | None = None, merge: Mapping[str, str] | None = None
) -> list[WindowRow]:
    """The rows of a table, in their order; `merge` gives labels the name of another.

    Without a column of cell ids each row is a cell of its own, called by its number. Raises
    StoreError for a file that is no such table, and for two rows that contradict each other about
    a cell.
    """
    names = names or ColumnNames()
    table = read_table(path, StoreError)
    if names.label not in table:
        raise StoreError(
            f"{path}: expected a column {names.label!r}, got {', '.join(table.columns)}; name the "
            "column of the labels with --label-column"
        )
    for option in ("cell_id", "animal", "day", "source"):
        chosen = getattr(names, option)
        if chosen and chosen != getattr(ColumnNames, option) and chosen not in table:
            raise StoreError(
                f"{path}: there is no column {chosen!r}, it has {', '.join(table.columns)}; "
                f"correct --{option.removesuffix('_id')}-column"
            )
    _check_order(path, [row.get(ROW) for row in table.rows])
    class_of = _classes_of_labels(path, [row[names.label] for row in table.rows], merge or {})
    window_rows = []
    for number, row in enumerate(table.rows):
        day = row.get(names.day)
        window_rows.append(
            WindowRow(
                row.line,
                cell_id=_cell_id(path, number, row, names.cell_id),
                label=class_of[row[names.label]],
                day=iso_day(day, f"{path}, line {row.line}", StoreError) if day else "",
                animal=row.get(names.animal),
                source=row.get(names.source),
            )
        )
    _refuse_contradictions(path, window_rows)
    return window_rows


def choose_classes(
    path: Path, rows: Sequence[WindowRow], classes: Sequence[str] | None
) -> tuple[str, ...]:
    """The classes asked for, or all in the order in which they first come.

    As the table spells them: case does not tell two classes apart. Raises StoreError.
    """
    labels = dict.fromkeys(row.label for row in rows)
    if classes is None:
        blank = next((row for row in rows if not row.label), None)
        if blank:
            raise StoreError(
                f"{path}, line {blank.line}: has no label; write one, or choose those to take "
                "with --classes"
            )
        classes = tuple(labels)
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


def _check_order(path: Path, numbers: Sequence[str]) -> None:
    """Refuse rows that are numbered like the array's but stand in another order."""
    if all(number.isdecimal() for number in numbers):
        order = [int(number) for number in numbers]
        for first in (0, 1):
            in_order = list(range(first, first + len(order)))
            if sorted(order) == in_order and order != in_order:
                raise StoreError(
                    f"{path}: its column {ROW} says that the rows do not stand in the order of the "
                    f"windows; sort the table by {ROW}"
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
            f"{', '.join(sorted(filter(None, labels.values())))}; correct {option}"
        )


def _refuse_contradictions(path: Path, rows: Sequence[WindowRow]) -> None:
    first: dict[str, WindowRow] = {}
    for row in rows:
        other = first.setdefault(row.cell_id, row)
        for what in ("label", "day", "animal", "source"):
            there, here = getattr(other, what), getattr(row, what)
            if there != here:
                raise StoreError(
                    f"{path}: cell {row.cell_id} has {what} {there or 'unknown'} in line "
                    f"{other.line} but {here or 'unknown'} in line {row.line}; correct one of "
                    "them, or give two cells two ids"
                )
