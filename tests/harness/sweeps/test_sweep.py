"""Sweeps: one parent, a child for each value, failures, repetition, interruption, workers."""

import csv
import io
import os
import signal
import time
from pathlib import Path

import psutil
import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl

from raphe.harness.tracking import PARENT_TAG, Tracker
from waiting import HANG_S


def statuses(children: list) -> dict[str, str]:
    return {run.data.params["model.degree"]: run.info.status for run in children}


def read_artifact(runs, run_id: str, name: str, folder: Path) -> bytes:
    return Path(runs().client.download_artifacts(run_id, name, str(folder))).read_bytes()


def test_one_failed_member_stops_no_other_and_repeating_trains_only_it(
    train, runs, tmp_path: Path, capfd
) -> None:
    epochs_file = tmp_path / "epochs"
    sweep = ["model.degree=0,1,2", f"model.epochs_file={epochs_file}"]
    assert train(*sweep, multirun=True) == 1
    assert "error: model.degree=0: expected 1 or more" in capfd.readouterr().err
    (parent,) = runs().parents()
    assert parent.info.status == "FAILED"
    children = runs().children()
    assert statuses(children) == {"0": "FAILED", "1": "FINISHED", "2": "FINISHED"}
    assert {run.data.tags[PARENT_TAG] for run in children} == {parent.info.run_id}
    assert runs().artifacts(parent.info.run_id) == {
        "captions.txt",
        "config.yaml",
        "sweep.csv",
        "sweep.png",
        "failed.txt",
    }
    assert parent.data.params["sweep.model.degree"] == "0,1,2"
    assert parent.data.params["trainer.max_epochs"] == "3"
    assert "model.degree" not in parent.data.params  # it ran none
    assert {run.data.metrics["swept/model.degree"] for run in children} == {0.0, 1.0, 2.0}
    assert {"over/model.degree/test/loss", "chosen/model.degree"} <= set(parent.data.metrics)
    assert not [name for name in parent.data.metrics if name.startswith("system/")]
    described = parent.data.tags["mlflow.note.content"]
    assert described.startswith("Chosen by validation: model.degree=")
    assert "Sweep over 3 values of `model.degree` (0…2), a run for each." in described
    assert "Trained and tested on the store `points` (64 points)." in described
    rows = list(
        csv.DictReader(
            io.StringIO(read_artifact(runs, parent.info.run_id, "sweep.csv", tmp_path).decode())
        )
    )
    tested = {
        run.data.params["model.degree"]: run.data.metrics["test/loss"] for run in children[1:]
    }
    assert {row["model.degree"]: float(row["test/loss"]) for row in rows} == pytest.approx(tested)

    trained = epochs_file.read_text()
    assert train(*sweep, multirun=True) == 1
    assert epochs_file.read_text() == trained
    assert len(runs().parents()) == 1
    assert statuses(runs().children()) == statuses(children)


def test_a_finished_sweep_ends_well_and_other_settings_begin_another(
    train, runs, runs_root: Path, capfd
) -> None:
    assert train("model.degree=1,2", multirun=True) == 0
    whole, damaged = sorted(runs_root.glob("artifacts/toy/*/artifacts/checkpoint/model.ckpt"))
    damaged.write_bytes(damaged.read_bytes()[:100])
    assert train("model.degree=1,2", multirun=True) == 0
    told = "but its weights are cut or damaged; it is trained anew"
    assert capfd.readouterr().err.count(told) == 1
    assert len(runs().children()) == 2 and whole.exists()
    assert train("model.degree=1,2", "trainer.max_epochs=1", multirun=True) == 0
    assert [run.info.status for run in runs().parents()] == ["FINISHED", "FINISHED"]
    assert len(runs().children()) == 4


def test_what_has_finished_is_not_launched_again_and_what_stands_twice_is_trained_once(
    train, runs, tmp_path: Path, capfd, monkeypatch
) -> None:
    epochs_file = tmp_path / "epochs"
    sweep = ["model.degree=1,2,2,1", "trainer.max_epochs=1", f"model.epochs_file={epochs_file}"]
    composed = []
    load = ConfigLoaderImpl.load_sweep_config
    monkeypatch.setattr(
        ConfigLoaderImpl,
        "load_sweep_config",
        lambda self, config, member: composed.append(member) or load(self, config, member),
    )
    assert train(*sweep, multirun=True) == 0
    assert len(composed) == 2  # once a member, to see that it can be and to run
    assert statuses(runs().children()) == dict.fromkeys("12", "FINISHED")
    assert epochs_file.read_text().split() == ["0", "0"]

    def launched(*_: object) -> None:
        raise AssertionError("a member was launched")

    asked = []
    get = Tracker.get
    monkeypatch.setattr(Tracker, "get", lambda self, run: asked.append(run) or get(self, run))
    monkeypatch.setattr("raphe.harness.run._run", launched)
    assert train(*sweep, multirun=True) == 0
    assert "2 of 2 members had finished before" in capfd.readouterr().out
    (parent,) = runs().parents()
    assert set(asked) <= {parent.info.run_id}  # members are read together


def test_kernels_are_compared_over_their_seeds(train, runs, tmp_path: Path, capfd) -> None:
    sweep = ["model.degree=1,2", "seed=1,2,3", "data.seed=5", "trainer.max_epochs=1"]
    assert train(*sweep, multirun=True) == 0
    children, (parent,) = runs().children(), runs().parents()
    assert len(children) == 6 and len({run.data.tags["raphe.data"] for run in children}) == 1
    assert {"means.csv", "sweep.png"} <= runs().artifacts(parent.info.run_id)
    rows = list(
        csv.DictReader(
            io.StringIO(read_artifact(runs, parent.info.run_id, "means.csv", tmp_path).decode())
        )
    )
    (row,) = (r for r in rows if r["metric"] == "test/loss" and r["model.degree"] == "2")
    losses = [
        run.data.metrics["test/loss"] for run in children if run.data.params["model.degree"] == "2"
    ]
    assert row["members"] == "3" and float(row["mean"]) == pytest.approx(sum(losses) / 3)
    told = " ".join(capfd.readouterr().out.split())
    assert "the mean over 3 seeds" in told and "of other cells they say nothing" in told
    history = dict(runs().history(parent.info.run_id, "over/model.degree/test/loss"))
    assert history[2] == pytest.approx(sum(losses) / 3)
    assert "the mean over 3 seeds" in parent.data.tags["mlflow.note.content"]


@pytest.mark.ci
def test_beside_folds_what_is_compared_is_told_and_each_fold_chooses_for_itself(
    train, runs, capfd
) -> None:
    """The toy's data tell degrees, which stand for folds here."""
    sweep = ["model.lr=0.1,0.01", "seed=1,2", "data.seed=5", "trainer.max_epochs=1"]
    assert train("experiment=asked", "data.n_points=32", *sweep) == 0
    assert len(runs().children()) == 8
    (parent,) = runs().parents()
    assert {"means.csv", "sweep.png", "summary.txt"} <= runs().artifacts(parent.info.run_id)
    told = " ".join(capfd.readouterr().out.split())
    assert "the mean over 2 folds of the mean over 2 seeds" in told
    assert "this is no test of a choice; the summary is" in told and "the toy's sweep" in told


def test_nothing_is_chosen_by_what_was_trained_on(train, runs, capfd) -> None:
    assert train("model.degree=1,2", "data.trains_on_all=true", multirun=True) == 0
    told = capfd.readouterr().out
    assert "None of them is chosen: they were trained on all" in " ".join(told.split())
    (parent,) = runs().parents()
    assert "Chosen by" not in parent.data.tags["mlflow.note.content"]
    assert "chosen/model.degree" not in parent.data.metrics
    assert not [run for run in runs().children() if "raphe.chosen" in run.data.tags]


@pytest.mark.ci
def test_two_workers_share_a_fresh_database(train_with_workers, runs, runs_root: Path) -> None:
    (runs_root / "mlflow.db").unlink()
    sweep = ["model.degree=1,2,3,4", "hydra.launcher.n_jobs=2"]
    assert train_with_workers(*sweep, multirun=True) == 0
    assert statuses(runs().children()) == dict.fromkeys("1234", "FINISHED")
    assert len(runs().parents()) == 1


@pytest.mark.ci
def test_workers_of_a_killed_sweep_let_go_of_their_runs(train, start_train, epochs, runs) -> None:
    sweep = ["model.degree=1,2", *epochs.settings]
    epochs.hold_at(1)
    process = start_train(*sweep, "hydra.launcher.n_jobs=2", multirun=True)
    epochs.wait(2, process)
    process.kill()
    process.communicate(timeout=HANG_S)  # returns when the workers have closed their output
    epochs.let_go()
    assert epochs.begun == ["0", "0"]
    assert train(*sweep, multirun=True) == 0
    assert statuses(runs().children()) == dict.fromkeys("12", "FINISHED")


@pytest.mark.ci
def test_where_a_worker_is_killed_the_others_go_on_with_the_rest(
    train, start_train, epochs, runs
) -> None:
    sweep = ["model.degree=1,2,3,4", *epochs.settings]
    epochs.hold_at(1)
    process = start_train(*sweep, "hydra.launcher.n_jobs=2", multirun=True)
    epochs.wait(2, process)
    (server,) = [
        child
        for child in psutil.Process(process.pid).children()
        if "forkserver" in " ".join(child.cmdline())
    ]
    first, _ = server.children()
    first.kill()
    epochs.let_go()
    output, _ = process.communicate(timeout=HANG_S)
    assert process.returncode == 1
    told = "1 ended without a word, as where a process is killed for want of memory; the same"
    assert told in output and "hydra.launcher.n_jobs=1 trains one at a time" in output
    assert "0 failed" not in output and "kept/val/loss" in output  # the table of the others
    of_runs = statuses(runs().children())
    assert sorted(of_runs.values()) == ["FINISHED"] * 3 + ["KILLED"]
    assert train(*sweep, multirun=True) == 0
    assert statuses(runs().children()) == dict.fromkeys("1234", "FINISHED")


def test_a_single_run_never_resumes_a_member_of_a_sweep(train, runs, tmp_path: Path) -> None:
    once = tmp_path / "fail_in_test_once"
    once.touch()
    setting = f"model.fail_in_test_if={once}"
    assert train("model.degree=1", setting) == 1
    assert train("model.degree=1,2", setting, multirun=True) == 1
    once.unlink()
    assert train("model.degree=1", setting) == 0
    (single,) = [r for r in runs().all() if not {PARENT_TAG, "raphe.sweep"} & set(r.data.tags)]
    assert single.info.status == "FINISHED"
    assert set(statuses(runs().children()).values()) == {"FAILED"}


def test_a_report_that_fails_is_told_and_shows_in_the_exit_code(
    train, runs, capfd, monkeypatch
) -> None:
    def broken(*_: object) -> dict:
        raise RuntimeError("no report today")

    monkeypatch.setattr("raphe.harness.sweeps.parent.sweep_artifacts", broken)
    assert train("model.degree=1,2", multirun=True) == 1
    assert "no report today" in capfd.readouterr().err
    assert [run.info.status for run in runs().parents()] == ["FAILED"]


def test_a_killed_sweep_goes_on_where_it_was(train, start_train, epochs, runs) -> None:
    sweep = ["model.degree=1,2,3", *epochs.settings]
    epochs.hold_at(5)  # degree 1 is done, degree 2 in its second epoch
    process = start_train(*sweep, multirun=True)
    epochs.wait(5, process)
    process.kill()
    process.wait()
    epochs.let_go()
    assert train(*sweep, multirun=True) == 0
    assert epochs.begun == list("012" + "01" + "12" + "012")
    assert statuses(runs().children()) == dict.fromkeys("123", "FINISHED")
    for child in runs().children():
        steps = [step for step, _ in runs().history(child.info.run_id, "train/loss")]
        assert steps == [1, 2, 3]


@pytest.mark.parametrize("at_once", [1, pytest.param(2, marks=pytest.mark.ci)])
def test_an_interrupted_sweep_is_marked_killed(start_train, epochs, runs, at_once: int) -> None:
    epochs.hold_at(1)
    sweep = ["model.degree=1,2", f"hydra.launcher.n_jobs={at_once}"]
    process = start_train(*sweep, *epochs.settings, multirun=True)
    epochs.wait(at_once, process)
    for _ in range(2):  # whoever is impatient
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        time.sleep(0.3)
    output, _ = process.communicate(timeout=HANG_S)
    assert process.returncode in (130, -signal.SIGINT), output  # the second may come at its end
    assert "Traceback" not in output
    of_runs = [run.info.status for run in runs().parents() + runs().children()]
    assert of_runs == ["KILLED"] * (1 + at_once)


def test_a_wrong_setting_leaves_no_empty_sweep(train, runs, capfd) -> None:
    assert train("model.degre=1,2", multirun=True) == 1
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert line.startswith("error: no setting is called model.degre")


def test_members_of_a_sweep_over_data_prepare_for_themselves(train, runs) -> None:
    assert train("data.n_points=16,32", "model.degree=1,2", multirun=True) == 0
    assert len(runs().children()) == 4
    assert len({run.data.tags["raphe.data"] for run in runs().children()}) == 2


def test_values_that_the_data_tell_are_swept_and_summed_up(
    train, runs, tmp_path: Path, capfd
) -> None:
    assert train("experiment=asked", "data.n_points=48", "trainer.max_epochs=4") == 0
    children, (parent,) = runs().children(), runs().parents()
    assert statuses(children) == dict.fromkeys("123", "FINISHED")
    assert parent.data.tags["raphe.data"] == children[0].data.tags["raphe.data"]
    assert parent.data.tags["raphe.kind"] == "folds"
    assert parent.info.run_name == "cross-validation model.degree=1…3"
    losses = [min(v for _, v in runs().history(run.info.run_id, "val/loss")) for run in children]
    expected = [f"{degree}: {loss:.6f}" for degree, loss in zip("123", losses, strict=True)]
    told = capfd.readouterr().out
    assert "\n".join(["the toy's sweep", "48 points", "", *expected]) in told
    artifacts = runs().artifacts(parent.info.run_id)
    assert artifacts >= {"summary.txt", "all.txt", "sweep.csv"} and "sweep.png" not in artifacts
    assert read_artifact(runs, parent.info.run_id, "all.txt", tmp_path) == b"a line|a line|a line"
    assert parent.data.metrics["pooled/best"] == pytest.approx(min(losses))
    described = parent.data.tags["mlflow.note.content"]  # the summary's first paragraph, whole
    assert described.startswith("the toy's sweep 48 points\n\nCross-validation over 3 values")
    page = f"/runs/{parent.info.run_id}?workflowType"  # its own, for folds are not compared
    assert page in told.splitlines()[-1] and told.splitlines()[-1].startswith("next: ")
    assert "pooled/undefined" not in parent.data.metrics


def test_a_member_that_fails_is_missing_in_the_summary_until_it_is_repeated(
    train, runs, tmp_path: Path, capfd
) -> None:
    once = tmp_path / "fail_in_test_once"
    sweep = ["experiment=asked", "data.n_points=32", f"model.fail_in_test_if={once}"]
    assert train(*sweep) == 0
    (parent,) = runs().parents()
    assert parent.data.metrics["pooled/members"] == 2
    runs().client.delete_run(runs().children()[-1].info.run_id)
    once.touch()
    capfd.readouterr()
    assert train(*sweep) == 1
    told = capfd.readouterr()
    assert "missing 2" in told.out and "model.degree=2: the toy fails" in told.err
    (parent,) = runs().parents()
    assert (parent.info.status, parent.data.metrics["pooled/members"]) == ("FAILED", 1)
    once.unlink()
    assert train(*sweep) == 0
    assert "missing" not in capfd.readouterr().out
    (parent,) = runs().parents()
    assert (parent.info.status, parent.data.metrics["pooled/members"]) == ("FINISHED", 2)


def test_values_on_the_command_line_come_before_those_that_stand_elsewhere(train, runs) -> None:
    assert train("experiment=asked", "model.degree=2,3") == 0
    assert statuses(runs().children()) == dict.fromkeys("23", "FINISHED")
    assert train("experiment=swept", "model.degree=3", "seed=7") == 0
    assert train("experiment=asked", "model.degree=3", "seed=8") == 0
    assert len(runs().children()) == 4


def test_where_one_value_is_left_the_summary_is_of_it_alone(train, runs, capfd) -> None:
    assert train("experiment=asked", "data.n_points=16") == 0
    assert "the toy's sweep\n16 points\n\n1: " in capfd.readouterr().out


def test_data_are_not_swept_beside_values_that_they_tell(train, runs) -> None:
    told = train("experiment=asked", "seed=1,2")  # what the process exits with
    assert told.startswith("error: seed: cannot be swept beside model.degree")
    assert "or give the data a seed of their own (data.seed=1)" in told
    assert not runs().parents()
