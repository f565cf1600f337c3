"""Which fold tests each unit: those of the table, or by unit, animal or session.

N units, K folds.
"""

from collections import Counter
from typing import Literal

import numpy as np

from raphe.core.errors import SettingError, SplitError
from raphe.core.sentences import counted
from raphe.core.statistics.folds import Folds, assign_folds
from raphe.tasks.units.recordings.unit_set import UNKNOWN_FOLD
from raphe.tasks.units.stores.unit_store import UnitStore

Split = Literal["given", "unit", "animal", "session"]
SPLITS = ("given", "unit", "animal", "session")


def unit_folds(store: UnitStore, split: Split, folds: Folds, seed: int) -> np.ndarray:
    """The fold that tests each unit: int64 (N,), from 0.

    Args:
        split: "given" takes the column fold of the table; "unit" deals units out, each class by
            itself; "animal" and "session" keep theirs together.
        folds: K, or "all": each animal, session or unit is one. Of no matter where given.
        seed: of what is dealt out.

    Raises:
        SettingError: for a split that is none.
        SplitError: what the split needs is not known, or a fold leaves one class to train on.
    """
    if split not in SPLITS:
        raise SettingError(f"data.split={split}: expected {', '.join(SPLITS[:-1])} or {SPLITS[-1]}")
    if split == "given":
        fold = np.array([fact.fold for fact in store.units.facts])
        if (fold == UNKNOWN_FOLD).any():
            n = int((fold == UNKNOWN_FOLD).sum())
            raise SplitError(
                f"{store.path}: {counted('unit', n)} of {len(fold)} have no fold in the table; "
                "leave their labels out on import (--classes), or set data.split=unit"
            )
        fold = np.unique(fold, return_inverse=True)[1]
    elif split == "unit":
        fold = assign_folds(np.arange(len(store.units)), store.label, folds, seed, "unit")
    else:
        names = store.names_of(split)
        if not all(names):
            raise SplitError(
                f"{store.path}: the {split} of {counted('unit', names.count(''))} of {len(names)} "
                f"is not known; add a column {split} to units.csv, or set data.split=unit"
            )
        group = np.unique(names, return_inverse=True)[1]
        fold = assign_folds(group, store.label, folds, seed, split)
    _require_classes(store, fold, split)
    return fold


def _require_classes(store: UnitStore, fold: np.ndarray, split: str) -> None:
    """Each class must be trained on in each fold: else its units could never be called right."""
    if fold.max() < 1:
        raise SplitError(f"{store.path}: expected two folds or more, got one; set data.split=unit")
    for number in range(int(fold.max()) + 1):
        trained = Counter(store.label[fold != number].tolist())
        for index, name in enumerate(store.classes):
            if not trained[index]:
                noun = split if split in ("animal", "session") else "fold"
                raise SplitError(
                    f"{store.path}: all units of class {name} are of one {noun}, so that none is "
                    f"left to train on where they are tested (fold {number}); set data.split=unit, "
                    "or leave the class out"
                )
