"""Shares as jobs of a real SLURM of one node: joined they are the single run, byte for byte."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

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


def jobs() -> list[str]:
    listed = subprocess.run(
        ["squeue", "--noheader", "--array", "--states=R", "--format=%i"],
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


def test_verdicts_are_those_of_one_machine(recordings: Path, capfd) -> None:
    bundle = str(PROJECT / "src/raphe/demo/bundle")
    told = ["predict", str(recordings), "--bundle", bundle, "--no-pages", "--threads", "1"]
    assert main([*told, "--out", "alone"]) == 0
    spread = ["spread", "--jobs", "2", "--on", "slurm", *OF_JOBS]
    assert main([*spread, *told, "--out", "verdicts"]) == 0
    assert "2 shares made; joining them" in capfd.readouterr().out
    assert contents(Path("verdicts")) == contents(Path("alone"))
