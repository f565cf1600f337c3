"""The version stands in raphe/version.py; what is released beside it says the same."""

import re

import raphe
from paths import PROJECT


def test_the_citation_names_this_version() -> None:
    (version,) = re.findall(r"^version: (\S+)$", (PROJECT / "CITATION.cff").read_text(), re.M)
    assert version == raphe.__version__


def test_the_changelog_begins_with_this_version() -> None:
    versions = re.findall(r"^## \[(\S+)\]", (PROJECT / "CHANGELOG.md").read_text(), re.M)
    assert versions[0] == raphe.__version__


def test_no_second_place_holds_the_version() -> None:
    assert 'dynamic = ["version"]' in (PROJECT / "pyproject.toml").read_text()
