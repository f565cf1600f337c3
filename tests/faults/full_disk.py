"""Run long commands on a disk without room for what they write, then with room.

    PYTHONPATH=src:tests python -m faults.full_disk [--command NAME] [--record]

The recorded run writes results/full_disk.csv, and goes on after the last command in it.

The disk is a small file system in memory, which takes root to mount.
"""

import argparse
import csv
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from faults.kills import AS_UNBROKEN, LEAVINGS, LONGEST_S
from faults.long_commands import LONG_COMMANDS, RAPHE, environment, prepare, results_of

RESULTS = Path(__file__).parent / "results" / "full_disk.csv"
COLUMNS = ("command", "room_percent", "outcome")
SHARES = (0.02, 0.5, 0.9)  # of what a command writes, for which there is room
SPARE_BYTES = 2**23
FULL = ("is full (", "free some room")


@dataclass(frozen=True)
class Unbroken:
    """How a command goes where there is room."""

    exit_code: int
    leaves: object
    n_bytes: int  # what it writes


def can_mount() -> bool:
    """Whether this process may mount a file system; in a container root often may not."""
    if os.name == "nt" or os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        try:
            with mounted(Path(folder), 2**20):
                return True
        except subprocess.CalledProcessError:
            return False


@contextmanager
def mounted(place: Path, n_bytes: int) -> Iterator[None]:
    """A disk of so many bytes at a folder."""
    options = ["-t", "tmpfs", "-o", f"size={n_bytes}", "tmpfs"]
    subprocess.run(["mount", *options, str(place)], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def tried(name: str, prepared: Path, folder: Path, shares: tuple[float, ...] = SHARES) -> list[str]:
    """What came of each share: AS_UNBROKEN, or what is wrong."""
    prepare(prepared, LONG_COMMANDS[name].needs)
    place = folder / "disk"
    place.mkdir(parents=True, exist_ok=True)
    with mounted(place, 2**32):
        unbroken = _unbroken(name, prepared, folder, place)
    outcomes = []
    for share in shares:
        with mounted(place, unbroken.n_bytes + SPARE_BYTES):
            outcomes.append(_of_share(name, prepared, folder, place, unbroken, share))
    return outcomes


def _unbroken(name: str, prepared: Path, folder: Path, place: Path) -> Unbroken:
    _fill(name, prepared, place)
    code, told = _run(name, prepared, folder, place)
    assert code in (0, 1) and "Traceback" not in told, told
    return Unbroken(code, LONG_COMMANDS[name].leaves(place), shutil.disk_usage(place).used)


def _of_share(
    name: str, prepared: Path, folder: Path, place: Path, unbroken: Unbroken, share: float
) -> str:
    _fill(name, prepared, place)
    ballast = place / "ballast"
    with ballast.open("wb") as file:
        room = int(unbroken.n_bytes * share)
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(place).free - room)
    code, told = _run(name, prepared, folder, place)
    if "Traceback" in told:
        return f"traceback: {told.strip().splitlines()[-1]}"
    if code == unbroken.exit_code and LONG_COMMANDS[name].leaves(place) == unbroken.leaves:
        return AS_UNBROKEN  # it needs less than it has written
    errors = [line for line in told.splitlines() if line.startswith("error: ")]
    if code != 1 or not errors or not any(word in errors[-1] for word in FULL):
        return f"exit code {code}: {told[-500:]}"
    goes_on = name == "predict calcium"  # which keeps what is done
    leavings = [path for path in place.rglob(".*") if path.name.endswith(LEAVINGS)]
    if leavings and not goes_on:
        return f"leftovers: {', '.join(str(path.relative_to(place)) for path in leavings)}"
    ballast.unlink()
    _enlarge(place)  # at work a command may need more than it leaves
    code, told = _run(name, prepared, folder, place)
    if code != unbroken.exit_code or "Traceback" in told:
        return f"with room: exit code {code}: {told[-500:]}"
    if LONG_COMMANDS[name].leaves(place) != unbroken.leaves:
        return "with room: other than unbroken"
    return AS_UNBROKEN


def _enlarge(place: Path) -> None:
    options = ["-o", f"remount,size={2**32}", str(place)]
    subprocess.run(["mount", *options], check=True, capture_output=True)


def _fill(name: str, prepared: Path, place: Path) -> None:
    """Links to what the command needs, which lies on another disk."""
    for made in results_of(prepared, LONG_COMMANDS[name].needs):
        if made.name == "mlruns":  # which it writes into, too
            shutil.copytree(made, place / made.name)
        elif not (place / made.name).is_symlink():
            (place / made.name).symlink_to(made)


def _run(name: str, prepared: Path, folder: Path, place: Path) -> tuple[int, str]:
    done = subprocess.run(
        [*RAPHE, *LONG_COMMANDS[name].words], cwd=place, env=environment(folder, prepared),
        capture_output=True, text=True, timeout=LONGEST_S, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr + done.stdout


def recorded() -> list[dict[str, str]]:
    if not RESULTS.exists():
        return []
    with RESULTS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def record(name: str, outcomes: list[str]) -> None:
    """Put a row a share into the table of results."""
    rows = [row for row in recorded() if row["command"] != name]
    for share, outcome in zip(SHARES, outcomes, strict=True):
        values = (name, f"{100 * share:g}", " ".join(outcome.split()))
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    with RESULTS.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--command", action="append", choices=list(LONG_COMMANDS))
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir(), "raphe-kills"))
    parser.add_argument("--record", action="store_true", help="write the table of results")
    arguments = parser.parse_args()
    n_faults = 0
    as_unbroken = {row["command"] for row in recorded() if row["outcome"] == AS_UNBROKEN}
    for name in arguments.command or [name for name in LONG_COMMANDS if name not in as_unbroken]:
        outcomes = tried(name, arguments.folder / "prepared", arguments.folder / "work")
        for share, outcome in zip(SHARES, outcomes, strict=True):
            n_faults += outcome != AS_UNBROKEN
            print(f"{name}: room for {100 * share:g} % of what it writes: {outcome}", flush=True)
        if arguments.record:
            record(name, outcomes)
    return int(n_faults > 0)


if __name__ == "__main__":
    raise SystemExit(main())
