"""Does a good score mean that the networks know the class? The same ones, asked in every way.

Split by unit, session and animal; of the units, and of what tells of their recording alone; and
with labels that mean nothing. N units, C classes.
"""

from collections.abc import Sequence
from functools import partial
from itertools import groupby

import numpy as np

from raphe.core.audit.asked import Audit, AuditRow, Way
from raphe.core.audit.chance import p_of_cells
from raphe.core.audit.kept import Kept
from raphe.core.progress import progress
from raphe.core.protocol import Fit, FitSettings
from raphe.core.sentences import counted
from raphe.core.statistics.figure_interval import CELL, Headline
from raphe.tasks.units.audit.copied import copies_told
from raphe.tasks.units.audit.plan import Plan, Training
from raphe.tasks.units.audit.words import WORDS
from raphe.tasks.units.metrics.verdicts import Groups, Verdicts, scores
from raphe.tasks.units.stores.doubts import confoundings_of
from raphe.tasks.units.stores.unit_store import UnitStore
from raphe.tasks.units.training.module import UnitModule

KEPT = ("probability",)  # of a finished training


def audit(plan: Plan, fit: Fit, kept: Kept | None = None) -> Audit:
    """Train and test the networks in each way that is planned.

    Args:
        fit: trains.
        kept: finished trainings, which are not trained again, and where others are kept.

    Raises:
        RapheError: where a training fails.
    """
    rng = np.random.default_rng(plan.settings.seed)
    store = plan.store
    said = [
        _probability(training, plan, fit, kept)
        for training in progress(plan.trainings, "training", total=len(plan.trainings))
    ]
    rows = []
    of_ways = zip(plan.trainings, said, strict=True)
    for way, members in groupby(of_ways, key=lambda member: member[0].way):
        trainings, probabilities = zip(*members, strict=True)
        rows.append(row_of(way, trainings, probabilities, store, rng))
    networks = counted("network", plan.settings.members)
    return Audit(
        store.path,
        store.note,
        store.classes,
        f"the same {networks} for each fold",
        WORDS,
        list(copies_told(store.units)),
        confoundings_of(store.units, store.classes),
        rows,
        plan.left_out,
    )


def _probability(training: Training, plan: Plan, fit: Fit, kept: Kept | None) -> np.ndarray:
    """What networks that did not see a unit say of it: float64 (N, C)."""
    if kept and (arrays := kept.read(training.name, KEPT)) is not None:
        return arrays[0]
    settings, data = plan.settings, training.data
    model = fit(
        f"audit of {training.way}, {training.number}",
        partial(UnitModule, settings.members, **data.facts),
        data,
        FitSettings(settings.max_epochs, None, settings.seed),
    )
    if kept:
        kept.write(training.name, probability=model.probability)
    probability: np.ndarray = model.probability
    return probability


def row_of(
    way: Way,
    trainings: Sequence[Training],
    probabilities: Sequence[np.ndarray],
    store: UnitStore,
    rng: np.random.Generator,
) -> AuditRow:
    """Figures of all folds, and of all dealings of labels, together."""
    first, n = trainings[0], len(store.units)
    n_folds = first.data.n_folds
    label = np.concatenate([training.data.label for training in trainings])
    fold = np.concatenate([n_folds * i + t.data.fold for i, t in enumerate(trainings)])
    verdicts = Verdicts(np.concatenate(probabilities), label, fold)
    groups = _groups(first, store, len(trainings))
    group = np.arange(len(label)) if groups.of_unit is None else groups.of_unit
    block = np.repeat(np.arange(len(trainings)), n) if first.dealt else None
    figures = [
        Headline(
            value=figure.estimate.value,
            low=figure.estimate.low,
            high=figure.estimate.high,
            level="cells",
            name=figure.name,
            interval=figure.over,
        )
        for figure in scores(verdicts, store.classes, groups)
    ]
    return AuditRow(
        way,
        len(trainings),
        None,
        n,
        WORDS.item if groups.noun == CELL else groups.noun,
        len(np.unique(group)) // len(trainings),
        len(store.classes),
        {(figure.level, figure.name): figure for figure in figures},
        {"cells": float(np.bincount(label).max() / len(label))},
        p_of_cells(verdicts.probability, label, fold, group, rng, block),
    )


def _groups(training: Training, store: UnitStore, n_trainings: int) -> Groups:
    """What units are alike in; where labels were dealt out, what each was dealt to, each time."""
    if not training.dealt:
        return training.data.groups
    if training.dealt == WORDS.item:
        return Groups(CELL)
    names = store.names_of(training.dealt)
    of_unit = np.unique(names, return_inverse=True)[1]
    n_groups = int(of_unit.max()) + 1
    return Groups(
        training.dealt, np.concatenate([of_unit + n_groups * i for i in range(n_trainings)])
    )
