"""Sweeps on a real SLURM of one node: the same figures as without it, whatever becomes of jobs."""

import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from paths import PROJECT
from raphe.cli import main
from tracking_server import TrackingServer
from waiting import HANG_S, wait_until

TOY = PROJECT / "tests" / "harness" / "toy"
pytestmark = [pytest.mark.ci, pytest.mark.usefixtures("cluster")]


@pytest.fixture(autouse=True)
def toy_on_nodes(cluster: subprocess.Popen, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Jobs have the environment of what submits them; those that a test leaves end with it."""
    search = os.pathsep.join(filter(None, (str(TOY), os.environ.get("PYTHONPATH"))))
    monkeypatch.setenv("PYTHONPATH", search)
    monkeypatch.delenv("OMP_NUM_THREADS")  # cores are what SLURM gives
    yield
    slurm("scancel", "--user=root")
    wait_until(lambda: not queue(), cluster)  # what outlives its cluster stays for good


def queue() -> dict[str, str]:
    listed = subprocess.run(
        ["squeue", "--noheader", "--array", "--states=PD,R,CG", "--format=%i %T"],
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return dict(line.split() for line in listed.stdout.splitlines())


def slurm(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, timeout=60)


def put_back(job: str, process: subprocess.Popen) -> None:
    """As SLURM does before a job's time is over."""
    slurm("scancel", "--signal=USR2", job)
    wait_until(lambda: queue().get(job) == "PENDING", process)
    slurm("scontrol", "update", f"JobId={job}", "StartTime=now")  # not in two minutes


def figures(place: Path | str, experiment: str, setting: str) -> dict[str, dict[str, float]]:
    """Every finished member's metrics by what it varies, and its parent's; no machine's load."""
    client = MlflowClient(place if isinstance(place, str) else f"sqlite:///{place / 'mlflow.db'}")
    experiment_id = client.get_experiment_by_name(experiment).experiment_id
    found = {}
    for run in client.search_runs([experiment_id]):
        name = run.data.params.get(setting)
        if "raphe.sweep" in run.data.tags or (run.info.status == "FINISHED" and name is not None):
            metrics = run.data.metrics.items()
            found[name or "parent"] = {k: v for k, v in metrics if not k.startswith("system/")}
    return found


def test_a_job_that_dies_is_told_and_one_whose_time_is_over_goes_on(
    train, start_train, tracking_store, epochs, runs, runs_root, tmp_path, on_slurm
) -> None:
    local = tracking_store(tmp_path / "local")
    assert train("model.degree=1,2", f"runs_root={local}", multirun=True) == 0
    sweep = ["model.degree=1,2", *epochs.settings, *on_slurm("timeout_min=5")]
    epochs.hold_at(1)
    process = start_train(*sweep, multirun=True)
    epochs.wait(2, process)
    epochs.hold_at(3)  # both go on to their second epoch
    epochs.wait(4, process)
    requeued, killed = sorted(queue())
    put_back(requeued, process)
    slurm("scancel", "--signal=KILL", killed)
    wait_until(lambda: killed not in queue(), process)
    epochs.let_go()
    told, _ = process.communicate(timeout=HANG_S)
    assert process.returncode == 1, told
    assert f"error: model.degree=2: its SLURM job {killed} was " in told
    (parent,) = runs().parents()
    statuses = {run.data.params["model.degree"]: run.info.status for run in runs().children()}
    assert (parent.info.status, statuses) == ("FAILED", {"1": "FINISHED", "2": "KILLED"})
    assert sorted(epochs.begun) == ["0", "0", "1", "1", "1", "2"]

    assert train(*sweep, multirun=True) == 0
    assert sorted(epochs.begun) == ["0", "0", "1", "1", "1", "1", "2", "2"]
    assert figures(runs_root, "toy", "model.degree") == figures(local, "toy", "model.degree")


def test_who_ends_the_launcher_cancels_the_jobs_and_who_detaches_comes_back(
    cluster, train, start_train, epochs, runs, runs_root, on_slurm, capfd
) -> None:
    sweep = ["model.degree=1,2", *epochs.settings, *on_slurm()]
    epochs.hold_at(1)
    process = start_train(*sweep, multirun=True)
    epochs.wait(2, process)
    process.send_signal(signal.SIGTERM)
    told, _ = process.communicate(timeout=HANG_S)
    assert process.returncode == 128 + signal.SIGTERM
    assert "2 jobs of SLURM's" in told and "cancelled" in told
    wait_until(lambda: not queue(), cluster)
    assert {run.info.status for run in runs().all()} == {"KILLED"}

    assert train(*sweep, "--detach", multirun=True) == 0
    (parent,) = runs().parents()
    assert f"next: raphe sweep wait {parent.info.run_id}" in capfd.readouterr().out
    assert parent.info.status == "RUNNING"
    told = str(train(*sweep, multirun=True))
    assert "SLURM has 2 members of this very sweep in its queue" in told
    of_runs = [f"--runs={runs_root}", f"--config-dir={TOY / 'conf'}"]
    assert main(["sweep", "report", parent.info.run_id, *of_runs]) == 1
    assert "2 members of 2 have not ended" in capfd.readouterr().err
    epochs.let_go()
    elsewhere = "/a/disk/that/is/not/here"  # as seen from a machine that does not share it
    runs().client.set_tag(parent.info.run_id, "raphe.folder", elsewhere)
    assert main(["sweep", "wait", parent.info.run_id, *of_runs]) == 0
    told = capfd.readouterr()
    assert "Chosen by validation: model.degree=" in told.out and "not drawn" not in told.err
    assert {run.info.status for run in runs().all()} == {"FINISHED"}
    assert main(["sweep", "status", parent.info.run_id, f"--runs={runs_root}"]) == 0
    assert "finished: 2 members, 2 finished" in capfd.readouterr().out


def test_the_kernel_sweep_with_a_server_is_the_local_one_after_a_kill_a_requeue_and_a_restart(
    logged_in: TrackingServer,
    train_py,
    start_train_py,
    tracking_store,
    small_sweep,
    tmp_path: Path,
    on_slurm,
    capfd,
) -> None:
    local = tracking_store(tmp_path / "local")
    fast = ["-m", "model.kernel=3,20", "debug=fast", *small_sweep, f"data_root={tmp_path / 'data'}"]
    assert train_py(*fast, f"runs_root={local}") == 0

    runs_root = tmp_path / "mlruns"
    places = [f"tracking.uri={logged_in.uri}", f"runs_root={runs_root}"]
    sweep = [*fast, *places, *on_slurm("timeout_min=60")]
    process = start_train_py(*sweep)
    wait_until(lambda: bool(list(runs_root.glob("work/*/last.ckpt"))), process)
    logged_in.stop()  # the other member may not even have begun
    wait_until(lambda: len(waits(runs_root)) == 2, process)
    requeued, killed = sorted(waits(runs_root))
    slurm("scancel", "--signal=KILL", killed)
    put_back(requeued, process)
    wait_until(lambda: waits(runs_root)[requeued] >= 2, process)  # it cannot begin
    logged_in.start()
    told, _ = process.communicate(timeout=HANG_S)
    assert process.returncode == 1, told
    assert re.search(rf"error: model.kernel=\d+: its SLURM job {killed} was ", told)

    assert train_py(*sweep) == 0
    assert "1 of 2 members had finished before" in capfd.readouterr().out
    assert_same(
        figures(logged_in.uri, "debug", "model.kernel"), figures(local, "debug", "model.kernel")
    )
    secret = logged_in.secret("admin_password")
    assert not any(secret in text for text in texts(runs_root))


def waits(runs_root: Path) -> Counter[str]:
    """How often jobs have said that their server is away, by SLURM's number."""
    logs = (runs_root / "hydra").rglob("*_0_log.err")
    said = {log.name.removesuffix("_0_log.err"): log.read_text() for log in logs}
    return +Counter({job: text.count("does not answer") for job, text in said.items()})


def assert_same(found: dict[str, dict[str, float]], expected: dict[str, dict[str, float]]) -> None:
    """To the last digit, but what a minimiser has fitted."""
    assert set(found) == set(expected) == {"3", "20", "parent"}
    for member, metrics in expected.items():
        fitted = {name for name in metrics if name.endswith("cells/brier")}
        assert found[member] == {
            name: pytest.approx(value, abs=1e-7) if name in fitted else value
            for name, value in metrics.items()
        }


def texts(folder: Path) -> list[str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return [file.read_text(encoding="utf-8", errors="replace") for file in files]
