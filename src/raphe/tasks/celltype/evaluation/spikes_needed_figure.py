"""Accuracy and agreement against the number of spikes used."""

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator

from raphe.core.figure_style import COLOURS, GREY, STYLE
from raphe.tasks.celltype.evaluation.spikes_needed import BAND, ENOUGH, N_DRAWS, SpikesNeeded

MOST_TICKS = 8


def spikes_needed_figure(name: str, needed: SpikesNeeded) -> Figure:
    """Means and bands over the draws against the logarithm of the number."""
    with rc_context(STYLE):
        figure = Figure(figsize=(4.2, 3.7), layout="constrained")
        axes = figure.add_subplot()
        lines = {"called as with all spikes": needed.agreement, "called right": needed.accuracy}
        for colour, (label, draws) in zip(COLOURS[1::-1], lines.items(), strict=True):
            low, high = 100 * np.quantile(draws, BAND, axis=1)
            axes.fill_between(needed.counts, low, high, color=colour, alpha=0.2, linewidth=0)
            axes.plot(
                needed.counts, 100 * draws.mean(axis=1), "o-", color=colour, ms=3, label=label
            )
        axes.axhline(
            100 * needed.all_spikes, color=GREY, lw=0.8, ls=":", label="called right with all"
        )
        if needed.enough is not None:
            spikes = "spike" if needed.enough == 1 else "spikes"
            label = f"{needed.enough} {spikes}: {100 * ENOUGH:g} % as with all"
            axes.axvline(needed.enough, color="black", lw=0.8, ls="--", label=label)
        axes.set_xscale("log")
        shown = needed.counts[:: -(-len(needed.counts) // MOST_TICKS)]
        axes.set_xticks(shown, [str(count) for count in shown])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set(xlabel="Spikes used of each cell", ylabel="Cells (%)")
        axes.set_ylim(min(90, axes.get_ylim()[0]), 101)
        share = 100 * (BAND[1] - BAND[0])
        axes.set_title(
            f"How many spikes are enough, {name} set\n"
            f"{needed.n_cells} cells; mean and {share:g} % of {N_DRAWS} random draws"
        )
        figure.legend(loc="outside upper center", ncols=2)
    return figure
