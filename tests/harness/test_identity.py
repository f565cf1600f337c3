"""Which code a run says it was."""

import subprocess
from pathlib import Path

import pytest

from raphe.harness import identity
from raphe.version import __version__

IDENTITY = "src/raphe/harness/identity.py"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Somebody's, with a file of its own, in which raphe seems to lie."""
    git = ["git", "-c", "user.name=n", "-c", "user.email=e", "-C", str(tmp_path)]
    (tmp_path / "study.txt").write_text("mine")
    for folder in ("conf", "src/raphe/harness"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / IDENTITY).write_text("")
    for command in (["init", "-q"], ["add", "study.txt"], ["commit", "-qm", "mine"]):
        subprocess.run([*git, *command], check=True)
    monkeypatch.setattr(identity, "__file__", str(tmp_path / IDENTITY))
    return tmp_path


def test_another_repository_is_not_taken_for_ours(repository: Path) -> None:
    assert identity.code_version() == __version__


def test_our_own_commit_is_told_and_that_it_was_changed(repository: Path) -> None:
    subprocess.run(["git", "-C", str(repository), "add", IDENTITY], check=True)
    commit, changed = identity.code_version().split("-")
    assert (len(commit), changed) == (40, "dirty")


def test_recordings_beside_the_code_do_not_change_it_and_a_new_module_does(
    repository: Path,
) -> None:
    git = ["git", "-c", "user.name=n", "-c", "user.email=e", "-C", str(repository)]
    for command in (["add", "src"], ["commit", "-qm", "ours"]):
        subprocess.run([*git, *command], check=True)
    for folder in ("recordings/SER", "spikes", "verdicts"):
        (repository / folder).mkdir(parents=True)
        (repository / folder / "file").write_text("")
    (repository / "mlflow.db").write_text("")
    commit = identity.code_version()
    assert len(commit) == 40
    for name in ("conf/mine.yaml", "src/raphe/mine.py", "study.txt"):
        before = (repository / name).read_text() if name == "study.txt" else None
        (repository / name).write_text("new")
        assert identity.code_version() == f"{commit}-dirty", name
        (repository / name).unlink() if before is None else (repository / name).write_text(before)
    assert identity.code_version() == commit
