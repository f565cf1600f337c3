"""How many spikes of a cell are enough to call it: a table and a figure.

Enough as `metrics.enough_spikes` says it of a test's cells. n spikes of a cell, D draws of m among
them, K numbers of spikes, C classes.
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from raphe.core.figure_style import GREY, INK, ONE_COLUMN_IN, PaperFigure, colour, house_style
from raphe.core.files.csv_text import csv_text
from raphe.core.sentences import counted
from raphe.core.statistics.cell_probability import Pooling, pool
from raphe.core.statistics.decision import Decision
from raphe.tasks.celltype.metrics.enough_spikes import (
    FEWEST_SPIKES,
    SAME_VERDICT,
    enough_for_cells,
    verdict_of,
)
from raphe.tasks.celltype.metrics.predictions import Predictions

COUNTS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500)
N_DRAWS = 200
BAND = (0.05, 0.95)
LABELLED = (1, 2, 5, 10, 20, 50, 100, 200, 500)  # of COUNTS, which all have a tick


@dataclass(frozen=True)
class SpikesNeeded:
    """What verdicts from few spikes are worth. Each (K, D), a share of the cells."""

    counts: np.ndarray  # (K,) spikes drawn of each cell
    accuracy: np.ndarray  # whose most probable class is their own
    agreement: np.ndarray  # with the verdict of all their spikes, which may be "not sure"
    all_spikes: float  # accuracy with all of them
    n_cells: int
    n_short: np.ndarray  # (K,) cells that have fewer spikes, and count with all they have

    @property
    def enough(self) -> int | None:
        """The fewest spikes from which on, on average, 95 % of verdicts are as with all."""
        return enough_for_cells(self.counts, self.agreement.mean(axis=1))

    @property
    def is_at_the_floor(self) -> bool:
        """Whether fewer would do, were the rule not to want at least `FEWEST_SPIKES`."""
        fewer = self.agreement[self.counts < FEWEST_SPIKES].mean(axis=1)
        return self.enough == FEWEST_SPIKES and bool(fewer[-1] >= SAME_VERDICT)

    def table(self) -> str:
        """CSV, one row a number of spikes: mean and 5 to 95 % of the draws."""
        ends = [f"{name}_{end}" for name in ("accuracy", "agreement") for end in ("mean", *_ENDS)]
        header = ["n_spikes", *ends, "n_cells", "n_cells_with_fewer"]
        rows = []
        for i, count in enumerate(self.counts):
            shares = [s for draws in (self.accuracy[i], self.agreement[i]) for s in _summary(draws)]
            row = [f"{share:.6f}" for share in shares]
            rows.append([count, *row, self.n_cells, self.n_short[i]])
        return csv_text(header, rows)


_ENDS = ("p05", "p95")


def _summary(draws: np.ndarray) -> list[float]:
    return [draws.mean(), *np.quantile(draws, BAND)]


def spikes_needed(
    predictions: Predictions,
    rng: np.random.Generator,
    pooling: Pooling = "mean",
    decision: Decision | None = None,
) -> SpikesNeeded:
    """Call every cell from spikes drawn without replacement, many times over.

    The numbers of spikes end where more than half of the cells have fewer. Without a decision
    probabilities stay as they are, and every cell is called.
    """
    cells = predictions.per_cell(pooling)
    spikes = [predictions.probability[_of(predictions, cells, i)] for i in range(len(cells.label))]
    n_spikes = np.array([len(of_cell) for of_cell in spikes])
    counts = np.array([m for m in COUNTS if m <= np.median(n_spikes)])
    leading, verdicts = _called(cells.probability, decision)
    right = np.zeros((len(counts), N_DRAWS))
    agreed = np.zeros((len(counts), N_DRAWS))
    for i, of_cell in enumerate(spikes):
        for k, pooled in enumerate(_drawn(of_cell, counts, rng, pooling)):
            of_few, verdict = _called(pooled, decision)
            right[k] += of_few == cells.label[i]
            agreed[k] += verdict == verdicts[i]
    n_cells = len(spikes)
    return SpikesNeeded(
        counts,
        right / n_cells,
        agreed / n_cells,
        all_spikes=float(np.mean(leading == cells.label)),
        n_cells=n_cells,
        n_short=(n_spikes < counts[:, None]).sum(axis=1),
    )


def _of(predictions: Predictions, cells: Predictions, i: int) -> np.ndarray:
    return np.flatnonzero(
        (predictions.cell == cells.cell[i]) & (predictions.label == cells.label[i])
    )


def _called(pooled: np.ndarray, decision: Decision | None) -> tuple[np.ndarray, np.ndarray]:
    """The most probable class of each pooled probability (n, C), and the verdict: int64 (n,)."""
    stated = pooled if decision is None else decision.calibration(pooled)
    return stated.argmax(axis=1), verdict_of(stated, decision.not_sure if decision else None)


def _drawn(
    probability: np.ndarray, counts: np.ndarray, rng: np.random.Generator, pooling: Pooling
) -> list[np.ndarray]:
    """The first m of D random orders of a cell's spikes, pooled: (D, C) for each m."""
    order = rng.permuted(np.tile(np.arange(len(probability)), (N_DRAWS, 1)), axis=1)[
        :, : counts[-1]
    ]
    drawn = probability[order]  # (D, m, C)
    return [pool(drawn[:, :m], pooling) for m in counts]


@house_style()
def spikes_needed_figure(name: str, needed: SpikesNeeded) -> Figure:
    """Means and bands over the draws against the logarithm of the number, on an axis of 0 to 1."""
    share = 100 * (BAND[1] - BAND[0])
    caption = (
        f"How many spikes of a cell of the {name} set are enough. So many spikes are drawn of each "
        f"of {counted('cell', needed.n_cells)} without replacement, {N_DRAWS} times; lines are "
        f"means, bands hold the middle {share:g} % of the draws. How much other cells would differ "
        "is not in them."
    )
    short = int(needed.n_short[-1])
    if short:
        caption += (
            f" {counted('cell', short)} with fewer than {needed.counts[-1]} spikes "
            f"{'counts' if short == 1 else 'count'} with all of them there."
        )
    if needed.enough is not None:
        caption += (
            f" Enough is the fewest from which on at least {100 * SAME_VERDICT:g} % of verdicts "
            f"are as from all spikes, and never fewer than {FEWEST_SPIKES} spikes, as so few "
            "cannot tell how much they vary."
        )
    figure = PaperFigure(ONE_COLUMN_IN, 3.9, caption)
    axes = figure.add_subplot()
    lines = (
        ("same verdict as from all spikes", needed.agreement, INK, "o-", INK),
        ("right class", needed.accuracy, colour("method 1"), "s--", "white"),
    )
    for label, draws, shade, style, face in lines:
        low, high = 100 * np.quantile(draws, BAND, axis=1)
        axes.fill_between(needed.counts, low, high, color=shade, alpha=0.15, linewidth=0)
        means = 100 * draws.mean(axis=1)
        axes.plot(needed.counts, means, style, color=shade, mfc=face, label=label)
    label = f"right class from all spikes: {100 * needed.all_spikes:.0f} %"
    axes.axhline(100 * needed.all_spikes, color=colour("method 1"), lw=0.8, ls=":", label=label)
    if needed.enough is not None:
        enough = counted("spike", needed.enough)
        label = f"{enough}: {100 * SAME_VERDICT:g} % of verdicts as from all"
        if needed.is_at_the_floor:
            label = f"{enough}, the fewest that are ever called enough"
        axes.axvline(needed.enough, color=GREY, lw=0.8, ls="-.", label=label)
    axes.set_xscale("log")
    labelled = [count for count in needed.counts if count in LABELLED]
    axes.set_xticks(labelled, [str(count) for count in labelled])
    axes.set_xticks(needed.counts, minor=True)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set(xlabel="Spikes used of each cell", ylabel="Share of cells (%)", ylim=(0, 102))
    size = counted("cell", needed.n_cells)
    axes.set_title(f"How many spikes are enough\n{name} set, {size}")
    figure.legend(loc="outside lower center")
    return figure
