"""The tables of benchmarks/ as pages, for Sphinx reads nothing outside its folder.

Pages link to the tables where a clone has them; in the site those links lead to the copies.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # tests read this file where Sphinx is not installed
    from sphinx.application import Sphinx

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
RESULTS = "results/"
OF_ALL = "\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"
LINK = re.compile(r"\]\((?:\.\./)+benchmarks/(?:results/)?(?P<name>\w+)\.md")


def copy(app: Sphinx) -> None:
    folder = Path(app.srcdir) / "benchmarks"
    folder.mkdir(exist_ok=True)
    texts = {file.name: file.read_text("utf-8") for file in (BENCHMARKS / RESULTS).glob("*.md")}
    overview = (BENCHMARKS / "README.md").read_text("utf-8")
    texts["index.md"] = overview.replace(f"]({RESULTS}", "](") + OF_ALL
    for page in folder.glob("*.md"):
        if page.name not in texts:
            page.unlink()
    for name, text in texts.items():
        page = folder / name
        if not page.exists() or page.read_text("utf-8") != text:
            page.write_text(text, "utf-8")


def to_copies(text: str) -> str:
    """Markdown whose links to files of benchmarks/ lead to the site's pages of them."""
    return LINK.sub(lambda link: f"](/benchmarks/{_copied_as(link['name'])}.md", text)


def _copied_as(name: str) -> str:
    return "index" if name == "README" else name


def _link(app: Sphinx, docname: str, source: list[str]) -> None:
    source[0] = to_copies(source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", copy)
    app.connect("source-read", _link)
    return {"parallel_read_safe": True}
