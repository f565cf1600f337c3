"""A disk that can only be read: what is there is used, what should be written there is told."""

import subprocess
from pathlib import Path

import pytest

from faults.full_disk import can_mount, mounted
from faults.long_commands import RAPHE, SMALL, environment, link, prepare

pytestmark = [
    pytest.mark.ci,
    pytest.mark.skipif(not can_mount(), reason="no right to mount a small disk"),
]


def test_a_store_on_a_read_only_disk(tmp_path_factory, tmp_path: Path) -> None:
    prepared, disk = tmp_path_factory.getbasetemp() / "prepared", tmp_path / "disk"
    prepare(prepared, ("spikes", "masks"))
    disk.mkdir()

    def run(*words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [*RAPHE, *words], cwd=tmp_path, env=environment(tmp_path, prepared),
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    with mounted(disk, 2**27):
        link(prepared, ("spikes", "masks"), disk)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        for words in (
            ("check", "disk/spikes"),
            ("features", "disk/spikes", "features.csv"),
            ("synthesize", "disk/spikes", "disk/masks", "synthetic", "--per-class", "500"),
            ("train", "data.store=disk/spikes", *SMALL),
        ):
            done = run(*words)
            assert done.returncode == 0, done.stderr
        for words in (
            ("extract", "disk/recordings", "disk/store"),
            ("features", "disk/spikes", "disk/features.csv"),
            ("synthesize", "disk/spikes", "disk/masks", "disk/spikes", "--per-class", "500"),
        ):
            done = run(*words)
            assert done.returncode == 1
            (line,) = done.stderr.splitlines()
            assert line.startswith("error: disk/") and "its disk is read-only; choose" in line
