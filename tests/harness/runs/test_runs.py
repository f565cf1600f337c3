"""`raphe runs`: what is listed, and that only what nothing needs is removed."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from raphe import cli
from raphe.core.files.locks import lock_file
from raphe.harness.run_location import work_name
from raphe.harness.tracking import DATA_TAG, KEY_TAG, PLANNED_TAG, SWEEP_TAG

DAY_S = 24 * 3600


@pytest.fixture
def client(runs_root: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{runs_root / 'mlflow.db'}")


@pytest.fixture
def begin(client: MlflowClient, runs_root: Path) -> Callable[..., str]:
    """Make a run with 1500 bytes of files, 1000 of them a checkpoint; returns its id."""

    def make(experiment: str, name: str, status: str, **tags: str) -> str:
        found = client.get_experiment_by_name(experiment)
        location = (runs_root / "artifacts" / experiment).as_uri()
        experiment_id = (
            found.experiment_id
            if found
            else client.create_experiment(experiment, artifact_location=location)
        )
        run = client.create_run(experiment_id, run_name=name, tags=tags)
        folder = files_of(client, run.info.run_id)
        (folder / "checkpoint").mkdir(parents=True)
        (folder / "checkpoint" / "model.ckpt").write_bytes(b"w" * 1000)
        (folder / "table.csv").write_bytes(b"t" * 500)
        if status != "RUNNING":
            client.set_terminated(run.info.run_id, status)
        return run.info.run_id

    return make


def files_of(client: MlflowClient, run_id: str) -> Path:
    return Path(client.get_run(run_id).info.artifact_uri.removeprefix("file://"))


def work_of(runs_root: Path, name: str, age_s: float = 2 * DAY_S) -> Path:
    folder = runs_root / "work" / name
    folder.mkdir(parents=True)
    (folder / "last.ckpt").write_bytes(b"w" * 2000)
    for path in (folder / "last.ckpt", folder):
        os.utime(path, (path.stat().st_mtime - age_s,) * 2)
    return folder


def test_runs_are_listed_with_their_members_and_what_they_take_up(
    begin: Callable[..., str], client: MlflowClient, runs_root: Path, capsys, monkeypatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    sweep = begin("cells", "sweep degree", "FAILED", **{SWEEP_TAG: "s", PLANNED_TAG: "3"})
    for name, status in (("degree=1", "FINISHED"), ("degree=0", "FAILED")):
        begin("cells", name, status, **{MLFLOW_PARENT_RUN_ID: sweep})
    begin("other", "alone", "FINISHED")
    client.create_registered_model("cells")
    assert cli.main(["runs", "--runs", str(runs_root)]) == 0
    told = capsys.readouterr().out
    (line,) = [line for line in told.splitlines() if "sweep degree" in line]
    assert "failed, 1 of 3 finished" in line and "4.5 kB" in line and "3.0 kB" in line
    assert "degree=1" not in told  # stands in its sweep's line
    assert "4 runs shown with their members: 6.0 kB, of which weights 4.0 kB." in told
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.main(["runs", "--runs", str(runs_root)]) == 0
    table = capsys.readouterr().out.partition("4 runs")[0]
    assert {"experiment", "sweep", "degree", sweep[:8], "failed,", "weights"} <= set(table.split())
    assert cli.main(["runs", "--runs", str(runs_root), "--experiment", "other"]) == 0
    assert "sweep degree" not in capsys.readouterr().out
    assert cli.main(["runs", "--runs", str(runs_root), "--experiment", "none"]) == 1
    assert "there is none such; there are" in capsys.readouterr().err


def test_cleaning_removes_what_nothing_needs_and_nothing_else(
    begin: Callable[..., str], client: MlflowClient, runs_root: Path, capsys
) -> None:
    kept = {
        begin("cells", "finished", "FINISHED"),
        begin("cells", "at work", "RUNNING", **{KEY_TAG: "k", DATA_TAG: "d"}),
    }
    exported = begin("cells", "old sweep", "FAILED", **{SWEEP_TAG: "old"})
    registered = begin("cells", "export", "KILLED", **{"raphe.export": exported})
    client.create_registered_model("cells")
    client.create_model_version("cells", str(files_of(client, registered)), run_id=registered)
    of_export = begin("cells", "degree=0", "FAILED", **{MLFLOW_PARENT_RUN_ID: exported})
    kept |= {exported, registered, of_export}
    partly = begin("cells", "between", "FAILED", **{SWEEP_TAG: "between"})
    member = begin("cells", "degree=1", "FINISHED", **{MLFLOW_PARENT_RUN_ID: partly})
    failed_of_partly = begin("cells", "degree=2", "FAILED", **{MLFLOW_PARENT_RUN_ID: partly})
    failed = begin("cells", "failed alone", "FAILED", **{KEY_TAG: "f", DATA_TAG: "d"})
    killed = begin("cells", "killed alone", "KILLED")
    newest = begin("cells", "newest", "FAILED", **{SWEEP_TAG: "new"})
    of_newest = begin("cells", "degree=3", "KILLED", **{MLFLOW_PARENT_RUN_ID: newest})
    kept |= {partly, member, newest, of_newest}
    deleted = begin("cells", "deleted", "FINISHED")
    client.delete_run(deleted)
    at_work = work_of(runs_root, work_name({KEY_TAG: "k", DATA_TAG: "d"}))
    of_failed = work_of(runs_root, work_name({KEY_TAG: "f", DATA_TAG: "d"}))
    fresh = work_of(runs_root, "fresh", age_s=3600)
    orphaned = work_of(runs_root, "orphaned")
    ended, held, new = (runs_root / "work" / f"export-{n}.lock" for n in ("ended", "held", "new"))
    at_export = lock_file(held)
    at_export.acquire()
    for lock in (ended, held, new):
        lock.touch()
    for lock in (ended, held):
        os.utime(lock, (0, 0))

    assert cli.main(["runs", "--runs", str(runs_root), "--clean"]) == 0
    told = capsys.readouterr().out
    assert "3 runs that failed or were interrupted" in told
    assert "4.5 kB" in told and f"{failed[:8]} cells: failed alone" in told
    assert "files of 1 run deleted before" in told
    assert "2 folders of unfinished work" in told
    assert "1 lock of exports that have ended" in told
    next_command = f"next: raphe runs --clean --yes --runs {runs_root} removes it, 10 kB"
    assert f"Nothing was removed. {next_command}" in told
    assert all(files_of(client, run_id).is_dir() for run_id in (failed, killed, deleted))

    assert cli.main(["runs", "--runs", str(runs_root), "--clean", "--yes"]) == 0
    assert "Removed: 10 kB." in capsys.readouterr().out
    removed = {failed_of_partly, failed, killed, deleted}
    for run_id in kept | removed:
        stage = client.get_run(run_id).info.lifecycle_stage
        is_there = files_of(client, run_id).is_dir()
        assert (stage, is_there) == (("active", True) if run_id in kept else ("deleted", False))
    assert at_work.is_dir() and fresh.is_dir()
    assert not of_failed.exists() and not orphaned.exists()
    assert not ended.exists() and held.exists() and new.exists()
    at_export.release()
    held.unlink()
    assert cli.main(["runs", "--runs", str(runs_root), "--clean"]) == 0
    assert "Nothing is left over" in capsys.readouterr().out


def test_what_a_registered_version_is_loaded_from_stays_though_its_run_was_deleted(
    begin: Callable[..., str], client: MlflowClient, runs_root: Path, capsys
) -> None:
    sweep = begin("cells", "sweep", "FINISHED", **{SWEEP_TAG: "s"})
    exported = begin("cells", "export", "FINISHED", **{"raphe.export": sweep})
    by_hand = begin("cells", "by hand", "FAILED")
    named = begin("cells", "named in the source", "KILLED")
    client.create_registered_model("cells")
    client.create_model_version("cells", files_of(client, exported).as_uri(), run_id=exported)
    client.create_model_version("cells", f"{files_of(client, by_hand)}/checkpoint")
    client.create_model_version("cells", f"runs:/{named}/checkpoint")
    for run_id in (sweep, exported):
        client.delete_run(run_id)
    assert cli.main(["runs", "--runs", str(runs_root), "--clean", "--yes"]) == 0
    assert "Nothing is left over" in capsys.readouterr().out
    for run_id in (sweep, exported, by_hand, named):
        assert files_of(client, run_id).is_dir()


def test_a_copy_leaves_the_files_of_the_original_alone(
    begin: Callable[..., str], client: MlflowClient, runs_root: Path, tmp_path: Path, capsys
) -> None:
    failed = begin("cells", "failed", "FAILED")
    outside = (tmp_path / "outside").as_uri()
    client.create_experiment("elsewhere", artifact_location=outside)
    lies_outside = begin("elsewhere", "failed", "FAILED")
    copy = shutil.copytree(runs_root, tmp_path / "copy")
    of_copy = work_of(copy, "orphaned")
    linked = work_of(tmp_path, "linked")
    (copy / "work" / "link").symlink_to(linked)
    capsys.readouterr()
    assert cli.main(["runs", "--runs", str(copy), "--clean", "--yes"]) == 0
    told = capsys.readouterr().out
    assert f"Left alone: 1 folder outside of {copy}" in told and "Removed: 3.5 kB." in told
    assert files_of(client, failed).is_dir() and files_of(client, lies_outside).is_dir()
    assert linked.is_dir() and not of_copy.exists()
    copied = MlflowClient(f"sqlite:///{copy / 'mlflow.db'}")
    assert copied.get_run(lies_outside).info.lifecycle_stage == "active"
    assert copied.get_run(failed).info.lifecycle_stage == "deleted"


def test_a_sweep_that_was_resumed_keeps_the_members_that_wait(
    begin: Callable[..., str], client: MlflowClient, runs_root: Path, capsys
) -> None:
    sweep = begin("cells", "resumed", "RUNNING", **{SWEEP_TAG: "r"})
    found_by = {KEY_TAG: "k", DATA_TAG: "d", MLFLOW_PARENT_RUN_ID: sweep}
    waiting = begin("cells", "degree=1", "KILLED", **found_by)
    begin("cells", "newest", "FINISHED", **{SWEEP_TAG: "newer"})
    work_of(runs_root, work_name(found_by))
    log, of_single = (runs_root / "hydra" / kind / "old" for kind in ("sweep", "run"))
    for folder in (log, of_single):
        folder.mkdir(parents=True)
        os.utime(folder, (folder.stat().st_mtime - 2 * DAY_S,) * 2)
    assert cli.main(["runs", "--runs", str(runs_root), "--clean", "--yes"]) == 0
    assert "1 folder of Hydra's" in capsys.readouterr().out
    assert files_of(client, waiting).is_dir() and log.is_dir() and not of_single.exists()
    assert (runs_root / "work" / work_name(found_by)).is_dir()


def test_what_could_not_be_removed_is_not_counted_as_removed(
    begin: Callable[..., str], client: MlflowClient, runs_root: Path, capsys, monkeypatch
) -> None:
    begin("cells", "failed", "FAILED")
    stuck = work_of(runs_root, "orphaned")
    removed = shutil.rmtree

    def refused(folder: Path, ignore_errors: bool) -> None:
        if folder != stuck:
            removed(folder, ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", refused)
    assert cli.main(["runs", "--runs", str(runs_root), "--clean", "--yes"]) == 1
    told = capsys.readouterr()
    assert "Removed: 1.5 kB." in told.out
    assert f"{stuck}: could not be removed; see who may write there" in told.err


@pytest.mark.parametrize("command", ["runs", "export"])
@pytest.mark.parametrize("uri", ["nosuchdatabase://x", "foo+bar://x", "mysql://x", "/nope/x.db"])
def test_a_store_that_cannot_be_one_is_a_sentence(command: str, uri: str, capsys) -> None:
    assert cli.main([command, "--uri", uri]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: --uri {uri}: expected an MLflow server or database, got ")


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--clean", "--uri", "http://host:5000"], 2, "run `mlflow gc` there"),
        (["--yes"], 2, "--yes: goes with --clean"),
        (["--runs", "nowhere"], 1, "there are no tracked runs here"),
    ],
)
def test_what_cannot_be_done_is_said_before_mlflow_is_loaded(
    options: list[str], code: int, message: str, capsys, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["runs", *options]) == code
    assert message in capsys.readouterr().err


def test_names_in_a_list_say_nothing_to_a_terminal(
    begin: Callable[..., str], runs_root: Path, capsys, monkeypatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    evil = "\x1b[31mred\x1b]0;title\x07\nnext rm"
    begin(f"of {evil}", f"run {evil}", "FAILED")
    written = r"\x1b[31mred\x1b]0;title\x07\nnext rm"
    runs = ["runs", "--runs", str(runs_root)]
    for options, told in (
        ([], (f"of {written}", f"run {written}")),
        (["--clean"], (f"of {written}: run {written}",)),
        (["--experiment", "x"], (f"there are Default, of {written}",)),
    ):
        cli.main([*runs, *options])
        shown = "".join(capsys.readouterr())
        assert all(text in shown for text in told), shown
        assert not set(shown) & {"\x1b", "\x07"}


def test_a_long_name_leaves_the_other_columns_whole_and_an_address_keeps_its_password(
    begin: Callable[..., str], runs_root: Path, tmp_path: Path, capsys, monkeypatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    run_id = begin("e" * 70, "r" * 70, "FINISHED")
    assert cli.main(["runs", "--runs", str(runs_root)]) == 0
    assert {run_id[:8], "finished", "status", "weights"} <= set(capsys.readouterr().out.split())
    address = tmp_path / "address"
    address.write_text("sqlite:////no/where?password=s3cr3t")
    address.chmod(0o600)
    assert cli.main(["runs", "--uri", f"@{address}"]) == 1
    told = capsys.readouterr().err
    assert "/no/where" in told and "s3cr3t" not in told
