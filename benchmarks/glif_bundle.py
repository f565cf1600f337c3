"""What the level-1 bundle reaches, stimulus by stimulus: R², coverage and ranks of the truth.

    python benchmarks/glif_bundle.py [--bundle BUNDLE] [--seed 11]

Simulated sweeps of typical neurons, of which the prior is that of training, and of the models
fitted to real cells, which no training saw. A seed of its own, so that neither training nor the
choice between bundles has seen these traces.
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from glif_cells import TABLE
from machine import Table, options_of, write_tables
from scipy.stats import kstest

from raphe.core.bundles.shipped import shipped_bundle
from raphe.tasks.glif.ensemble.bundle import PosteriorBundle
from raphe.tasks.glif.metrics.names import INTERVALS
from raphe.tasks.glif.metrics.posterior_scores import coverage, r_squared
from raphe.tasks.glif.synthetic.fitted_cells import read_cells
from raphe.tasks.glif.synthetic.quantities import SUBTHRESHOLD, quantities
from raphe.tasks.glif.synthetic.simulated_experiments import (
    FAMILIES,
    Experiment,
    Population,
    RealCells,
    measure,
)
from raphe.tasks.glif.synthetic.typical_cells import typical_prior

AT_ONCE, DRAWS, LEVEL = 16, 300, 1
COLUMNS = ("stimulus", "quantity", "cells", "R²", "coverage 50 / 80 / 95 %", "ranks off by")


@dataclass(frozen=True, eq=False)
class Inferred:
    """Of M cells, standardised."""

    truths: np.ndarray  # float64 (M, P)
    draws: np.ndarray  # float64 (S, M, P)
    fired: np.ndarray  # bool (M,)


def infer(
    bundle: PosteriorBundle, population: Population, experiment: Experiment, n: int, seed: int
) -> Inferred:
    """n cells in whole batches, each under one experiment."""
    truths, draws, fired = [], [], []
    for number in range(-(-n // AT_ONCE)):
        measured = measure(population, experiment, AT_ONCE, seed, number, "test")
        rng = np.random.default_rng([seed, number])
        samples = bundle.infer(measured.traces, measured.rate_hz, DRAWS, rng).samples
        draws.append(bundle.scaler.standardised(samples))
        truths.append(bundle.scaler.standardised(measured.values))
        fired.append(measured.spike_count > 0)
    return Inferred(np.concatenate(truths), np.concatenate(draws, axis=1), np.concatenate(fired))


def rows(stimulus: str, found: Inferred) -> list[tuple[str, ...]]:
    """One a quantity; those that show in spikes are of the cells that fired."""
    rng, table = np.random.default_rng(0), []
    for column, quantity in enumerate(quantities(LEVEL)):
        cells = found.fired | (quantity.name in SUBTHRESHOLD)
        truth, draws = found.truths[cells, column], found.draws[:, cells, column]
        held = " / ".join(f"{coverage(draws, truth, interval):.2f}" for interval in INTERVALS)
        ranks = ((draws < truth).sum(axis=0) + rng.uniform(size=len(truth))) / (len(draws) + 1)
        off = kstest(ranks, "uniform")
        r2 = r_squared(np.median(draws, axis=0), truth)
        table.append(
            (stimulus, quantity.noun, str(len(truth)), f"{r2:.4f}", held,
             f"{off.statistic:.3f} (p {off.pvalue:.2g})")
        )  # fmt: skip
    return table


def main() -> None:
    parser = options_of(__doc__, "glif_bundle")
    parser.add_argument("--table", type=Path, default=TABLE, help="of fitted cells")
    parser.add_argument("--bundle", type=Path, default=shipped_bundle("glif"))
    parser.add_argument("--cells", type=int, default=512, help="of each kind of stimulus")
    parser.add_argument("--seed", type=int, default=11, help="of what is simulated")
    options = parser.parse_args()
    if not options.table.exists():
        sys.exit(f"{options.table}: the table of fitted cells is not here; name it with --table")
    bundle = PosteriorBundle.open(options.bundle, 1)
    populations: dict[str, Population] = {
        "Typical neurons": typical_prior(LEVEL),
        "Models fitted to real cells": RealCells(read_cells(options.table, LEVEL)),
    }
    tables: dict[str, Table] = {}
    for name, population in populations.items():
        table: list[tuple[str, ...]] = []
        for family in FAMILIES:
            experiment = replace(Experiment(), families=(family,))
            found = infer(bundle, population, experiment, options.cells, options.seed)
            table += rows(family.replace("_", " "), found)
            print(*table[-len(quantities(LEVEL)) :], sep="\n", flush=True)
        tables[f"## {name}"] = (COLUMNS, table)
    trained = ", ".join(bundle.manifest["experiment"]["families"]).replace("_", " ")
    write_tables(
        options.output,
        "What the level-1 bundle reaches under each kind of stimulus",
        f"The bundle that comes with raphe, trained under {trained}; {options.cells} simulated "
        f"cells of each kind, {AT_ONCE} under one experiment, {DRAWS} draws each, seed "
        f"{options.seed}; 0.5 to 2.5 s at 5, 10 or 20 kHz, white noise up to 0.2 mV. Threshold and "
        "dead time are of the cells that fired. Ranks off by: the largest distance of the truths' "
        "ranks among the draws from uniform ones (Kolmogorov-Smirnov; cells under one experiment "
        "are alike, so that the p in brackets is too small).",
        tables,
    )


if __name__ == "__main__":
    main()
