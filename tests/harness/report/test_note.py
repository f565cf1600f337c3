"""The note below each figure."""

import pytest
from matplotlib.figure import Figure

from figure_texts import assert_texts_apart
from raphe.core.figure_style import PaperFigure, house_style
from raphe.harness.report.note import stamped

NOTE = "These recordings are simulated: figures on them say nothing about biology at all."


@house_style()
def figure_with_a_legend() -> PaperFigure:
    figure = PaperFigure(3.5, 2.5, "A line.")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], label="a line with a name")
    axes.set(xlabel="x", title="A title")
    figure.legend(loc="outside lower center")
    return figure


def test_a_note_covers_nothing_and_stands_in_the_caption() -> None:
    noted = stamped({"a.png": figure_with_a_legend, "a.txt": "text"}, NOTE)
    figure, bare = noted["a.png"](), stamped({"a.png": figure_with_a_legend}, "")["a.png"]()
    assert noted["a.txt"] == "text"
    assert_texts_apart(figure)
    assert figure.caption == f"A line. {NOTE}" and bare.caption == "A line."
    bare.draw_without_rendering()
    tall, low = (f.axes[0].get_position().height * f.get_size_inches()[1] for f in (figure, bare))
    assert tall == pytest.approx(low, rel=0.02)  # the panel keeps its size


def test_a_figure_of_another_style_has_its_note_too() -> None:
    figure = stamped({"a.png": Figure}, NOTE)["a.png"]()
    assert " ".join(figure.texts[0].get_text().split()) == NOTE
