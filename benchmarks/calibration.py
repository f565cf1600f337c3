"""Which calibration helps with few held-out cells: ways to fit one, against ways of being wrong.

    python benchmarks/calibration.py

Closed forms first: logits of each class are normal, so the true probability is known and the errors
are exact, without bins and without test cells. Then a trained ensemble on simulated cells of new
days, some drawn to calibrate on and the rest to test with.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from calibration_cells import CELLS, Cells, EnsembleCells, Score, ensemble_cells
from calibration_ways import FITS, TWO_CLASSES_ALONE, Fit
from machine import Table, options_of, write_tables
from simulated_ensemble import add_folder

from raphe.core.progress import progress

COUNTS = (10, 15, 20, 30, 44, 80, 150)
TEST_CELLS = 300  # of whose figures the noise is told


@dataclass(frozen=True)
class Row:
    """Scores of each way, over seeds, with n cells to calibrate on."""

    cells: Cells
    n: int
    scores: Mapping[str, Sequence[Score]]
    slopes: Mapping[str, Sequence[float]]

    def mean(self, way: str, figure: str) -> float:
        return float(np.mean([getattr(score, figure) for score in self.scores[way]]))

    def excess(self, way: str, figure: str) -> float:
        """Above that of no calibration."""
        return self.mean(way, figure) - self.mean("none", figure)

    @property
    def noise(self) -> float:
        """Standard error of the uncalibrated NLL over a test of TEST_CELLS."""
        return float(np.mean([score.nll_sd for score in self.scores["none"]])) / TEST_CELLS**0.5

    def quartiles(self, way: str) -> str:
        """Of the slopes: median (first to third)."""
        if way not in self.slopes:
            return "–"
        low, middle, high = np.quantile(self.slopes[way], (0.25, 0.5, 0.75))
        return f"{middle:.2f} ({low:.2f}–{high:.2f})"

    def with_spread(self, way: str, figure: str) -> str:
        """Mean (SD over seeds)."""
        if way not in self.scores:
            return "–"
        values = [getattr(score, figure) for score in self.scores[way]]
        return f"{np.mean(values):.3f} ({np.std(values):.3f})"


def measured(cells: Cells, n: int, ways: Mapping[str, Fit], seeds: int) -> Row:
    """Each way fitted to the same n cells of each seed."""
    possible = [way for way in ways if cells.n_classes == 2 or way not in TWO_CLASSES_ALONE]
    scores: dict[str, list[Score]] = {way: [] for way in possible}
    slopes: dict[str, list[float]] = {way: [] for way in possible}
    for seed in range(seeds):
        probability, label, drawn = cells.draw(n, np.random.default_rng(seed))
        for way in possible:
            rescaling = ways[way](probability, label)
            scores[way].append(cells.score(rescaling, drawn))
            slopes[way].append(getattr(rescaling, "slope", np.nan))
    return Row(cells, n, scores, slopes)


def overall(rows: Sequence[Row], ways: Sequence[str]) -> list[list[str]]:
    """What each way comes to over all rows: it may gain, and must not harm."""
    lines = []
    for way in ways:
        scored = [row for row in rows if way in row.scores]
        means, worst = [], []
        for figure in ("ece", "nll"):
            means.append(np.mean([row.excess(way, figure) for row in scored]))
            row = max(scored, key=lambda row: row.excess(way, figure))
            worst.append(f"{row.excess(way, figure):+.3f} ({row.cells.name}; {row.n})")
        beyond = sum(row.excess(way, "nll") > row.noise for row in scored)
        lines.append(
            [way, *(f"{mean:+.3f}" for mean in means), *worst, f"{beyond} of {len(scored)}"]
        )
    return lines


def tables(rows: Sequence[Row]) -> dict[str, Table]:
    ways = list(dict.fromkeys(way for row in rows for way in row.scores))
    figures = {
        "Expected calibration error, mean (SD over draws).": "ece",
        "Negative log likelihood, mean (SD over draws).": "nll",
        "Brier score, mean (SD over draws).": "brier",
    }
    overall_head = [
        "way", "ECE less none, mean over rows", "NLL", "ECE less none, worst row", "NLL",
        "rows with an NLL above none by more than its standard error",
    ]  # fmt: skip
    made: dict[str, Table] = {
        "All rows of the tables below together. ECE: expected calibration error; NLL: negative log "
        "likelihood, the mean of −ln P(true class). The standard error is that of the uncalibrated "
        "NLL over 300 cells: what a test can see.": (overall_head, overall(rows, ways))
    }
    for text, figure in figures.items():
        made[text] = (
            ["cells", "n", *ways],
            [
                [row.cells.name, row.n, *(row.with_spread(way, figure) for way in ways)]
                for row in rows
            ],
        )
    sloped = [way for way in ways if np.isfinite(rows[0].slopes[way]).all()]
    made["Slope, median (quartiles over draws). Where logits are × f, the right one is 1/f."] = (
        ["cells", "n", *sloped],
        [[row.cells.name, row.n, *(row.quartiles(way) for way in sloped)] for row in rows],
    )
    return made


def main() -> None:
    parser = options_of(__doc__, "calibration")
    add_folder(parser)
    parser.add_argument("--seeds", type=int, default=60, help="draws a row (%(default)s)")
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, help="validation cells")
    parser.add_argument("--no-ensemble", action="store_true", help="closed forms alone")
    options = parser.parse_args()
    cells = list(CELLS)
    if not options.no_ensemble:
        with TemporaryDirectory() as scratch:
            cells = ensemble_cells(options.folder, Path(scratch)) + cells
    # A likelihood without an optimum is the point of some ways, not a fault to be warned of.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grid = [(kind, n) for kind in cells for n in options.counts]
        rows = [measured(kind, n, FITS, options.seeds) for kind, n in progress(grid, "rows")]
    floors = [
        f"{kind.name} {kind.floor(min(options.counts), np.random.default_rng(0)):.3f}"
        for kind in cells
        if isinstance(kind, EnsembleCells)
    ]
    about = (
        f"seeds 0 to {options.seeds - 1}, n cells drawn to calibrate on, as many of each class as "
        "a split gives; behind prior: the SD of the log slope, and of each class's offset. Hard "
        "targets often have no optimum: then their slope is where the search ended"
    )
    if floors:
        about += (
            ". Of the ensemble, ECE is over 10 bins of the cells not drawn and so above 0 even of "
            f"exactly right probabilities: then it would be, of {'; '.join(floors)}"
        )
    write_tables(options.output, "Calibration with few validation cells", about, tables(rows))


if __name__ == "__main__":
    main()
