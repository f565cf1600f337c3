"""What all pages of a verdict folder share: each is one HTML file that needs no other, no network.

Their style and scripts are files beside this one, which every page holds.
"""

import html
import io
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from matplotlib.figure import Figure

from raphe.core.bundles.bundle import CARD, Bundle
from raphe.core.figure_style import class_colour
from raphe.tasks.celltype.prediction.verdict_files import CARD_PAGE, CSV_FILE, INDEX, JSON_FILE
from raphe.tasks.celltype.verdicts.judge import Judge

RASTER_DPI = 200
READING = "reading"  # the part of the index that explains its words
NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))
OWN_ID = re.compile(r'(\bid="|url\(#|href="#)')


def page(title: str, body: Iterable[str], made: str, to: str = "", scripts: str = "") -> str:
    """A page; `to` leads to the folder's other files, `made` says where it comes from."""
    content = "\n".join(filter(None, body))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>\n{asset('page.css')}</style></head>\n"
        f"<body>\n{_navigation(to)}\n<main>\n{content}\n</main>\n"
        f"<footer><p>{escaped(made)}</p></footer>\n{scripts}</body></html>\n"
    )


def text_page(text: str, made: str, title: str = "") -> str:
    """A text of the bundle, Markdown, as a page; HTML in it stays text. `title`: else its own."""
    rendered = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    heading = f"<h1>{escaped(title)}</h1>\n" if title else ""
    title = title or text.partition("\n")[0].lstrip("# ")
    return page(title, [f'<div class="card">\n{heading}{rendered}</div>'], made)


def other_texts(bundle: Bundle) -> dict[str, tuple[str, str]]:
    """Beside the card, the bundle's texts: by their names their pages' and a title."""
    names = [Path(name) for name in bundle.manifest["files"] if name.endswith(".md")]
    return {
        name.name: (f"{name.stem.lower()}.html", name.stem.capitalize())
        for name in names
        if name.name != CARD
    }


def script(name: str) -> str:
    return f"<script>\n{asset(name)}</script>\n"


def note(text: str) -> str:
    return f'<p class="note">{escaped(text)}</p>' if text else ""


def listing(lines: Iterable[str]) -> str:
    items = "".join(f"<li>{escaped(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def section(title: str, *content: str, name: str = "") -> str:
    """A heading and what is under it; nothing where that is empty."""
    text = "\n".join(filter(None, content))
    named = f' id="{name}"' if name else ""
    return f"<section{named}>\n<h2>{escaped(title)}</h2>\n{text}\n</section>" if text else ""


def called(verdict: str, judge: Judge) -> str:
    """A verdict with a dot in its class's colour."""
    classes = judge.ensemble.classes
    colour = class_colour(classes.index(verdict)) if verdict in classes else ""
    style = f' style="--class: {colour}"' if colour else ""
    return f'<b class="verdict"{style}>{escaped(verdict)}</b>'


def svg(figure: Figure, name: str, title: str, description: str) -> str:
    """A figure as part of a page, its ids made its own by `name`, its words for those who cannot
    see it."""
    text = io.StringIO()
    figure.savefig(text, format="svg", dpi=RASTER_DPI, metadata=NO_METADATA)
    drawn = text.getvalue()
    drawn = OWN_ID.sub(rf"\g<1>{name}-", drawn[drawn.index("<svg") :])
    head, _, rest = drawn.partition(">")
    words = f"{name}-title {name}-description"
    return (
        f'{head} role="img" aria-labelledby="{words}"><title id="{name}-title">{escaped(title)}'
        f'</title><desc id="{name}-description">{escaped(description)}</desc>{rest}'
    )


def escaped(text: object) -> str:
    return html.escape(str(text))


@cache
def asset(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _navigation(to: str) -> str:
    links = (
        (f"{to}{INDEX}", "All cells"),
        (f"{to}{INDEX}#{READING}", "How to read this"),
        (f"{to}{CARD_PAGE}", "Model card"),
        (f"{to}{CSV_FILE}", "Table (CSV)"),
        (f"{to}{JSON_FILE}", "Everything (JSON)"),
    )
    items = "".join(f'<li><a href="{href}">{text}</a></li>' for href, text in links)
    return f"<nav><ul>{items}</ul></nav>"
