"""Which trainings an audit of units needs, known before the first of them starts.

One training is that of the networks of all folds. N units, C classes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from raphe.core.audit.asked import Way, ways_told
from raphe.core.audit.chance import shuffles_needed
from raphe.core.audit.confounding import numbered
from raphe.core.errors import SplitError
from raphe.core.sentences import counted
from raphe.tasks.units.audit.settings import Settings
from raphe.tasks.units.audit.traits import recording_traits
from raphe.tasks.units.audit.words import SHUFFLED, SPLITS, TRAITS, UNITS, dealt_to
from raphe.tasks.units.stores.doubts import GROUPS
from raphe.tasks.units.stores.unit_store import UnitStore, open_units
from raphe.tasks.units.training.data import UnitData

FEWEST_OF_CLASS = 2  # animals that get each label: one to train on, one to test on


@dataclass(frozen=True)
class Training:
    """The networks of all folds of a way, or of one dealing of its labels."""

    way: Way
    number: int  # of the dealing, from 0
    data: UnitData
    dealt: str = ""  # what a label was dealt to as a whole: unit, animal or session

    @property
    def name(self) -> str:
        """For file names: "labels-dealt-to-animals-by-unit-3"."""
        return f"{self.way.trained_on.replace(' ', '-')}-by-{self.way.split}-{self.number}"


@dataclass(frozen=True)
class Plan:
    """What will be trained, and why other things are not."""

    store: UnitStore
    settings: Settings
    trainings: Sequence[Training]
    left_out: Sequence[str] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """How many trainings there will be, of what."""
        ways = ways_told(training.way for training in self.trainings)
        return (
            f"{counted('training', len(self.trainings))} of "
            f"{counted('epoch', self.settings.max_epochs)}: {ways}"
        )


def planned(store: Path | str, settings: Settings | None = None) -> Plan:
    """Every training that the store allows. Raises StoreError."""
    settings = settings or Settings()
    opened = open_units(store)
    groups = {noun: numbered(opened.names_of(noun)) for noun in GROUPS}
    trainings: list[Training] = []
    left_out: list[str] = []
    names, traits = recording_traits(opened.units)
    for what in (UNITS, TRAITS):
        if what == TRAITS and not names:
            left_out.append(f"{TRAITS}: these units do not differ in any that is known")
            continue
        for split, told in _splits(groups):
            way = Way(what, split)
            if told:
                left_out.append(f"{way}: {told}")
                continue
            try:
                data = _data(opened, split, groups, settings)
            except SplitError as error:
                left_out.append(f"{way}: {error}")
                continue
            if what == TRAITS:
                data.ask_of(traits)
            trainings.append(Training(way, 0, data))
    shuffled, untold = _shuffled(opened, groups, settings)
    return Plan(opened, settings, [*trainings, *shuffled], [*left_out, *untold])


def _splits(groups: Mapping[str, tuple[int, ...] | None]) -> Iterator[tuple[str, str]]:
    """Each that the table knows, the finest first, and why it is not asked, if it is not."""
    for split in SPLITS:
        own = groups.get(split)
        if own is None and split in groups:
            continue  # that animals or sessions are not known is said beside every figure
        finer = [
            other for other in SPLITS[: SPLITS.index(split)] if own and groups.get(other) == own
        ]
        told = "the same as by {0}, as {0}s and {1}s are the same groups of units"
        yield split, told.format(finer[0], split) if finer else ""


def _data(
    store: UnitStore,
    split: str,
    groups: Mapping[str, tuple[int, ...] | None],
    settings: Settings,
) -> UnitData:
    """Raises SplitError for a split that cannot be trained with."""
    n_groups = len(set(groups[split] or ())) if split in groups else len(store.units)
    n_folds = max(2, min(settings.folds, n_groups))
    return UnitData(store.path, split, n_folds, seed=settings.seed)  # type: ignore[arg-type]


def _shuffled(
    store: UnitStore, groups: Mapping[str, tuple[int, ...] | None], settings: Settings
) -> tuple[list[Training], list[str]]:
    """Labels that mean nothing: shuffled over units, and dealt out to whole animals or sessions."""
    rng = np.random.default_rng(settings.seed)
    trainings: list[Training] = []
    left_out: list[str] = []
    n_classes = len(store.classes)
    for noun in ("unit", *GROUPS):
        way = Way(SHUFFLED if noun == "unit" else dealt_to(noun), "unit")
        group = np.arange(len(store.units)) if noun == "unit" else np.array(groups[noun] or ())
        if not group.size or (noun == "session" and groups["session"] == groups["animal"]):
            continue
        n_groups = len(np.unique(group))
        if n_groups < FEWEST_OF_CLASS * n_classes:
            left_out.append(
                f"{way}: expected {FEWEST_OF_CLASS * n_classes} {noun}s or more, "
                f"{FEWEST_OF_CLASS} for each of {counted('class', n_classes, 'classes')}, got "
                f"{n_groups}"
            )
            continue
        label = store.label if noun == "unit" else np.arange(n_groups) % n_classes
        n_shuffles = settings.shuffles
        if n_shuffles is None:
            n_shuffles = shuffles_needed(label)
        try:
            for number in range(n_shuffles):
                data = _data(store, "unit", groups, settings)
                data.label = rng.permutation(label)[group]
                trainings.append(Training(way, number, data, noun))
        except SplitError as error:
            left_out.append(f"{way}: {error}")
    return trainings, left_out
