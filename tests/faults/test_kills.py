"""Commands that are killed end as unbroken ones; twenty kills of each are in results/kills.csv."""

from pathlib import Path

import pytest

from faults.kills import AS_UNBROKEN, Trials
from faults.long_commands import LONG_COMMANDS

pytestmark = pytest.mark.ci
QUICK = [name for name, command in LONG_COMMANDS.items() if command.is_quick]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prepared")


@pytest.mark.parametrize("name", QUICK)
def test_a_killed_command_ends_as_an_unbroken_one(
    name: str, prepared: Path, tmp_path: Path
) -> None:
    trials = Trials(name, prepared, tmp_path)
    told = ("SIGTERM", "SIGINT")[len(name) % 2]
    for number, signal in enumerate(("SIGKILL", "SIGKILL", told)):
        kill = trials.kill(number, signal)
        assert kill.outcome == AS_UNBROKEN, kill
