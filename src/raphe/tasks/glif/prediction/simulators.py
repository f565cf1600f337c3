"""Programs that run a neuron's configuration in other simulators, written beside it."""

from collections.abc import Iterable
from pathlib import Path

from raphe.core.files.atomic import write_file

SIMULATORS = {  # of another simulator each, imported by none of ours
    "brian2": "raphe.tasks.glif.prediction.glif_brian2",
    "nest": "raphe.tasks.glif.prediction.glif_nest",
}
PROGRAMS = tuple(f"{name.rpartition('.')[2]}.py" for name in SIMULATORS.values())


def program_for(simulator: str) -> Path:
    """The program that runs a neuron's configuration in one of SIMULATORS."""
    return Path(__file__).with_name(f"{SIMULATORS[simulator].rpartition('.')[2]}.py")


def write_programs(simulators: Iterable[str], folder: Path) -> None:
    """Write the programs for these simulators into a folder."""
    for simulator in simulators:
        program = program_for(simulator)
        write_file(folder / program.name, program.read_text(encoding="utf-8"))
