"""Which spikes are for training, validation and test: by cell, by day or by spike."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from raphe.core import splits
from raphe.core.errors import SettingError, SplitError, StoreError
from raphe.core.splits import PARTS
from raphe.tasks.celltype.spike_set import SpikeSet

SplitKind = Literal["cell", "day", "spike"]

FRACTIONS = (0.70, 0.15, 0.15)  # Corradetti et al. 2024
LEFT_OUT = 255  # in place of a part's number


@dataclass(frozen=True)
class SpikeSplit:
    """The part that each spike of a store belongs to, and how that was decided."""

    kind: SplitKind
    fractions: tuple[float, float, float]
    seed: int
    per_class: int | None
    part: np.ndarray = field(repr=False)  # uint8 (N,), index into PARTS, or LEFT_OUT
    spikes_hash: str  # of the store that was split

    def rows(self, name: str) -> np.ndarray:
        """Rows of a part of the store, ascending int64."""
        return np.flatnonzero(self.part == PARTS.index(name))

    @property
    def digest(self) -> str:
        """SHA-256 over the store's content and every spike's part."""
        return hashlib.sha256(self.spikes_hash.encode() + self.part.tobytes()).hexdigest()

    @property
    def facts(self) -> dict[str, Any]:
        """What a manifest records of it."""
        return {
            "kind": self.kind,
            "fractions": list(self.fractions),
            "seed": self.seed,
            "per_class": self.per_class,
            "digest": self.digest,
        }


def split_spikes(
    spikes: SpikeSet,
    kind: SplitKind = "cell",
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 42,
    per_class: int | None = None,
) -> SpikeSplit:
    """Split a store; of each class `per_class` spikes are drawn first, None takes all.

    Raises SettingError and SplitError.
    """
    if kind not in get_args(SplitKind):
        raise SettingError(f"data.split={kind}: expected cell, day or spike")
    rows = _chosen_rows(spikes, per_class, seed)
    if kind == "spike":
        split = splits.split_by_item(len(rows), fractions, seed)
    else:
        split = splits.split_by_group(
            _groups(spikes, kind)[spikes.cell[rows]],
            spikes.label[rows],
            fractions,
            seed,
            group_name=kind,
            class_names=spikes.classes,
        )
    part = np.full(spikes.n, LEFT_OUT, np.uint8)
    for number, held in enumerate(split.parts().values()):
        part[rows[held]] = number
    return SpikeSplit(kind, tuple(fractions), seed, per_class, part, spikes.content_hash)


def require_split(synthetic: SpikeSet, split: SpikeSplit, original: SpikeSet) -> None:
    """Refuse synthetic spikes that were made from another store or for another split of it.

    Raises StoreError that names the store, what differs and the remedy.
    """
    found, expected = synthetic.facts.get("split"), split.facts
    if found is None or synthetic.side is None:
        raise StoreError(f"{synthetic.path}: holds no synthetic spikes; {_MAKE}")
    if synthetic.facts["made_from"]["spikes"] != split.spikes_hash:
        raise StoreError(
            f"{synthetic.path}: was made from other spikes than {original.path} holds now (content "
            f"hash {synthetic.facts['made_from']['spikes'][:12]}… there, "
            f"{split.spikes_hash[:12]}… here); {_MAKE}"
        )
    if found["digest"] != expected["digest"]:
        what = ", ".join(
            f"{name} {found[name]} there, {value} here"
            for name, value in expected.items()
            if name != "digest" and found[name] != value
        )
        raise StoreError(
            f"{synthetic.path}: was made for another split of {original.path} "
            f"({what or 'by another version'}), so test spikes could be among those trained on; "
            f"split alike, or {_MAKE}"
        )


_MAKE = "make it with raphe synthesize from this store and for this split"


def _chosen_rows(spikes: SpikeSet, per_class: int | None, seed: int) -> np.ndarray:
    if per_class is None:
        return np.arange(spikes.n)
    rng = np.random.default_rng(seed)
    chosen = []
    for index, name in enumerate(spikes.classes):
        members = np.flatnonzero(spikes.label == index)
        if len(members) < per_class:
            raise SettingError(
                f"data.per_class={per_class}: {spikes.path} has {len(members)} spikes of {name}; "
                "ask for no more"
            )
        chosen.append(rng.choice(members, per_class, replace=False))
    return np.sort(np.concatenate(chosen))


def _groups(spikes: SpikeSet, kind: SplitKind) -> np.ndarray:
    """The group of each cell: itself, or its day. (n_cells,) int."""
    if kind == "cell":
        return np.arange(len(spikes.cells))
    undated = [cell.cell_id for cell in spikes.cells if not cell.day]
    if undated:
        raise SplitError(
            f"{spikes.path}: a split by day needs the day of every cell, unknown for "
            f"{len(undated)} (first: {undated[0]}); add a cells.csv with a day column, or split "
            "by cell"
        )
    return np.unique([cell.day for cell in spikes.cells], return_inverse=True)[1]
