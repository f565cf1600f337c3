"""An audit as a picture."""

import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from raphe.core.audit.asked import Audit, AuditRow
from raphe.core.audit.report import chance, shown
from raphe.core.audit.words import Words
from raphe.core.figure_style import (
    GREY,
    SMALL_PT,
    TWO_COLUMNS_IN,
    PaperFigure,
    house_style,
    letter,
)
from raphe.core.sentences import counted, listed
from raphe.core.statistics.intervals import CONFIDENCE

HALF_ROW = 0.4
NOTE_CHARACTERS = 110  # of a line


@house_style()
def draw(audit: Audit) -> PaperFigure:
    """Each way of asking in a line, its figures with their intervals and the level of chance."""
    names = shown(audit)
    figure = PaperFigure(TWO_COLUMNS_IN, 1.3 + 0.24 * len(audit.rows), _caption(audit))
    panels = figure.subplots(1, len(names), sharex=True, sharey=True, squeeze=False)[0]
    places = np.arange(len(audit.rows))[::-1]
    for panel, (level, name) in zip(panels, names, strict=True):
        for place, row in zip(places, audit.rows, strict=True):
            _draw_row(panel, place, row, level, name, audit.words)
        heading = audit.words.title(level, name)
        panel.set_xlabel(heading[0].upper() + heading[1:])
    panels[0].set_yticks(
        places,
        [
            f"{_in_label(row, audit.words)}: {audit.words.held_out[row.way.split]} "
            f"({counted(audit.words.item, row.n_cells)})"
            for row in audit.rows
        ],
    )
    panels[0].set_ylabel("Trained on: tested on")
    panels[0].set(xlim=(-0.03, 1.03), ylim=(-0.6, len(audit.rows) - 0.4))
    figure.legend(handles=_keys(audit), loc="outside lower center", ncols=2)
    if audit.note:  # a picture is passed on without its caption
        figure.suptitle("\n".join(textwrap.wrap(audit.note, NOTE_CHARACTERS)), fontsize=SMALL_PT)
    letter(panels)
    return figure


def _in_label(row: AuditRow, words: Words) -> str:
    shuffle = words.shuffles.get(row.way.trained_on)
    return row.way.trained_on if shuffle is None else shuffle.in_label


def _draw_row(panel: Axes, place: int, row: AuditRow, level: str, name: str, words: Words) -> None:
    headline, (_, marker, colour) = row.figures[level, name], words.looks(row.way.trained_on)
    if (by_chance := chance(row, level, name)) is not None:
        ends = [place - HALF_ROW, place + HALF_ROW]
        panel.plot([by_chance] * 2, ends, "--", color=GREY, lw=1, zorder=0)
    if np.isfinite(headline.low):
        panel.plot([headline.low, headline.high], [place, place], color=colour)
    panel.plot(headline.value, place, marker, color=colour)


def _keys(audit: Audit) -> list[Line2D]:
    trained_on = dict.fromkeys(row.way.trained_on for row in audit.rows)
    return [
        *(
            Line2D([], [], marker=marker, color=colour, label=f"trained on {words}")
            for words, marker, colour in map(audit.words.looks, trained_on)
        ),
        Line2D([], [], linestyle="--", color=GREY, lw=1, label="chance"),
    ]


def _caption(audit: Audit) -> str:
    nouns = listed((f"{noun}s" for noun in dict.fromkeys(row.noun for row in audit.rows)), "or")
    sentences = [
        f"{audit.network[:1].upper()}{audit.network[1:]}, trained and tested in different ways.",
        f"Points: all test folds together; lines: {100 * CONFIDENCE:.0f} % intervals over {nouns}, "
        f"whichever the {audit.words.item}s share.",
        "Dashes: chance, the larger class's share for an accuracy.",
        f"Classes: {', '.join(audit.classes)}; "
        f"{counted('training', sum(row.n_trainings for row in audit.rows))}.",
        *(f"Not drawn: {reason.partition(';')[0]}." for reason in audit.left_out),
        *([audit.note] if audit.note else []),
    ]
    return " ".join(sentences)
