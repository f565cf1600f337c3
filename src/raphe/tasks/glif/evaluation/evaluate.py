"""A tested posterior beside its baselines: parameters, calibration, and what its neurons do.

M cells of a test set, P quantities, S samples.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from scipy.stats import kstest

from raphe.core.figure_style import STYLE
from raphe.tasks.glif.evaluation.baselines import Baseline, baselines
from raphe.tasks.glif.evaluation.figures import calibration_figure, examples_figure, recovery_figure
from raphe.tasks.glif.evaluation.tables import (
    cells_csv,
    comparison_csv,
    mean_figures,
    quantities_csv,
)
from raphe.tasks.glif.metrics.predictive import Agreement, agreement
from raphe.tasks.glif.training.data import PosteriorData, batch_of, set_names
from raphe.tasks.glif.training.module import Answers, PosteriorModule, infer

POSTERIOR = "posterior median"


class Comparison:
    """Evaluate a PosteriorModule.

    Args:
        compare: compute baselines at all.
        published: folder with the study's weights.npz, to put it beside them.

    Raises:
        RapheError: for weights that cannot be read.
    """

    def __init__(self, compare: bool = True, published: str | Path | None = None) -> None:
        self.methods: Mapping[str, Baseline] = baselines(published) if compare else {}

    def __call__(
        self, model: PosteriorModule, data: PosteriorData
    ) -> dict[str, Figure | str | float]:
        """Draw and tabulate each test set.

        Returns:
            Of each set by file name recovery.png, calibration.png, examples.png, comparison.csv,
            quantities.csv and cells.csv; by metric, of the posterior medians, explained_variance,
            coincidence, count_error and rms_mv; least_sbc_p; and `test/seconds_per_cell`.
        """
        model = model.cpu().eval()
        made: dict[str, Figure | str | float] = {}
        titles = set_names(data)
        for name, tested in model.tested.items():
            own = self._of_set(name, titles[name], tested, model, data)
            made |= {f"{name}/{what}": value for what, value in own.items()}
        return made | {"test/seconds_per_cell": seconds_per_cell(model, data)}

    def _of_set(
        self, name: str, title: str, tested: Answers, model: PosteriorModule, data: PosteriorData
    ) -> dict[str, Figure | str | float]:
        standard, names = model.standard, model.names
        answers = {POSTERIOR: np.median(tested.samples, axis=0)}
        answers |= {method: np.empty_like(tested.truth) for method in self.methods}
        agreements: dict[str, list[Agreement]] = {method: [] for method in answers}
        at = 0
        for number in range(data.n_test_batches):
            measured = data.test_batch(name, number)
            rows = slice(at, at + len(measured.values))
            at = rows.stop
            for method, answer in self.methods.items():
                answers[method][rows] = answer(measured, standard)
            for method, kept in agreements.items():
                inferred = standard.values(answers[method][rows])
                kept.append(
                    agreement(standard.level, measured.values, inferred, measured.current_a)
                )
        joined = {method: _joined(kept) for method, kept in agreements.items()}
        figures = mean_figures(joined[POSTERIOR], tested.spiked)
        p_values = sbc_p_values(tested)
        with rc_context(STYLE):
            pictures = {
                "recovery.png": recovery_figure(title, tested, model),
                "calibration.png": calibration_figure(title, tested, names, p_values),
                "examples.png": examples_figure(title, tested, model, data.test_batch(name, 0)),
            }
        return {
            **pictures,
            "comparison.csv": comparison_csv(answers, joined, tested, names),
            "quantities.csv": quantities_csv(tested, model, p_values),
            "cells.csv": cells_csv(tested, joined[POSTERIOR], model),
            **figures,
            "least_sbc_p": float(p_values.min()),
        }


def sbc_p_values(tested: Answers) -> np.ndarray:
    """Simulation-based calibration (Talts et al. 2018): for each quantity the probability (P,) that
    the truths' ranks among the samples are so far from uniform by chance (Kolmogorov-Smirnov)."""
    n_samples = len(tested.samples)
    ranks = (tested.samples < tested.truth).sum(axis=0)  # (M, P)
    spread = (ranks + np.random.default_rng(0).uniform(size=ranks.shape)) / (n_samples + 1)
    return np.array([kstest(each, "uniform").pvalue for each in spread.T])


def seconds_per_cell(model: PosteriorModule, data: PosteriorData) -> float:
    """From a batch of traces in memory to samples of its posteriors."""
    measured = data.test_batch("test", 0)
    begun = time.perf_counter()
    infer(model, batch_of(measured, model.standard), Answers())
    return (time.perf_counter() - begun) / len(measured.values)


def _joined(kept: Sequence[Agreement]) -> Agreement:
    return Agreement(
        *(np.concatenate([getattr(one, each.name) for one in kept]) for each in fields(Agreement))
    )
