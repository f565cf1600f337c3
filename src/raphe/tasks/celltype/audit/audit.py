"""Does a good score mean that the network knows the class? The same network, asked in every way.

Split by spike, cell, day, animal and source, on spikes and on noise without a spike; and with
labels that mean nothing. Every cell is tested; n cells or spikes, C classes.
"""

from collections.abc import Sequence
from functools import partial
from itertools import groupby

import numpy as np

from raphe.core.audit.asked import Audit, AuditRow, Way
from raphe.core.audit.chance import p_of_cells
from raphe.core.audit.confounding import Confounding, confoundings
from raphe.core.audit.kept import Kept
from raphe.core.errors import SplitError
from raphe.core.progress import progress
from raphe.core.protocol import Fit, FitSettings
from raphe.core.statistics.figure_interval import CELL
from raphe.tasks.celltype.audit.copied import copies_told
from raphe.tasks.celltype.audit.plan import FEWEST_FOLDS, Plan, Training, groups_of
from raphe.tasks.celltype.audit.words import SHUFFLED, WORDS
from raphe.tasks.celltype.metrics.cell_level import Groups, group_cells, headlines
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.stores.spike_set import Cell
from raphe.tasks.celltype.stores.split import SplitKind
from raphe.tasks.celltype.training.module import CellTypeModule

GROUPED_BY = {"animal": ("animal",), "source": ("source",)}  # else by day or animal
LOOKED_AT: tuple[SplitKind, ...] = ("source", "animal", "day")  # may come with the class
KEPT = ("probability", "label", "cell")  # of a finished training


def audit(plan: Plan, fit: Fit, kept: Kept | None = None) -> Audit:
    """Train and test the network in each way that is planned.

    Args:
        fit: trains.
        kept: finished trainings, which are not trained again, and where others are kept.

    Raises:
        RapheError: where a training fails, or nothing is known of the store.
    """
    rng = np.random.default_rng(plan.settings.seed)
    cells = plan.spikes.cells
    told = copies_told(plan.spikes)
    confounded = confoundings_of(cells, plan.spikes.classes, rng)
    if not plan.trainings and not confounded and not told:
        raise SplitError(f"{plan.store}: nothing can be audited: {plan.left_out[-1]}")
    predictions = [
        _predictions(training, plan, fit, kept)
        for training in progress(plan.trainings, "training", total=len(plan.trainings))
    ]
    rows = []
    of_ways = zip(plan.trainings, predictions, strict=True)
    for way, members in groupby(of_ways, key=lambda member: member[0].way):
        of_folds = [of_fold for _, of_fold in members]
        rows.append(row_of(way, of_folds, cells, plan.spikes.classes, rng))
    return Audit(
        plan.store,
        plan.spikes.note,
        plan.spikes.classes,
        f"the same network (kernel size k = {plan.settings.kernel})",
        WORDS,
        told,
        confounded,
        rows,
        plan.left_out,
    )


def confoundings_of(
    cells: Sequence[Cell], classes: Sequence[str], rng: np.random.Generator
) -> list[Confounding]:
    """What the table of cells tells before any training."""
    label = np.array([cell.label for cell in cells])
    groups_by = {str(kind): groups_of(cells, kind) for kind in LOOKED_AT}
    return list(confoundings(label, groups_by, classes, FEWEST_FOLDS, rng, named=WORDS.named))


def _predictions(training: Training, plan: Plan, fit: Fit, kept: Kept | None) -> Predictions:
    """Of the test spikes, by the index that their cells have in the store that is audited."""
    if kept and (arrays := kept.read(training.name, KEPT)) is not None:
        probability, label, cell = arrays
        return Predictions(probability, probability, label, cell)
    data, settings = training.data(), plan.settings
    model = fit(
        f"audit of {training.way}, {training.number}",
        partial(CellTypeModule, settings.kernel, **data.facts),
        data,
        FitSettings(settings.max_epochs, settings.patience, settings.seed),
    )
    tested = model.predictions["test"]
    index = {cell.cell_id: number for number, cell in enumerate(plan.spikes.cells)}
    cell = np.array([index[cell_id] for cell_id in tested.cell_ids])[tested.cell]
    predictions = Predictions(tested.probability, tested.sigmoid, tested.label, cell)
    if kept:
        kept.write(training.name, **{key: getattr(predictions, key) for key in KEPT})
    return predictions


def row_of(
    way: Way,
    of_folds: Sequence[Predictions],
    cells: Sequence[Cell],
    classes: Sequence[str],
    rng: np.random.Generator,
) -> AuditRow:
    """Figures of all folds, or shuffles, together."""
    fold = np.repeat(np.arange(len(of_folds)), [len(of_fold.label) for of_fold in of_folds])
    spikes = _joined(of_folds)
    if way.trained_on == SHUFFLED:  # a cell is another one in each shuffle
        cell = spikes.cell + fold * len(cells)
        spikes = Predictions(spikes.probability, spikes.sigmoid, spikes.label, cell)
    by_cell = spikes.per_cell()
    fold_of_cell = fold[np.unique(spikes.cell, return_index=True)[1]]
    groups = _groups(way, by_cell, cells)
    together = groups.of_cell if groups.noun != CELL or groups.copies is None else groups.copies
    group = together[by_cell.cell]
    of_levels = [
        *headlines("cells", by_cell, groups, classes, fold_of_cell),
        *headlines("spikes", spikes, groups, classes, fold),
    ]
    return AuditRow(
        way,
        len(of_folds),
        len(spikes.label),
        len(np.unique(by_cell.cell % len(cells))),
        groups.noun,
        groups.n,
        len(classes),
        {(headline.level, headline.name): headline for headline in of_levels},
        {"cells": _majority(by_cell), "spikes": _majority(spikes)},
        p_of_cells(by_cell.probability, by_cell.label, fold_of_cell, group, rng),
    )


def _joined(parts: Sequence[Predictions]) -> Predictions:
    return Predictions(
        probability=np.concatenate([part.probability for part in parts]),
        sigmoid=np.concatenate([part.sigmoid for part in parts]),
        label=np.concatenate([part.label for part in parts]),
        cell=np.concatenate([part.cell for part in parts]),
    )


def _majority(predictions: Predictions) -> float:
    return float(np.bincount(predictions.label).max() / len(predictions.label))


def _groups(way: Way, by_cell: Predictions, cells: Sequence[Cell]) -> Groups:
    """What cells are alike in: their day or animal; labels that were shuffled, in nothing."""
    if way.trained_on == SHUFFLED:
        return group_cells(by_cell, [])
    return group_cells(by_cell, cells, GROUPED_BY.get(way.split, ("day", "animal")))
