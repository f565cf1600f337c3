"""Which code a run says it was."""

import subprocess
from pathlib import Path

import pytest

from raphe.harness import identity
from raphe.version import __version__


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Somebody's, with a file of its own, in which raphe seems to lie."""
    git = ["git", "-c", "user.name=n", "-c", "user.email=e", "-C", str(tmp_path)]
    (tmp_path / "study.txt").write_text("mine")
    (tmp_path / "identity.py").write_text("")
    for command in (["init", "-q"], ["add", "study.txt"], ["commit", "-qm", "mine"]):
        subprocess.run([*git, *command], check=True)
    monkeypatch.setattr(identity, "__file__", str(tmp_path / "identity.py"))
    return tmp_path


def test_another_repository_is_not_taken_for_ours(repository: Path) -> None:
    assert identity.code_version() == __version__


def test_our_own_commit_is_told_and_that_it_was_changed(repository: Path) -> None:
    subprocess.run(["git", "-C", str(repository), "add", "identity.py"], check=True)
    commit, changed = identity.code_version().split("-")
    assert (len(commit), changed) == (40, "dirty")
