"""Kill every long command at random moments, run it again, and compare with an unbroken one.

    PYTHONPATH=src:tests python -m faults.kills                       two kills a command
    PYTHONPATH=src:tests python -m faults.kills --kills 20 --record   the recorded run

The recorded run writes a row of results/kills.csv after each kill, and goes on after the last.
"""

import argparse
import csv
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from faults.long_commands import LONG_COMMANDS, RAPHE, LongCommand, environment, link, prepare

RESULTS = Path(__file__).parent / "results" / "kills.csv"
LONGEST_S = 900.0
POLL_S = 0.005
AS_UNBROKEN = "as unbroken"
PROBE = ".raphe-file."
LEAVINGS = (".partial", ".old", ".unfinished")


@dataclass(frozen=True)
class Kill:
    """What came of one."""

    command: str
    signal: str  # "SIGKILL", which nobody can heed, "SIGTERM" or "SIGINT"
    number: int
    killed_after_s: float
    left: str  # by the kill: "nothing", "a part" or "all"
    outcome: str  # AS_UNBROKEN, or what is wrong


@dataclass(frozen=True)
class Unbroken:
    """How a command goes when it is left alone."""

    seconds: float
    first_change_s: float  # when it first put something into its folder
    exit_code: int
    leaves: object


class Trials:
    """Kills of one command. `prepared` holds what the commands need, `folder` is for their work."""

    def __init__(self, name: str, prepared: Path, folder: Path) -> None:
        self.name, self.prepared, self.folder = name, prepared, folder
        self.command: LongCommand = LONG_COMMANDS[name]
        prepare(prepared, self.command.needs)
        place = self._place("unbroken")
        begun_s = time.monotonic()
        process = self._start(place)
        first_s = self._first_change(process, place) - begun_s
        code = process.wait(LONGEST_S)
        told = (place / "told.txt").read_text()
        assert code in (0, 1) and "Traceback" not in told, told
        leaves = self.command.leaves(place)
        assert leaves, f"{name} left nothing"
        self.unbroken = Unbroken(time.monotonic() - begun_s, first_s, code, leaves)
        shutil.rmtree(place)

    def kill(self, number: int, name: str = "SIGKILL") -> Kill:
        """Kill the command at the moment that the number decides, and run it again.

        With another signal it must end by itself, in one line and with its exit code.
        """
        is_told = name != "SIGKILL"
        rng = random.Random(f"{self.name} {number}")
        share = 1.0
        while True:
            place = self._place(f"kill-{number}")
            begun_s = time.monotonic()
            process = self._start(place)
            # Most of a short command is imports: every other kill comes after its first file.
            if number % 2 or is_told:
                self._first_change(process, place)
                rest_s = self.unbroken.seconds - self.unbroken.first_change_s
                delay_s = share * rng.uniform(0, max(rest_s, 0.05))
            else:
                delay_s = share * rng.uniform(0, self.unbroken.seconds)
            try:
                process.wait(delay_s)
            except subprocess.TimeoutExpired:
                break
            share *= 0.7  # it was through before
            shutil.rmtree(place)
        after_s = time.monotonic() - begun_s
        if is_told:
            process.send_signal(signal.Signals[name])
            ending = self._ending(process, place, 128 + signal.Signals[name])
        else:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            ending = ""
        left = self._left(place)
        try:
            outcome = ending or self._again(place, left)
        except Exception as error:  # whatever it is, it is the outcome
            outcome = f"{type(error).__name__}: {error}"
        if outcome == AS_UNBROKEN:
            shutil.rmtree(place)
        return Kill(self.name, name, number, round(after_s, 2), left, " ".join(outcome.split()))

    def _ending(self, process: subprocess.Popen, place: Path, expected: int) -> str:
        """What is wrong with how it ended when it was told to, or ""."""
        try:
            code = process.wait(LONGEST_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return "did not end"
        told = (place / "told.txt").read_text()
        if "Traceback" in told:
            return f"traceback: {told.strip().splitlines()[-1]}"
        if code < 0 and self._left(place) == "all":  # it was through, and Python was ending
            return ""
        if code not in (expected, self.unbroken.exit_code) or (
            code == expected and "interrupted" not in told.splitlines()[-1]
        ):
            return f"ended with exit code {code}: {told[-300:]}"
        leavings = [path for path in place.rglob(".*") if path.name.endswith(LEAVINGS[:2])]
        return f"swept nothing: {leavings}" if leavings else ""

    def _again(self, place: Path, left: str) -> str:
        try:
            code = self._start(place).wait(LONGEST_S)
        except subprocess.TimeoutExpired:
            return f"hangs for more than {LONGEST_S:g} s"
        told = (place / "told.txt").read_text()
        if "Traceback" in told:
            return f"traceback: {told.strip().splitlines()[-1]}"
        stands = left == "all" and not self.command.goes_on and "exists already" in told
        if code != self.unbroken.exit_code and not stands:
            return f"exit code {code}: {told[-500:]}"
        if self.command.leaves(place) != self.unbroken.leaves:
            return "other than unbroken"
        leavings = [path for path in place.rglob(".*") if path.name.endswith(LEAVINGS)]
        # Scratch is swept by the next that asks for some, not by a command that is refused.
        if leavings and not stands:
            return f"leftovers: {', '.join(str(path.relative_to(place)) for path in leavings)}"
        return AS_UNBROKEN

    def _left(self, place: Path) -> str:
        try:
            leaves = self.command.leaves(place)
        except Exception:  # a part may be anything
            return "a part"
        if leaves == self.unbroken.leaves:
            return "all"
        return "a part" if self._contents(place) != self._inputs else "nothing"

    def _place(self, name: str) -> Path:
        place = self.folder / f"{self.name.replace(' ', '-')}-{name}"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        link(self.prepared, self.command.needs, place)
        (place / "tmp").mkdir()
        (place / "told.txt").touch()
        self._inputs = self._contents(place)
        return place

    def _contents(self, place: Path) -> set[str]:
        """Without files that try whether the folder can be written to."""
        return {entry.name for entry in place.iterdir() if not entry.name.startswith(PROBE)}

    def _start(self, place: Path) -> subprocess.Popen:
        with (place / "told.txt").open("wb") as told:
            return subprocess.Popen(
                [*RAPHE, *self.command.words], cwd=place, stdout=told, stderr=told,
                env=environment(place, self.prepared), start_new_session=True,
            )  # fmt: skip

    def _first_change(self, process: subprocess.Popen, place: Path) -> float:
        """Wait for its first file or its end; the time that this was."""
        while process.poll() is None and self._contents(place) == self._inputs:
            time.sleep(POLL_S)
        return time.monotonic()


def recorded() -> list[Kill]:
    if not RESULTS.exists():
        return []
    with RESULTS.open(encoding="utf-8", newline="") as file:
        return [
            Kill(row["command"], row["signal"], int(row["number"]), float(row["killed_after_s"]),
                 row["left"], row["outcome"])
            for row in csv.DictReader(file)
        ]  # fmt: skip


def record(kill: Kill) -> None:
    """Add a row to the table of results."""
    RESULTS.parent.mkdir(exist_ok=True)
    is_new = not RESULTS.exists()
    with RESULTS.open("a", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, [field.name for field in fields(Kill)], lineterminator="\n")
        if is_new:
            table.writeheader()
        table.writerow(asdict(kill))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=2, help="of each command")
    parser.add_argument("--command", action="append", choices=list(LONG_COMMANDS))
    parser.add_argument("--signal", default="SIGKILL", choices=("SIGKILL", "SIGTERM", "SIGINT"))
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir(), "raphe-kills"))
    parser.add_argument("--minutes", type=float, default=1e6, help="begin no kill after so many")
    parser.add_argument("--record", action="store_true", help="write the table of results")
    arguments = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    deadline_s = time.monotonic() + 60 * arguments.minutes
    n_faults = 0
    for name in arguments.command or LONG_COMMANDS:
        before = {
            kill.number
            for kill in recorded()
            if (kill.command, kill.signal) == (name, arguments.signal)
        }
        missing = [n for n in range(arguments.kills) if not (arguments.record and n in before)]
        if not missing or time.monotonic() > deadline_s:
            continue
        trials = Trials(name, arguments.folder / "prepared", arguments.folder / "work")
        for number in missing:
            if time.monotonic() > deadline_s:
                break
            kill = trials.kill(number, arguments.signal)
            n_faults += kill.outcome != AS_UNBROKEN
            of_s = f"{kill.killed_after_s:.2f} of {trials.unbroken.seconds:.2f} s"
            print(f"{name} {number}: killed after {of_s}, {kill.left} left: {kill.outcome}")
            if arguments.record:
                record(kill)
    return int(n_faults > 0)


if __name__ == "__main__":
    raise SystemExit(main())
