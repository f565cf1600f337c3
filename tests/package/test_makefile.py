"""What make says where a machine lacks something: one sentence, before anything is installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from paths import PROJECT

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("make") is None, reason="needs make"
)

# Stands for Python: `-m venv` makes a folder with itself as bin/python, `-m pip` has no network.
PYTHON = """#!/bin/sh
case "$1 $2" in
  "--version ") echo Python {version} ;;
  "-m venv") {venv} ;;
  "-m pip") test "$3" = --version ;;
  "-c "*) {right} ;;
esac
"""
MAKES_VENV = 'mkdir -p "$3/bin" && cp "$0" "$3/bin/python"'


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(PROJECT / name, tmp_path)
    return tmp_path


def stand_in(path: Path, version: str, right: str = "true", venv: str = MAKES_VENV) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PYTHON.format(version=version, right=right, venv=venv))
    path.chmod(0o755)
    return path


def errors(clone: Path, *arguments: str) -> list[str]:
    """The lines on stderr of a make that fails, without make's own last one."""
    settings = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    answer = subprocess.run(
        ["make", *arguments], cwd=clone, env=settings, capture_output=True, text=True
    )
    assert answer.returncode
    assert not (clone / ".venv" / ".installed").exists()
    return [line for line in answer.stderr.splitlines() if not line.startswith("make: ***")]


def test_another_python_is_told(clone: Path) -> None:
    python = stand_in(clone / "old" / "python3", "3.9.18", right="false")
    assert errors(clone, "train", f"PYTHON={python}") == [
        f"error: {python} is Python 3.9.18, raphe needs 3.10 to 3.14: "
        "name another: make PYTHON=python3.12"
    ]
    assert not (clone / ".venv").exists()


def test_no_python_is_told(clone: Path) -> None:
    (line,) = errors(clone, "setup", "PYTHON=python3.no")
    assert line.startswith("error: there is no python3.no; raphe needs Python 3.10 to 3.14")


def test_an_environment_of_another_python_is_told(clone: Path) -> None:
    python = stand_in(clone / "new" / "python3", "3.12.1")
    stand_in(clone / ".venv" / "bin" / "python", "3.9.18", right="false")
    (line,) = errors(clone, "train", f"PYTHON={python}")
    assert line.endswith("raphe needs 3.10 to 3.14: remove the folder .venv and run make again")


def test_a_python_without_venv_is_told_and_leaves_nothing(clone: Path) -> None:
    half = 'mkdir -p "$3/bin"; exit 1'  # as Debian's without python3-venv
    python = stand_in(clone / "bare" / "python3", "3.11.2", venv=half)
    (line,) = errors(clone, "setup", f"PYTHON={python}")
    assert line.startswith(f"error: {python} cannot make a virtual environment")
    assert not (clone / ".venv").exists()


def test_no_network_is_told(clone: Path) -> None:
    python = stand_in(clone / "new" / "python3", "3.12.1")
    (line,) = errors(clone, "train", f"PYTHON={python}")
    assert line.startswith("error: pip reaches no package index; connect to the network")
