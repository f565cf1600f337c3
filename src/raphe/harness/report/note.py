"""The note that belongs to every result, below each figure."""

import textwrap
from collections.abc import Mapping
from functools import partial

from matplotlib.figure import Figure

from raphe.core.figure_style import GREY, PaperFigure, lay_out_within
from raphe.core.protocol import Draw

NOTE_CHARACTERS_PER_IN, NOTE_LINE_IN = 20, 0.11  # at 6 points


def stamped(artifacts: Mapping[str, str | Draw], note: str) -> dict[str, str | Draw]:
    """The same, and below each figure, once it is drawn, the note that belongs to every result."""
    if not note:
        return dict(artifacts)
    return {
        name: content if isinstance(content, str) else partial(_drawn, content, note)
        for name, content in artifacts.items()
    }


def _drawn(draw: Draw, note: str) -> Figure | str:
    made = draw()
    if isinstance(made, Figure):
        _stamp(made, note)
    return made


def _stamp(figure: Figure, note: str) -> None:
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
