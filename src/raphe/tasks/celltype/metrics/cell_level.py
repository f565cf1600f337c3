"""The headline figures of a test: by cell first, by spike beside, each with its interval.

n cells or spikes, G groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raphe.core.files.csv_text import csv_text
from raphe.core.metric_names import Estimate
from raphe.core.sentences import counted
from raphe.core.statistics.clusters import Clusters
from raphe.core.statistics.figure_interval import (
    CELL,
    FEWEST_GROUPS,
    Headline,
    Levels,
    interval_of,
    over_what,
)
from raphe.core.statistics.intervals import mean_with_interval
from raphe.core.statistics.linear_figures import (
    LinearFigure,
    auroc,
    linear_figures,
    proportion,
)
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.stores.spike_set import Cell
from raphe.tasks.celltype.stores.split import SPLITS

COLUMNS = ("level", "figure", "value", "low", "high", "numerator", "denominator", "interval")


@dataclass(frozen=True)
class Groups:
    """What holds cells together: days, animals, or nothing that is known."""

    noun: str  # day, animal or cell
    of_cell: np.ndarray  # (n_cells,) int64, -1 for a cell that is not in the set
    n_animals: int = 0  # that the groups are of, where these are known and fewer
    copies: np.ndarray | None = None  # as of_cell, copies of a cell under one number
    trained_on: bool = False  # whether other cells of the same groups were

    @property
    def n(self) -> int:
        return int(self.of_cell.max()) + 1

    def levels(self, level: str, predictions: Predictions) -> dict[str, Clusters]:
        """By what the items, cells or spikes, come together, each coarser than the one before."""
        cell, label = predictions.cell, predictions.label
        of_cells = cell if self.copies is None else self.copies[cell]
        several_of_a_cell = level == "spikes" or self.copies is not None
        levels = {CELL: Clusters.of(of_cells, label)} if several_of_a_cell else {}
        if self.noun != CELL:
            levels[self.noun] = Clusters.of(self.of_cell[cell], label)
        return levels


def group_cells(
    predictions: Predictions,
    cells: Sequence[Cell],
    by: Sequence[str] = ("day", "animal"),
    split: str | None = None,
) -> Groups:
    """Group a set's cells by day, else by animal, where each is known; else each by itself.

    Days that are too few for an interval give way to animals that are not. Copies of a cell count
    as one.

    Args:
        predictions: of the set's spikes or cells.
        cells: the cells by the index that `predictions.cell` has.
        by: what to group by, the first choice first.
        split: by what the cells were held out of the store that was trained on; None for cells of
            another store.
    """
    present = np.unique(predictions.cell)
    copies = _copies(present, cells)
    names_of = {
        noun: names
        for noun in by
        if cells and all(names := [getattr(cells[index], noun) for index in present])
    }
    enough = [noun for noun, names in names_of.items() if len(set(names)) >= FEWEST_GROUPS]
    for noun in [*enough, *names_of]:
        groups = np.unique(names_of[noun], return_inverse=True)[1]
        n_animals = len(set(names_of.get("animal", range(len(present)))))
        of_fewer = n_animals if n_animals <= groups.max() else 0
        trained_on = split is not None and SPLITS.index(noun) > SPLITS.index(split)
        return Groups(noun, _numbered(present, groups), of_fewer, copies, trained_on)
    return Groups(CELL, _numbered(present, np.arange(len(present))), copies=copies)


def _copies(present: np.ndarray, cells: Sequence[Cell]) -> np.ndarray | None:
    if not cells or not any(cells[index].group for index in present):
        return None
    names = [cells[index].group or cells[index].cell_id for index in present]
    return _numbered(present, np.unique(names, return_inverse=True)[1])


def _numbered(present: np.ndarray, group: np.ndarray) -> np.ndarray:
    of_cell = np.full(present.max() + 1, -1)
    of_cell[present] = group
    return of_cell


def headlines(
    level: str,
    predictions: Predictions,
    groups: Groups,
    classes: Sequence[str],
    fold: np.ndarray | None = None,
) -> list[Headline]:
    """Every figure of a set's cells or spikes, each with its interval over the groups.

    Args:
        level: "cells" or "spikes", what a row of `predictions` is.
        fold: of each row (n,), of a cross-validation: the AUROC compares rows of one fold alone.
    """
    levels = groups.levels(level, predictions)
    return [
        _headline(figure, level, levels) for figure in linear_figures(predictions, classes, fold)
    ]


def share_of_cells(
    name: str, counted_in: np.ndarray, among: np.ndarray, cells: Predictions, groups: Groups
) -> Headline:
    """A share of some of the cells, bool (n,) each, with its interval as every figure has it."""
    return share_of("cells", name, counted_in, among, cells, groups)


def share_of(
    level: str,
    name: str,
    counted_in: np.ndarray,
    among: np.ndarray,
    predictions: Predictions,
    groups: Groups,
) -> Headline:
    """As `share_of_cells`, of the rows of `predictions`, which are cells or spikes by `level`."""
    return _headline(proportion(name, counted_in, among), level, groups.levels(level, predictions))


def auroc_of_class(
    index: int,
    level: str,
    predictions: Predictions,
    groups: Groups,
    fold: np.ndarray | None = None,
) -> Headline:
    """The AUROC of one class against the rest; `fold` as in `headlines`."""
    score = predictions.probability[:, index]
    rest = Predictions(
        probability=np.stack([score, 1 - score], axis=1),
        sigmoid=predictions.sigmoid,
        label=(predictions.label != index).astype(np.int64),
        cell=predictions.cell,
    )
    fold = np.zeros(len(score), np.int64) if fold is None else fold
    return _headline(auroc("auroc", rest, fold), level, groups.levels(level, rest))


def mean_loss(spikes: Predictions, groups: Groups) -> Estimate:
    """The mean loss of spikes, with the interval of t and the standard error over the groups: days,
    else animals, else cells. Without an interval where these are too few."""
    losses, n = spikes.losses(), len(spikes.label)
    value = float(losses.mean())
    for clusters in reversed(groups.levels("spikes", spikes).values()):
        if clusters.n >= FEWEST_GROUPS:
            return mean_with_interval(
                value, clusters.variance((losses - value) / n, np.ones(n) / n)
            )
    return Estimate(value, float("nan"), float("nan"))


def _headline(figure: LinearFigure, level: str, levels: Levels) -> Headline:
    interval = interval_of(figure, levels)
    return Headline(
        figure.value,
        interval.low,
        interval.high,
        level,
        figure.name,
        over_what(figure, interval, level.removesuffix("s"), levels),
        figure.counts,
    )


def interval_note(figures: Sequence[Headline], groups: Groups) -> str:
    """For what the intervals of such figures hold."""
    if groups.noun == CELL:
        return (
            "95 % intervals treat cells as independent, because their days and animals are not all "
            "known: they are too narrow where several cells were recorded on one day."
        )
    stated = [figure for figure in figures if figure.interval]
    only = [figure for figure in stated if figure.interval.endswith("only")]
    few = f"fewer than {FEWEST_GROUPS} {groups.noun}s of a class"
    if len(only) == len(stated):
        return (
            f"95 % intervals are over cells and hold for these {groups.noun}s alone: {few} cannot "
            f"tell how {groups.noun}s differ. For new {groups.noun}s they are too narrow."
        )
    of = f" of {counted('animal', groups.n_animals)}" if groups.n_animals else ""
    those = {0: "", 1: " of this animal"}.get(groups.n_animals, " of these animals")
    note = (
        f"95 % intervals are over {counted(groups.noun, groups.n)}{of}, each taken as a whole, "
        "and hold for "
    )
    note += (
        f"{groups.noun}s{those} that have other cells in the training part, as these do; they say "
        f"nothing about {groups.noun}s that were not trained on."
        if groups.trained_on
        else f"new {groups.noun}s{those}."
    )
    if only:
        note += (
            f" Those marked “these {groups.noun}s only” are over cells, because {few} cannot tell "
            f"how {groups.noun}s differ; they are too narrow for new ones."
        )
    return note


def headlines_csv(figures: Sequence[Headline]) -> str:
    """One row a figure."""
    rows = []
    for headline in figures:
        numbers = [
            "" if np.isnan(number) else f"{number:.6g}"
            for number in (headline.value, headline.low, headline.high)
        ]
        rows.append(
            [
                headline.level,
                headline.name,
                *numbers,
                *(headline.counts or ("", "")),
                headline.interval,
            ]
        )
    return csv_text(COLUMNS, rows)
