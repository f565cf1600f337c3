"""Is a posterior right at a single cell? The local classifier two-sample test of sbi, on demand.

Ranks and coverage are of all cells together: a posterior that is too narrow for some cells and too
wide for others may pass both. L-C2ST (Linhart, Gramfort & Rodrigues 2023, arXiv 2306.03580) trains
a classifier to tell true quantities from draws, beside the features of each trace, and asks how far
it can at one cell. How far by chance is told by trials in which a draw of each cell's own posterior
stands where its truth stood: if the posterior is right these are alike, so that p is exact. Labels
dealt at random would part the two rows of a trace.

M cells of a test set, K of them checked, S draws, P quantities, F features, H trials.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import torch

from raphe.core.errors import SettingError
from raphe.core.files.csv_text import csv_text
from raphe.tasks.glif.metrics.posterior_scores import PosteriorTest

TRIALS = 100  # classifiers that are told draws for truth
SIGNIFICANT = 0.05
# sbi's default ends early by the accuracy at a tenth of the cells, which is chance for hundreds of
# them: most classifiers end untrained. Found on Gaussian posteriors of known faults.
CLASSIFIER = {
    "solver": "lbfgs", "hidden_layer_sizes": (20, 20), "alpha": 1.0, "max_iter": 100,
    "early_stopping": False, "random_state": 1,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class LocalChecks:
    """Of K cells. The statistic is the mean square of the classifier's probability less 1/2."""

    cells: np.ndarray  # int64 (K,): their places in the test set
    spiked: np.ndarray  # bool (K,)
    statistic: np.ndarray  # float64 (K,)
    by_chance: np.ndarray  # float64 (K,): what it stays below in 95 % of the trials
    p: np.ndarray  # float64 (K,): of so large a statistic by chance; 1 / (trials + 1) at least
    p_of_share: float  # of so many rejected cells by chance: one classifier judges them together

    @property
    def rejected(self) -> float:
        """Share of the cells whose posterior is told from the truth; 0.05 by chance."""
        return float((self.p < SIGNIFICANT).mean())

    def csv(self) -> str:
        """One row a cell."""
        rows = zip(self.cells, self.spiked, self.statistic, self.by_chance, self.p, strict=True)
        return csv_text(
            ["cell", "spiked", "statistic", "statistic_95_by_chance", "p"],
            ([cell, int(spiked), *(f"{x:.4g}" for x in rest)] for cell, spiked, *rest in rows),
        )


def check_locally(
    test: PosteriorTest, features: np.ndarray, n_cells: int, trials: int = TRIALS
) -> LocalChecks:
    """Check n_cells, spread evenly over the test set; all of its cells train the classifiers.

    Args:
        test: the posteriors and the truth.
        features: float (M, F) of the traces, see `least_squares`.
        n_cells: K.
        trials: H, how many classifiers are told draws for truth.

    Raises:
        SettingError: more cells than the set has, or fewer than two draws a trial.
    """
    n_samples, n = test.samples.shape[:2]
    if n_cells > n:
        raise SettingError(
            f"evaluate.local={n_cells}: expected at most the {n} cells of a test set; raise "
            "data.n_test"
        )
    if n_samples < 2 * trials:
        raise SettingError(
            f"evaluate.local={n_cells}: expected {2 * trials} draws of each posterior or more, got "
            f"{n_samples}; raise model.n_samples"
        )
    claims, draws = in_units(test, trials)
    known = torch.from_numpy(features).float()
    cells = np.linspace(0, n - 1, n_cells).round().astype(int)
    statistics = np.stack([_statistics(claim, draws, known, cells) for claim in claims])
    p = np.stack([(statistics >= each).mean(axis=0) for each in statistics])  # (1 + H, K)
    shares = (p < SIGNIFICANT).mean(axis=1)
    by_chance = np.percentile(statistics[1:], 95, axis=0)
    return LocalChecks(
        cells,
        test.spiked[cells],
        statistics[0],
        by_chance,
        p[0],
        float((shares >= shares[0]).mean()),
    )


def in_units(test: PosteriorTest, trials: int) -> tuple[torch.Tensor, torch.Tensor]:
    """What is told for truth, float (1 + H, M, P), the truth first, then a draw for each trial; and
    the other draws (S - H, M, P). Each cell's in units of its own posterior: posteriors are a
    thousand times narrower than the prior, and no classifier would see their shape beside it.

    The units are of the other draws, so that truth and trials are alike if the posterior is right.
    """
    others = test.samples[trials:].astype(np.float64)
    mean = others.mean(axis=0)  # (M, P)
    off = others - mean
    covariance = np.einsum("smp,smq->mpq", off, off) / (len(off) - 1)
    to_units = np.linalg.inv(np.linalg.cholesky(covariance))  # (M, P, P)
    claims = np.concatenate([test.truth[None], test.samples[:trials]]) - mean
    return tuple(
        torch.from_numpy(np.einsum("mpq,smq->smp", to_units, each)).float()
        for each in (claims, off)
    )


def _statistics(
    claim: torch.Tensor, draws: torch.Tensor, known: torch.Tensor, cells: np.ndarray
) -> np.ndarray:
    """Of a classifier of this claim (M, P) and the first draws, at K cells."""
    from sbi.diagnostics.lc2st import LC2ST  # sbi loads for seconds

    check = LC2ST(claim, known, draws[0], z_score=True, classifier_kwargs=dict(CLASSIFIER))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "lbfgs failed to converge")  # it is to end by then
        check.train_on_observed_data(verbosity=0)
    at = [check.get_statistic_on_observed_data(draws[1:, cell], known[cell]) for cell in cells]
    return np.array(at)
