"""The table beside an array of windows: which class, cell, animal, day and source a row is of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from raphe.core.errors import StoreError
from raphe.tasks.celltype.recordings.tables import iso_day, read_table

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
    """One row: the class's name, "" if unknown; so are day (YYYY-MM-DD), animal and source."""

    line: int  # in the file, from 1
    cell_id: str
    label: str
    day: str
    animal: str
    source: str


def read_units(
    path: Path, names: ColumnNames | None = None, merge: Mapping[str, str] | None = None
) -> list[WindowRow]:
    """The rows of a table, in their order; `merge` gives labels the name of another.

    Without a column of cell ids each row is a cell of its own, called by its number. Raises
    StoreError for a file that is no such table, and for two rows that contradict each other about
    a cell.
    """
    names = names or ColumnNames()
    header, rows = read_table(path, StoreError)
    if names.label not in header:
        raise StoreError(
            f"{path}: expected a column {names.label!r}, got {', '.join(header)}; name the column "
            "of the labels with --label-column"
        )
    for option in ("cell_id", "animal", "day", "source"):
        chosen = getattr(names, option)
        if chosen and chosen != getattr(ColumnNames, option) and chosen not in header:
            raise StoreError(
                f"{path}: there is no column {chosen!r}, it has {', '.join(header)}; correct "
                f"--{option.removesuffix('_id')}-column"
            )
    _check_order(path, [row.get(ROW, "") for _, row in rows])
    _refuse_unknown(path, merge or {}, {row[names.label] for _, row in rows}, "--merge")
    units = []
    for number, (line, row) in enumerate(rows):
        label = row[names.label]
        day = row.get(names.day, "")
        units.append(
            WindowRow(
                line,
                cell_id=_cell_id(path, line, number, row, names),
                label=(merge or {}).get(label, label),
                day=iso_day(day, f"{path}, line {line}", StoreError) if day else "",
                animal=row.get(names.animal, ""),
                source=row.get(names.source, ""),
            )
        )
    _refuse_contradictions(path, units)
    return units


def choose_classes(
    path: Path, units: Sequence[WindowRow], classes: Sequence[str] | None
) -> tuple[str, ...]:
    """The classes asked for, or all in the order in which they first come. Raises StoreError."""
    found = dict.fromkeys(unit.label for unit in units)
    if classes is None:
        blank = next((unit for unit in units if not unit.label), None)
        if blank:
            raise StoreError(
                f"{path}, line {blank.line}: has no label; write one, or choose those to take "
                "with --classes"
            )
        classes = tuple(found)
    _refuse_unknown(path, classes, found, "--classes")
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
        found = [int(number) for number in numbers]
        for first in (0, 1):
            expected = list(range(first, first + len(found)))
            if sorted(found) == expected and found != expected:
                raise StoreError(
                    f"{path}: its column {ROW} says that the rows do not stand in the order of the "
                    f"windows; sort the table by {ROW}"
                )


def _cell_id(path: Path, line: int, number: int, row: Mapping[str, str], names: ColumnNames) -> str:
    if names.cell_id not in row:
        return row.get(ROW) or str(number)
    if not row[names.cell_id]:
        raise StoreError(f"{path}, line {line}: expected a {names.cell_id}, got a blank")
    return row[names.cell_id]


def _refuse_unknown(
    path: Path, asked: Sequence[str] | Mapping[str, str], found: object, option: str
) -> None:
    unknown = [name for name in asked if name not in found]
    if unknown:
        known = ", ".join(sorted(name for name in found if name))
        raise StoreError(
            f"{path}: no row is labelled {unknown[0]!r}, its labels are {known}; correct {option}"
        )


def _refuse_contradictions(path: Path, units: Sequence[WindowRow]) -> None:
    first: dict[str, WindowRow] = {}
    for unit in units:
        other = first.setdefault(unit.cell_id, unit)
        for what in ("label", "day", "animal", "source"):
            one, two = getattr(other, what), getattr(unit, what)
            if one != two:
                raise StoreError(
                    f"{path}: cell {unit.cell_id} has {what} {one or 'unknown'} in line "
                    f"{other.line} but {two or 'unknown'} in line {unit.line}; correct one of "
                    "them, or give two cells two ids"
                )
