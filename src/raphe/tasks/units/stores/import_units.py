"""Labelled units of a folder, copied into a store; a unit that is there twice is taken once.

N units.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import StoreError
from raphe.core.recordings.class_names import check_classes, is_class
from raphe.core.sentences import counted, listed
from raphe.core.tables.words import spellings
from raphe.tasks.units.recordings.unit_set import ReadUnits, UnitSet
from raphe.tasks.units.stores.doubts import doubts
from raphe.tasks.units.stores.unit_store import write_units

FEWEST_CLASSES = 2
FEWEST_UNITS = 2  # of a class: one to train on, one to test on


@dataclass(frozen=True)
class UnitsReport:
    """What was taken. Lists hold a sentence each."""

    store: Path
    per_class: dict[str, int]
    without_label: int  # taken, too: their labels are asked for by raphe finetune
    other_labels: dict[str, int]  # that were not asked for
    left_out: Sequence[str]
    remarks: Sequence[str]


def import_units(
    read: ReadUnits,
    where: str,
    store: Path,
    classes: Sequence[str] | None = None,
    note: str = "",
    overwrite: bool = False,
) -> UnitsReport:
    """Write units into a store, those without a label beside those that have one.

    Args:
        read: what a reader gave.
        where: what sentences call its source.
        classes: labels to take, in this order; None takes all, by name.
        note: a sentence that must stand beside every result from them.

    Raises:
        StoreError: fewer than two classes, or a class of one unit.
    """
    units = read.units
    spelt = spellings((fact.label for fact in units.facts if is_class(fact.label)), classes or ())
    labels = [spelt.get(fact.label, "") for fact in units.facts]
    if classes is not None:
        check_classes(classes, "--classes", StoreError)
        if missing := [name for name in classes if name not in labels]:
            there = listed(sorted(set(filter(None, labels)))) if any(labels) else "none"
            raise StoreError(f"{where}: no unit is labelled {missing[0]}; its labels are {there}")
    chosen = tuple(classes or sorted(set(filter(None, labels))))
    taken = np.array([label in chosen or not label for label in labels])
    other = Counter(label for label in labels if label and label not in chosen)
    twice, told = _copies(units, labels, taken)
    taken &= ~twice
    counts = Counter(label for label, is_in in zip(labels, taken, strict=True) if is_in and label)
    _require_classes(where, counts, chosen, [*read.left_out, *told])
    kept = units.rows(taken)
    facts = [replace(fact, label=spelt.get(fact.label, "")) for fact in kept.facts]
    kept = replace(kept, facts=facts)
    has_label = np.array([bool(fact.label) for fact in facts])
    remarks = [*read.remarks, *doubts(kept.rows(has_label), advise=True)]
    manifest: dict[str, Any] = {"source": where} | ({"note": note} if note else {})
    path = write_units(store, kept, chosen, manifest, overwrite)
    return UnitsReport(
        path,
        {name: counts[name] for name in chosen},
        int((~has_label).sum()),
        dict(other),
        [*read.left_out, *told],
        remarks,
    )


def _require_classes(
    where: str, counts: Counter[str], chosen: Sequence[str], left_out: Sequence[str]
) -> None:
    but = f" ({counted('unit', len(left_out))} left out, as {left_out[0]})" if left_out else ""
    if len(chosen) < FEWEST_CLASSES:
        got = f"one, {chosen[0]}{but}" if chosen else f"none{but}"
        raise StoreError(
            f"{where}: expected units of {FEWEST_CLASSES} classes or more, got {got}; --label says "
            "which column, property or field holds them, and one class alone teaches nothing"
        )
    for name in chosen:
        if counts[name] < FEWEST_UNITS:
            raise StoreError(
                f"{where}: class {name} has {counted('unit', counts[name])}{but}, expected "
                f"{FEWEST_UNITS} or more, one to train on and one to test on; leave it out with "
                "--classes"
            )


def _copies(
    units: UnitSet, labels: Sequence[str], taken: np.ndarray
) -> tuple[np.ndarray, list[str]]:
    """Units that hold the same numbers as an earlier one, bool (N,), and a sentence on each.

    On both sides of a split such a unit is a leak. Under two labels neither is taken, without a
    label only the one that has one.
    """
    twice, told = np.zeros(len(units), bool), []
    alike: dict[bytes, list[int]] = {}
    for row in sorted(np.flatnonzero(taken).tolist(), key=lambda row: not labels[row]):
        parts = [units.waveforms[row], units.isi[row]]
        if not np.isfinite(parts[0]).any() or not parts[0].size:
            parts.append(units.acg[row])  # what is missing makes no two units one
        alike.setdefault(b"".join(part.tobytes() for part in parts), []).append(row)
    for first, *others in alike.values():
        rows = [first, *others]
        named = [units.facts[row].unit_id for row in rows]
        kinds = list(dict.fromkeys(labels[row] for row in rows if labels[row]))
        if len(kinds) > 1:
            twice[rows] = True
            neither = "neither is" if len(rows) == 2 else "none of them is"
            told.append(
                f"units {listed(named)}: have the same numbers and "
                f"{'two' if len(kinds) == 2 else len(kinds)} labels, {listed(kinds)}; "
                f"{neither} taken"
            )
            continue
        twice[others] = True
        told += [
            f"unit {name}: is unit {named[0]} again, with the same numbers; taken once"
            for name in named[1:]
        ]
    return twice, told
