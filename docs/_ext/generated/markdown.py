"""Pieces of a page in Markdown."""

from collections.abc import Iterable, Sequence


def cell(text: str) -> str:
    """Text in a table's cell: one line, in which a bar divides nothing."""
    return " ".join(text.split()).replace("|", r"\|")


def code(text: object) -> str:
    """Text as it is typed; with a backtick within, too.

    >>> code("a"), code("a`b")
    ('`a`', '`` a`b ``')
    """
    text = str(text)
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(cell, line))} |" for line in lines)


def plain(text: str) -> str:
    """Words that are no Markdown: signs that would be are escaped, what is in backticks is not."""
    parts = text.split("`")
    outside = [escaped(part) if i % 2 == 0 else part for i, part in enumerate(parts)]
    return "`".join(outside) if len(parts) % 2 else escaped(text)


def escaped(text: str) -> str:
    for sign in "\\`*_<>[]$":
        text = text.replace(sign, f"\\{sign}")
    return text
