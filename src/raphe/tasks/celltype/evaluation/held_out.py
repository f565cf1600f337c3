"""Every spike of a store answered by a classifier that never saw its group: its animal, its day."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from raphe.core.errors import SplitError
from raphe.tasks.celltype.evaluation.baselines import MOST_SPIKES
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.stores.spike_set import SpikeSet
from raphe.tasks.celltype.stores.subsampling import balanced_subsample


class Classifier(Protocol):
    """Whatever learns from windows (n, T), labels (n,) and cells (n,) and gives probabilities."""

    def fit(self, windows: np.ndarray, label: np.ndarray, cell: np.ndarray) -> object: ...

    def predict(self, windows: np.ndarray) -> np.ndarray:
        """Probability of each class: (n, C)."""


def leave_one_group_out(
    spikes: SpikeSet,
    group: str,
    make: Callable[[], Classifier],
    n_most: int = MOST_SPIKES,
    seed: int = 42,
) -> Predictions:
    """Answers for all spikes, in the store's order, each by a classifier trained without its group.

    A class that only one group has is never learnt when that group is left out: see
    `classes_of_one_group`.

    Args:
        group: "animal", "day" or "cell_id", which every cell must have.
        make: a new classifier for each group.
        n_most: spikes to train on, drawn evenly over the cells.

    Raises:
        SplitError: where a cell's group is unknown, or all are of one.
    """
    names = _groups(spikes, group)
    cell, label = spikes.cell[:], spikes.label[:]
    of_spike = names[cell]
    probability = np.empty((spikes.n, len(spikes.classes)))
    for name in np.unique(names):
        train, test = np.flatnonzero(of_spike != name), np.flatnonzero(of_spike == name)
        train = train[balanced_subsample(cell[train], n_most, np.random.default_rng(seed))]
        classifier = make()
        classifier.fit(spikes.read(train), label[train], cell[train])
        probability[test] = classifier.predict(spikes.read(test))
    ids = [one.cell_id for one in spikes.cells]
    return Predictions(probability, probability, label.astype(np.int64), cell.astype(np.int64), ids)


def classes_of_one_group(spikes: SpikeSet, group: str) -> list[str]:
    """The classes whose cells are all of one group. Raises SplitError as above."""
    names = _groups(spikes, group)
    label = np.array([cell.label for cell in spikes.cells])
    return [
        name
        for index, name in enumerate(spikes.classes)
        if len(np.unique(names[label == index])) == 1
    ]


def _groups(spikes: SpikeSet, group: str) -> np.ndarray:
    """The name of each cell's group: (n_cells,)."""
    names = np.array([getattr(cell, group) for cell in spikes.cells])
    unknown = [cell.cell_id for cell in spikes.cells if not getattr(cell, group)]
    if unknown:
        raise SplitError(
            f"{spikes.path}: leaving one {group} out needs the {group} of every cell, unknown for "
            f"{len(unknown)} (first: {unknown[0]}); name them, or group otherwise"
        )
    if len(np.unique(names)) < 2:
        raise SplitError(
            f"{spikes.path}: all cells are of one {group}, {names[0]}; leaving it out leaves "
            "nothing to train on"
        )
    return names
