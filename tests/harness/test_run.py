"""A single run: what is tracked, repeated, resumed, refused."""

import importlib
import os
import re
import shlex
import shutil
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from omegaconf import OmegaConf

from raphe.cli import main
from raphe.core.metric_names import Estimate, Figure, Names
from raphe.harness.report.csv_tables import read_intervals
from raphe.harness.report.shown import shown_metrics
from raphe.harness.run import denormals_flushed
from raphe.harness.settings.machine_settings import SECRET_ADDRESS, VARIABLE
from waiting import HANG_S

STEPS = [1, 2, 3]


def test_everything_of_a_run_is_tracked(train, runs) -> None:
    assert train("tracking.system_metrics_every_s=1") == 0
    (run,) = runs().all()
    assert run.info.status == "FINISHED"
    assert run.data.params["model.degree"] == "1"
    assert run.data.params["trainer.max_epochs"] == "3"
    assert len(run.data.tags["mlflow.source.git.commit"]) >= 5
    assert len(run.data.tags["raphe.data"]) == 64
    for metric in ("train/loss", "val/loss"):
        assert [step for step, _ in runs().history(run.info.run_id, metric)] == STEPS
    header, epochs = runs().epochs(run)
    assert header == ["epoch", "train/loss", "val/loss"]  # neither the test's nor the system's
    losses = [runs().history(run.info.run_id, metric) for metric in header[1:]]
    assert epochs == [
        pytest.approx([step, training, validation])
        for (step, training), (_, validation) in zip(*losses, strict=True)
    ]
    assert run.data.metrics["test/loss"] > 0
    described = run.data.tags["mlflow.note.content"]
    assert "trained and tested on the store `points` (64 points)." in described
    assert "> A toy: its numbers mean nothing." in described
    (store,) = run.inputs.dataset_inputs
    assert store.dataset.digest == run.data.params["store_hash.points"][:36]
    assert '"contents": "64 points"' in store.dataset.profile
    (output,) = run.outputs.model_outputs
    model = runs().client.get_logged_model(output.model_id)
    assert {metric.key: metric.value for metric in model.metrics}["test/loss"] == (
        run.data.metrics["test/loss"]
    )
    assert any(name.startswith("system/cpu") for name in run.data.metrics)
    assert runs().artifacts(run.info.run_id) >= {
        "config.yaml",
        "epochs.csv",
        "checkpoint/model.ckpt",
        "test/line.png",
        "test/line.txt",
    }


def test_the_table_shows_what_the_run_has(train, capfd, tmp_path: Path) -> None:
    assert train("report.metrics=[loss,of_other_data]") == 0
    table = capfd.readouterr().out
    assert table.startswith("The toy fits.\n")
    assert "│ loss" in table and "of_other_data" not in table
    (command,) = re.findall(r"\nnext: raphe (export --sweep .*)", table)
    bundle = tmp_path / "bundle"
    assert main([*shlex.split(command), "--out", str(bundle), "--no-register"]) == 0
    assert bundle.is_dir()


def test_a_table_of_nothing_shows_what_was_asked_for() -> None:
    settings = OmegaConf.create({"metrics": ["loss", "auroc"]})
    runs = [SimpleNamespace(metrics={"test/accuracy": 1.0, "val/auroc": 1.0})]
    assert shown_metrics(runs, settings) == ["loss", "auroc"]
    runs += [SimpleNamespace(metrics={"other/auroc": 1.0})]
    assert shown_metrics(runs, settings) == ["auroc"]


def test_two_runs_with_one_seed_are_identical_and_another_seed_is_not(train, runs) -> None:
    for seed in (1, 1, 2):
        assert train(f"seed={seed}", "data.seed=0") == 0
    first, second, other = runs().all()
    for metric in ("train/loss", "val/loss", "test/loss"):
        histories = [runs().history(run.info.run_id, metric) for run in (first, second, other)]
        assert histories[0] == histories[1]
        assert histories[0] != histories[2]


def test_the_best_epoch_is_tested_unless_the_last_is_asked_for(train, runs) -> None:
    for keep in ("best", "last"):
        assert train(f"callbacks.keep={keep}", "trainer.max_epochs=8", "model.degree=2") == 0
    best, last = runs().all()
    losses = [value for _, value in runs().history(best.info.run_id, "val/loss")]
    assert losses.index(min(losses)) != 7  # otherwise this test could not tell them apart
    assert best.data.metrics["test/loss"] == pytest.approx(min(losses))
    assert last.data.metrics["test/loss"] == pytest.approx(losses[-1])
    kept = [run.data.metrics["kept/val/loss"] for run in (best, last)]
    assert kept == [min(losses), losses[-1]]  # not what the toy's evaluation makes of it
    assert [run.data.metrics["epochs/kept"] for run in (best, last)] == [
        1 + losses.index(min(losses)), 8,
    ]  # fmt: skip
    assert best.data.metrics["test/slope"] == 3.0
    names = importlib.import_module("toy_task").names()  # found once the toy has run
    assert not [name for name in best.data.metrics if name not in names]
    path = Path(runs().client.download_artifacts(best.info.run_id, "intervals.csv"))
    assert read_intervals(path) == {
        "test/slope": Estimate(3.0, 2.5, 3.5, se=0.25),
        "kept/val/loss": Estimate(pytest.approx(kept[0]), 2.5, 3.5, se=0.25),
    }


def test_a_metric_that_the_task_has_not_is_refused(train, capfd) -> None:
    assert train("report.metrics=[slop]") == 1
    error = capfd.readouterr().err
    assert "report.metrics: slop is no metric of this task; expected slope" in error


def test_a_figure_that_no_name_leads_to_is_refused(train, capfd, monkeypatch) -> None:
    monkeypatch.setattr(
        "toy_task.names", lambda: Names((Figure("loss", "", "", "", levels=("folds",)),))
    )
    assert train("report.metrics=[folds/loss]") == 1
    error = capfd.readouterr().err
    assert (
        "report.names: folds/loss cannot be looked up" in error and "levels among cells," in error
    )


def test_a_failed_run_is_marked_and_told_in_one_line(train, runs, capfd) -> None:
    assert train("model.fail_at_epoch=1") == 1
    (run,) = runs().all()
    assert run.info.status == "FAILED"
    assert "error.txt" in runs().artifacts(run.info.run_id)
    assert "error: the toy fails as asked" in capfd.readouterr().err.splitlines()


def test_a_killed_run_resumes_and_equals_an_unbroken_one(train, start_train, epochs, runs) -> None:
    settings = ["trainer.max_epochs=5", *epochs.settings]
    epochs.hold_at(3)
    process = start_train(*settings)
    epochs.wait(3, process)
    process.kill()
    process.wait()
    epochs.let_go()
    assert train(*settings) == 0
    assert epochs.begun == ["0", "1", "2", "2", "3", "4"]
    (resumed,) = runs().all()
    assert resumed.info.status == "FINISHED"

    assert train(*settings, "resume=false") == 0
    unbroken = runs().all()[-1]
    for metric in ("train/loss", "val/loss", "test/loss"):
        assert runs().history(resumed.info.run_id, metric) == runs().history(
            unbroken.info.run_id, metric
        )
    assert runs().epochs(resumed) == runs().epochs(unbroken)


def test_a_run_whose_last_checkpoint_is_damaged_goes_on_from_the_best_or_begins_anew(
    train, runs, tmp_path: Path, runs_root: Path, capfd
) -> None:
    epochs_file, once = tmp_path / "epochs", tmp_path / "fail_in_test"
    settings = [f"model.epochs_file={epochs_file}", f"model.fail_in_test_if={once}", "model.lr=0.0"]
    once.touch()
    for _ in range(2):  # by the second time nothing is left to train
        assert train(*settings) == 1
    (work,) = (runs_root / "work").glob("*/last.ckpt")
    content = work.read_bytes()
    work.write_bytes(content[: len(content) // 2])
    assert train(*settings) == 1  # best.ckpt is of the first epoch
    told = f"note: {work} is cut, damaged or no checkpoint; training goes on from best.ckpt beside"
    assert told in capfd.readouterr().err
    work.with_name("best.ckpt").write_bytes(b"")
    once.unlink()
    assert train(*settings) == 0
    told = "best.ckpt is cut, damaged or no checkpoint; training begins anew (resume=false"
    errors = capfd.readouterr().err
    assert told in errors and "Traceback" not in errors
    assert epochs_file.read_text().split() == ["0", "1", "2", "1", "2", "0", "1", "2"]
    first, anew = runs().all()
    assert (first.info.status, anew.info.status) == ("FAILED", "FINISHED")
    assert runs().history(first.info.run_id, "val/loss") == runs().history(
        anew.info.run_id, "val/loss"
    )


def test_a_password_in_an_address_is_in_no_file_and_in_nothing_printed(
    train, runs_root: Path, tmp_path: Path, capfd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET_ADDRESS, "")  # and taken away again
    database = tmp_path / "elsewhere.db"
    shutil.copy(runs_root / "mlflow.db", database)
    uri = f"sqlite+pysqlite:///file:{database}?uri=true&password=SECRET"
    assert train(f'tracking.uri="{uri}"', "trainer.max_epochs=1") == 1  # others see it there
    assert "tracking.uri=@FILE, or set MLFLOW_TRACKING_USERNAME" in capfd.readouterr().err
    monkeypatch.setenv(VARIABLE, f"'tracking.uri=\"{uri}\"'")
    assert train("trainer.max_epochs=1") == 0
    assert train("model.fail_at_epoch=0") == 1
    address = tmp_path.parent / f"{tmp_path.name}.address"
    address.write_text(uri)
    address.chmod(0o600)
    assert train(f"tracking.uri=@{address}", "trainer.max_epochs=2") == 0
    assert os.environ[SECRET_ADDRESS] == uri
    monkeypatch.setenv(VARIABLE, "tracking.uri=http://me:SECRET@127.0.0.1:9")
    assert train() == 1
    assert train("model.degree=1,2", multirun=True)
    told = capfd.readouterr()
    assert "got no answer from 127.0.0.1:9" in told.err
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in files].count("overrides.yaml") >= 3
    written = [path for path in files if b"SECRET" in path.read_bytes()]
    assert not written and "SECRET" not in told.out + told.err


@pytest.mark.parametrize(
    "stop", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.ci)]
)
def test_a_run_at_work_refuses_its_twin_and_an_interrupt_ends_it_cleanly(
    train, start_train, epochs, runs, capfd, stop
) -> None:
    epochs.hold_at(1)
    process = start_train(*epochs.settings)
    epochs.wait(1, process)
    assert train(*epochs.settings) == 1
    assert "another process is training this run" in capfd.readouterr().err
    process.send_signal(stop)
    output, _ = process.communicate(timeout=HANG_S)
    assert process.returncode == 128 + stop
    assert "run the same command again" in output
    assert "Traceback" not in output
    (run,) = runs().all()
    assert run.info.status == "KILLED"


def test_a_run_interrupted_after_its_early_stop_trains_no_further(train, runs, tmp_path) -> None:
    epochs_file = tmp_path / "epochs"
    settings = ["callbacks.patience=1", "model.lr=0.0", f"model.epochs_file={epochs_file}"]
    settings += ["callbacks.keep=last", "trainer.max_epochs=9"]
    once = tmp_path / "fail_in_test_once"
    once.touch()
    assert train(*settings, f"model.fail_in_test_if={once}") == 1
    assert epochs_file.read_text().split() == ["0", "1"]
    once.unlink()
    assert train(*settings, f"model.fail_in_test_if={once}") == 0
    assert epochs_file.read_text().split() == ["0", "1"]
    (run,) = runs().all()
    assert (run.info.status, run.data.metrics["epochs/kept"]) == ("FINISHED", 2)
    assert [row[0] for row in runs().epochs(run)[1]] == [1, 2]


def test_a_test_that_draws_comes_to_the_same_where_training_had_ended_before(
    train, runs, tmp_path: Path
) -> None:
    once = tmp_path / "fail_in_test_once"
    settings = ["model.draw_in_test=true", f"model.fail_in_test_if={once}"]
    once.touch()
    assert train(*settings) == 1
    once.unlink()
    assert train(*settings) == 0 and train(*settings, "resume=false") == 0
    tested_again, unbroken = (run.data.metrics["test/loss"] for run in runs().all()[-2:])
    assert tested_again == unbroken


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("model.degre=3", "no setting is called model.degre"),
        ("trainer.max_epoch=3", "did you mean trainer.max_epochs?"),
        ("task=nothing", "celltype"),
        ("model.degree=0", "model.degree=0: expected 1 or more"),
        ("model.degree=1,2", "several values are a sweep; add -m"),
        ("tracking.uri=http://127.0.0.1:9", "start one with `mlflow server`"),
        ("callbacks.keep=bset", "callbacks.keep=bset: expected best or last"),
        ("monitor.mode=up", "monitor.mode=up: expected min or max"),
        (
            "monitor.metric=val/los",
            "monitor.metric=val/los: expected a metric of the validation",
        ),
        ("seed=abc", "seed=abc: expected a whole number"),
        ("threads=0", "threads=0: expected a whole number of 1 or more, or null"),
        ("trainer.max_epochs=0", "trainer.max_epochs=0: expected a whole number"),
        ("model.lr=-1", "model.optimizer: Invalid learning rate"),
        ("trainer=gpu", "trainer=gpu: expected a CUDA device, found none; use trainer=cpu"),
        ("runs_root=/dev/null/x", "a part of the path is a file"),
    ],
)
def test_a_wrong_setting_is_told_in_one_line(
    train, capfd, monkeypatch, override: str, told: str
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert train(override) == 1
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert line.startswith("error: ")
    assert told in line


def test_numbers_next_to_zero_are_zero_in_training_alone() -> None:
    """Elsewhere they are numbers, for every other library in the process."""
    tiny = torch.tensor([1e-40])
    with denormals_flushed():
        inside = float(tiny * 1.0)
    assert (inside, float(tiny * 1.0)) == (0.0, float(tiny)) and float(tiny) > 0
    with pytest.raises(ZeroDivisionError), denormals_flushed():
        _ = 1 / 0
    assert float(tiny * 1.0) > 0
