"""Looks at the pages when they are made: nothing loads from elsewhere, no link leads nowhere.

What is wrong is a warning, and so ends the build. Only files are read; addresses of other sites are
left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:  # tests read this file where Sphinx is not installed
    from sphinx.application import Sphinx

LOADS = {  # attributes whose address a browser fetches by itself
    "audio": "src", "embed": "src", "iframe": "src", "img": "src", "input": "src", "link": "href",
    "object": "data", "script": "src", "source": "src", "track": "src", "video": "src",
}  # fmt: skip
FETCHED = ("stylesheet", "icon", "preload", "modulepreload", "manifest")  # by a <link rel=…>


@dataclass
class Page(HTMLParser):
    """What a page links to, loads and can be linked to."""

    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        address = given.get(LOADS.get(tag, ""), "")
        if tag == "link" and not set(given.get("rel", "").split()) & set(FETCHED):
            address = ""
        if address:
            self.loads.append(address)
        if tag == "a" and "href" in given:
            self.links.append(given["href"])


def faults(site: Path) -> Iterator[str]:
    """What is wrong with the pages of a folder, a sentence each."""
    pages = {}
    for file in sorted(site.rglob("*.html")):
        pages[file] = Page()
        pages[file].feed(file.read_text(encoding="utf-8"))
    for file, page in pages.items():
        where = file.relative_to(site)
        for address in page.loads:
            if urlsplit(address).scheme in ("http", "https") or address.startswith("//"):
                yield f"{where}: loads {address} from elsewhere; put it into the site"
        for address in (*page.loads, *page.links):
            if fault := _lead(file, address, site, pages):
                yield f"{where}: {fault}"
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        if "url(http" in text or "url(//" in text or "@import url" in text:
            yield f"{style.relative_to(site)}: loads something from elsewhere"


def _lead(file: Path, address: str, site: Path, pages: dict[Path, Page]) -> str:
    """Why an address within the site leads nowhere; "" where it leads somewhere, or outside."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return ""
    path = unquote(parts.path)
    target = file if not path else (site / path[1:] if path[0] == "/" else file.parent / path)
    target = target.resolve()
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return f"{address} leads nowhere"
    anchor = unquote(parts.fragment)
    if anchor and target in pages and anchor not in pages[target].anchors:
        return f"{address}: there is no such place on that page"
    return ""


def _check(app: Sphinx, error: Exception | None) -> None:
    from sphinx.util import logging

    logger = logging.getLogger(__name__)
    if error is None and app.builder.name == "html":
        for fault in faults(Path(app.outdir).resolve()):
            logger.warning(fault)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", _check)
    return {"parallel_read_safe": True}
