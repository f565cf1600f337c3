"""An audit as a table, a sentence and a picture."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from raphe.core.files.csv_text import csv_text
from raphe.core.statistics.intervals import CONFIDENCE
from raphe.tasks.celltype.audit.audit import NOISE, SHUFFLED, SPIKES, Audit, AuditRow
from raphe.tasks.celltype.metrics.cell_level import Headline

SHOWN = (("spikes", "accuracy"), ("cells", "balanced_accuracy"), ("cells", "auroc"))
MORE_CLASSES = {"auroc": "macro_auroc"}
NEW_CELLS = {"animal": "cells of new animals", "day": "cells of new days", "cell": "new cells"}
CHANCE = 0.5  # of an AUROC, whatever the classes' shares
RECOGNISED = 0.05  # of accuracy, by which shuffled labels must do better split by spike
COLOURS = {SPIKES: "tab:blue", NOISE: "tab:gray", SHUFFLED: "tab:orange"}


def table(audit: Audit) -> str:
    """One line a way of asking, its figures with their 95 % intervals; then the conclusion."""
    names = [(level, _name(audit, name)) for level, name in SHOWN]
    head = ["trained on", "split by", "test spikes", "test cells"]
    head += [_title(level, name) for level, name in names]
    lines = [head]
    for row in audit.rows:
        figures = [_stated(row[key]) for key in names]
        lines.append([row.trained_on, row.split, str(row.n_spikes), str(row.n_cells), *figures])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    left_out = [f"left out: {reason}" for reason in audit.left_out]
    note = [f"Note: {audit.note}"] if audit.note else []
    return "\n".join([*text, "", *left_out, conclusion(audit), *note])


def as_csv(audit: Audit) -> str:
    """One row a figure of each way of asking."""
    header = ["trained_on", "split", "level", "figure", "value", "low", "high", "interval"]
    lines = []
    for row in audit.rows:
        for h in row.figures.values():
            numbers = [f"{value:.6g}" for value in (h.value, h.low, h.high)]
            lines.append(
                [row.trained_on, row.split, h.level, h.name, *numbers, h.interval,
                 row.n_spikes, row.n_cells]
            )  # fmt: skip
    return csv_text([*header, "n_spikes", "n_cells"], lines)


def conclusion(audit: Audit) -> str:
    """One sentence from the table: what new cells get, what leaks, what noise tells."""
    parts = [_of_new_cells(audit), _of_splitting(audit), _of_shuffles(audit), _of_noise(audit)]
    text = "; ".join(part for part in parts if part)
    return text[:1].upper() + text[1:] + "."


def _of_new_cells(audit: Audit) -> str:
    for split, who in NEW_CELLS.items():
        if rows := audit.of(SPIKES, split):
            stated = _stated(rows[0]["cells", _name(audit, "auroc")])
            return f"{who} are told apart with an AUROC of {stated}"
    return ""


def _of_splitting(audit: Audit) -> str:
    by_spike, by_cell = audit.of(SPIKES, "spike"), audit.of(SPIKES, "cell")
    if not by_spike or not by_cell:
        return ""
    gain = by_spike[0]["spikes", "accuracy"].value - by_cell[0]["spikes", "accuracy"].value
    return f"splitting by spike instead of by cell changes the accuracy by {100 * gain:+.1f} points"


def _of_shuffles(audit: Audit) -> str:
    by_spike, by_cell = (
        [row["spikes", "accuracy"].value for row in audit.of(SHUFFLED, split)]
        for split in ("spike", "cell")
    )
    if not by_spike or not by_cell:
        return ""
    recognised = np.mean(by_spike) - np.mean(by_cell) > RECOGNISED
    return (
        f"labels that mean nothing are {'still' if recognised else 'not'} learnt when spikes are "
        f"split (accuracy {np.mean(by_spike):.2f}, by cell {np.mean(by_cell):.2f}): the network "
        f"{'recognises' if recognised else 'does not recognise'} single cells"
    )


def _of_noise(audit: Audit) -> str:
    rows = audit.of(NOISE, "day") or audit.of(NOISE, "cell")
    if not rows:
        return ""
    auroc = rows[0]["cells", _name(audit, "auroc")]
    gives = "gives the class away" if auroc.low > CHANCE else "does not give the class away"
    return f"noise alone {gives} (AUROC {_stated(auroc)})"


def draw(audit: Audit) -> Figure:
    """Each way of asking in a line, its figures with their intervals."""
    names = [(level, _name(audit, name)) for level, name in SHOWN]
    figure = Figure(figsize=(11, 1.4 + 0.36 * len(audit.rows)), layout="constrained")
    panels: Sequence = figure.subplots(1, len(names), sharey=True)
    places = np.arange(len(audit.rows))[::-1]
    for panel, (level, name) in zip(panels, names, strict=True):
        for place, row in zip(places, audit.rows, strict=True):
            _draw_figure(panel, place, row, row[level, name])
        panel.axvline(CHANCE, color="0.7", linewidth=1, linestyle="--", zorder=0)
        panel.set_xlim(min(0.2, panel.get_xlim()[0]), 1.02)
        panel.set_xlabel(_title(level, name))
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(
        places, [f"{row.trained_on}, by {row.split} (n = {row.n_cells})" for row in audit.rows]
    )
    panels[0].set_ylim(-0.6, len(audit.rows) - 0.4)
    figure.suptitle(
        f"the same network (k = {audit.settings.kernel}), asked in different ways; points with "
        f"{CONFIDENCE:.0%} intervals, n test cells",
        fontsize=10,
    )
    return figure


def _draw_figure(panel, place: int, row: AuditRow, headline: Headline) -> None:
    colour = COLOURS[row.trained_on]
    panel.plot(headline.value, place, "o", color=colour, markersize=5)
    if np.isfinite(headline.low):
        panel.plot([headline.low, headline.high], [place, place], color=colour, linewidth=1.5)


def _name(audit: Audit, name: str) -> str:
    return MORE_CLASSES.get(name, name) if len(audit.classes) > 2 else name


def _title(level: str, name: str) -> str:
    return f"{name.replace('_', ' ').replace('auroc', 'AUROC')} of {level}"


def _stated(headline: Headline) -> str:
    if not np.isfinite(headline.low):
        return f"{headline.value:.2f}"
    return f"{headline.value:.2f} ({headline.low:.2f}–{headline.high:.2f})"
