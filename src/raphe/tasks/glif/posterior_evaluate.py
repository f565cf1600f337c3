"""A tested posterior beside its baselines: parameters, calibration, and what its neurons do.

M cells of a test set, P quantities, S samples.
"""

import csv
import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from scipy.stats import kstest

from raphe.core.figure_style import STYLE
from raphe.tasks.glif.posterior_baselines import Baseline, baselines
from raphe.tasks.glif.posterior_data import PosteriorData, batch_of, set_names
from raphe.tasks.glif.posterior_figures import (
    calibration_figure,
    examples_figure,
    recovery_figure,
)
from raphe.tasks.glif.posterior_module import (
    NEEDS_A_SPIKE,
    Answers,
    PosteriorModule,
    infer,
    r_squared,
)
from raphe.tasks.glif.predictive import Agreement, agreement
from raphe.tasks.glif.quantities import quantities

POSTERIOR = "posterior mean"


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
            By file name `<set>/recovery.png`, `<set>/calibration.png`, `<set>/examples.png`,
            `<set>/comparison.csv` and `<set>/cells.csv`; by metric, of the posterior means,
            `<set>/explained_variance`, `coincidence`, `count_error`, `rms_mv`, `least_sbc_p`, and
            `test/seconds_per_cell`.
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
        answers = {POSTERIOR: tested.samples.mean(axis=0)}
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
            "cells.csv": cells_csv(tested, joined[POSTERIOR], model),
            **figures,
            "least_sbc_p": float(p_values.min()),
        }


def mean_figures(agreed: Agreement, spiked: np.ndarray) -> dict[str, float]:
    """Means over the cells that spiked; of the voltage and the count over all."""
    return {
        "explained_variance": float(np.nanmean(agreed.explained[spiked])),
        "coincidence": float(np.nanmean(agreed.coincidence[spiked])),
        "count_error": float(np.mean(np.abs(agreed.count_error))),
        "rms_mv": float(np.nanmean(agreed.rms_mv)),
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


def comparison_csv(
    answers: Mapping[str, np.ndarray],
    agreed: Mapping[str, Agreement],
    tested: Answers,
    names: Sequence[str],
) -> str:
    """One row a method: R² of each quantity on its scale, and what the inferred neurons do."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    means = {method: mean_figures(each, tested.spiked) for method, each in agreed.items()}
    table.writerow(["method", *(f"r2_{name}" for name in names), *means[POSTERIOR]])
    for method, answer in answers.items():
        scores = []
        for i, name in enumerate(names):
            told = tested.spiked if name in NEEDS_A_SPIKE else slice(None)
            scores.append(r_squared(answer[told, i], tested.truth[told, i]))
        table.writerow([method, *(f"{x:.4f}" for x in (*scores, *means[method].values()))])
    return text.getvalue()


def cells_csv(tested: Answers, agreed: Agreement, model: PosteriorModule) -> str:
    """One row a cell: truth, posterior mean and 95 % interval of each quantity in lab units, and
    how far the inferred neuron does what the true one did."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    header = ["cell", "spiked"]
    columns = [np.arange(len(tested.truth)), tested.spiked.astype(int)]
    told = quantities(model.standard.level)
    low, high = np.percentile(tested.samples, [2.5, 97.5], axis=0)
    ways = (tested.truth, tested.samples.mean(axis=0), low, high)
    values = [model.standard.values(each.astype(np.float64)) for each in ways]  # SI
    for i, one in enumerate(told):
        unit = f"_{one.lab_unit}" if one.lab_unit else ""
        for way, each in zip(("true", "mean", "low", "high"), values, strict=True):
            header.append(f"{one.name}_{way}{unit}")
            columns.append(each[:, i] * one.in_lab)
    for name, each in vars(agreed).items():
        header.append(name)
        columns.append(each)
    table.writerow(header)
    table.writerows([f"{x:.6g}" for x in row] for row in zip(*columns, strict=True))
    return text.getvalue()


def _joined(kept: Sequence[Agreement]) -> Agreement:
    return Agreement(
        *(np.concatenate([getattr(one, each.name) for one in kept]) for each in fields(Agreement))
    )
