import json
from pathlib import Path

import pytest


def test_batches_at_a_small_size(tmp_path: Path, run_script):
    table = tmp_path / "batches.md"
    data = ("--cells", 3, "--duration-s", 6, "--per-class", 500, "--scratch", tmp_path)
    counts = ("--peer-batches", 3, "--repeats", 1, "--kernels", 1, "--steps", 1)
    run_script("batches.py", "--output", table, *data, *counts)
    assert "| Dataset, one item a call | 192 |" in table.read_text()


def test_a_case_of_memory_at_a_small_size(tmp_path: Path, run_script, capsys):
    from memory import author_trio

    trio = author_trio(tmp_path / "trio", 2000, sparse=True)
    settings = {"settings": {"store": str(trio)}, "kernel": 1, "steps": 2}
    run_script("memory.py", "--job", json.dumps(["train", settings]))
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["peak"] >= found["trained"] > 1e8


def test_memory_refuses_a_small_disk_before_writing(tmp_path: Path, run_script):
    with pytest.raises(SystemExit, match=r"needs \d+ GB, has \d+ GB free; give another folder"):
        run_script("memory.py", "--scratch", tmp_path, "--spikes", 10**12)
    assert not list(tmp_path.iterdir())


@pytest.mark.ci
def test_predict_at_a_small_size(tmp_path: Path, run_script, capsys):
    table = tmp_path / "predict.md"
    options = ("--recordings", 12, "--repeats", 1, "--scratch", tmp_path, "--output", table)
    run_script("predict.py", *options)
    rows = [line.split("|") for line in table.read_text().splitlines() if line.startswith("| ")]
    assert [row[1].strip() for row in rows[2:]] == [
        "start-up: a recording without spikes",
        "100 s, 200 spikes",
        "the same with its page",
        "30 min, 3600 spikes",
        "10 of 100 s",
        "12 of 100 s",
    ]
    assert all(100 < float(row[5]) < 2000 for row in rows[2:])
