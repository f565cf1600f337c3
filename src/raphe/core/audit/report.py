"""An audit as text and table."""

import re
import textwrap

import numpy as np

from raphe.core.audit.asked import Audit, AuditRow
from raphe.core.audit.findings import findings, legend
from raphe.core.files.csv_text import csv_text
from raphe.core.sentences import whole
from raphe.core.statistics.figure_interval import Headline

MORE_CLASSES = {"auroc": "macro_auroc"}
LINE = 100  # characters


def text(audit: Audit) -> str:
    """The findings, the most important first; then one line a way of asking, and what is not."""
    return "\n".join(
        [
            *(line for sentence in _sentences(audit) for line in _wrapped(sentence)),
            "",
            *(_table(audit) if audit.rows else []),
            *(_wrapped(legend(audit)) if audit.rows else []),
            *(line for reason in audit.left_out for line in _wrapped(f"left out: {reason}")),
        ]
    )


def _sentences(audit: Audit) -> list[str]:
    return [*([f"Note: {audit.note}"] if audit.note else []), *findings(audit)]


def _wrapped(sentence: str) -> list[str]:
    """Lines that end between words, not within a figure as "p < 0.001"."""
    whole_figures = re.sub(
        r"\b(p [<=–]|AUROC) (?=\d)", lambda m: m[0].replace(" ", "\xa0"), sentence
    )
    lines = textwrap.wrap(whole_figures, LINE, break_long_words=False, break_on_hyphens=False)
    return [line.replace("\xa0", " ") for line in lines]


def _table(audit: Audit) -> list[str]:
    names = shown(audit)
    heads = [audit.words.title(*name) for name in names]
    spikes = any(row.n_spikes is not None for row in audit.rows)
    sizes = [*(["spikes"] if spikes else []), f"{audit.words.item}s"]
    lines = [["trained on", "split by", *sizes, *heads, "p against chance"]]
    for row in audit.rows:
        figures = [_stated(row.figures[name]) for name in names]
        lines.append(
            [
                row.way.trained_on,
                row.way.split,
                *(whole(row.n_spikes) for _ in range(spikes) if row.n_spikes is not None),
                whole(row.n_cells),
                *figures,
                str(row.test),
            ]
        )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def as_csv(audit: Audit) -> str:
    """One row a figure of each way of asking."""
    header = [
        "trained_on", "split", "level", "figure", "value", "low", "high", "interval", "chance",
        "n_spikes", "n_cells", "n_trainings", "p", "smallest_p", "answer",
    ]  # fmt: skip
    lines = []
    for row in audit.rows:
        for h in row.figures.values():
            is_auroc = h is row.auroc
            tested = (
                [f"{row.test.p:.6g}", f"{row.test.smallest:.6g}", row.answer.value]
                if is_auroc
                else ["", "", ""]
            )
            level = chance(row, h.level, h.name)
            lines.append(
                [row.way.trained_on, row.way.split, h.level, h.name,
                 *(f"{value:.6g}" for value in (h.value, h.low, h.high)), h.interval,
                 "" if level is None else f"{level:.6g}",
                 "" if row.n_spikes is None else row.n_spikes, row.n_cells, row.n_trainings,
                 *tested]
            )  # fmt: skip
    return csv_text(header, lines)


def chance(row: AuditRow, level: str, name: str) -> float | None:
    """What a figure comes to where nothing is told apart; None where that depends on the calls."""
    if name == "accuracy":
        return row.majority[level]
    if name == "balanced_accuracy":
        return 1 / row.n_classes
    return {"auroc": 0.5, "macro_auroc": 0.5, "mcc": 0.0}.get(name)


def shown(audit: Audit) -> list[tuple[str, str]]:
    """Level and name of each figure in table and picture."""
    more = len(audit.classes) > 2
    return [
        (level, MORE_CLASSES.get(name, name) if more else name) for level, name in audit.words.shown
    ]


def _stated(headline: Headline) -> str:
    if not np.isfinite(headline.low):
        return f"{headline.value:.2f}"
    return f"{headline.value:.2f} ({headline.low:.2f}–{headline.high:.2f})"
