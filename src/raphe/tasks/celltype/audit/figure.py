"""An audit as a picture."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from raphe.core.sentences import counted
from raphe.core.statistics.intervals import CONFIDENCE
from raphe.tasks.celltype.audit.audit import Audit, AuditRow
from raphe.tasks.celltype.audit.plan import NOISE, SHUFFLED, SPIKES
from raphe.tasks.celltype.audit.report import chance, shown, title

COLOURS = {SPIKES: "tab:blue", NOISE: "tab:gray", SHUFFLED: "tab:orange"}
HALF_ROW = 0.4


def draw(audit: Audit) -> Figure:
    """Each way of asking in a line, its figures with their intervals and the level of chance."""
    names = shown(audit)
    figure = Figure(figsize=(11, 1.5 + 0.36 * len(audit.rows)), layout="constrained")
    panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    places = np.arange(len(audit.rows))[::-1]
    for panel, (level, name) in zip(panels, names, strict=True):
        for place, row in zip(places, audit.rows, strict=True):
            _draw_row(panel, place, row, level, name)
        panel.set_xlim(min(0.2, panel.get_xlim()[0]), 1.02)
        panel.set_xlabel(title(level, name))
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(
        places,
        [
            f"{row.way.trained_on}, by {row.way.split} ({counted('cell', row.n_cells)})"
            for row in audit.rows
        ],
    )
    panels[0].set_ylim(-0.6, len(audit.rows) - 0.4)
    figure.suptitle(
        f"The same network (k = {audit.settings.kernel}), asked in different ways: points with "
        f"{CONFIDENCE:.0%} intervals; dashes: chance (for accuracy, the larger class's share)",
        fontsize=10,
    )
    return figure


def _draw_row(panel: Axes, place: int, row: AuditRow, level: str, name: str) -> None:
    headline, colour = row.figures[level, name], COLOURS[row.way.trained_on]
    by_chance = [chance(row, level, name)] * 2
    panel.plot(by_chance, [place - HALF_ROW, place + HALF_ROW], "--", color="0.7", zorder=0)
    if np.isfinite(headline.low):
        panel.plot([headline.low, headline.high], [place, place], color=colour, linewidth=1.5)
    panel.plot(headline.value, place, "o", color=colour, markersize=5)
