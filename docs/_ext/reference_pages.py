"""Fills the pages of the reference: where one says `<!-- generated: NAME -->`, that is made.

So a page cannot be older than the code: these are read anew in each build.
"""

import re
from importlib import import_module

from sphinx.application import Sphinx

MARK = re.compile(r"^<!-- generated: (\w+) -->$", re.M)
FOLDER = "reference/"


def _fill(app: Sphinx, docname: str, source: list[str]) -> None:
    if docname.startswith(FOLDER):
        source[0] = MARK.sub(lambda mark: import_module(f"generated.{mark[1]}").page(), source[0])


def _outdated(
    app: Sphinx, env: object, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    return [name for name in app.env.found_docs if name.startswith(FOLDER)]


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", _fill)
    app.connect("env-get-outdated", _outdated)
    return {"parallel_read_safe": True}
