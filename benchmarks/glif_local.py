"""Is the level-1 bundle right at single cells? Local checks (L-C2ST), and what they would find.

    python benchmarks/glif_local.py [--bundle BUNDLE] [--seed 12]

Simulated sweeps as `glif_bundle.py` makes them, of all kinds of stimuli together. The same draws
are checked once more after they were made too narrow or too wide, in the cells that fired alone.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from glif_cells import TABLE
from machine import options_of, write_tables

from raphe.core.bundles.shipped import shipped_bundle
from raphe.tasks.glif.ensemble.bundle import PosteriorBundle
from raphe.tasks.glif.evaluation.local_checks import TRIALS, check_locally
from raphe.tasks.glif.features.least_squares import estimate_quantities
from raphe.tasks.glif.metrics.names import INTERVALS
from raphe.tasks.glif.metrics.posterior_scores import PosteriorTest, coverage
from raphe.tasks.glif.synthetic.fitted_cells import read_cells
from raphe.tasks.glif.synthetic.quantities import quantities
from raphe.tasks.glif.synthetic.simulated_experiments import (
    Experiment,
    Population,
    RealCells,
    measure,
)
from raphe.tasks.glif.synthetic.typical_cells import typical_prior

AT_ONCE, DRAWS, LEVEL = 16, 300, 1
FAULTS = (1.0, 0.5, 1.5)  # how wide draws are made, in intervals as they should be
TOGETHER = (
    "cells", "that", "n", "correlation of draws", "of errors", "time constant's 50 / 80 / 95 % hold"
)  # fmt: skip
COLUMNS = ("cells", "draws", "fired, rejected", "silent, rejected", "p of so many in all")


def infer(
    bundle: PosteriorBundle, population: Population, n: int, seed: int
) -> tuple[PosteriorTest, np.ndarray]:
    """Of n cells in whole batches, each under one experiment; and the features (n, F)."""
    truths, draws, fired, features = [], [], [], []
    for number in range(-(-n // AT_ONCE)):
        measured = measure(population, Experiment(), AT_ONCE, seed, number, "test")
        rng = np.random.default_rng([seed, number])
        samples = bundle.infer(measured.traces, measured.rate_hz, DRAWS, rng).samples
        draws.append(bundle.scaler.standardised(samples))
        truths.append(bundle.scaler.standardised(measured.values))
        fired.append(measured.spike_count > 0)
        estimate = estimate_quantities(measured.traces, measured.rate_hz, bundle.scaler)
        features.append(estimate.features)
    truth = np.concatenate(truths)
    none = np.zeros(len(truth))
    test = PosteriorTest(truth, np.concatenate(draws, axis=1), none, none, np.concatenate(fired))
    return test, np.concatenate(features)


def row(
    name: str, test: PosteriorTest, features: np.ndarray, width: float, n: int
) -> tuple[str, ...]:
    """What local checks say of n cells whose draws are so wide where they fired."""
    mean = test.samples.mean(axis=0)
    scale = np.where(test.spiked, width, 1.0)[:, None]
    checks = check_locally(replace(test, samples=mean + scale * (test.samples - mean)), features, n)
    said = "as inferred" if width == 1 else f"{width:g} times as wide where a cell fired"
    shares = []
    for cells in (checks.spiked, ~checks.spiked):
        rejected = np.count_nonzero(checks.p[cells] < 0.05)
        shares.append(f"{rejected} of {np.count_nonzero(cells)}")
    return name, said, *shares, f"{checks.p_of_share:.2g}"


def together(name: str, test: PosteriorTest, deviation: np.ndarray) -> list[tuple[str, ...]]:
    """Whether capacitance and resistance are right together: their product is the time constant."""
    off, true_off = test.samples - test.samples.mean(axis=0), test.truth - test.samples.mean(axis=0)
    scale = off.std(axis=0)
    table = []
    for noun, cells in (("fired", test.spiked), ("silent", ~test.spiked)):
        claimed, truth = (
            np.mean((each / scale)[..., cells, :2].prod(axis=-1)) for each in (off, true_off)
        )
        draws, true = (each[..., cells, :2] @ deviation[:2] for each in (off, true_off))
        held = " / ".join(f"{coverage(draws, true, interval):.2f}" for interval in INTERVALS)
        table.append(
            (name, noun, str(np.count_nonzero(cells)), f"{claimed:.2f}", f"{truth:.2f}", held)
        )
    return table


def main() -> None:
    parser = options_of(__doc__, "glif_local")
    parser.add_argument("--table", type=Path, default=TABLE, help="of fitted cells")
    parser.add_argument("--bundle", type=Path, default=shipped_bundle("glif"))
    parser.add_argument("--cells", type=int, default=1024, help="that train the classifiers")
    parser.add_argument("--checked", type=int, default=100, help="of them")
    parser.add_argument("--seed", type=int, default=12, help="of what is simulated")
    options = parser.parse_args()
    if not options.table.exists():
        sys.exit(f"{options.table}: the table of fitted cells is not here; name it with --table")
    bundle = PosteriorBundle.open(options.bundle, 1)
    populations: dict[str, Population] = {
        "typical neurons": typical_prior(LEVEL),
        "models fitted to real cells": RealCells(read_cells(options.table, LEVEL)),
    }
    rows: list[tuple[str, ...]] = []
    pairs: list[tuple[str, ...]] = []
    assert [quantity.name for quantity in quantities(LEVEL)[:2]] == ["capacitance", "resistance"]
    for name, population in populations.items():
        test, features = infer(bundle, population, options.cells, options.seed)
        pairs += together(name, test, bundle.scaler.deviation)
        for width in FAULTS if name.startswith("typical") else (1.0,):
            rows.append(row(name, test, features, width, options.checked))
            print(*rows[-1], sep="\t", flush=True)
    write_tables(
        options.output,
        "Is the level-1 bundle right at single cells?",
        f"Local checks (L-C2ST) of the bundle that comes with raphe: {options.cells} simulated "
        f"cells, {AT_ONCE} under one experiment, seed {options.seed}, {options.checked} of them "
        f"checked, {DRAWS} draws each, {TRIALS} trials by chance; rejected at p < 0.05, which 5 % "
        "are by chance in the mean over test sets. One classifier judges all cells of a row, which "
        "fall together: the last column says how often so many are rejected by chance. The same "
        "draws made too narrow or too wide, where a cell fired, show what would be found.",
        {
            "## Local checks": (COLUMNS, rows),
            "## Capacitance and resistance together": (TOGETHER, pairs),
        },
    )


if __name__ == "__main__":
    main()
