"""Try a reader on thousands of damaged files, each in a process that may crash or hang.

    PYTHONPATH=tests python -m faults.fuzz abf --mutations 10000
    PYTHONPATH=tests python -m faults.fuzz abf --only 1234        one of them, with its traceback

Results go to results/fuzz.csv, which docs/faults.md is made of.
"""

import argparse
import csv
import ctypes
import importlib
import multiprocessing
import pkgutil
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from faults import readers
from faults.mutations import drawn, mutated
from faults.reader import LONGEST_S, Attempt, Reader, attempt

BATCH = 250  # files that one process reads before the next takes over
M_PERTURB, JUNK = -6, 0xA5  # of glibc: what new memory holds, so that none is read unwritten unseen
# And what is freed goes back at once, whatever the process that this one was forked from had asked.
GOES_BACK = {-1: 2**17, -3: 2**17}  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD, bytes
MOST_MEMORY = 6 * 10**9  # of a process: the machine has others to run
RESULTS = Path(__file__).with_name("results") / "fuzz.csv"
COLUMNS = ("reader", "mutations", "read", "refused", "faults", "seconds")


@dataclass
class Trial:
    """What came of a reader's damaged files."""

    reader: str
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[int, Attempt]] = field(default_factory=list)  # by number of the file
    seconds: float = 0.0

    def add(self, number: int, result: Attempt) -> None:
        self.outcomes[result.outcome] += 1
        if result.is_fault:
            self.faults.append((number, result))


def names() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(readers.__path__))


def reader_of(name: str) -> Reader:
    return importlib.import_module(f"faults.readers.{name}").READER


def seeds_of(reader: Reader, folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    return list(reader.seeds(folder))


def damaged(reader: Reader, seeds: list[Path], folder: Path, number: int) -> Path:
    """The file (or the folder that holds it) of this number, written in `folder`."""
    rng = random.Random(number)
    seed = seeds[number % len(seeds)]
    if reader.beside:
        place = folder / "tried"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(seed, place)
        file = place / reader.beside
        file.write_bytes(mutated(file.read_bytes(), drawn(rng)))
        return place
    file = folder / f"tried{reader.suffix or seed.suffix}"
    file.unlink(missing_ok=True)
    file.write_bytes(mutated(seed.read_bytes(), drawn(rng)))
    return file


def tried(name: str, numbers: range, folder: Path) -> Trial:
    """Read the damaged files of these numbers."""
    reader = reader_of(name)
    trial, begun = Trial(name), time.monotonic()
    seeds = seeds_of(reader, folder / "seeds")
    for path in seeds:
        whole = attempt(reader, path)
        assert whole.outcome == "read", f"{name}: the whole {path.name} was {whole}"
    waiting = list(numbers)
    while waiting:
        for number, result in _in_child(reader, seeds, folder, waiting[:BATCH]):
            trial.add(number, result)
            waiting.remove(number)
    trial.seconds = time.monotonic() - begun
    return trial


def _in_child(
    reader: Reader, seeds: list[Path], folder: Path, numbers: list[int]
) -> Iterator[tuple[int, Attempt]]:
    """Results as they come, until the process is through, crashes or hangs."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_read_all, args=(reader, seeds, folder, numbers, theirs))
    child.start()
    theirs.close()
    for number in numbers:
        try:
            answered = ours.poll(LONGEST_S)
            result = ours.recv() if answered else None
        except EOFError:
            child.join()
            yield number, Attempt("crash", f"exit code {child.exitcode}", is_fault=True)
            return
        if result is None:
            child.kill()
            child.join()
            yield number, Attempt("hang", f"more than {LONGEST_S:g} s", is_fault=True)
            return
        yield number, result
    child.join()


def _read_all(
    reader: Reader, seeds: list[Path], folder: Path, numbers: list[int], to: Connection
) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    if sys.platform == "linux":  # else a library's wild pointers depend on what was read before
        for option, value in {M_PERTURB: JUNK, **GOES_BACK}.items():
            ctypes.CDLL(None).mallopt(option, value)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout = sys.stderr = Path("/dev/null").open("w", encoding="utf-8")  # noqa: SIM115
    for number in numbers:
        result = attempt(reader, damaged(reader, seeds, folder, number), in_child=True)
        if result.outcome == "memory" and sys.platform == "linux":
            # Junk fills what a library asks for and never touches, which takes no memory.
            ctypes.CDLL(None).mallopt(M_PERTURB, 0)
            result = attempt(reader, damaged(reader, seeds, folder, number), in_child=True)
            ctypes.CDLL(None).mallopt(M_PERTURB, JUNK)
        to.send(result)


def record(trial: Trial, first: int) -> None:
    """Put the reader's row into the table, or add to that of a run that ended at `first`."""
    rows = {}
    if RESULTS.exists():
        with RESULTS.open(encoding="utf-8", newline="") as file:
            rows = {row["reader"]: row for row in csv.DictReader(file)}
    counts = {
        "mutations": sum(trial.outcomes.values()),
        "read": trial.outcomes["read"],
        "refused": trial.outcomes["refused"],
        "faults": len(trial.faults),
        "seconds": round(trial.seconds),
    }
    earlier = rows.get(trial.reader, {"mutations": "0"})
    if first and int(earlier["mutations"]) == first:
        counts = {name: count + int(earlier[name]) for name, count in counts.items()}
    rows[trial.reader] = {"reader": trial.reader, **counts}
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows[name] for name in sorted(rows))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("reader", choices=[*names(), "all"])
    parser.add_argument("--mutations", type=int, default=300)
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    parser.add_argument("--only", type=int, help="number of the one file to try")
    parser.add_argument("--keep", type=Path, help="folder for the files that went wrong")
    parser.add_argument("--record", action="store_true", help="write the table of results")
    arguments = parser.parse_args()
    n_faults = 0
    for name in names() if arguments.reader == "all" else [arguments.reader]:
        numbers = range(arguments.first, arguments.first + arguments.mutations)
        if arguments.only is not None:
            numbers = range(arguments.only, arguments.only + 1)
        with tempfile.TemporaryDirectory() as folder:
            trial = tried(name, numbers, Path(folder))
            _tell(trial)
            if arguments.keep and trial.faults:
                _keep(trial, Path(folder), arguments.keep)
        if arguments.record:
            record(trial, arguments.first)
        n_faults += len(trial.faults)
    return int(n_faults > 0)


def _tell(trial: Trial) -> None:
    outcomes = ", ".join(f"{n} {outcome}" for outcome, n in sorted(trial.outcomes.items()))
    print(f"{trial.reader}: {outcomes}, {trial.seconds:.0f} s")
    seen: Counter[str] = Counter()
    for number, fault in trial.faults:
        kind = fault.detail.strip().splitlines()[-1] if fault.detail else fault.outcome
        seen[kind] += 1
        if seen[kind] == 1:
            print(f"--- number {number}: {fault.outcome}\n{fault.detail}")


def _keep(trial: Trial, folder: Path, where: Path) -> None:
    reader = reader_of(trial.reader)
    seeds = sorted((folder / "seeds").iterdir())
    where.mkdir(parents=True, exist_ok=True)
    for number, _ in trial.faults[:20]:
        path = damaged(reader, seeds, folder, number)
        shutil.move(path, where / f"{trial.reader}-{number}{reader.suffix}")


if __name__ == "__main__":
    sys.exit(main())
