"""Cells of a page that are words for a shell, shown without the `%%sh` that tells them from Python.

`%load_ext shell_cells` in a page's first cell lets them run: what is printed comes as for a file,
without lines of progress, of which a slow machine has more, and with a reader's folder in place of
the one in which the page ran.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # IPython and tests read this file where Sphinx is not installed
    from docutils import nodes
    from sphinx.application import Sphinx

MAGIC = "%%sh\n"
HOME = "/home/you/first-hour"
PROGRESS = re.compile(
    r"^(?:sweep: \d+ of \d+|[^:\n]+: \d+(?: of \d+)? done, ).*\n"
    r"|^.*: is being made, which takes some seconds\n",
    re.M,
)
TERMINAL = ("FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE")  # which Jupyter's kernel says that it is


def load_ipython_extension(shell: Any) -> None:
    shell.register_magic_function(run, "cell", "sh")


def run(line: str, commands: str) -> None:
    """Run the words of a cell. Raises CalledProcessError where one of them fails."""
    environment = {name: value for name, value in os.environ.items() if name not in TERMINAL}
    answer = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment | {"TERM": "dumb"},
    )
    print(as_shown(answer.stdout, Path.cwd()), end="")
    answer.check_returncode()


def as_shown(printed: str, folder: Path) -> str:
    return PROGRESS.sub("", printed).replace(str(folder.resolve()), HOME)


def _unmark(app: Sphinx, doctree: nodes.document) -> None:
    from docutils import nodes

    for block in doctree.findall(nodes.literal_block):
        text = block.astext()
        if text.startswith(MAGIC):
            block.children.clear()
            block.rawsource = text.removeprefix(MAGIC)
            block += nodes.Text(block.rawsource)
            block["language"] = "sh"


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-read", _unmark)
    return {"parallel_read_safe": True}
