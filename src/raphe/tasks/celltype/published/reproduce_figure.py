"""The papers' claims as a figure: the tables that fit, and both definitions side by side."""

from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import blended_transform_factory

from raphe.core.claims import NOTE, Claim
from raphe.core.figure_style import COLOURS, GREY, STYLE
from raphe.tasks.celltype.published import paper_numbers as published
from raphe.tasks.celltype.published.paper_claims import PERCENT, published_table
from raphe.tasks.celltype.published.printed_shares import all_tables, prints_as

THEIRS, OURS = COLOURS[0], COLOURS[1]
ROW_IN, SEARCH_IN = 0.24, 3.3  # heights


def reproduce_figure(claims: Sequence[Claim]) -> Figure:
    """Above, every table of verdicts and those that give either published percentage; below, each
    claim that is a number, as the papers have it and as recomputed."""
    shown = [c for c in claims if c.theirs_value is not None and c.ours_value is not None]
    sources = list(dict.fromkeys(claim.source for claim in shown))
    n_rows = len(shown) + len(sources)
    with rc_context(STYLE):
        figure = Figure(figsize=(6.8, SEARCH_IN + ROW_IN * n_rows + 1.2), layout="constrained")
        search, rows = figure.subplots(2, 1, height_ratios=[SEARCH_IN, ROW_IN * n_rows + 0.6])
        _search(search)
        _rows(rows, shown)
        figure.legend(*rows.get_legend_handles_labels(), loc="outside lower center", ncols=2)
        notes = dict.fromkeys(claim.ours for claim in claims if claim.quantity == NOTE)
        if notes:
            figure.suptitle("\n".join(notes), size=6, color="0.4")
    return figure


def _search(axes: Axes) -> None:
    tables = all_tables(published.N_SER, published.N_NSER)
    right = np.array([(table.first_right, table.others_right) for table in tables])
    shares = np.array([table.of_called() for table in tables])
    axes.plot(*right.T, ".", color="0.88", markersize=2.5)
    names = ("PPV", "NPV")
    for name, column, percent, colour, marker in zip(
        names, shares.T, PERCENT, (THEIRS, OURS), "os", strict=True
    ):
        fits = np.array([bool(np.isfinite(v)) and prints_as(v, percent) for v in column])
        label = f"{name} {percent} %: {fits.sum()} tables"
        axes.plot(*right[fits].T, marker, color=colour, ms=5, mfc="none", ls="", label=label)
    table = published_table()
    axes.annotate(
        f"both: {table.first_right}/{table.n_first} and {table.others_right}/{table.n_others}",
        (table.first_right, table.others_right),
        (-150, -8),
        textcoords="offset points",
        arrowprops={"arrowstyle": "-", "color": "0.4", "linewidth": 0.8},
    )
    axes.set(
        xlabel=f"Serotonergic cells called right, of {published.N_SER}",
        ylabel=f"Other cells called right, of {published.N_NSER}",
        title=f"Which of all {len(tables)} tables give the published percentages?",
    )
    axes.legend(loc="lower left", frameon=True, framealpha=1, edgecolor="none")


def _rows(axes: Axes, shown: Sequence[Claim]) -> None:
    """Claims from top to bottom, a heading for each source."""
    y, labels, source = 0, [], None
    heading = blended_transform_factory(axes.figure.transFigure, axes.transData)
    for claim in shown:
        if claim.source != source:
            source = claim.source
            style = {"weight": "bold", "size": 8, "va": "center", "in_layout": False}
            axes.text(0.01, y, source, transform=heading, **style)
            y += 1
        ours = claim.ours_value
        first = not labels
        axes.plot([claim.theirs_value, ours.value], [y, y], color=GREY, linewidth=0.8, zorder=1)
        axes.plot([ours.low, ours.high], [y, y], color=OURS, linewidth=1.6, zorder=2)
        label = "recomputed, with 95 % interval" if first else None
        axes.plot(ours.value, y, "o", color=OURS, ms=5, zorder=3, label=label)
        label = "as published or as the papers' code has it" if first else None
        axes.plot(
            claim.theirs_value, y, "D", color=THEIRS, mfc="white", ms=5, zorder=3, label=label
        )
        labels.append((y, claim.quantity))
        y += 1
    axes.set_yticks(*zip(*labels, strict=True))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set(ylim=(y - 0.3, -0.7), xlabel="Share or area under the curve")
    axes.grid(axis="x", color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)
