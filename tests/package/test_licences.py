"""The page of licences names every direct dependency and everything of others in the package."""

import importlib.util
from types import ModuleType

import pytest

from paths import PROJECT

PAGE = PROJECT / "docs" / "reference" / "licences.md"


@pytest.fixture(scope="module")
def licences() -> ModuleType:
    pytest.importorskip("tomllib")  # Python 3.11
    spec = importlib.util.spec_from_file_location("licences", PROJECT / ".ci" / "licences.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_direct_dependency_has_a_licence(licences: ModuleType) -> None:
    table = PAGE.read_text(encoding="utf-8").split(licences.BEGIN)[1].split(licences.END)[0]
    rows = licences.rows_of(table)
    assert rows.pop("package") == "licence"
    assert set(licences.direct_dependencies()) == set(rows)
    assert all(licence.strip() and licence != "None" for licence in rows.values())


def test_what_is_copied_into_the_package_is_named() -> None:
    text = PAGE.read_text(encoding="utf-8")
    copied = [file.parent for file in (PROJECT / "src").rglob("LICENSE*")]
    assert copied
    for folder in copied:
        assert f"`{folder.relative_to(PROJECT / 'src').as_posix()}/`" in text
