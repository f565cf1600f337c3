"""What is kept while a server is away, and sent: the store is as if it had never been away."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from requests.exceptions import ConnectionError as NoConnection

from raphe.core.errors import SettingError
from raphe.core.files.locks import lock_file
from raphe.core.protocol import UsedStore
from raphe.harness.database import patience
from raphe.harness.database.address import local_folder
from raphe.harness.database.patience import OutOfPatience, PatientClient
from raphe.harness.database.sending import Sending, Unsent, send_all
from raphe.harness.database.spool import CALLS, LOCK, SERVER, UNSENT, SpoolingClient, calls_of
from raphe.harness.records.tracked_run import TrackedRun
from raphe.harness.tracking import DESCRIPTION_TAG, Tracker
from stalling_server import StallingServer

SERVER_AT = "http://me:SECRET@mlflow.lab:5000"


@pytest.fixture
def database(tracking_store, tmp_path: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{tracking_store(tmp_path / 'server') / 'mlflow.db'}")


@pytest.fixture
def server(database: MlflowClient) -> StallingServer:
    return StallingServer(database, SERVER_AT)


@pytest.fixture
def begin(
    database: MlflowClient, server: StallingServer, tmp_path: Path
) -> Callable[..., TrackedRun]:
    place = (tmp_path / "artifacts").as_uri()
    experiment = database.create_experiment("e", artifact_location=place)

    def make(patience_s: float = 0) -> TrackedRun:
        run_id = database.create_run(experiment, run_name="n").info.run_id
        client = SpoolingClient(PatientClient(server, patience_s), run_id, tmp_path / "mlruns")
        return TrackedRun(client, run_id, SERVER_AT)

    return make


def say_all(run: TrackedRun, tmp_path: Path) -> None:
    """What a training says, in its order."""
    weights = tmp_path / "weights"
    weights.write_bytes(b"\0\1")
    store = UsedStore("cells", tmp_path, "60 cells")
    run.set_tags({DESCRIPTION_TAG: "One network."})
    run.log_params({"a": 1, "b": "x"})
    run.log_stores([store], {"cells": "abc"})
    for step in (1, 2, 3):
        run.log_metrics({"val/loss": 1 / step}, step=step)
    run.log_metrics({"test/auroc": 0.9, "nan": float("nan")}, model=run.log_model("net"))
    run.log_text("b: 1\n", "config.yaml")
    run.log_artifacts({"test/cells.csv": "cell\n1\n"})
    run.log_file(weights, "checkpoint", "model.ckpt")
    run.set_tags({DESCRIPTION_TAG: f"Good. {run.tag(DESCRIPTION_TAG)}"})
    run.end("FINISHED")


def of_run(database: MlflowClient, run_id: str, tmp_path: Path) -> dict[str, object]:
    """All that the store has of a run, without numbers and times of its own."""
    run: Run = database.get_run(run_id)
    folder = local_folder(run.info.artifact_uri)
    files = {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}
    models = database.search_logged_models([run.info.experiment_id])
    of_it = [model for model in models if model.source_run_id == run_id]
    history = {
        key: [(m.step, repr(m.value)) for m in database.get_metric_history(run_id, key)]
        for key in run.data.metrics
    }
    return {
        "status": run.info.status,
        "tags": run.data.tags,
        "params": run.data.params,
        "history": history,
        "inputs": [entry.dataset.to_dictionary() for entry in run.inputs.dataset_inputs],
        "models": [
            (m.name, str(m.status), {(v.key, repr(v.value)) for v in m.metrics or ()})
            for m in of_it
        ],
        "outputs": [o.step for o in run.outputs.model_outputs],
        "files": files,
    }


@pytest.mark.parametrize("calls", [0, 9])
def test_what_was_kept_is_sent_as_if_it_had_been_said_at_once(
    begin, server: StallingServer, database: MlflowClient, tmp_path: Path, calls: int
) -> None:
    there, kept = begin(), begin()
    say_all(there, tmp_path)
    expected = of_run(database, there.run_id, tmp_path)
    assert len(expected["files"]) == 3 and len(expected["models"]) == 1
    server.calls_left = calls
    say_all(kept, tmp_path)
    assert kept.unsent == tmp_path / "mlruns" / UNSENT / kept.run_id
    written = b"".join(file.read_bytes() for file in kept.unsent.rglob("*") if file.is_file())
    assert b"SECRET" not in written and b"\0\1" in written
    assert of_run(database, kept.run_id, tmp_path) != expected

    server.calls_left = 4  # it goes away again in the midst of it
    with pytest.raises(NoConnection):
        send_all(server, tmp_path / "mlruns", SERVER_AT)
    server.calls_left = 10**9
    assert send_all(server, tmp_path / "mlruns", "http://mlflow.lab:5000").n_runs == 1
    assert of_run(database, kept.run_id, tmp_path) == expected
    assert not kept.unsent.exists()
    assert send_all(server, tmp_path / "mlruns", SERVER_AT) == Sending(0, ())


def test_a_server_that_is_back_when_the_run_ends_has_all(begin, server, database, tmp_path) -> None:
    there, kept = begin(), begin()
    say_all(there, tmp_path)
    server.is_away = True
    kept.log_metrics({"val/loss": 1.0}, step=1)
    server.is_away = False
    kept.log_metrics({"val/loss": 0.5}, step=2)  # it is not asked, as it may be away still
    assert list(database.get_run(kept.run_id).data.metrics) == []
    say_all(kept, tmp_path)
    assert kept.unsent is None and not (tmp_path / "mlruns" / UNSENT / kept.run_id).exists()
    assert of_run(database, kept.run_id, tmp_path) == of_run(database, there.run_id, tmp_path)


def test_a_run_at_work_and_one_of_another_server_are_left_alone(tmp_path: Path, server) -> None:
    for name, address in (("a", "http://***@mlflow.lab:5000"), ("b", "http://other:5000")):
        folder = tmp_path / UNSENT / name
        folder.mkdir(parents=True)
        (folder / SERVER).write_text(address)
    with lock_file(tmp_path / UNSENT / "a" / LOCK):
        unsent = Unsent.of(tmp_path, SERVER_AT)
        assert send_all(server, tmp_path, SERVER_AT).n_runs == 0
    assert list(unsent.told()) == [
        "1 run still at work, which will send what it kept",
        "1 run kept for http://other:5000: name that one with --uri",
    ]


@pytest.mark.parametrize(
    "line", ['["delete_run", ["r"], {}]', "[1]", "nonsense", '["set_tag", {"Metric": {}}, {}]']
)
def test_nothing_but_what_a_run_may_say_is_sent(tmp_path: Path, line: str) -> None:
    (tmp_path / CALLS).write_text(json.dumps(["set_tag", ["r", "a", "b"], {}]) + f"\n{line}\n")
    with pytest.raises(SettingError, match="line 2: expected a call that was kept"):
        list(calls_of(tmp_path))


def test_a_line_that_was_cut_was_never_said(tmp_path: Path) -> None:
    (tmp_path / CALLS).write_text('["set_tag", ["r", "a", "b"], {}]\n["set_tag", ["r", "a')
    assert list(calls_of(tmp_path)) == [("set_tag", ["r", "a", "b"], {})]


def test_a_run_that_was_deleted_on_the_server_keeps_no_other_back(
    begin, server: StallingServer, database: MlflowClient, tmp_path: Path
) -> None:
    deleted, damaged, other = runs = sorted((begin() for _ in range(3)), key=lambda run: run.run_id)
    server.is_away = True
    for run in runs:
        run.log_metrics({"val/loss": 1.0}, step=1)
        run.end("FINISHED")
    server.is_away = False
    database.delete_run(deleted.run_id)
    (damaged.unsent / CALLS).write_text("nonsense\n")
    sending = send_all(server, tmp_path / "mlruns", SERVER_AT)
    assert sending.n_runs == 1
    assert database.get_run(other.run_id).info.status == "FINISHED"
    told, of_file = sending.refused
    assert told.startswith(f"run {deleted.run_id}: the server does not take it (")
    assert told.endswith(f"remove {deleted.unsent}") and deleted.unsent.exists()
    assert f"{CALLS}: line 1: expected a call" in of_file


def test_a_resumed_run_keeps_nothing_of_a_call_that_was_cut(
    begin, server: StallingServer, database: MlflowClient, tmp_path: Path
) -> None:
    run = begin()
    server.is_away = True
    run.set_tags({"a": "1"})
    run._client._lock.release()  # it is killed, in the midst of its second call
    with (run.unsent / CALLS).open("a") as file:
        file.write('["log_artifacts", ["r')
    (run.unsent / "000001").mkdir()
    (run.unsent / "000001" / "half.npy").write_text("half")
    server.is_away = False
    client = SpoolingClient(PatientClient(server, 0), run.run_id, tmp_path / "mlruns")
    resumed = TrackedRun(client, run.run_id, SERVER_AT)
    server.is_away = True
    resumed.log_text("b: 1", "config.yaml")
    server.is_away = False
    resumed.end("FINISHED")
    found = of_run(database, run.run_id, tmp_path)
    assert list(found["files"]) == ["config.yaml"]
    assert found["tags"]["a"] == "1" and found["status"] == "FINISHED"


def test_a_run_that_its_server_never_told_of_cannot_be_read(begin, server) -> None:
    server.is_away = True
    with pytest.raises(OutOfPatience):
        begin()


def test_what_an_earlier_attempt_kept_is_sent_before_the_run_goes_on_and_goes_with_it(
    begin, server: StallingServer, database: MlflowClient, tmp_path: Path
) -> None:
    tracker = Tracker("e", tmp_path / "mlruns")
    tracker._client = PatientClient(server, 0)
    first, second = begin(), begin()
    server.is_away = True
    for run in (first, second):
        run.log_metrics({"val/loss": 1.0}, step=1)
        run.end("KILLED")
    with pytest.raises(OutOfPatience):
        tracker.resume(first.run_id)
    server.is_away = False
    resumed = tracker.resume(first.run_id)
    resumed.log_metrics({"val/loss": 1.0}, step=1)
    resumed.log_metrics({"val/loss": 0.5}, step=2)
    resumed.end("FINISHED")
    tracker.delete(second.run_id)
    assert send_all(server, tmp_path / "mlruns", SERVER_AT) == Sending(0, ())
    assert database.get_run(first.run_id).info.status == "FINISHED"
    history = database.get_metric_history(first.run_id, "val/loss")
    assert [(metric.step, metric.value) for metric in history] == [(1, 1.0), (2, 0.5)]


def test_who_interrupts_a_run_is_not_kept_waiting_for_its_server(
    begin, server: StallingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience.time, "sleep", lambda seconds: pytest.fail("it waits"))
    run = begin(patience_s=600)
    with pytest.raises(KeyboardInterrupt), run.until_done():
        server.is_away = True
        raise KeyboardInterrupt
    assert [name for name, *_ in calls_of(run.unsent)] == ["set_terminated"]
