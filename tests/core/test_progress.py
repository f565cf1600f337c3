"""How far a work is: a bar on a terminal alone, whose package no script waits for."""

import os
import pty
import subprocess
import sys

from raphe.core.progress import progress

SCRIPT = """
import sys
from raphe.core.progress import progress
print(sum(progress(range(4), "Counting")), "rich" in sys.modules)
"""


def test_without_a_terminal_nothing_is_loaded_or_printed() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("6 False\n", "")


def test_on_a_terminal_a_bar_is_shown(monkeypatch) -> None:
    reads, writes = pty.openpty()
    with os.fdopen(writes, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        assert list(progress(range(4), "Counting")) == [0, 1, 2, 3]
        assert b"Counting" in os.read(reads, 4096)
    os.close(reads)
