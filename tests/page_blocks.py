"""The blocks of a page of documentation, and how they are run: as written, in a fresh folder.

A block that cannot be run has its reason in a comment above it: <!-- not run: … -->. A block of
text below <!-- printed --> is what the commands since the last such block printed; a line … stands
for any others. A block below <!-- makes: NAME --> is run before all others of its page, in the
folder that NAME is copied from.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from paths import PROJECT

BLOCK = re.compile(
    r"(?:<!-- (?P<remark>not run: [^>]+|makes: \S+|printed) -->\n)?"
    r"^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.M | re.S,
)
STARTS_WITH = re.compile(r"<!-- starts with: (?P<names>[^>]+) -->")
RUN = ("sh", "python")
ANY_LINES = "…"


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    remark: str  # "", "printed", "makes: NAME", or why it is not run

    @property
    def is_run(self) -> bool:
        return self.language in RUN and not self.remark

    @property
    def is_output(self) -> bool:
        return self.remark == "printed"

    @property
    def is_left_out(self) -> bool:
        return self.remark.startswith("not run")

    def __str__(self) -> str:
        return self.text.splitlines()[0]


def blocks(text: str) -> Iterator[Block]:
    """Those of a page or of a part of one, in their order."""
    for match in BLOCK.finditer(text):
        yield Block(match["language"], match["text"], match["remark"] or "")


def starts_with(page: Path) -> list[str]:
    """What lies in a reader's folder before the page begins, by name."""
    match = STARTS_WITH.search(page.read_text(encoding="utf-8"))
    return match["names"].split() if match else []


def maker(page: Path, name: str) -> Block:
    """The block of a page that makes what the page starts with."""
    of_page = blocks(page.read_text(encoding="utf-8"))
    return next(block for block in of_page if block.remark == f"makes: {name}")


def run(block: Block, folder: Path, settings: str) -> str:
    """What the block prints, run in a folder under these settings; fails with its last words."""
    if block.language == "sh":
        return run_commands(block.text, folder, settings)
    return _run([sys.executable, "-c", block.text], block.text, folder, settings)


def run_commands(text: str, folder: Path, settings: str) -> str:
    return _run(["bash", "-euo", "pipefail", "-c", text], text, folder, settings)


def _run(command: Sequence[str], text: str, folder: Path, settings: str) -> str:
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "RAPHE_SETTINGS": settings,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(PROJECT / "src"),
    }
    answer = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=1200,
    )
    assert answer.returncode == 0, f"{text}\nended with\n{answer.stdout[-3000:]}"
    return answer.stdout


def missing_line(shown: str, printed: str) -> str | None:
    """The first line of a block of text that was not printed, each behind those before it."""
    rest = [line.rstrip() for line in printed.splitlines()]
    for line in map(str.rstrip, shown.splitlines()):
        if line == ANY_LINES:
            continue
        if line not in rest:
            return line
        rest = rest[rest.index(line) + 1 :]
    return None
