"""Which spikes are for training, validation and test: by cell, day or animal, or by spike."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np

from raphe.core.errors import SettingError, SplitError, StoreError
from raphe.core.statistics import splits
from raphe.core.statistics.splits import PARTS
from raphe.tasks.celltype.stores.folds import Folds, assign_folds, check_folds, parts_of_fold
from raphe.tasks.celltype.stores.lazy_array import InMemory, LazyArray, LookedUp
from raphe.tasks.celltype.stores.spike_set import SpikeSet

SplitKind = Literal["cell", "day", "animal", "spike"]

FRACTIONS = (0.70, 0.15, 0.15)  # Corradetti et al. 2024
LEFT_OUT = 255  # in place of a part's number
MAX_ITEMS = 2**20  # of a store with more spikes, days are balanced by so many that stand for all


@dataclass(frozen=True, eq=False)
class SpikeSplit:
    """The part that each spike of a store belongs to, and how that was decided.

    A split by cell, day or animal of all spikes holds nothing a spike, any other a byte. A pickled
    split is made anew.
    """

    spikes: SpikeSet = field(repr=False)
    kind: SplitKind
    fractions: tuple[float, float, float]
    seed: int
    per_class: int | None
    part: LazyArray = field(repr=False)  # uint8 (N,), index into PARTS, or LEFT_OUT
    counts: np.ndarray = field(repr=False)  # int64 (cells, parts): spikes of each cell in each part
    folds: Folds | None = None
    fold: int = 0  # the one that is tested here, of `folds`

    def rows(self, name: str) -> np.ndarray:
        """Rows of a part of the store, ascending int64."""
        return np.flatnonzero(self.part == PARTS.index(name))

    @property
    def of_cell(self) -> np.ndarray | None:
        """The part that each cell's spikes in the split are in; None of a split by spike.

        uint8 (cells,), LEFT_OUT of a cell that has none.
        """
        if self.kind == "spike":
            return None
        part = np.where(self.counts.any(axis=1), self.counts.argmax(axis=1), LEFT_OUT)
        return part.astype(np.uint8)

    @cached_property
    def fold_of_cell(self) -> np.ndarray:
        """The fold that tests each cell: int64 (cells,), -1 of a cell that has no spike here."""
        assert self.folds is not None
        cells = np.flatnonzero(self.counts.any(axis=1))
        group, label = _groups(self.spikes, self.kind), self.spikes.label_of_cell
        fold = np.full(len(self.spikes.cells), -1)
        fold[cells] = assign_folds(group[cells], label[cells], self.folds, self.seed, self.kind)
        return fold

    @property
    def spikes_hash(self) -> str:
        return self.spikes.content_hash

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the store's content and every spike's part."""
        digest = hashlib.sha256(self.spikes_hash.encode())
        for _, part in self.part.blocks():
            digest.update(part)
        return digest.hexdigest()

    @property
    def facts(self) -> dict[str, Any]:
        """What a manifest records of it."""
        return {
            "kind": self.kind,
            "fractions": list(self.fractions),
            "seed": self.seed,
            "per_class": self.per_class,
            "folds": self.folds,
            "fold": None if self.folds is None else self.fold,
            "digest": self.digest,
        }

    def __reduce__(self) -> tuple[Any, ...]:
        settings = (self.kind, self.fractions, self.seed, self.per_class, self.folds, self.fold)
        return split_spikes, (self.spikes, *settings)


def split_spikes(
    spikes: SpikeSet,
    kind: SplitKind = "cell",
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 42,
    per_class: int | None = None,
    folds: Folds | None = None,
    fold: int = 0,
) -> SpikeSplit:
    """Split a store; of each class `per_class` spikes are drawn first, None takes all.

    With `folds` its groups are shared out among so many, or each is one ("all"); those of `fold`
    are tested, and `fractions` says how many of the others validate.

    Raises SettingError and SplitError.
    """
    if kind not in get_args(SplitKind):
        raise SettingError(f"data.split={kind}: expected {', '.join(get_args(SplitKind))}")
    check_folds(folds, fold, kind)
    chosen = None if per_class is None else _draw(spikes, per_class, seed)
    if kind == "spike":
        part = _by_spike(spikes, chosen, fractions, seed)
    else:
        part = _by_group(spikes, chosen, kind, fractions, seed, folds, fold)
    counts = _count(spikes, part, len(PARTS))
    return SpikeSplit(spikes, kind, tuple(fractions), seed, per_class, part, counts, folds, fold)


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
            f"{name} {found.get(name)} there, {value} here"
            for name, value in expected.items()
            if name != "digest" and found.get(name) != value
        )
        raise StoreError(
            f"{synthetic.path}: was made for another split of {original.path} "
            f"({what or 'by another version'}), so test spikes could be among those trained on; "
            f"split alike, or {_MAKE}"
        )
    if split.of_cell is not None:
        _refuse_strays(synthetic, split.of_cell)


_MAKE = "make it with raphe synthesize from this store and for this split"


def _refuse_strays(synthetic: SpikeSet, of_cell: np.ndarray) -> None:
    """Look at every spike: its side must be the part that its cell is in."""
    expected = LazyArray(LookedUp(synthetic.cell, of_cell))
    for start, side in synthetic.side.blocks():
        wrong = np.flatnonzero(side != expected[start : start + len(side)])
        if len(wrong):
            row = start + int(wrong[0])
            cell = synthetic.cells[synthetic.cell[row]].cell_id
            raise StoreError(
                f"{synthetic.path}: spike {row} of cell {cell} is not in the part that its cell is "
                f"in, so test spikes could be among those trained on; {_MAKE}"
            )


def _draw(spikes: SpikeSet, per_class: int, seed: int) -> np.ndarray:
    """Which spikes are among the `per_class` drawn of their class: bool (N,)."""
    rng = np.random.default_rng(seed)
    drawn = []
    for name, n in zip(spikes.classes, spikes.per_class(spikes.counts).tolist(), strict=True):
        if n < per_class:
            raise SettingError(
                f"data.per_class={per_class}: {spikes.path} has {n} spikes of {name}; "
                "ask for no more"
            )
        drawn.append(_shuffled(rng, np.array([False, True]), [n - per_class, per_class]))
    return _deal(spikes.label, drawn)


def _by_spike(
    spikes: SpikeSet, chosen: np.ndarray | None, fractions: Sequence[float], seed: int
) -> LazyArray:
    n = spikes.n if chosen is None else int(chosen.sum())
    sizes = splits.part_sizes(n, fractions)
    if min(sizes) < 1:
        raise SplitError(
            f"splitting {n} spikes in {list(fractions)} leaves a part empty {sizes}; add spikes"
        )
    rng = np.random.default_rng(seed)
    part = _shuffled(rng, np.arange(len(PARTS), dtype=np.uint8), sizes)
    if chosen is None:
        return LazyArray(InMemory(part))
    left_out = np.full(spikes.n - n, LEFT_OUT, np.uint8)
    return LazyArray(InMemory(_deal(LazyArray(InMemory(chosen)), [left_out, part])))


def _by_group(
    spikes: SpikeSet,
    chosen: np.ndarray | None,
    kind: SplitKind,
    fractions: Sequence[float],
    seed: int,
    folds: Folds | None,
    fold: int,
) -> LazyArray:
    counts = spikes.counts
    if chosen is not None:
        counts = _count(spikes, LazyArray(InMemory(chosen)), 2)[:, 1]
    if folds is None:
        part_of_cell = _divided(spikes, counts, kind, fractions, seed)
    else:
        part_of_cell = _folded(spikes, counts, kind, fractions, seed, folds, fold)
    part = LazyArray(LookedUp(spikes.cell, part_of_cell))
    if chosen is None:
        return part
    held = np.full(spikes.n, LEFT_OUT, np.uint8)
    for start, block in part.blocks():
        here = slice(start, start + len(block))
        held[here][chosen[here]] = block[chosen[here]]
    return LazyArray(InMemory(held))


def _divided(
    spikes: SpikeSet, counts: np.ndarray, kind: SplitKind, fractions: Sequence[float], seed: int
) -> np.ndarray:
    """The part of each cell, of which `counts` (cells,) spikes are split: uint8 (cells,)."""
    cells = np.flatnonzero(counts)
    if kind != "cell":  # days and animals are balanced by their spikes
        counts = counts[cells]
        cells = np.repeat(cells, -(-counts // max(1, counts.sum() // MAX_ITEMS)))
    split = splits.split_by_group(
        _groups(spikes, kind)[cells],
        spikes.label_of_cell[cells],
        fractions,
        seed,
        group_name=kind,
        class_names=spikes.classes,
    )
    part_of_cell = np.full(len(spikes.cells), LEFT_OUT, np.uint8)
    for number, items in enumerate(split.parts().values()):
        part_of_cell[cells[items]] = number
    return part_of_cell


def _folded(
    spikes: SpikeSet,
    counts: np.ndarray,
    kind: SplitKind,
    fractions: Sequence[float],
    seed: int,
    folds: Folds,
    fold: int,
) -> np.ndarray:
    """As `_divided`, where a fold is tested."""
    cells = np.flatnonzero(counts)
    group, label = _groups(spikes, kind)[cells], spikes.label_of_cell[cells]
    fold_of_cell = assign_folds(group, label, folds, seed, kind)
    part_of_cell = np.full(len(spikes.cells), LEFT_OUT, np.uint8)
    part_of_cell[cells] = parts_of_fold(
        group, label, fold_of_cell, fold, splits.check_fractions(fractions), seed, spikes.classes
    )
    return part_of_cell


def _shuffled(rng: np.random.Generator, values: np.ndarray, counts: Sequence[int]) -> np.ndarray:
    """So many of each value in random order. In place of a permutation: 1 byte each, not 8."""
    order = np.repeat(values, counts)
    rng.shuffle(order)
    return order


def _deal(which: LazyArray, stacks: Sequence[np.ndarray]) -> np.ndarray:
    """Give each row (N,) the next item of the stack that `which` names."""
    dealt, taken = np.empty(len(which), stacks[0].dtype), [0] * len(stacks)
    for start, block in which.blocks():
        for number, stack in enumerate(stacks):
            here = np.flatnonzero(block == number)
            dealt[start + here] = stack[taken[number] : taken[number] + len(here)]
            taken[number] += len(here)
    return dealt


def _count(spikes: SpikeSet, of_each: LazyArray, n_values: int) -> np.ndarray:
    """Each cell's spikes of each value: int64 (cells, n_values). Other values are left out."""
    counts = np.zeros((len(spikes.cells), n_values), np.int64)
    for start, values in of_each.blocks():
        cell = spikes.cell[start : start + len(values)].astype(np.int64)
        known = values < n_values
        pair = cell[known] * n_values + values[known]
        counts += np.bincount(pair, minlength=counts.size).reshape(counts.shape)
    return counts


def _groups(spikes: SpikeSet, kind: SplitKind) -> np.ndarray:
    """The group of each cell: itself, its day or its animal. (n_cells,) int."""
    if kind == "cell":
        return np.arange(len(spikes.cells))
    names = [getattr(cell, kind) for cell in spikes.cells]
    unknown = [cell.cell_id for cell, name in zip(spikes.cells, names, strict=True) if not name]
    if unknown:
        raise SplitError(
            f"{spikes.path}: a split by {kind} needs the {kind} of every cell, unknown for "
            f"{len(unknown)} (first: {unknown[0]}); name it in the column {kind} of the table that "
            "the store is made with, cells.csv or that of raphe import-windows, or split by cell"
        )
    return np.unique(names, return_inverse=True)[1]
