"""Which trainings an audit needs, known before the first of them starts.

The same network is asked in different ways: on spikes and on noise without a spike, split in every
way that training knows, and on labels that mean nothing. Each cell is tested by networks that were
not trained on it (or, by spike, on its other spikes).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raphe.core.audit.asked import Way, ways_told
from raphe.core.audit.chance import shuffles_needed
from raphe.core.audit.confounding import numbered
from raphe.core.errors import SettingError, SplitError, StoreError
from raphe.core.files.scratch import Scratch
from raphe.core.sentences import counted
from raphe.tasks.celltype.audit.settings import Settings
from raphe.tasks.celltype.audit.stores import noise_windows, shuffled_labels, subset, write
from raphe.tasks.celltype.audit.words import NOISE, SHUFFLED, SPIKES
from raphe.tasks.celltype.network.kernel_size import largest_kernel
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_set import Cell, SpikeSet
from raphe.tasks.celltype.stores.split import SPLITS, SplitKind
from raphe.tasks.celltype.synthetic.mask_store import MaskSet, open_masks
from raphe.tasks.celltype.training.data import CellTypeData

FEWEST_FOLDS = 3  # one group each for training, validation and test


@dataclass(frozen=True)
class Training:
    """One network of a way: that of a fold, or of one shuffling of the labels."""

    way: Way
    number: int  # of the fold or shuffling, from 0
    store: Path
    n_folds: int | None  # None: one split by spike, in which every cell is tested
    seed: int

    @property
    def name(self) -> str:
        """For file names: "noise-by-day-3"."""
        what = self.way.trained_on.replace(" ", "-")
        return f"{what}-by-{self.way.split}-{self.number}"

    def data(self) -> CellTypeData:
        """Raises SplitError for a split that cannot be trained with."""
        split = next(kind for kind in SPLITS if kind == self.way.split)
        if self.n_folds is None:
            return CellTypeData(self.store, split=split, seed=self.seed)
        return CellTypeData(
            self.store,
            split=split,
            seed=self.seed,
            folds=self.n_folds,
            fold=self.number,
        )


@dataclass(frozen=True)
class Plan:
    """What will be trained, on stores that are there while the context of `planned` lasts."""

    store: Path
    spikes: SpikeSet
    masks: MaskSet | None
    settings: Settings
    trainings: Sequence[Training]
    left_out: Sequence[str]

    @property
    def hashes(self) -> dict[str, str | None]:
        """The content hash of each store, by what is in it."""
        masks = None if self.masks is None else self.masks.content_hash
        return {"spikes": self.spikes.content_hash, "masks": masks}

    @property
    def summary(self) -> str:
        """How many trainings there will be, of what."""
        ways = ways_told(training.way for training in self.trainings)
        return (
            f"{counted('training', len(self.trainings))} of at most "
            f"{counted('epoch', self.settings.max_epochs)}: {ways}"
        )

    def require_kernel_that_fits(self) -> None:
        """Raises SettingError, before anything is trained, for a kernel as long as the windows."""
        largest = largest_kernel(self.spikes.n_samples)
        if self.settings.kernel > largest:
            raise SettingError(
                f"--kernel: expected at most {largest}, for windows of {self.spikes.n_samples} "
                f"samples in {self.store}, got {self.settings.kernel}"
            )


@contextmanager
def planned(
    store: Path | str, masks: Path | str | None = None, settings: Settings | None = None
) -> Iterator[Plan]:
    """Every training that store and masks allow, and why others are left out.

    Args:
        store: labelled spikes.
        masks: cut from the same recordings, give the noise; without them nothing is asked of it.
        settings: of the network and its training.

    Raises:
        StoreError: for stores that cannot be audited, or masks from elsewhere.
        SettingError: for fewer spikes than cells.
    """
    settings = settings or Settings()
    spikes = open_spikes(Path(store))
    _check_n_spikes(settings, spikes)
    mask_set = open_masks(Path(masks)) if masks is not None else None
    left_out = []
    if mask_set is None:
        left_out.append(
            f"{NOISE} without a spike: no masks given; cut some with `raphe masks RECORDINGS "
            "MASKS` (a few dozen a recording, --masks N) and pass --masks MASKS"
        )
    with Scratch() as scratch:
        trainings: list[Training] = []
        for what, stores in _stores(scratch, spikes, mask_set, settings).items():
            read = masks if what == NOISE else store
            try:
                trained, untrained = _trainings(what, stores, settings)
            except StoreError as error:  # a class is missing
                reason = str(error).replace(str(stores[0]), str(read))
                if what == SPIKES:
                    raise StoreError(reason) from None
                trained, untrained = [], [f"{what}: {reason}"]
            trainings += trained
            left_out += [reason.replace(str(stores[0]), str(read)) for reason in untrained]
        yield Plan(Path(store), spikes, mask_set, settings, trainings, left_out)


def _check_n_spikes(settings: Settings, spikes: SpikeSet) -> None:
    n_cells = len(np.unique(spikes.cell[np.arange(spikes.n)]))
    if settings.n_spikes < n_cells:
        raise SettingError(
            f"--n-spikes: expected {n_cells} or more, one for each cell of {spikes.path}, got "
            f"{settings.n_spikes}"
        )


def _trainings(
    what: str, stores: Sequence[Path], settings: Settings
) -> tuple[list[Training], list[str]]:
    """Those on spikes, noise or shuffled labels, and why others are left out."""
    if not stores:
        return [], []
    cells = open_spikes(stores[0]).cells
    trainings: list[Training] = []
    left_out: list[str] = []
    seen: dict[tuple[int, ...], str] = {}
    for split in ("spike",) if what == SHUFFLED else SPLITS:
        way = Way(what, split)
        groups = groups_of(cells, split)
        if groups is not None:
            if groups in seen:
                left_out.append(
                    f"{way}: the same as by {seen[groups]}, as {seen[groups]}s and {split}s are "
                    "the same groups of cells"
                )
                continue
            seen[groups] = split
        elif not any(getattr(cell, split, "") for cell in cells) and split in ("animal", "source"):
            continue  # that animals or sources are not known is no news
        try:
            trainings += _of_way(way, stores, groups, settings)
        except SplitError as error:
            left_out.append(f"{way}: {error}")
    return trainings, left_out


def _of_way(
    way: Way, stores: Sequence[Path], groups: tuple[int, ...] | None, settings: Settings
) -> list[Training]:
    """One of each fold, or each shuffling. Raises SplitError where one cannot be trained."""
    seed = settings.seed
    if way.split == "spike":
        trainings = [Training(way, i, store, None, seed) for i, store in enumerate(stores)]
    else:
        n_groups = len(set(groups or ()))
        if groups is not None and n_groups < FEWEST_FOLDS:
            raise SplitError(
                f"{counted(way.split, n_groups)} cannot be shared out among training, validation "
                f"and test; add {way.split}s"
            )
        n_folds = max(2, min(settings.folds, n_groups))
        trainings = [Training(way, i, stores[0], n_folds, seed) for i in range(n_folds)]
    for training in trainings:
        training.data().setup()
    return trainings


def groups_of(cells: Sequence[Cell], split: SplitKind) -> tuple[int, ...] | None:
    """The group of each cell, numbered as they first occur; None by spike, or where one is not
    known. Two splits with the same numbers are the same split."""
    if split == "spike":
        return None
    names = [
        (cell.group or cell.cell_id) if split == "cell" else getattr(cell, split) for cell in cells
    ]
    return numbered(names)


def _stores(
    scratch: Path, spikes: SpikeSet, masks: MaskSet | None, settings: Settings
) -> dict[str, list[Path]]:
    """What is trained on, by what it is."""
    rng = np.random.default_rng(settings.seed)
    windows, cell = subset(spikes, settings.n_spikes, rng)
    stores = {SPIKES: [write(scratch / "spikes", spikes, spikes.cells, windows, cell)], NOISE: []}
    if masks is not None:
        noise, owner = noise_windows(spikes, masks, settings.n_spikes, rng)
        stores[NOISE].append(write(scratch / "noise", spikes, spikes.cells, noise, owner))
    n_shuffles = settings.shuffles
    if n_shuffles is None:
        n_shuffles = shuffles_needed(spikes.label_of_cell[np.unique(cell)])
    stores[SHUFFLED] = [
        write(
            scratch / f"shuffled-{number}",
            spikes,
            shuffled_labels(spikes.cells, rng),
            windows,
            cell,
        )
        for number in range(n_shuffles)
    ]
    return stores
