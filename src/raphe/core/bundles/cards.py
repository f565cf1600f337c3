"""What all model cards share: Markdown from the facts of a manifest."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from raphe.core.sentences import counted, printable

MARKDOWN = re.compile(r"[\\`*\[\]<>|$~&]|^(?=[#=+-])|(?<!\w)_|_(?!\w)")
MOST_DECIMALS = 3
WITHOUT_INTERVAL = 2  # decimals
WHOSE = """\
The hashes tell a damaged bundle from a whole one, not a forged one from the maker's: whoever can
change a file can make its hash anew. They are no signature. If you did not make this bundle
yourself, ask its maker for the content hash that `raphe check` prints, and name it as
`--content-hash` wherever the bundle is used: another one is then refused."""


def card(parts: Iterable[str]) -> str:
    """A card of its parts, those that are empty left out."""
    return "\n\n".join(part for part in parts if part) + "\n"


def size(n_networks: int) -> str:
    """How large an ensemble is: "1 network", "12 networks"."""
    return counted("network", n_networks)


def of_others(text: object) -> str:
    r"""A name that somebody else chose, to be read in a card as it is, whatever shows the card.

    On one line, with what a terminal obeys or hides as an escape, and a backslash before what
    Markdown, or the HTML in it, takes for more than a letter.

    >>> print(of_others("<img src=x>\n*a_b* \x1b[31m"))
    \<img src=x\>\\n\*a_b\* \\x1b\[31m
    """
    return MARKDOWN.sub(lambda found: f"\\{found[0]}", printable(text))


def note(text: str) -> str:
    """The sentence that must stand beside every result, in bold; "" for none."""
    return f"> **{of_others(text)}**" if text else ""


def provenance(facts: Mapping[str, Any]) -> str:
    """A line for each fact of where a bundle comes from that has a value."""
    return "\n".join(
        f"- {name.replace('_', ' ')}: "
        f"{', '.join(map(of_others, value)) if isinstance(value, list) else of_others(value)}"
        for name, value in facts.items()
        if value
    )


def with_interval(figure: Mapping[str, Any] | None, interval: str = "") -> str:
    """A figure as "0.91 = 31/34 (0.77–0.97)", with the digits that its interval leaves it.

    `figure` has `value`, `low`, `high`, each None where there is none, and may have `counts`, the
    numerator and the denominator. – without a value. `interval` stands before the limits, as in
    "(95% CI 0.77–0.97)".
    """
    if figure is None or figure["value"] is None:
        return "–"
    value, low, high = figure["value"], figure["low"], figure["high"]
    n_decimals = decimals(low, high)
    text = f"{value:.{n_decimals}f}"
    if counts := figure.get("counts"):
        text += " = {}/{}".format(*counts)
    if low is None:
        return f"{text} (no interval: too few)"
    before = f"{interval} " if interval else ""
    return f"{text} ({before}{low:.{n_decimals}f}–{high:.{n_decimals}f})"


def decimals(low: float | None, high: float | None) -> int:
    """How many a figure between these limits deserves: half their distance in two digits."""
    if low is None or high is None:
        return WITHOUT_INTERVAL
    half_width = (high - low) / 2
    if half_width <= 0:
        return MOST_DECIMALS
    return min(MOST_DECIMALS, max(0, 1 - math.floor(math.log10(half_width))))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns line up as plain text, too."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    lines.insert(1, ["-" * width for width in widths])
    padded = [
        " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    ]
    return "\n".join(f"| {line} |" for line in padded)


def paragraph(sentences: Iterable[str], references: Sequence[str]) -> str:
    """Sentences in a row, those that are empty left out, and what they cite, by name."""
    text = " ".join(sentence for sentence in sentences if sentence)
    cited = "\n".join(f"- {reference}" for reference in sorted(references))
    return f"{text}\n\n{cited}\n" if cited else f"{text}\n"
