"""GLIF levels 1 to 5 fitted to simulated sweeps of real cells' models that no prior has seen.

    python benchmarks/glif_levels.py --minutes 20      stop then; the same command goes on
    python benchmarks/glif_levels.py --cells 40        of each level

The models are those of the specimens that task=glif holds back. A sweep is pink noise at half, one
and one and a half rheobases; spikes are predicted for another one. What is finished is kept below
--folder. The table of cells is not the project's to hand on: where it is absent the benchmark says
so and ends.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from glif_cells import (
    NOISES,
    TABLE,
    Case,
    covered,
    found_of,
    r_squared,
    read_cases,
    run_cases,
)
from machine import REPOSITORY, Table, options_of, write_tables

from raphe.tasks.glif.neurons.models import LEVELS
from raphe.tasks.glif.synthetic.quantities import LOG, PLAIN, quantities

USED = ("none", "white 0.15 mV", "OU 0.15 mV, 10 ms")


def main() -> None:
    parser = options_of(__doc__, "glif_levels")
    parser.add_argument("--table", type=Path, default=TABLE, help="of fitted cells")
    parser.add_argument("--cells", type=int, default=40, help="of each level")
    parser.add_argument("--minutes", type=float, default=20, help="to fit for, in this call")
    folder = REPOSITORY / "build" / "glif_levels"
    parser.add_argument("--folder", type=Path, default=folder, help="of what is finished")
    options = parser.parse_args()
    if not options.table.exists():
        sys.exit(f"{options.table}: the table of fitted cells is not here; name it with --table")
    assert set(USED) <= set(NOISES)
    cases = [
        Case(level, cell, "pink noise", noise)
        for cell in range(options.cells) for noise in USED for level in LEVELS
    ]  # fmt: skip
    kept = options.folder / "cases.jsonl"
    run_cases(cases, options.table, kept, options.minutes)
    records = read_cases(kept)
    published = _published(options.table)
    tables: dict[str, Table] = {"": _summary(records, published)}
    for level in LEVELS:
        for noise in USED:
            own = [r for r in records if _is(r["key"], level, noise)]
            if own:
                tables[f"## Level {level}, noise: {noise}"] = _of_level(own, level)
    write_tables(
        options.output,
        "GLIF levels by what is known",
        "fits of `raphe.tasks.glif.features.level_fit` to one simulated sweep of 7.6 s, 20 kHz, of "
        "models of held-back specimens (`glif_cells.csv`, Teeter et al. 2018). R² and errors on "
        "each quantity's scale (logarithms of positive ones); coverage of the central 50, 80 and "
        "95 % intervals. Told: not reported as 'not told by this stimulus'.",
        tables,
    )


def _is(key: str, level: int, noise: str) -> bool:
    parts = key.split("/")
    return parts[0] == str(level) and parts[3] == noise


def _published(table: Path) -> dict[tuple[str, str], float]:
    """Explained variance ratio of the recorded spikes under Noise 2, by specimen and level."""
    with table.open(encoding="utf-8") as file:
        return {
            (row["specimen_id"], row["glif_level"]): float(row["ev_ratio_noise2_10ms"] or "nan")
            for row in csv.DictReader(file)
        }


def _summary(records: list[dict], published: dict[tuple[str, str], float]) -> Table:
    rows = []
    for level in LEVELS:
        for noise in USED:
            own = [r for r in records if _is(r["key"], level, noise) and not r["stopped"]]
            if not own:
                continue
            explained = np.array([record["explained"] for record in own])
            theirs = [published[record["specimen"], str(level)] for record in own]
            rows.append((
                level, noise, len(own), int(np.median([record["spikes"] for record in own])),
                f"{np.nanmedian(explained):.3f}", f"{np.nanpercentile(explained, 10):.3f}",
                f"{np.nanmedian(theirs):.2f}",
                f"{np.median([record['seconds'] for record in own]):.1f}",
                sum(record["apart"] > 1.2 for record in own),
            ))  # fmt: skip
    columns = (
        "level", "noise", "cells", "spikes", "explained variance at 10 ms, other noise: median",
        "its 10th percentile", "published ratio, of the real cell's spikes", "processor s a cell",
        "walks that did not settle",
    )  # fmt: skip
    return columns, rows


def _of_level(records: list[dict], level: int) -> Table:
    rows = []
    found = found_of(records, level)
    for quantity in quantities(level):
        one = found[quantity.noun]
        told = one["told"]
        error = np.abs(one["median"] - one["truth"])[told]
        unit = {LOG: "log units", PLAIN: quantity.lab_unit}.get(quantity.scale, "asinh units")
        factor = quantity.in_lab if quantity.scale is PLAIN else 1.0
        coverage = " / ".join(f"{covered(one['below'], c):.2f}" for c in (50, 80, 95))
        rows.append((
            quantity.noun, f"{told.sum()} of {len(told)}",
            f"{r_squared(one['truth'][told], one['median'][told]):.4f}",
            f"{factor * np.median(error):.2g} {unit}".strip() if told.any() else "–", coverage,
        ))  # fmt: skip
    return ("quantity", "told", "R² where told", "median error", "coverage, all cells"), rows


if __name__ == "__main__":
    main()
