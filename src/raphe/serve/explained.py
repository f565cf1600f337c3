"""Pages of the documentation that travel with the package: how far an answer is to be trusted.

They are Markdown, of docs/explained in a checkout and of `raphe.explained` once installed; what
they link to besides one another is not here, so that only its name stays.
"""

import re
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from jinja2 import Environment
from markdown_it import MarkdownIt
from markdown_it.token import Token

PACKAGED = "raphe.explained"
FIRST = "can_i_trust_this"
NAMES = (FIRST, "what_is_measured", "intervals", "abstention", "limits")  # in the order of reading
COMMENT = re.compile(r"<!--.*?-->\n*", re.DOTALL)


def explained_pages(environment: Environment) -> dict[str, str]:
    """HTML of each page by its name; the environment has their template."""
    template = environment.get_template("explained.html")
    texts = {name: _text(name) for name in NAMES}
    titles = {name: text.partition("\n")[0].lstrip("# ") for name, text in texts.items()}
    return {
        name: template.render(name=name, titles=titles, content=as_html(text))
        for name, text in texts.items()
    }


def as_html(text: str) -> str:
    """Markdown as HTML; links lead to pages that are here, other links are their words alone."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(COMMENT.sub("", text))
    for token in tokens:
        if token.children:
            token.children = _with_links_that_lead(token.children)
    html: str = reader.renderer.render(tokens, reader.options, {})
    return html.replace("<table>", '<div class="scrolled"><table>').replace(
        "</table>", "</table></div>"
    )


def _with_links_that_lead(tokens: Sequence[Token]) -> list[Token]:
    kept, leads = [], False
    for token in tokens:
        if token.type == "link_open":
            page, _, place = str(token.attrs["href"]).partition("#")
            leads = page.removesuffix(".md") in NAMES and not place
            token.attrs["href"] = page.removesuffix(".md")
        if leads or token.type not in ("link_open", "link_close"):
            kept.append(token)
    return kept


@cache
def _folder() -> Path:
    checkout = Path(__file__).parents[3] / "docs" / "explained"
    if (checkout / f"{FIRST}.md").is_file():
        return checkout
    spec = find_spec(PACKAGED)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"{PACKAGED}: raphe is installed without the pages that explain it")
    return Path(next(iter(spec.submodule_search_locations)))


def _text(name: str) -> str:
    return (_folder() / f"{name}.md").read_text(encoding="utf-8")
