"""A folder of runs that was moved, copied or is reached by another name."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from filelock import FileLock

from raphe.core.errors import SettingError
from raphe.harness.database import opening
from raphe.harness.database.opening import open_to_read
from raphe.harness.database.relocation import ADDRESSES, former_places
from raphe.harness.tracking import Tracker


@pytest.fixture
def original(tmp_path: Path, tracking_store: Callable[[Path], Path]) -> Path:
    """A folder of runs with one that is finished, and a model of it that is registered."""
    root = tracking_store(tmp_path / "first name" / "mlruns")
    run = Tracker("one", root).begin("run", {"raphe.key": "k"})
    run.log_text("text", "note.txt")
    run.log_model("network")
    run.end("FINISHED")
    client = open_to_read(root, None)
    client.create_registered_model("model")
    artifacts = client.get_run(run.run_id).info.artifact_uri
    client.create_model_version("model", f"{artifacts}/bundle", run.run_id)
    return root


def addresses(root: Path) -> set[str]:
    with closing(sqlite3.connect(root / "mlflow.db")) as connection:
        return {
            address
            for table, column in ADDRESSES
            for (address,) in connection.execute(f"SELECT {column} FROM {table}")
            if address is not None and "/artifacts/" in address
        }


def contents(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["second name", "First Name", "100%41 #?"])
def test_runs_of_a_folder_that_was_renamed_are_found_where_they_are(
    original: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "first name").rename(tmp_path / name)
    moved = tmp_path / name / "mlruns"
    client = open_to_read(moved, None)
    assert capsys.readouterr().err.splitlines() == [
        f"{moved}: was {original} before; the files of 1 run are now looked for here"
    ]
    places = addresses(moved)
    assert len(places) >= 4 and all(place.startswith(f"{moved.as_uri()}/") for place in places)
    tracker = Tracker("one", moved)
    (run,) = tracker.find({"raphe.key": "k"})
    assert Path(client.download_artifacts(run.run_id, "note.txt", str(moved))).exists()
    tracker.begin("next", {}).log_text("new", "new.txt")
    assert not original.exists()
    assert capsys.readouterr().err == ""  # said once


def test_a_copy_writes_nothing_into_its_original(original: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(original, copy)
    before = contents(original)
    tracker = Tracker("one", copy)
    tracker.begin("next", {}).log_text("new", "new.txt")
    assert contents(original) == before
    assert list(copy.glob("artifacts/one/*/artifacts/new.txt"))
    assert former_places(copy / "mlflow.db") == [] == former_places(original / "mlflow.db")
    # A copy of the copy, of which MLflow named two folders.
    again = tmp_path / "again"
    shutil.copytree(copy, again)
    open_to_read(again, None)
    assert all(place.startswith(f"{again.as_uri()}/") for place in addresses(again))


def test_a_folder_reached_through_a_link_or_a_relative_path_is_not_moved(
    original: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = addresses(original)
    link = tmp_path / "link"
    link.symlink_to(original, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    for root in (link, Path("link"), Path("first name/mlruns"), Path("first name/../link")):
        Tracker("one", root)
        assert addresses(original) == before
    assert capsys.readouterr().err == ""
    link.unlink()
    Tracker("two", original)


def test_a_moved_folder_that_may_only_be_read_can_be_listed(
    original: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = tmp_path / "moved"
    original.rename(moved)
    before = addresses(moved)
    monkeypatch.setattr(opening, "can_write", lambda folder: False)
    assert open_to_read(moved, None).get_experiment_by_name("one") is not None
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"note: {moved}: was {original} before and cannot be written to")
    assert addresses(moved) == before


def test_places_elsewhere_are_left_alone(original: Path, tmp_path: Path) -> None:
    client = open_to_read(original, None)
    for name, place in (("s3", "s3://lab/runs/artifacts/x"), ("other", "/data/files")):
        client.create_experiment(name, artifact_location=place)
    moved = tmp_path / "moved"
    original.rename(moved)
    client = open_to_read(moved, None)
    assert client.get_experiment_by_name("s3").artifact_location == "s3://lab/runs/artifacts/x"
    assert "/data/files" in client.get_experiment_by_name("other").artifact_location


def test_places_of_a_named_database_are_left_alone(
    tmp_path: Path, tracking_store: Callable[[Path], Path]
) -> None:
    uri = f"sqlite:///{tracking_store(tmp_path / 'of all') / 'mlflow.db'}"
    for name in ("mine", "yours"):
        Tracker("one", tmp_path / name, uri)
    assert {place for place in addresses(tmp_path / "of all") if "one" in place} == {
        f"{(tmp_path / 'mine').as_uri()}/artifacts/one"
    }


def test_a_folder_with_runs_at_work_that_know_it_otherwise_is_refused(
    original: Path, tmp_path: Path
) -> None:
    work = original / "work" / "0123"
    work.mkdir(parents=True)
    before = addresses(original)
    original.rename(tmp_path / "moved")
    lock = tmp_path / "moved" / "work" / "0123" / "lock"
    with FileLock(lock), pytest.raises(SettingError, match="runs are at work here that know"):
        Tracker("one", tmp_path / "moved")
    assert addresses(tmp_path / "moved") == before
    Tracker("one", tmp_path / "moved")
