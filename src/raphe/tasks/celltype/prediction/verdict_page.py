"""A cell's verdict as one HTML file that needs no other, and the page that lists all cells."""

import html
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from raphe.core.sentences import counted
from raphe.tasks.celltype.features.cell_statistics import by_column
from raphe.tasks.celltype.prediction.verdict import CellVerdict

if TYPE_CHECKING:  # matplotlib takes most of a second to load
    from matplotlib.figure import Figure

RASTER_DPI = 200
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; }
h1 { font-size: 1.5rem; } h1 b { color: #14507a; }
table { border-collapse: collapse; } td, th { padding: .15rem 1rem .15rem 0; text-align: left;
       vertical-align: top; } th { font-weight: 600; } td.n { text-align: right; }
li { margin: .2rem 0; } .note { border-left: 3px solid #c80; padding-left: .7rem; }
svg { max-width: 100%; height: auto; } footer { color: #666; font-size: .85rem; margin-top: 2rem; }
"""


def cell_page(
    verdict: CellVerdict,
    figure: "Figure | None",
    note: str,
    footnotes: Sequence[str],
    made_by: str,
) -> str:
    """One cell: verdict, probability, remarks, picture, facts.

    `note` is the training's own, as "simulated cells"; `footnotes` say what its words mean;
    `made_by` names bundle and version.
    """
    facts = [(name, _escape(text)) for name, text in _facts(verdict)]
    rows = "".join(f"<tr><th>{name}</th><td>{text}</td></tr>" for name, text in facts)
    body = [
        f"<h1>{_escape(verdict.cell_id)}: <b>{_escape(verdict.verdict)}</b></h1>",
        f"<p>{_escape(sentence(verdict))}</p>",
        f'<p class="note">Note on the bundle: {_escape(note)}</p>' if note else "",
        _list("Unlike the cells of training", verdict.unlike),
        _list("Remarks", verdict.remarks),
        _svg(figure) if figure is not None else "",
        f"<table>{rows}</table>",
        _footnotes(footnotes),
    ]
    return _page(f"{verdict.cell_id}: {verdict.verdict}", "\n".join(body), made_by)


def index_page(
    verdicts: Sequence[CellVerdict],
    pages: dict[str, str],
    failures: Iterable[str],
    note: str,
    footnotes: Sequence[str],
    made_by: str,
) -> str:
    """All cells in one table, each linked to its page (`pages`: cell id → file name)."""
    rows = []
    for verdict in verdicts:
        page = pages.get(verdict.cell_id)
        name = _escape(verdict.cell_id)
        linked = f'<a href="{_escape(page)}">{name}</a>' if page else name
        n_remarks = len(verdict.unlike) + len(verdict.remarks)
        rows.append(
            f"<tr><td>{linked}</td><td><b>{_escape(verdict.verdict)}</b></td>"
            f"<td>{_escape(verdict.stated)}</td>"
            f'<td class="n">{verdict.n_spikes}</td><td class="n">{n_remarks or ""}</td></tr>'
        )
    head = (
        "<tr><th>cell</th><th>verdict</th><th>probability</th><th>spikes</th><th>remarks</th></tr>"
    )
    body = [
        f"<h1>{counted('cell', len(verdicts))}</h1>",
        f'<p class="note">Note on the bundle: {_escape(note)}</p>' if note else "",
        f"<table>{head}{''.join(rows)}</table>",
        _list("Left out", failures),
        _footnotes(footnotes),
    ]
    return _page(counted("cell", len(verdicts)), "\n".join(body), made_by)


def sentence(verdict: CellVerdict) -> str:
    """The verdict in a sentence that can stand alone."""
    if not verdict.n_spikes:
        return "No spike was found, so nothing can be said of this cell."
    agree, n_votes = verdict.agreement
    stated = (
        f"Probability of {verdict.leading} {verdict.stated}, from "
        f"{counted('spike', verdict.n_spikes)}; {agree} of {n_votes} networks agree."
    )
    if verdict.called:
        return stated
    reason = "cells like it were not trained on" if verdict.unlike else "the evidence is too weak"
    return f"No class is called, as {reason}. {stated}"


def _facts(verdict: CellVerdict) -> list[tuple[str, str]]:
    facts = [("file", ", ".join(str(path) for path in verdict.files[:3]))]
    if len(verdict.files) > 3:
        facts[0] = ("files", f"{facts[0][1]} and {len(verdict.files) - 3} more")
    for name, value in verdict.probability.items():
        low_high = ""
        if verdict.again is not None:
            low, high = verdict.again[name]
            low_high = f" (if recorded again, in 95 % of cases {low:.3f} to {high:.3f})"
        facts.append((f"probability of {name}", f"{value:.3f}{low_high}"))
    if verdict.duration_s is not None:
        facts.append(("recorded", f"{verdict.duration_s:.1f} s"))
    if verdict.firing_rate_hz is not None:
        facts.append(("firing rate", f"{verdict.firing_rate_hz:.2f} Hz"))
    dropped = {what: n for what, n in (verdict.dropped or {}).items() if n}
    if dropped:
        facts.append(("left out", ", ".join(f"{n} for {what}" for what, n in dropped.items())))
    named = by_column(verdict.unit)
    for column, value in (verdict.statistics or {}).items():
        facts.append((named[column].words, named[column].shown(value, verdict.unit)))
    return facts


def _footnotes(footnotes: Sequence[str]) -> str:
    return "".join(f"<p>{_escape(footnote)}</p>" for footnote in footnotes)


def _list(title: str, lines: Iterable[str]) -> str:
    items = "".join(f"<li>{_escape(line)}</li>" for line in lines)
    return f"<h2>{title}</h2><ul>{items}</ul>" if items else ""


def _svg(figure: "Figure") -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", dpi=RASTER_DPI, metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def _page(title: str, body: str, made_by: str) -> str:
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{_escape(title)}</title><style>{STYLE}</style></head>\n<body>\n{body}\n"
        f"<footer>{_escape(made_by)}</footer>\n</body></html>\n"
    )


def _escape(text: object) -> str:
    return html.escape(str(text))


def page_name(cell_id: str) -> str:
    """A file name for a cell's page: letters that any file system takes."""
    safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in cell_id)
    return f"{Path(safe).name}.html"
