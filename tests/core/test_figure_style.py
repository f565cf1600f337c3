"""One look for every figure: colours that can be told from paper, nothing left behind, files."""

import itertools
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from raphe.core import figure_style
from raphe.core.errors import SettingError, StoreError
from raphe.core.figure_style import (
    CLASS_COLOURS,
    GREY,
    INK,
    MEANINGS,
    PaperFigure,
    class_colour,
    house_style,
    letter,
    save_figure,
    save_together,
)


def contrast_to_white(colour: str) -> float:
    """As WCAG 2.2 has it."""
    srgb = np.array(to_rgb(colour))
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05)


def test_colours_can_be_told_from_white_paper():
    assert contrast_to_white("#767676") == pytest.approx(4.54, abs=0.01)  # a known one
    graphics = {*CLASS_COLOURS, *MEANINGS.values()}
    assert min(map(contrast_to_white, graphics)) >= 3
    assert min(map(contrast_to_white, (INK, GREY))) >= 4.5


def test_no_colour_has_two_meanings():
    colours = [*CLASS_COLOURS, *{*MEANINGS.values()}]
    for one, other in itertools.combinations(colours, 2):
        assert np.abs(np.subtract(to_rgb(one), to_rgb(other))).max() > 0.05, (one, other)
    assert class_colour(0) != class_colour(1)


def test_style_has_the_say_in_a_figure_and_leaves_nothing_behind():
    with mpl.rc_context({"font.size": 31, "xtick.labelsize": 40}):
        before = dict(mpl.rcParams)
        figure = figure_of_two_panels()
        figure.draw_without_rendering()
        assert dict(mpl.rcParams) == before
    ticks = figure.axes[0].xaxis.get_major_ticks()
    assert {tick.label1.get_fontsize() for tick in ticks} == {figure_style.SMALL_PT}


@house_style()
def figure_of_two_panels() -> PaperFigure:
    figure = PaperFigure(3.5, 2, "Two panels. " * 20)
    panels = figure.subplots(1, 2)
    panels[0].plot([0, 1], [0, 1])
    letter(panels)
    return figure


def test_letters_stand_at_the_panels_left():
    figure = figure_of_two_panels()
    figure.draw_without_rendering()
    for name, axes in zip("ab", figure.axes, strict=True):
        text = next(text for text in axes.texts if text.get_gid() == "panel letter")
        assert text.get_text() == name
        extent, frame = text.get_window_extent(), axes.get_window_extent()
        assert extent.x1 <= frame.x0 and extent.y0 >= frame.y1


@house_style()
def test_a_panel_that_is_alone_has_no_letter():
    figure = PaperFigure(3.5, 2)
    letter([figure.subplots()])
    assert not figure.axes[0].texts


def test_figure_is_saved_with_its_caption_and_the_same_each_time(tmp_path: Path):
    saved = {}
    for place in ("one", "other"):
        (tmp_path / place).mkdir()
        files = save_figure(figure_of_two_panels(), tmp_path / place / "x.png")
        save_figure(figure_of_two_panels(), tmp_path / place / "y.svg")
        assert [file.name for file in files] == ["x.png", "x.pdf", "x.caption.txt"]
        saved[place] = [file.read_bytes() for file in sorted((tmp_path / place).iterdir())]
    assert saved["one"] == saved["other"]
    lines = (tmp_path / "one" / "x.caption.txt").read_text().splitlines()
    assert len(lines) == 3 and max(map(len, lines)) <= 100


def test_figures_of_a_folder_are_the_pages_of_one_pdf(tmp_path: Path):
    figures = {"a.png": figure_of_two_panels(), "b.png": PaperFigure(2, 2)}
    save_together(figures, tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {*figures, "figures.pdf", "captions.txt"}
    assert (tmp_path / "captions.txt").read_text().startswith("a.png, page 1: Two panels.")
    assert b"/Count 2" in (tmp_path / "figures.pdf").read_bytes()


@pytest.mark.parametrize("name, error", [("x.xyz", SettingError), ("file/x.png", StoreError)])
def test_figure_that_cannot_be_saved_is_one_sentence(tmp_path: Path, name, error):
    (tmp_path / "file").touch()
    with pytest.raises(error, match=r"x\.xyz|file: could not be made"):
        save_figure(figure_of_two_panels(), tmp_path / name)


def test_a_name_with_dollars_is_no_formula(tmp_path):
    name = r"$\frac$ of $5"
    figure = PaperFigure(3.5, 3)
    axes = figure.subplots()
    axes.bar([name, "b"], [1, 2], label=name)  # outside of the house style
    axes.set_title(name)
    axes.legend()
    for suffix in ("png", "svg", "pdf"):
        save_figure(figure, tmp_path / f"names.{suffix}")
    with house_style():
        figure.draw_without_rendering()
    assert axes.get_xticklabels()[0].get_text() == name
    assert not any(text.get_parse_math() for text in figure.findobj(mpl.text.Text))


def test_powers_on_a_logarithmic_axis_are_read_without_a_formula():
    figure = PaperFigure(3.5, 3)
    axes = figure.subplots()
    axes.loglog([1e-3, 1e3], [2.0, 9.0])
    figure.draw_without_rendering()
    assert "10⁻¹" in [label.get_text() for label in axes.get_xticklabels()]
    minor = [label.get_text() for label in axes.get_yticklabels(which="minor")]
    assert "3×10⁰" in minor and "$" not in "".join(minor)
