"""Which spikes train, validate and test: by cell, day, animal or source, or spike by spike."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np

from raphe.core.errors import SettingError, SplitError, StoreError
from raphe.core.sentences import counted
from raphe.core.statistics import splits
from raphe.core.statistics.folds import Folds, assign_folds, check_folds, parts_of_fold
from raphe.core.statistics.splits import PARTS
from raphe.tasks.celltype.stores.copied_cells import together
from raphe.tasks.celltype.stores.lazy_array import ArraySource, InMemory, LazyArray, LookedUp
from raphe.tasks.celltype.stores.spike_set import SpikeSet

SplitKind = Literal["cell", "day", "animal", "source", "spike"]
SPLITS: tuple[SplitKind, ...] = ("spike", "cell", "day", "animal", "source")  # finest first
assert set(SPLITS) == set(get_args(SplitKind))

FRACTIONS = (0.70, 0.15, 0.15)  # Corradetti et al. 2024
LEFT_OUT = 255  # in place of a part's number
MAX_ITEMS = 2**20  # of a store with more spikes, days are balanced by so many that stand for all
OTHERWISE = {  # than more cells, days, animals or sources
    "cell": "set data.split=spike and accept the leak",
    "day": "set data.split=cell",
    "animal": "set data.split=cell",
    "source": "set data.split=cell",
}
REMEDY = "make it with raphe synthesize from this store and for this split"


@dataclass(frozen=True, eq=False)
class SpikeSplit:
    """The part that each spike of a store belongs to, and how that was decided.

    Split by spike, or of some of the spikes, it holds a byte a spike, else nothing. A pickled split
    is made anew.
    """

    spikes: SpikeSet = field(repr=False)
    kind: SplitKind
    fractions: tuple[float, ...]  # of PARTS
    seed: int
    per_class: int | None
    part: LazyArray = field(repr=False)  # uint8 (N,), index into PARTS, or LEFT_OUT
    counts: np.ndarray = field(repr=False)  # int64 (cells, parts): spikes of each cell in each part
    folds: Folds | None = None
    fold: int = 0  # the one that is tested here, of `folds`

    def rows(self, name: str) -> np.ndarray:
        """Rows of a part of the store: ascending int64 (n,)."""
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
    are tested, and `fractions` says how many of the others validate. No window is read, and each
    spike's cell at most once.

    Raises SettingError and SplitError.
    """
    if kind not in get_args(SplitKind):
        raise SettingError(f"data.split={kind}: expected {', '.join(get_args(SplitKind))}")
    check_folds(folds, fold, kind)
    if kind == "spike":
        part, counts = _by_spike(spikes, per_class, fractions, seed)
    else:
        part, counts = _by_group(spikes, per_class, kind, fractions, seed, folds, fold)
    return SpikeSplit(
        spikes,
        kind,
        tuple(fractions),
        seed,
        per_class,
        LazyArray(part),
        counts,
        folds,
        fold,
    )


def require_split(synthetic: SpikeSet, split: SpikeSplit, original: SpikeSet) -> None:
    """Refuse synthetic spikes that were made from another store or for another split of it.

    Raises StoreError that names the store, what differs and the remedy.
    """
    made_for, expected = synthetic.facts.get("split"), split.facts
    if made_for is None or synthetic.part is None:
        raise StoreError(f"{synthetic.path}: holds no synthetic spikes; {REMEDY}")
    if synthetic.facts["made_from"]["spikes"] != split.spikes_hash:
        raise StoreError(
            f"{synthetic.path}: was made from other spikes than {original.path} holds now (content "
            f"hash {synthetic.facts['made_from']['spikes'][:12]}… there, "
            f"{split.spikes_hash[:12]}… here); {REMEDY}"
        )
    if made_for["digest"] != expected["digest"]:
        differences = ", ".join(
            f"{name} {made_for.get(name)} there, {value} here"
            for name, value in expected.items()
            if name != "digest" and made_for.get(name) != value
        )
        raise StoreError(
            f"{synthetic.path}: was made for another split of {original.path} "
            f"({differences or 'by another version'}), so test spikes could be among those trained "
            f"on; split alike, or {REMEDY}"
        )
    if split.of_cell is not None:
        _refuse_strays(synthetic, synthetic.part, split.of_cell)


def _refuse_strays(synthetic: SpikeSet, parts: LazyArray, part_of_cell: np.ndarray) -> None:
    """Look at every spike: its part must be that of its cell."""
    for start, part in parts.blocks():
        cell = synthetic.cell[start : start + len(part)]
        wrong = np.flatnonzero(part != part_of_cell[cell])
        if len(wrong):
            row, cell_id = start + int(wrong[0]), synthetic.cells[cell[wrong[0]]].cell_id
            raise StoreError(
                f"{synthetic.path}: spike {row} of cell {cell_id} is not in the part that its cell "
                f"is in, so test spikes could be among those trained on; {REMEDY}"
            )


def _by_spike(
    spikes: SpikeSet, per_class: int | None, fractions: Sequence[float], seed: int
) -> tuple[ArraySource, np.ndarray]:
    """Each spike's part and the counts (cells, parts), where every spike falls by itself."""
    n = spikes.n if per_class is None else per_class * len(spikes.classes)
    sizes = splits.part_sizes(n, fractions)
    blocks = _drawn(spikes, per_class, seed)
    dealt = _shuffled(np.random.default_rng(seed), np.arange(len(PARTS), dtype=np.uint8), sizes)
    part = np.full(spikes.n, LEFT_OUT, np.uint8)
    counts = np.zeros((len(spikes.cells), len(PARTS)), np.int64)
    n_dealt = 0
    for row, cell in blocks:
        part[row] = dealt[n_dealt : n_dealt + len(row)]
        n_dealt += len(row)
        pair = cell.astype(np.int64) * len(PARTS) + part[row]
        counts += np.bincount(pair, minlength=counts.size).reshape(counts.shape)
    return InMemory(part), counts


def _by_group(
    spikes: SpikeSet,
    per_class: int | None,
    kind: SplitKind,
    fractions: Sequence[float],
    seed: int,
    folds: Folds | None,
    fold: int,
) -> tuple[ArraySource, np.ndarray]:
    """Each spike's part and the counts (cells, parts), where a cell's spikes stay together."""
    n_spikes = spikes.counts  # (cells,)
    if per_class is not None:
        is_drawn, cell = np.zeros(spikes.n, bool), []
        for block_row, block_cell in _drawn(spikes, per_class, seed):
            is_drawn[block_row] = True
            cell.append(block_cell)
        cell_of_drawn = np.concatenate(cell)  # not read again: the file may be large
        n_spikes = np.bincount(cell_of_drawn, minlength=len(spikes.cells))
    if folds is None:
        part_of_cell = _divided(spikes, n_spikes, kind, fractions, seed)
    else:
        part_of_cell = _folded(spikes, n_spikes, kind, fractions, seed, folds, fold)
    counts = np.zeros((len(spikes.cells), len(PARTS)), np.int64)
    cells = np.flatnonzero(n_spikes)
    counts[cells, part_of_cell[cells]] = n_spikes[cells]
    if per_class is None:
        return LookedUp(spikes.cell, part_of_cell), counts
    part = np.full(spikes.n, LEFT_OUT, np.uint8)
    part[is_drawn] = part_of_cell[cell_of_drawn]
    return InMemory(part), counts


def _drawn(
    spikes: SpikeSet, per_class: int | None, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows int64 (n,) and cells int (n,) of `per_class` spikes a class, of all with None.

    Block by block, in their order. Raises SettingError before the first where there are too few.
    """
    if per_class is None:
        return ((start + np.arange(len(cell)), cell) for start, cell in spikes.cell.blocks())
    rng = np.random.default_rng(seed)
    is_drawn = []  # of each class, its spikes in their order
    for name, n in zip(spikes.classes, spikes.per_class(spikes.counts).tolist(), strict=True):
        if n < per_class:
            raise SettingError(
                f"data.per_class={per_class}: {spikes.path} has {counted('spike', n)} of "
                f"{name}; ask for no more"
            )
        is_drawn.append(_shuffled(rng, np.array([False, True]), [n - per_class, per_class]))
    return _drawn_blocks(spikes, is_drawn)


def _drawn_blocks(
    spikes: SpikeSet, is_drawn: Sequence[np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    n_passed = [0] * len(is_drawn)
    for start, cell in spikes.cell.blocks():
        label = spikes.label_of_cell[cell]
        chosen = np.empty(len(cell), bool)
        for number, of_class in enumerate(is_drawn):
            place = np.flatnonzero(label == number)
            chosen[place] = of_class[n_passed[number] : n_passed[number] + len(place)]
            n_passed[number] += len(place)
        yield start + np.flatnonzero(chosen), cell[chosen]


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
        otherwise=OTHERWISE[kind],
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


def _groups(spikes: SpikeSet, kind: SplitKind) -> np.ndarray:
    """The group of each cell: itself, its day, animal or source, with its copies. (n_cells,) int.

    A copy on another day joins the two days.
    """
    group = np.arange(len(spikes.cells)) if kind == "cell" else _by_name(spikes, kind)
    first: dict[str, int] = {}
    links = [
        (first.setdefault(cell.group, number), number)
        for cell, number in zip(spikes.cells, group.tolist(), strict=True)
        if cell.group
    ]
    return together(np.array(links), group.max() + 1)[group] if links else group


def _by_name(spikes: SpikeSet, kind: SplitKind) -> np.ndarray:
    """The number of each cell's day, animal or source: int (n_cells,). Raises SplitError."""
    names = [getattr(cell, kind) for cell in spikes.cells]
    unknown = [cell.cell_id for cell, name in zip(spikes.cells, names, strict=True) if not name]
    if unknown:
        raise SplitError(
            f"{spikes.path}: a split by {kind} needs the {kind} of every cell, unknown for "
            f"{len(unknown)} (first: {unknown[0]}); name it in the column {kind} of the table that "
            "the store is made with, cells.csv or that of raphe import windows, or split by cell"
        )
    return np.unique(names, return_inverse=True)[1]
