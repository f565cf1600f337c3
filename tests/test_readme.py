"""The README's blocks run as they are written, in their order, in one fresh folder.

A block that cannot be run has its reason in a comment above it: <!-- not run: … -->. So has one of
docs/first_hour.md that stands beside those which the build of the site runs.
"""

import re
from pathlib import Path

import pytest

from page_blocks import blocks, run
from page_material import SHORT
from paths import PROJECT

README = PROJECT / "README.md"
FIRST_HOUR = PROJECT / "docs" / "first_hour.md"
MOST_LINES = 110  # it is one page, with the table of real cells
MOST_BYTES = 150_000  # of a picture: a clone carries every version of it


def test_what_is_not_run_says_why_and_is_counted() -> None:
    for page, n_not_run in ((README, 2), (FIRST_HOUR, 2)):
        text = page.read_text(encoding="utf-8")
        assert sum(bool(block.remark) for block in blocks(text)) == n_not_run, page.name
        languages = set(re.findall(r"^```(\w+)$", text, re.M))
        assert languages <= {"sh", "python", "bat"}, page.name  # a command in another is not run
    in_first_hour = blocks(FIRST_HOUR.read_text(encoding="utf-8"))
    assert not [block for block in in_first_hour if block.is_run]  # a {code-cell} is, by the build


def test_it_is_one_page_with_small_pictures() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    pictures = [PROJECT / name for name in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)]
    assert len(pictures) == 2
    assert all(picture.stat().st_size <= MOST_BYTES for picture in pictures)


def test_every_file_that_it_links_to_is_there() -> None:
    text = README.read_text(encoding="utf-8")
    names = [name for name in re.findall(r"\]\(([^)#]+)", text) if not name.startswith("http")]
    assert len(names) >= 8 and not [name for name in names if not (PROJECT / name).is_file()]


@pytest.mark.ci
def test_it_runs_as_written(tmp_path: Path) -> None:
    for block in blocks(README.read_text(encoding="utf-8")):
        if block.is_run:
            run(block, tmp_path, SHORT)
