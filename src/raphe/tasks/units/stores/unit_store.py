"""A store of labelled units, and of others beside them: arrays, a table of what is known, classes.

N units, C classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import StoreError
from raphe.core.files.store import Store, StoreWriter, open_store
from raphe.core.sentences import counted
from raphe.tasks.units.recordings.unit_set import UnitFacts, UnitSet

KIND = "units/units"
ARRAYS = {"waveform": "waveforms", "isi": "isi", "acg": "acg"}
TABLE = "units"


@dataclass(frozen=True)
class UnitStore:
    """An opened store, its arrays in memory: units are few."""

    path: Path
    units: UnitSet  # that have a label
    unlabelled: UnitSet
    classes: tuple[str, ...]
    note: str
    content_hash: str

    @property
    def label(self) -> np.ndarray:
        """The class of each unit by number: int64 (N,)."""
        return np.array([self.classes.index(fact.label) for fact in self.units.facts])

    @property
    def contents(self) -> str:
        counts = np.bincount(self.label, minlength=len(self.classes))
        of_classes = (f"{n} {name}" for n, name in zip(counts, self.classes, strict=True))
        return f"{counted('unit', len(self.units))} ({', '.join(of_classes)})"

    def names_of(self, noun: str) -> list[str]:
        """Of each unit its "animal" or "session", "" where it is not known."""
        return [str(getattr(fact, noun)) for fact in self.units.facts]


def open_units(path: Path | str) -> UnitStore:
    """Open a store made by `raphe import units`. Raises StoreError."""
    store = open_store(path)
    if store.manifest.get("kind") != KIND:
        raise StoreError(
            f"{store.path}: expected a store of {KIND}, got {store.manifest.get('kind')}; make one "
            "with raphe import units"
        )
    rows = store.tables[TABLE]
    facts = [
        UnitFacts(
            row["unit"],
            row["label"],
            row["animal"],
            row["session"],
            int(row["fold"]),
            int(row["n_spikes"]) if row["n_spikes"] else None,
        )
        for row in rows
    ]
    arrays = {name: _array(store, file, len(rows)) for name, file in ARRAYS.items()}
    units = UnitSet(
        facts, arrays["waveform"], arrays["isi"], arrays["acg"], store.manifest["rate_hz"]
    )
    has_label = np.array([bool(fact.label) for fact in facts])
    return UnitStore(
        store.path,
        units.rows(has_label),
        units.rows(~has_label),
        tuple(store.manifest["classes"]),
        store.manifest.get("note", ""),
        store.content_hash,
    )


def _array(store: Store, name: str, n: int) -> np.ndarray:
    return np.array(store.arrays[name]) if name in store.arrays else np.empty((n, 0), np.float32)


def write_units(
    path: Path,
    units: UnitSet,
    classes: Sequence[str],
    facts: dict[str, Any],
    overwrite: bool = False,
) -> Path:
    """Write units whose labels are all of `classes`, or "" for none. Raises StoreError."""
    fields = {
        ARRAYS[name]: ((array.shape[1],), "float32")
        for name, array in units.arrays.items()
        if array.shape[1]
    }
    with StoreWriter(path, fields, overwrite) as writer:
        writer.append(
            **{
                ARRAYS[name]: array
                for name, array in units.arrays.items()
                if ARRAYS[name] in fields
            }
        )
        rows = [
            {
                "unit": fact.unit_id,
                "label": fact.label,
                "animal": fact.animal,
                "session": fact.session,
                "fold": fact.fold,
                "n_spikes": "" if fact.n_spikes is None else fact.n_spikes,
            }
            for fact in units.facts
        ]
        manifest = {"kind": KIND, "classes": list(classes), "rate_hz": units.rate_hz, **facts}
        return writer.finish(manifest, {TABLE: rows})
