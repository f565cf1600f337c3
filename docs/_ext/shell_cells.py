"""Cells of a page that are words for a shell, and what they print, as a reader sees them at home.

The first line of such a cell, `%%sh`, is not shown. Of what is printed the folder in which the page
ran gets another name, and lines of progress are left out, of which a slow machine has more.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx

MAGIC = "%%sh\n"
FOLDER = re.compile(r"(?:/[\w.-]+)*/tmp[\w.-]*(?=[/\s'\"]|$)")  # that nb_execution_in_temp makes
HOME = "/home/you/first-hour"
PROGRESS = re.compile(
    r"^sweep: \d+ of \d+.*\n|^.*: is being made, which takes some seconds\n", re.M
)


def _tidy(app: Sphinx, doctree: nodes.document) -> None:
    for block in doctree.findall(nodes.literal_block):
        text = block.astext()
        if text.startswith(MAGIC):
            _show(block, text.removeprefix(MAGIC))
            block["language"] = "sh"
        elif "output" in block.parent.get("classes", ()):
            _show(block, PROGRESS.sub("", FOLDER.sub(HOME, text)))


def _show(block: nodes.literal_block, text: str) -> None:
    block.children.clear()
    block.rawsource = text
    block += nodes.Text(text)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-read", _tidy)
    return {"parallel_read_safe": True}
