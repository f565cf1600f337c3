"""What a sweep's members leave on disk of how far they are, each in the folder of its job."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from raphe.core.files.atomic import write_file

STATE_FILE = "state.json"
FINISHED_FILE = "finished.json"  # of the sweep's folder
FINAL = ("FINISHED", "SKIPPED")


@dataclass(frozen=True)
class MemberState:
    label: str
    status: str  # RUNNING, FINISHED, SKIPPED (finished by an earlier call) or FAILED
    epoch: int = 0  # the last that ended, from 1
    n_epochs: int = 0
    metric: str = ""  # the monitored one …
    value: float | None = None  # … after that epoch; of a member that finished, of what it kept
    run_id: str | None = None
    error: str | None = None


class States:
    """The states in a sweep's folder, each read anew only where it may have changed."""

    def __init__(self, sweep_folder: Path) -> None:
        self._folder = sweep_folder
        self._known: dict[int, tuple[int, MemberState]] = {}  # when it was written, in ns
        self._before: list[MemberState] | None = None

    def by_number(self) -> dict[int, MemberState]:
        """Of the members that were launched, in the order of the jobs."""
        for number in _numbers(self._folder):
            written_ns, state = self._known.get(number, (0, None))
            if state is not None and state.status in FINAL:
                continue
            file = self._folder / str(number) / STATE_FILE
            try:
                now_ns = file.stat().st_mtime_ns
                if now_ns != written_ns:
                    self._known[number] = now_ns, read_state(file)
            except FileNotFoundError:  # it has just begun
                continue
        return {number: self._known[number][1] for number in sorted(self._known)}

    def all(self) -> list[MemberState]:
        """Those that an earlier call had finished, too."""
        file = self._folder / FINISHED_FILE
        if self._before is None and file.exists():
            self._before = [MemberState(**entry) for entry in json.loads(file.read_text())]
        return [*(self._before or []), *self.by_number().values()]


def read_state(file: Path) -> MemberState:
    return MemberState(**json.loads(file.read_text()))


def member_states(sweep_folder: Path) -> list[MemberState]:
    """All states as they are now."""
    return States(sweep_folder).all()


def write_state(sweep_folder: Path, number: int, state: MemberState) -> None:
    """For a member that cannot write it, or not here."""
    folder = sweep_folder / str(number)
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / STATE_FILE, json.dumps(asdict(state)))


def write_finished(sweep_folder: Path, states: Sequence[MemberState]) -> None:
    """Of members that are not launched, as an earlier call had finished them."""
    sweep_folder.mkdir(parents=True, exist_ok=True)
    write_file(sweep_folder / FINISHED_FILE, json.dumps([asdict(state) for state in states]))


def lose(sweep_folder: Path, number: int, label: str, why: str) -> None:
    """Write for a member whose process is gone that it failed, and say so."""
    write_state(sweep_folder, number, MemberState(label, "FAILED", error=why))
    print(f"error: {labelled(label, why)}", file=sys.stderr, flush=True)


def labelled(label: str, error: str) -> str:
    """An error after the member that it ended; it may begin with that very setting itself.

    >>> labelled("model.kernel=50", "model.kernel=50 leaves no sample")
    'model.kernel=50 leaves no sample'
    >>> labelled("model.kernel=50", "model.kernel=500: too wide")
    'model.kernel=50: model.kernel=500: too wide'
    """
    begins_with_it = error.startswith((f"{label}:", f"{label} "))
    return error if begins_with_it else f"{label}: {error}"


def _numbers(sweep_folder: Path) -> list[int]:
    try:
        return [int(entry.name) for entry in os.scandir(sweep_folder) if entry.name.isdecimal()]
    except FileNotFoundError:
        return []
