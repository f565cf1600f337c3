import re
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import torch


def test_header_tells_date_processor_cores_and_versions():
    from machine import header

    text = header("7 spikes")
    assert re.match(rf"{date.today()}, .+, \d+ cores, torch ", text)
    assert f"torch {torch.__version__}, numpy {np.__version__}, Python 3." in text
    assert text.endswith("; 7 spikes")


def test_alternate_runs_each_in_turn_with_what_comes_before():
    from machine import alternate

    order = []
    seconds = alternate(
        2,
        lambda: order.append("one"),
        lambda: order.append("two"),
        before=lambda: order.append("ready"),
    )
    assert order == ["ready", "one", "ready", "two"] * 2
    assert seconds.shape == (2, 2) and (seconds >= 0).all()


def test_spread_is_median_and_range():
    from machine import spread

    assert spread([4.0, 1.0, 2.5]) == "2.50 (1.00–4.00)"
    assert spread([1.0, 2.0], digits=0) == "2 (1–2)"


def test_table_is_markdown_below_title_and_header(tmp_path: Path, capsys):
    from machine import write_table

    path = tmp_path / "results" / "one.md"
    write_table(path, "A title", "7 spikes", ("k", "times"), [(1, "2.0"), (8, "3.1")])
    title, _, about, _, *table = path.read_text().splitlines()
    assert title == "# A title" and about.endswith("; 7 spikes")
    assert table == ["| k | times |", "| --- | --- |", "| 1 | 2.0 |", "| 8 | 3.1 |"]
    assert capsys.readouterr().out.splitlines() == table


def test_peer_answers_with_its_last_line(tmp_path: Path, monkeypatch):
    import machine

    (tmp_path / "benchmarks").mkdir()
    script = "import sys; print('Epoch 1'); print('{\"got\": \"' + sys.argv[1] + '\"}')"
    (tmp_path / "benchmarks" / "peer.py").write_text(script)
    monkeypatch.setattr(machine, "REPOSITORY", tmp_path)
    assert machine.run_peer(Path(sys.executable), "peer.py", 7) == {"got": "7"}


def test_a_failing_peer_is_not_taken_for_an_answer(tmp_path: Path):
    import subprocess

    from machine import run_peer

    with pytest.raises(subprocess.CalledProcessError):
        run_peer(Path(sys.executable), "no_such_script.py")
