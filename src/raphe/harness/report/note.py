"""The note that belongs to every result, below each figure."""

import textwrap
from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from raphe.core.figure_style import GREY, PaperFigure, lay_out_within

NOTE_CHARACTERS_PER_IN, NOTE_LINE_IN = 20, 0.11  # at 6 points


def stamp(artifacts: Mapping[str, Any], note: str) -> None:
    """Write the note that belongs to every result below each figure."""
    if not note:
        return
    for artifact in artifacts.values():
        if isinstance(artifact, Figure):
            _stamp_figure(artifact, note)


def _stamp_figure(figure: Figure, note: str) -> None:
    """In a strip that the figure grows by, so that nothing of it is squeezed or covered."""
    width_in, height_in = figure.get_size_inches()
    lines = textwrap.wrap(note, round(width_in * NOTE_CHARACTERS_PER_IN))
    strip_in = (len(lines) + 1) * NOTE_LINE_IN
    height_in += strip_in
    figure.set_size_inches(width_in, height_in)
    bottom = strip_in / height_in
    lay_out_within(figure, (0, bottom, 1, 1 - bottom))
    for legend in figure.legends:
        # Room is kept for a legend without an anchor alone, so it is padded to stand higher.
        if vars(legend)["_outside_loc"] == "lower":
            legend.borderaxespad += 72 * strip_in / legend.prop.get_size_in_points()
    figure.text(
        0.5, NOTE_LINE_IN / 2 / height_in, "\n".join(lines), ha="center", size=6, color=GREY
    )
    if isinstance(figure, PaperFigure):
        figure.caption = f"{figure.caption} {note}".strip()
