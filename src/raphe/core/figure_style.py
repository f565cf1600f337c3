"""What all figures look like, the colours' meanings, and how a figure is saved with its caption.

Sizes are those of journals: one column of 89 mm, two of 183 mm.
"""

import io
import re
import string
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, TypedDict

from matplotlib import rc_context, rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf, PdfPages
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text
from matplotlib.ticker import LogFormatterMathtext, LogFormatterSciNotation

from raphe.core.errors import SettingError
from raphe.core.files.atomic import make_folder, open_whole, write_file

ONE_COLUMN_IN, TWO_COLUMNS_IN = 3.5, 7.2
TEXT_PT, SMALL_PT = 8, 7
DOTS_PER_IN = 200  # of a picture for the screen; what is printed is a PDF

# Hues belong to classes, in their order. All colours have a contrast to white of 3 or more, those
# that text is written in (INK, GREY) of 4.5 or more, as WCAG 2.2 wants them.
CLASS_COLOURS = ("#D55E00", "#0072B2", "#03703A", "#C95FD3", "#0B95A8", "#66244D", "#7C4A2A",
                 "#5A5AE0")  # fmt: skip
INK, GREY = "#1A1A1A", "#6B6B6B"  # what is meant, and what it is measured by
PALE = "#D9D9D9"  # areas and lines behind what is meant
MEANINGS = {
    "cells": INK,
    "spikes": "#7A7A7A",
    "network": INK,
    "baseline": GREY,
    "validation": "#00636B",
    "test": "#5A10B0",
    "published": "#B81232",
    # Further ways of doing the same.
    "method 1": "#6E7B00",
    "method 2": "#8A5A00",
    "method 3": "#A3357A",
    "method 4": "#3F5F8A",
}
METHODS = tuple(MEANINGS[f"method {number}"] for number in range(1, 5))


class LineStyle(TypedDict, total=False):
    """How a line is drawn, as matplotlib takes it."""

    color: str
    linewidth: float  # pt
    ls: str
    zorder: float
    marker: str
    ms: float  # size of a marker, pt
    mew: float  # width of its edge, pt
    mfc: str  # colour of its face


STYLE: Mapping[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same picture on every machine
    "font.size": TEXT_PT,
    "axes.titlesize": TEXT_PT,
    "axes.labelsize": TEXT_PT,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.titlesize": TEXT_PT,
    "legend.fontsize": SMALL_PT,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "lines.markersize": 4,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": SMALL_PT,
    "ytick.labelsize": SMALL_PT,
    "pdf.fonttype": 42,  # text stays text that an editor can change; journals refuse Type 3
    "svg.hashsalt": "raphe",
    "text.parse_math": False,  # a name may hold a $, and no text of ours is a formula
}
SUPERSCRIPTS = str.maketrans("-−0123456789.", "⁻⁻⁰¹²³⁴⁵⁶⁷⁸⁹·")
_NOT_LOOKS = ("backend", "interactive", "timezone", "toolbar", "webagg")
_DEFAULTS = {key: rcParamsDefault[key] for key in rcParamsDefault if not key.startswith(_NOT_LOOKS)}
_UNDATED = {".png": {}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
CAPTION_WIDTH = 100  # characters
PAGES, CAPTIONS = "figures.pdf", "captions.txt"
LETTER_OFFSET_PT = (-6, 7)
DRAWING = Lock()


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in this style, as `with house_style():` or `@house_style()`; nothing is left behind.

    A matplotlibrc or a notebook's own style has no say.
    """
    with rc_context({**_DEFAULTS, **STYLE}):
        yield


def lay_out_within(figure: Figure, place: tuple[float, float, float, float]) -> None:
    """Keep all but what stands at places of its own to a part of a figure.

    `place`: the part's left and bottom edges, its width and height, in shares of the figure.
    """
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(rect=place)


class PaperFigure(Figure):
    """A figure that is saved in the house style by whomever, with the caption to stand under it.

    Args:
        width_in, height_in: the size on the page.
        caption: what a reader of the figure alone must know, in whole sentences.
    """

    def __init__(self, width_in: float, height_in: float, caption: str = "", **options) -> None:
        with house_style():
            super().__init__((width_in, height_in), layout="constrained", **options)
        self.caption = caption
        self._is_plain = False

    def savefig(self, fname: Any, **options: Any) -> None:
        """Write it to a file, as matplotlib's Figure.savefig does, whose options it takes."""
        with house_style():
            self.write_plainly()
            self._is_plain = True  # what is added while it is laid out is so by the style
            try:
                super().savefig(fname, **options)
            finally:
                self._is_plain = False

    def draw(self, renderer: RendererBase) -> None:
        """No text is read as a formula: a name, a unit or a setting may hold a $."""
        if not self._is_plain:
            self.write_plainly()
        super().draw(renderer)

    def write_plainly(self) -> None:
        """No formula in what is there now, labels of logarithmic axes included."""
        for axis in (axis for axes in self.axes for axis in (axes.xaxis, axes.yaxis)):
            _write_powers_plainly(axis)
        for text in self.findobj(Text):  # those made outside of the house style, too
            text.set_parse_math(False)


class _Powers(LogFormatterSciNotation):
    """The labels of a logarithmic axis, as 10⁻² or 2×10³, without a formula."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        text = super().__call__(x, pos).replace(r"\times", "×")
        text = re.sub(r"\$\\mathdefault\{(.*)\}\$", r"\1", text)
        return re.sub(r"\^\{(.*?)\}", lambda power: power[1].translate(SUPERSCRIPTS), text)


def _write_powers_plainly(axis: Axis) -> None:
    if isinstance(axis.get_major_formatter(), LogFormatterMathtext):
        axis.set_major_formatter(_Powers())
    minor = axis.get_minor_formatter()
    if isinstance(minor, LogFormatterMathtext):
        axis.set_minor_formatter(_Powers(labelOnlyBase=minor.labelOnlyBase))


def class_colour(index: int) -> str:
    """Of the class that is this one in the order of its store, the same in every figure."""
    return CLASS_COLOURS[index % len(CLASS_COLOURS)]


def colour(meaning: str) -> str:
    """Of what is no class: "cells", "spikes", "validation", "test", "published", "method 1" …"""
    return MEANINGS[meaning]


def letter(panels: Iterable[Axes]) -> None:
    """Bold letters a, b, c … at the panels' upper left corners, for the caption to name; a panel
    that is alone has none."""
    panels = list(panels)
    if len(panels) == 1:
        return
    for name, axes in zip(string.ascii_lowercase, panels, strict=False):
        axes.annotate(
            name, (0, 1), xycoords="axes fraction", xytext=LETTER_OFFSET_PT,
            textcoords="offset points", ha="right", va="bottom", weight="bold",
            fontsize=TEXT_PT + 1, annotation_clip=False, gid="panel letter",
        )  # fmt: skip


def save_figure(figure: Figure, path: Path) -> list[Path]:
    """Save as PNG, PDF or SVG by the name; beside a PNG a PDF, and the caption as a text.

    "roc.png" comes with "roc.pdf" and "roc.caption.txt". A file is the same whenever it is saved.

    Raises:
        SettingError: for another kind of name.
        StoreError: for what the operating system refuses.

    Returns:
        What was written.
    """
    check_figure_name(path)
    make_folder(path.parent)
    suffix = path.suffix.lower()
    saved = []
    for kind in (suffix, ".pdf") if suffix == ".png" else (suffix,):
        file = path if kind == suffix else path.with_suffix(kind)
        with open_whole(file) as content:
            figure.savefig(content, dpi=DOTS_PER_IN, format=kind[1:], metadata=_UNDATED[kind])
        saved.append(file)
    caption = caption_of(figure)
    if caption:
        saved.append(write_file(path.with_suffix(".caption.txt"), _wrapped(caption)))
    return saved


def figure_pdf(draw: Callable[[], Figure]) -> bytes:
    """The PDF of a figure that is drawn meanwhile: one at a time, for the style is matplotlib's own
    and of the whole process."""
    content = io.BytesIO()
    with DRAWING:
        draw().savefig(content, format="pdf", metadata=_UNDATED[".pdf"])
    return content.getvalue()


def check_figure_name(path: Path) -> None:
    """Before the work, that `save_figure` can save it. Raises SettingError."""
    if path.suffix.lower() not in _UNDATED:
        raise SettingError(f"{path}: expected the name of a figure to end in .png, .pdf or .svg")


def save_together(figures: Mapping[str, Figure], folder: Path) -> None:
    """Save the figures of a folder by name as PNG, all as the pages of figures.pdf, captions.txt.

    One PDF, because embedding fonts takes as long as drawing: a file for each figure would double
    the time that the figures of a run take.
    """
    captions = []
    for page, (name, figure) in enumerate(figures.items(), start=1):
        _lay_out(figure)
        with open_whole(folder / name) as content:
            figure.savefig(content, dpi=DOTS_PER_IN, format=Path(name).suffix[1:])
        if caption_of(figure):
            captions.append(_wrapped(f"{name}, page {page}: {caption_of(figure)}"))
    if captions:
        write_file(folder / CAPTIONS, "\n".join(captions))
    _save_pages(figures.values(), folder / PAGES)


def _lay_out(figure: Figure) -> None:
    """Lay a figure out for a picture, once and for all.

    Figure.savefig draws a whole figure to lay it out, and then draws it.
    """
    engine = figure.get_layout_engine()
    if engine is None or not figure.axes:
        return
    with house_style():
        if isinstance(figure, PaperFigure):
            figure.write_plainly()
        FigureCanvasAgg(figure)
        dpi, figure.dpi = figure.dpi, DOTS_PER_IN
        engine.execute(figure)
        figure.dpi = dpi
    figure.set_layout_engine("none")


def _save_pages(figures: Iterable[Figure], path: Path) -> None:
    with (
        open_whole(path) as file,
        PdfPages(file, metadata=_UNDATED[".pdf"]) as pages,
        house_style(),
    ):
        for figure in figures:
            _add_page(pages, figure)


def _add_page(pages: PdfPages, figure: Figure) -> None:
    """As `pages.savefig`, which draws a figure twice: first to lay it out."""
    canvas, dpi = figure.canvas, figure.dpi
    try:
        FigureCanvasPdf(figure).print_pdf(pages)
    finally:
        figure.set_canvas(canvas)
        figure.dpi = dpi


def caption_of(figure: Figure) -> str:
    return figure.caption if isinstance(figure, PaperFigure) else ""


def _wrapped(caption: str) -> str:
    return "\n".join(textwrap.wrap(caption, CAPTION_WIDTH)) + "\n"
