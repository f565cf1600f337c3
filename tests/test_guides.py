"""The pages of docs/ that tell how something is done: their blocks run as they are written.

Each page runs in a fresh folder that holds what its first comment says it starts with, under
settings (RAPHE_SETTINGS, as the pages tell) that make training short.
"""

import re
from pathlib import Path

import pytest

from page_blocks import RUN, blocks, missing_line, run, starts_with
from page_material import RECIPES, SHORT, SHORT_CALCIUM, SHORT_GLIF, SHORT_OWN, Shelf
from paths import PROJECT
from written_tables import undescribed

DOCS = PROJECT / "docs"
ROOMS = ("how_to", "explained", "developers")
PAGES = {
    page.relative_to(DOCS).as_posix(): page for room in ROOMS for page in (DOCS / room).glob("*.md")
}
SETTINGS = {
    "how_to/calcium.md": SHORT_CALCIUM,
    "how_to/glif.md": SHORT_GLIF,
    "how_to/units.md": SHORT_OWN,
    "developers/add_a_task.md": SHORT_OWN,
}
SHOWN = {
    "text",
    "python",
    "sh",
    "bat",
    "toml",
    "yaml",
}  # in none but sh and python stands a command
BROUGHT = ("units.csv", "single-spikes", "spikefinder")  # tables that raphe did not write
NOT_RUN = 44  # a block more has to be counted here


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_starts_with_can_be_made_and_is_told(name: str) -> None:
    names = starts_with(PAGES[name])
    assert set(names) <= set(RECIPES)
    told = re.search(r"^\*You need\* .*?\n\n", PAGES[name].read_text(encoding="utf-8"), re.M | re.S)
    assert not names or (told and all(f"`{name}`" in told[0] for name in names))


def test_what_is_not_run_says_why_and_is_counted() -> None:
    texts = [page.read_text(encoding="utf-8") for page in PAGES.values()]
    of_pages = [block for text in texts for block in blocks(text)]
    assert sum(block.is_left_out for block in of_pages) == NOT_RUN
    assert not [text for text in texts if re.search(r"^ +```(sh|python)", text, re.M)]  # not run
    languages = {word for text in texts for word in re.findall(r"^```(\w+)$", text, re.M)}
    assert languages <= SHOWN
    commands = [block for block in of_pages if block.language not in RUN]
    assert not [block for block in commands if re.search(r"^(\$ )?raphe ", block.text, re.M)]


def test_a_line_that_was_not_printed_is_named() -> None:
    assert missing_line("one\n…\nthree\n", "zero\none\ntwo\nthree\n") is None
    assert missing_line("three\none\n", "one\ntwo\nthree\n") == "one"  # not behind it


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, tracking_store) -> Shelf:
    return Shelf(tmp_path_factory.mktemp("shelf"), tracking_store)


@pytest.mark.slow
@pytest.mark.ci
@pytest.mark.parametrize(
    "name",
    [
        name
        for name, page in PAGES.items()
        if any(block.is_run for block in blocks(page.read_text(encoding="utf-8")))
    ],
)
def test_a_page_runs_as_written(name: str, shelf: Shelf, tmp_path: Path) -> None:
    page = PAGES[name]
    shelf.copy_to(tmp_path, starts_with(page))
    printed = ""
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.is_run:
            printed += run(block, tmp_path, SETTINGS.get(name, SHORT))
        elif block.is_output:
            missing = missing_line(block.text, printed)
            assert missing is None, f"{name} shows {missing!r}, got\n{printed}"
            printed = ""
    for folder in (tmp_path, shelf.folder):
        missing = dict(undescribed(folder, BROUGHT))
        assert not missing, f"docs/_ext/generated has no such tables: {missing}"
