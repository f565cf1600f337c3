"""Shares as jobs of a real SLURM of one node: joined they are the single run, byte for byte."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from scipy.signal import lfilter

from paths import PROJECT
from raphe.cli import main
from waiting import HANG_S, wait_until

pytestmark = [pytest.mark.ci, pytest.mark.usefixtures("cluster")]
OF_JOBS = [
    word
    for setting in ("mem_gb=null", "cpus_per_task=1", "poll_s=0.5", "timeout_min=5")
    for word in ("--set", setting)
]
MADE = re.compile(rb'"made_utc": "[^"]+"')


@pytest.fixture
def recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)  # cores are what SLURM gives
    words = ["simulate", "recordings", "--n-ser", "6", "--n-nser", "6", "--duration-s", "20"]
    assert main(words) == 0
    assert main(["extract", "recordings", "spikes"]) == 0
    assert main(["masks", "recordings", "masks"]) == 0
    return tmp_path / "recordings"


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): MADE.sub(b"", path.read_bytes()) for path in files}


def jobs(states: str = "R") -> list[str]:
    listed = subprocess.run(
        ["squeue", "--noheader", "--array", f"--states={states}", "--format=%i"],
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return listed.stdout.split()


def test_synthetic_spikes_are_those_of_one_machine_after_a_killed_job(
    recordings: Path, cluster, capfd
) -> None:
    made = ["--per-class", "3000", "--shard-size", "500"]
    assert main(["synthesize", "spikes", "masks", "alone", *made]) == 0
    spread = ["spread", "--jobs", "3", "--on", "slurm", *OF_JOBS]
    command = [*spread, "synthesize", "spikes", "masks", "synthetic", *made]
    process = subprocess.Popen([sys.executable, "-m", "raphe", *command])
    wait_until(lambda: len(jobs()) == 3, process)
    subprocess.run(["scancel", "--signal=KILL", jobs()[0]], check=True, timeout=60)
    assert process.wait(timeout=HANG_S) == 1
    told = capfd.readouterr()
    assert "shares that were not made (1):" in told.err
    assert "2 of 3 shares made, nothing joined; the same command makes the others" in told.out
    assert main(command) == 0
    assert contents(Path("synthetic")) == contents(Path("alone"))


def shares_at_work() -> int:
    """How many shares are being made, whose jobs therefore heed what SLURM tells them."""
    words = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    return sum(any(word.startswith("--share=") for word in of_one) for of_one in words)


def test_rates_are_those_of_one_machine_after_a_job_whose_time_was_over(
    cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        spikes = rng.random((6, 3000)) < 0.02
        rising = lfilter([1], [1, -0.97], spikes, axis=1)
        np.save(f"{name}.npy", (rising + rng.normal(0, 0.1, rising.shape)).astype(np.float32))
    told = ["predict", "a.npy", "b.npy", "c.npy", "--rate", "30", "--task", "calcium"]
    told += ["--threads", "1"]
    # By a process of its own, as the shares: the tests' own draws fewer dots.
    subprocess.run([sys.executable, "-m", "raphe", *told, "--out", "alone"], check=True)
    spread = ["spread", "--jobs", "2", "--on", "slurm", *OF_JOBS, *told, "--out", "rates"]
    process = subprocess.Popen([sys.executable, "-m", "raphe", *spread])
    wait_until(lambda: shares_at_work() == 2, process)
    over, _ = jobs()
    subprocess.run(["scancel", "--signal=USR2", over], check=True, timeout=60)
    wait_until(lambda: over in jobs("PD"), process)
    # Not in two minutes; nor at once, when its node takes it for the one that has just ended.
    release = ["scontrol", "update", f"JobId={over}", "StartTime=now+2"]
    subprocess.run(release, check=True, timeout=60)
    assert process.wait(timeout=HANG_S) == 0
    assert "2 shares made; joining them" in capfd.readouterr().out
    assert contents(Path("rates")) == contents(Path("alone"))


def test_verdicts_are_those_of_one_machine(recordings: Path, capfd) -> None:
    bundle = str(PROJECT / "src/raphe/demo/bundle")
    told = ["predict", str(recordings), "--bundle", bundle, "--no-pages", "--threads", "1"]
    assert main([*told, "--out", "alone"]) == 0
    spread = ["spread", "--jobs", "2", "--on", "slurm", *OF_JOBS]
    assert main([*spread, *told, "--out", "verdicts"]) == 0
    assert "2 shares made; joining them" in capfd.readouterr().out
    assert contents(Path("verdicts")) == contents(Path("alone"))
