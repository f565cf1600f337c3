"""How often the intervals of fitted GLIF neurons hold the truth: noises by stimuli.

    python benchmarks/glif_noises.py --minutes 20      stop then; the same command goes on
    python benchmarks/glif_noises.py --level 3

As glif_levels.py, of one level, under each noise and each kind of current. No noise but the white
one and the Ornstein-Uhlenbeck processes is of the form that the fit assumes.
"""

import sys
from pathlib import Path

import numpy as np
from glif_cells import (
    NOISES,
    STIMULI,
    TABLE,
    Case,
    covered,
    found_of,
    read_cases,
    run_cases,
)
from machine import REPOSITORY, Table, options_of, write_tables

from raphe.tasks.glif.synthetic.quantities import quantities

PERCENT = (50, 80, 95)


def main() -> None:
    parser = options_of(__doc__, "glif_noises")
    parser.add_argument("--table", type=Path, default=TABLE, help="of fitted cells")
    parser.add_argument("--level", type=int, default=1)
    parser.add_argument("--cells", type=int, default=40, help="under each noise and current")
    parser.add_argument("--minutes", type=float, default=20, help="to fit for, in this call")
    folder = REPOSITORY / "build" / "glif_noises"
    parser.add_argument("--folder", type=Path, default=folder, help="of what is finished")
    options = parser.parse_args()
    if not options.table.exists():
        sys.exit(f"{options.table}: the table of fitted cells is not here; name it with --table")
    kept = options.folder / "cases.jsonl"
    noises = [noise for noise in NOISES if noise != "none"]
    cases = [
        Case(options.level, cell, stimulus, noise)
        for cell in range(options.cells) for stimulus in STIMULI for noise in noises
    ]  # fmt: skip
    run_cases(cases, options.table, kept, options.minutes)
    records = [r for r in read_cases(kept) if r["key"].startswith(f"{options.level}/")]
    tables: dict[str, Table] = {}
    for noise in noises:
        own = [r for r in records if r["key"].split("/")[3] == noise]
        if own:
            tables[f"## {noise}"] = _of_noise(own, options.level)
    write_tables(
        options.output,
        "Intervals of fitted GLIF neurons under noises and stimuli",
        f"level {options.level}, fits to one simulated sweep of models of held-back specimens "
        "(`glif_cells.csv`, Teeter et al. 2018), 20 kHz. The share of central 50, 80 and 95 % "
        "intervals that hold the truth; the bar is within 5 points.",
        tables,
    )


def _of_noise(records: list[dict], level: int) -> Table:
    rows = []
    for stimulus in STIMULI:
        own = [r for r in records if r["key"].split("/")[2] == stimulus]
        if not own:
            continue
        found = found_of(own, level)
        below = [found[quantity.noun]["below"] for quantity in quantities(level)]
        shares = [_shares(each) for each in below]
        rows.append((stimulus, len(below[0]), *shares, _shares(np.concatenate(below))))
    columns = ("stimulus", "cells", *(quantity.noun for quantity in quantities(level)), "all")
    return columns, rows


def _shares(below: np.ndarray) -> str:
    return " / ".join(f"{covered(below, percent):.2f}" for percent in PERCENT)


if __name__ == "__main__":
    main()
