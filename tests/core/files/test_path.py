"""Names of files that are made of what others call their cells."""

import doctest

import pytest

from raphe.core.files import path
from raphe.core.files.path import free_name


def test_the_examples_hold():
    assert doctest.testmod(path).failed == 0


@pytest.mark.parametrize(
    "name",
    ["a/b", "..", "../../etc/passwd", "CON", "nul.abf", "LPT1", "ends.", "ends ", "a:b", "x" * 300,
     "界" * 300, "", ".", ".hidden", "a\nb", "\x1b[2J", "a\\b", "<>|?*", "e\u0301"],
)  # fmt: skip
def test_a_name_from_outside_stays_in_its_folder_and_is_one_that_every_disk_takes(name, tmp_path):
    made = free_name(name, ".html")
    assert (tmp_path / made).resolve().parent == tmp_path.resolve()
    (tmp_path / made).touch()
    assert not set(made) & set('<>:"/\\|?*\n\x1b')
    assert not made.startswith(".") and made.endswith(".html")
    assert made.partition(".")[0].casefold() not in path.RESERVED


def test_names_that_differ_in_case_or_beyond_their_end_do_not_meet():
    taken: list[str] = []
    names = ["A", "a", "a/b", "a_b", "ä", "a\u0308", "x" * 300, "x" * 301, "straße", "STRASSE"]
    for name in names:
        taken.append(free_name(name, ".html", taken))
    assert len({name.casefold() for name in taken}) == len(names)
