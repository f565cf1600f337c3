"""What the benchmarks share: what machine this was, alternating repeats, one table a result."""

import argparse
import datetime
import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

REPOSITORY = Path(__file__).parent.parent
RESULTS = REPOSITORY / "benchmarks" / "results"
KERAS = REPOSITORY / ".venv-keras" / "bin" / "python"


def processor() -> str:
    """The processor's name; its architecture where the system does not tell the name."""
    cpuinfo = Path("/proc/cpuinfo")
    for line in cpuinfo.read_text().splitlines() if cpuinfo.exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def header(extra: str = "") -> str:
    """Date, processor, cores and versions, and then what only this benchmark knows."""
    measured = (
        f"{datetime.date.today()}, {processor()}, {os.cpu_count()} cores, torch "
        f"{torch.__version__}, numpy {np.__version__}, Python {platform.python_version()}"
    )
    return f"{measured}; {extra}" if extra else measured


def options_of(description: str | None, name: str, peer: bool = False) -> argparse.ArgumentParser:
    """The options of every benchmark: where its table goes, and where it has one, the peer."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    table = RESULTS / f"{name}.md"
    parser.add_argument("--output", type=Path, default=table, help=f"the table ({table.name})")
    if peer:
        text = "python with requirements-keras.txt (default: the one that `make bench` installs)"
        parser.add_argument("--keras", type=Path, default=KERAS, help=text)
    return parser


def alternate(
    repeats: int, *timed: Callable[[], object], before: Callable[[], object] = lambda: None
) -> np.ndarray:
    """Seconds (repeats, len(timed)): each in turn, so that a slow minute slows them all.

    `before` runs untimed ahead of each.
    """
    seconds = np.empty((repeats, len(timed)))
    for row in seconds:
        for column, run in enumerate(timed):
            before()
            begun = time.perf_counter()
            run()
            row[column] = time.perf_counter() - begun
    return seconds


def run_peer(python: Path, script: str, *arguments: object) -> dict:
    """Run a script of this folder in the peer's environment: the JSON of its last line."""
    command = [python, REPOSITORY / "benchmarks" / script, *arguments]
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def spread(values: Sequence[float] | np.ndarray, digits: int = 2) -> str:
    """Median and range, as `2.52 (2.28–2.61)`."""
    low, middle, high = np.min(values), np.median(values), np.max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


Table = tuple[Sequence[str], Sequence[Sequence[object]]]  # columns and rows


def write_table(
    path: Path, title: str, about: str, columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    """One Markdown file: title, header(about), table."""
    write_tables(path, title, about, {"": (columns, rows)})


def write_tables(path: Path, title: str, about: str, tables: Mapping[str, Table]) -> None:
    """One Markdown file: title, header(about), and each table below the text that it goes by."""
    parts = [f"# {title}", header(about)]
    for text, (columns, rows) in tables.items():
        lines = [columns, ["---"] * len(columns), *rows]
        parts += [text, "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(filter(None, parts)) + "\n", encoding="utf-8")
    print("\n\n".join(filter(None, parts[2:])))
