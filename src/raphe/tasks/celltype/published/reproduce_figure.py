"""The papers' claims as a figure: the tables that fit, and both definitions side by side."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import blended_transform_factory

from raphe.core.claims import NOTE, Claim
from raphe.core.figure_style import (
    GREY,
    INK,
    MEANINGS,
    METHODS,
    PALE,
    TWO_COLUMNS_IN,
    LineStyle,
    PaperFigure,
    house_style,
    letter,
)
from raphe.tasks.celltype.published import paper_numbers as published
from raphe.tasks.celltype.published.paper_claims import PERCENT, published_table
from raphe.tasks.celltype.published.printed_shares import all_tables, prints_as

ROW_IN, SEARCH_IN = 0.24, 3.0  # heights
APART = 0.17  # of a row: of what is published from what is recomputed
# One around the other where a table gives both percentages.
SHARES: tuple[tuple[str, LineStyle], ...] = (
    ("positive predictive value (PPV)", {"marker": "o", "ms": 7, "mfc": "none", "mew": 1.4}),
    ("negative predictive value (NPV)", {"marker": "s", "ms": 3}),
)


@house_style()
def reproduce_figure(claims: Sequence[Claim]) -> PaperFigure:
    """Above, every table of verdicts and those that give either published percentage; below, each
    claim that is a number, as the papers have it and as recomputed."""
    shown = [c for c in claims if c.theirs_value is not None and c.ours_value is not None]
    sources = list(dict.fromkeys(claim.source for claim in shown))
    n_rows = len(shown) + len(sources)
    rows_in = ROW_IN * n_rows + 0.9
    figure = PaperFigure(TWO_COLUMNS_IN, SEARCH_IN + rows_in, _caption(claims))
    # Apart, so that the names of the claims do not push the upper panel to the right.
    heights_in = [SEARCH_IN, rows_in]
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=heights_in).ravel()
    search, rows = above.subplots(), below.subplots()
    _search(search)
    _rows(rows, shown)
    below.legend(*rows.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    letter((search, rows))
    return figure


def _caption(claims: Sequence[Claim]) -> str:
    n_tables = len(all_tables(published.N_SER, published.N_NSER))
    notes = dict.fromkeys(claim.ours for claim in claims if claim.quantity == NOTE)
    sentences = [
        f"a: each point is one of the {n_tables} ways in which {published.N_SER} serotonergic and "
        f"{published.N_NSER} other cells can be called; marked are those whose predictive values "
        f"print as the published {PERCENT[0]} % and {PERCENT[1]} %.",
        "b: what is published, or what the papers' code computes, and what the words mean, "
        "recomputed, with 95 % intervals where the cells are known.",
        *notes,
    ]
    return " ".join(sentences)


def _search(axes: Axes) -> None:
    tables = all_tables(published.N_SER, published.N_NSER)
    right = np.array([(table.first_right, table.others_right) for table in tables])
    shares = np.array([table.of_called() for table in tables])
    axes.plot(*right.T, ".", color=PALE, markersize=2.5)
    for (name, marker), column, percent, colour in zip(
        SHARES, shares.T, PERCENT, METHODS[1:3], strict=True
    ):
        fits = np.array([bool(np.isfinite(v)) and prints_as(v, percent) for v in column])
        label = f"{name} {percent} %: {fits.sum()} tables"
        axes.plot(*right[fits].T, color=colour, ls="", label=label, **marker)
    table = published_table()
    axes.annotate(
        f"both: {table.first_right} of {table.n_first} and {table.others_right} of "
        f"{table.n_others} right",
        (table.first_right, table.others_right),
        (-40, -18),
        textcoords="offset points",
        ha="right",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.8, "shrinkB": 5},
    )
    axes.set(
        xlabel=f"Serotonergic cells called right, of {published.N_SER}",
        ylabel=f"Other cells called right, of {published.N_NSER}",
    )
    axes.legend(loc="lower left", frameon=True, framealpha=1, edgecolor="none")


def _rows(axes: Axes, shown: Sequence[Claim]) -> None:
    """Claims from top to bottom, a heading for each source."""
    y, source = 0, None
    labels: list[tuple[float, str]] = []
    heading = blended_transform_factory(axes.figure.transSubfigure, axes.transData)
    for claim in shown:
        if claim.source != source:
            source = claim.source
            axes.text(
                0.01, y, _capitalised(source), transform=heading, weight="bold", va="center",
                in_layout=False,
            )  # fmt: skip
            y += 1
        ours, theirs, first = claim.ours_value, claim.theirs_value, not labels
        assert ours is not None and theirs is not None  # or there was nothing to show
        axes.plot([ours.low, ours.high], [y + APART] * 2, color=INK)
        label = "recomputed, with 95 % interval" if first else None
        axes.plot(ours.value, y + APART, "o", color=INK, label=label)
        label = "as published or as the papers' code has it" if first else None
        axes.plot(theirs, y - APART, "D", color=MEANINGS["published"], label=label)
        labels.append((y, _capitalised(claim.quantity)))
        y += 1
    axes.set_yticks(*zip(*labels, strict=True))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set(ylim=(y - 0.3, -0.7), xlabel="Share, or area under the curve")
    axes.grid(axis="x", color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)


def _capitalised(words: str) -> str:
    return words[:1].upper() + words[1:]
