"""train.py under a Python that raphe is not installed in."""

import subprocess
import sys

from paths import PROJECT


def test_it_says_which_python_to_take() -> None:
    bare = [
        sys.executable,
        "-S",
        "-E",
        "train.py",
    ]  # without site-packages, as python3 outside .venv
    answer = subprocess.run(bare, cwd=PROJECT, capture_output=True, text=True)
    assert answer.returncode == 1
    (line,) = answer.stderr.splitlines()
    assert line.startswith(f"error: {sys.executable} has no ")
    assert line.endswith("`.venv/bin/python train.py` or first `source .venv/bin/activate`")
