"""What a registered model carries of raphe, and what it must find installed.

A model that required `raphe` of a package index would run whatever is registered there under that
name. So it carries the modules that predicting imports, and requires what these import alone.
"""

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from pathlib import Path

from raphe.core.files.atomic import copy_file, make_folder

PACKAGE = "raphe"


@dataclass(frozen=True)
class ModelCode:
    """Modules of raphe by their dotted name, and packages of others that importing them takes."""

    files: dict[str, Path]
    packages: frozenset[str]  # as they are imported

    @classmethod
    def of(cls, modules: Iterable[str]) -> "ModelCode":
        """All that these modules import, however far away.

        What a function imports is carried, but the packages that it takes are not required: pynwb
        for who reads NWB, matplotlib for who draws.
        """
        waiting = [(module, False) for module in modules]
        files, imported, packages = {}, set(), set()
        while waiting:
            module, is_asked_for = waiting.pop()
            file = _file(module)
            if file is None or module in imported or (is_asked_for and module in files):
                continue
            files[module] = file
            if not is_asked_for:
                imported.add(module)
            waiting.append((module.rpartition(".")[0], is_asked_for))
            for name, in_function in _imports(file):
                later = is_asked_for or in_function
                if name.partition(".")[0] == PACKAGE:
                    waiting += [(name, later), (name.rpartition(".")[0], later)]
                elif not later:
                    packages.add(name.partition(".")[0])
        return cls(files, frozenset(packages - set(sys.stdlib_module_names)))

    def requirements(self) -> list[str]:
        """The packages with the versions that are installed, as pip reads them."""
        names = {_distributions()[package][0] for package in self.packages}
        return sorted(f"{name}=={version(name)}" for name in names)

    def copy(self, folder: Path) -> Path:
        """Write the modules into a folder; the package in it, as it is imported from there."""
        for file in self.files.values():
            target = folder / PACKAGE / file.relative_to(_root())
            make_folder(target.parent)
            copy_file(file, target)
        return folder / PACKAGE


@cache
def _distributions() -> Mapping[str, list[str]]:
    """By the package that is imported; the lists of all installed files are read for them, once."""
    return packages_distributions()


@cache
def _root() -> Path:
    spec = find_spec(PACKAGE)
    assert spec is not None and spec.origin is not None  # this is one of its modules
    return Path(spec.origin).parent


def _file(module: str) -> Path | None:
    """Where the source of a module of raphe lies; None for a name that is none."""
    package, *parts = module.split(".")
    if package != PACKAGE:
        return None
    path = _root().joinpath(*parts)
    files = (path / "__init__.py", path.with_suffix(".py")) if parts else (path / "__init__.py",)
    return next((file for file in files if file.is_file()), None)


def _imports(file: Path) -> Iterator[tuple[str, bool]]:
    """Names that a file imports, and whether only where a function asks for them."""
    waiting: list[tuple[ast.AST, bool]] = [(ast.parse(file.read_text(encoding="utf-8")), False)]
    while waiting:
        node, is_asked_for = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            waiting += [(child, is_asked_for) for child in node.orelse]
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, is_asked_for) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: imports are absolute"
            yield from ((f"{node.module}.{alias.name}", is_asked_for) for alias in node.names)
        in_function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        waiting += [(child, is_asked_for or in_function) for child in ast.iter_child_nodes(node)]
