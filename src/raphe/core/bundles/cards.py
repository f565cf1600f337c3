"""What all model cards share: Markdown from the facts of a manifest."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from raphe.core.sentences import counted


def card(parts: Iterable[str]) -> str:
    """A card of its parts, those that are empty left out."""
    return "\n\n".join(part for part in parts if part) + "\n"


def size(n_networks: int) -> str:
    """How large an ensemble is: "1 network", "12 networks"."""
    return counted("network", n_networks)


def note(text: str) -> str:
    """The sentence that must stand beside every result, in bold; "" for none."""
    return f"> **{text}**" if text else ""


def provenance(facts: Mapping[str, Any]) -> str:
    """A line for each fact of where a bundle comes from that has a value."""
    return "\n".join(
        f"- {name.replace('_', ' ')}: {', '.join(value) if isinstance(value, list) else value}"
        for name, value in facts.items()
        if value
    )


def with_interval(figure: Mapping[str, Any] | None) -> str:
    """A figure as "0.912 = 31/34 (0.770–0.970)".

    `figure` has `value`, `low`, `high`, each None where there is none, and may have `counts`, the
    numerator and the denominator. – without a value.
    """
    if figure is None or figure["value"] is None:
        return "–"
    text = f"{figure['value']:.3f}"
    if counts := figure.get("counts"):
        text += " = {}/{}".format(*counts)
    if figure["low"] is None:
        return text
    return f"{text} ({figure['low']:.3f}–{figure['high']:.3f})"


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
