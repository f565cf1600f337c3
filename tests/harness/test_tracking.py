"""The tracking store: opened by many at once, on a server, resumed without doubles."""

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from raphe.core.errors import SettingError
from raphe.core.figure_style import PaperFigure
from raphe.core.protocol import UsedStore
from raphe.harness.tracking import Tracker
from waiting import HANG_S, serving

N_PROCESSES = 6
OPEN_AND_LOG = """
from raphe.harness.tracking import Tracker
run = Tracker("many", folder).begin("one", {})
run.log_metrics({"x": 1.0}, step=0)
run.end("FINISHED")
"""


def test_processes_that_open_a_fresh_database_at_once_all_succeed(tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["raphe.harness.tracking"])  # loaded once: they open at once
    arguments = OPEN_AND_LOG, {"folder": tmp_path}
    processes = [context.Process(target=exec, args=arguments) for _ in range(N_PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(HANG_S)
    assert [process.exitcode for process in processes] == [0] * N_PROCESSES
    assert len(Tracker("many", tmp_path).find({})) == N_PROCESSES


def test_a_resumed_run_logs_no_step_twice_and_keeps_its_settings(runs_root: Path) -> None:
    tracker = Tracker("one", runs_root)
    run = tracker.begin("run", {"raphe.key": "k"})
    run.log_params({"a": 1})
    run.log_metrics({"loss": 0.5}, step=0)
    run.end("KILLED")

    (found,) = tracker.find({"raphe.key": "k"})
    assert found.status == "KILLED"
    resumed = tracker.resume(found.run_id)
    resumed.log_params({"a": 1, "b": 2})
    resumed.log_metrics({"loss": 0.7}, step=0)
    resumed.log_metrics({"loss": 0.4}, step=1)
    resumed.end("FINISHED")

    facts = tracker.get(found.run_id)
    assert facts.status == "FINISHED"
    assert facts.params == {"a": "1", "b": "2"}
    history = tracker._client.get_metric_history(found.run_id, "loss")
    assert [(entry.step, entry.value) for entry in history] == [(0, 0.5), (1, 0.4)]


def test_a_resumed_run_reads_each_store_once(runs_root: Path) -> None:
    tracker = Tracker("one", runs_root)
    stores = [UsedStore("original", Path("spikes"), "2 cells"),
              UsedStore("other", Path("there"), "1 cell", is_test=True)]  # fmt: skip
    hashes = {"original": "a" * 64, "other": "b" * 64}
    run = tracker.begin("run", {})
    run.log_stores(stores, hashes)
    tracker.resume(run.run_id).log_stores(stores, hashes)
    inputs = tracker._client.get_run(run.run_id).inputs.dataset_inputs
    told = {entry.dataset.name: (entry.dataset.digest, entry.tags[0].value) for entry in inputs}
    assert told == {"original": ("a" * 36, "train"), "other": ("b" * 36, "test")}
    assert len(inputs) == 2 and '"uri": "/' in inputs[0].dataset.source


def test_artifacts_lie_under_the_runs_root_with_absolute_addresses(
    tmp_path: Path, tracking_store: Callable[[Path], Path]
) -> None:
    root = tracking_store(tmp_path / "runs of a lab")
    tracker = Tracker("one", root)
    run = tracker.begin("run", {})
    run.log_text("text", "note.txt")
    run.log_artifacts(
        {"test/roc.png": partial(PaperFigure, 1, 1, "A caption."), "test/a.csv": "a\n"}
    )
    (found,) = root.glob("artifacts/one/*/artifacts/note.txt")
    assert found.read_text() == "text"
    logged = {file.name for file in (found.parent / "test").iterdir()}
    assert logged == {"roc.png", "figures.pdf", "captions.txt", "a.csv"}
    assert tracker.uri == f"sqlite:///{root}/mlflow.db"


@pytest.mark.ci
def test_a_server_that_is_started_anew_has_all_that_was_logged(tmp_path: Path, capfd) -> None:
    command = [sys.executable, "-m", "mlflow", "server", "--workers=1"]
    command.append(f"--backend-store-uri=sqlite:///{tmp_path}/server.db")
    command.append(f"--artifacts-destination={tmp_path}/served")
    with serving(command, tmp_path / "server.log") as address:
        run = Tracker("remote", tmp_path / "here", address).begin("run", {"raphe.key": "k"})
        run.log_metrics({"loss": 0.5}, step=1)
    logging = threading.Thread(target=run.log_metrics, args=({"loss": 0.25},), kwargs={"step": 2})
    logging.start()
    time.sleep(2)
    assert logging.is_alive()
    port = address.rpartition(":")[2]
    with serving(command, tmp_path / "server.log", port=port):
        logging.join(HANG_S)
        run.log_text("text", "note.txt")
        run.end("FINISHED")
        (found,) = Tracker("remote", tmp_path / "here", address).find({"raphe.key": "k"})
    assert (found.status, found.metrics) == ("FINISHED", {"loss": 0.25})
    assert list((tmp_path / "served").rglob("note.txt"))
    assert "answers again after" in capfd.readouterr().err


def test_a_server_that_is_not_there_is_told_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="start one with `mlflow server`"):
        Tracker("remote", tmp_path, "http://127.0.0.1:9")


def test_mlflow_tells_nobody_of_a_run_and_prints_no_links_of_its_own() -> None:
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"  # before MLflow was imported
    assert os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] == "true"
