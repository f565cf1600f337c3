"""Shares as processes: all are made before they are joined, and none outlives who started it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from paths import PROJECT
from raphe.cli import main
from raphe.harness.spread import commands, local
from waiting import HANG_S, wait_until

# A share: notes itself and how many threads it has; fails, or waits, where it is told to.
SCRIPT = """
import os, sys, time
from pathlib import Path
share = next((word for word in sys.argv if word.startswith("--share=")), "joined")
name = share.partition("=")[2].replace("/", "-") or share
folder = Path(sys.argv[1])
threads = os.environ.get("OMP_NUM_THREADS", "all")
(folder / name).write_text(threads + " " + " ".join(sys.argv[2:]))
if (folder / f"fail-{name}").exists():
    print("the disk is full", flush=True)
    sys.exit(1)
while (folder / f"hold-{name}").exists():
    time.sleep(0.01)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-in for raphe notes what it was asked for."""

    def stand_in(words, share=None):
        option = [] if share is None else [f"--share={share}"]
        return [sys.executable, "-c", SCRIPT, str(tmp_path), words[0], *option, *words[1:]]

    monkeypatch.setattr(local, "command_of", stand_in)
    monkeypatch.setattr(commands, "command_of", stand_in)
    monkeypatch.setattr(local, "available_cores", lambda: 6)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def noted(folder: Path) -> set[str]:
    names = (path.name for path in folder.iterdir())
    return {name for name in names if name == "joined" or name[0].isdigit()}


def test_all_shares_are_made_and_joined(folder: Path, capsys, monkeypatch) -> None:
    assert main(["spread", "--jobs", "3", "--at-once", "2", "predict", "a", "--out", "b"]) == 0
    assert noted(folder) == {"1-3", "2-3", "3-3", "joined"}
    assert (folder / "2-3").read_text() == "3 predict --share=2/3 a --out b"
    assert "3 shares made; joining them" in capsys.readouterr().out


def test_where_one_fails_the_others_are_made_and_nothing_is_joined(folder: Path, capsys) -> None:
    (folder / "fail-1-3").touch()
    assert main(["spread", "--jobs", "3", "predict", "a", "--out", "b"]) == 1
    assert noted(folder) == {"1-3", "2-3", "3-3"}
    told = capsys.readouterr()
    assert "share 1/3 ended with exit code 1, having said “the disk is full”; see" in told.err
    assert "2 of 3 shares made, nothing joined; the same command makes the others" in told.out
    (folder / "fail-1-3").unlink()
    assert main(["spread", "--jobs", "3", "predict", "a", "--out", "b"]) == 0
    assert "joined" in noted(folder)


def test_whoever_ends_it_ends_the_shares(folder: Path, monkeypatch) -> None:
    (folder / "hold-1-2").touch()
    starter = folder / "starter.py"
    starter.write_text(
        "import sys\nfrom raphe.core.ending import interruptible\n"
        "from raphe.harness.spread import local\n"
        f"local.command_of = lambda words, share: [sys.executable, '-c', {SCRIPT!r}, "
        f"{str(folder)!r}, f'--share={{share}}']\n"
        "from pathlib import Path\n"
        f"with interruptible():\n    local.run_here(['x'], 2, 1, Path({str(folder / 'logs')!r}))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "src")}
    process = subprocess.Popen([sys.executable, str(starter)], env=environment)
    wait_until(lambda: "1-2" in noted(folder), process)
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=HANG_S)
    assert noted(folder) == {"1-2"}
    found = subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, text=True)
    assert not found.stdout.split()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--jobs", "2"], "COMMAND: expected one that is to be divided"),
        (["--jobs", "2", "predict", "--share=1/2"], "--share: each job gets its own; leave"),
        (["--jobs", "20000", "predict"], "--jobs: expected at most 10000, got 20000"),
        (["--jobs", "2", "--set", "partition=long", "predict"], "is of SLURM's jobs; add --on"),
        (
            ["--jobs", "2", "--on", "slurm", "--set", "partitoin=long", "predict"],
            "--set partitoin=long: expected NAME=VALUE of account, array_parallelism,",
        ),
    ],
)
def test_a_wrong_call_is_one_sentence(words: list[str], told: str, capsys) -> None:
    assert main(["spread", *words]) == 2
    assert told in capsys.readouterr().err
