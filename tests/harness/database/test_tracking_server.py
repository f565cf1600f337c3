"""A real server, as its page starts it: what many write at once, and what outlives its restart."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from raphe.cli import main
from raphe.harness.tracking import Tracker
from tracking_server import TrackingServer
from waiting import HANG_S

N_CLIENTS, N_STEPS, N_METRICS = 32, 3, 20

pytestmark = pytest.mark.ci


def test_32_clients_write_at_once_into_a_fresh_database(
    logged_in: TrackingServer, tmp_path: Path
) -> None:
    together = Barrier(N_CLIENTS)

    def metrics(client: int, step: int) -> dict[str, float]:
        return {f"val/m{n}": client + step / 10 + n / 1000 for n in range(N_METRICS)}

    def write(client: int) -> str:
        together.wait()
        tracker = Tracker("crowd", tmp_path / str(client), logged_in.uri)
        run = tracker.begin(f"client {client}", {"client": str(client)})
        with run.until_done():
            run.log_params({f"p{n}": client for n in range(30)})
            for step in range(N_STEPS):
                run.log_metrics(metrics(client, step), step=step)
            run.log_text(f"of {client}", "told/by.txt")
        return run.run_id

    with ThreadPoolExecutor(N_CLIENTS) as threads:
        ids = list(threads.map(write, range(N_CLIENTS)))

    tracker = Tracker("crowd", tmp_path / "reader", logged_in.uri)
    found = {run.run_id: run for run in tracker.find({})}
    assert set(found) == set(ids)
    for client, run_id in enumerate(ids):
        run = found[run_id]
        assert (run.status, run.tags["client"]) == ("FINISHED", str(client))
        assert run.params == {f"p{n}": str(client) for n in range(30)}
        assert run.metrics == metrics(client, N_STEPS - 1)
    history = tracker.client.get_metric_history(ids[7], "val/m0")
    assert {entry.step: entry.value for entry in history} == {0: 7.0, 1: 7.1, 2: 7.2}
    told = tracker.client.download_artifacts(ids[-1], "told/by.txt", str(tmp_path))
    assert Path(told).read_text() == f"of {N_CLIENTS - 1}"


def test_who_has_no_password_is_refused(tracking_server: TrackingServer, monkeypatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME", raising=False)
    with pytest.raises(MlflowException, match="not authenticated"):
        MlflowClient(tracking_server.uri).search_experiments()


def test_a_server_that_is_killed_and_started_again_loses_nothing(
    logged_in: TrackingServer,
    train,
    start_train,
    epochs,
    runs,
    runs_root: Path,
    tmp_path: Path,
    capfd,
) -> None:
    assert train() == 0
    (local,) = runs().all()
    server = MlflowClient(logged_in.uri)

    address = tmp_path / "address"
    password = logged_in.secret("admin_password")
    address.write_text(logged_in.uri.replace("http://", f"http://admin:{password}@"))
    address.chmod(0o600)
    epochs.hold_at(2)
    process = start_train(f"tracking.uri=@{address}", *epochs.settings)
    epochs.wait(2, process)
    logged_in.stop()
    epochs.let_go()
    told = ""
    while "does not answer" not in told:
        told += process.stdout.readline()
    logged_in.start()
    rest, _ = process.communicate(timeout=HANG_S)
    assert process.returncode == 0, told + rest
    assert "answers again after" in rest

    experiment = server.get_experiment_by_name("toy").experiment_id
    (run,) = server.search_runs([experiment])
    assert run.info.status == "FINISHED"
    assert of_training(run.data.metrics) == of_training(local.data.metrics)
    for metric in of_training(run.data.metrics):
        steps = [(e.step, e.value) for e in server.get_metric_history(run.info.run_id, metric)]
        assert steps == runs().history(local.info.run_id, metric)

    assert_no_secret(logged_in, runs_root, run, told + rest, tmp_path)

    # A server that stays away for longer than it is waited for: kept here, and sent.
    epochs.hold_at(5)
    process = start_train(
        f"tracking.uri={logged_in.uri}", "tracking.patience_s=1", "seed=2", *epochs.settings
    )
    epochs.wait(5, process)
    logged_in.stop()
    epochs.let_go()
    told, _ = process.communicate(timeout=HANG_S)
    assert process.returncode == 0, told
    send = f"raphe runs --send --uri {logged_in.uri} --runs {runs_root}"
    assert "trained to its end, while" in told and send in told
    logged_in.start()
    of_server = ["runs", f"--uri={logged_in.uri}", f"--runs={runs_root}"]
    assert main(of_server) == 0
    shown = capfd.readouterr().out
    assert "Kept here while it was away: 1 run" in shown and f"next: {send}" in shown
    assert main([*of_server, "--send"]) == 0
    assert "1 run sent to" in capfd.readouterr().out
    kept, _ = server.search_runs([experiment], order_by=["attributes.start_time DESC"])
    assert train("seed=2") == 0
    (local,) = (run for run in runs().all() if run.data.params["seed"] == "2")
    assert kept.info.status == "FINISHED"
    assert of_training(kept.data.metrics) == of_training(local.data.metrics)
    assert artifacts_of(server, kept.info.run_id) == artifacts_of(server, run.info.run_id)


def assert_no_secret(
    server: TrackingServer, runs_root: Path, run: Run, told: str, tmp_path: Path
) -> None:
    """No password is in what was printed, tracked or left on disk, in a log or a command line."""
    client = MlflowClient(server.uri)
    files = client.download_artifacts(run.info.run_id, "", str(make(tmp_path / "tracked")))
    written = [file for folder in (runs_root, Path(files)) for file in folder.rglob("*")]
    texts = [file.read_bytes() for file in written if file.is_file()]
    texts += [told.encode(), repr(run.to_dictionary()).encode()]
    texts.append(server.log.read_bytes())
    assert len(texts) > 10
    for secret in ("admin_password", "database_password", "s3_secret", "server_key"):
        assert not any(server.secret(secret).encode() in text for text in texts), secret
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert server.secret("database_password") not in listed.stdout


def artifacts_of(client: MlflowClient, run_id: str, under: str | None = None) -> set[str]:
    found = set()
    for entry in client.list_artifacts(run_id, under):
        found |= artifacts_of(client, run_id, entry.path) if entry.is_dir else {entry.path}
    return found


def of_training(metrics: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if not name.startswith("system/")}


def make(folder: Path) -> Path:
    folder.mkdir()
    return folder
