"""A full disk is one sentence, nothing is left on it, and with room the same command goes on."""

from pathlib import Path

import pytest

from faults.full_disk import can_mount, tried
from faults.kills import AS_UNBROKEN
from faults.long_commands import LONG_COMMANDS

pytestmark = [
    pytest.mark.ci,
    pytest.mark.skipif(not can_mount(), reason="no right to mount a small disk"),
]


@pytest.mark.parametrize("name", [n for n, command in LONG_COMMANDS.items() if command.is_quick])
def test_on_a_full_disk(name: str, tmp_path_factory, tmp_path: Path) -> None:
    prepared = tmp_path_factory.getbasetemp() / "prepared"
    assert tried(name, prepared, tmp_path, (0.5,)) == [AS_UNBROKEN]
