"""A tested posterior beside its baselines: parameters, calibration, and what its neurons do.

M cells of a test set, P quantities, S samples.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
from scipy.stats import kstest

from raphe.core.protocol import Draw
from raphe.core.ranges import Range, check_ranges
from raphe.tasks.glif.evaluation.baselines import Baseline, baselines
from raphe.tasks.glif.evaluation.figures import calibration_figure, examples_figure, recovery_figure
from raphe.tasks.glif.evaluation.local_checks import check_locally
from raphe.tasks.glif.evaluation.tables import (
    cells_csv,
    comparison_csv,
    mean_figures,
    quantities_csv,
)
from raphe.tasks.glif.metrics.posterior_scores import PosteriorTest
from raphe.tasks.glif.metrics.predictive import Agreement, agreement
from raphe.tasks.glif.training.data import PosteriorData, batch_of, set_titles
from raphe.tasks.glif.training.module import PosteriorModule, infer

POSTERIOR = "posterior median"


class PosteriorEvaluation:
    """Evaluate a PosteriorModule.

    Args:
        compare: compute baselines at all.
        published: folder with the study's weights.npz, to put it beside them.
        local: how many cells of each test set are checked one by one, see `local_checks`; 0: none.

    Raises:
        RapheError: for weights that cannot be read, or a setting that cannot be.
    """

    def __init__(
        self,
        compare: bool = True,
        published: str | Path | None = None,
        local: Annotated[int, Range(0)] = 0,
    ) -> None:
        check_ranges(PosteriorEvaluation.__init__, locals(), "evaluate")
        self.local = local
        self.methods: Mapping[str, Baseline] = baselines(published) if compare else {}

    def __call__(
        self, model: PosteriorModule, data: PosteriorData
    ) -> dict[str, Draw | str | float]:
        """Draw and tabulate each test set.

        Returns:
            Of each set by file name recovery.png, calibration.png, examples.png, comparison.csv,
            quantities.csv and cells.csv, where asked for local_checks.csv; by metric, of the
            posterior medians, `<set>/cells/…`: explained_variance, coincidence, count_error and
            rms_mV; least_sbc_p, where asked for local_rejected and local_p; and
            `test/seconds_per_cell`.

        Raises:
            SettingError: more cells to check than a test set has.
        """
        model = model.cpu().eval()
        titles = set_titles(data)
        report: dict[str, Draw | str | float] = {}
        for name, test in model.tests.items():
            parts = self._report(name, titles[name], test, model, data)
            report |= {f"{name}/{part}": value for part, value in parts.items()}
        return report | {"test/seconds_per_cell": seconds_per_cell(model, data)}

    def _report(
        self,
        name: str,
        title: str,
        test: PosteriorTest,
        model: PosteriorModule,
        data: PosteriorData,
    ) -> dict[str, Draw | str | float]:
        scaler, names = model.scaler, model.names
        answers = {POSTERIOR: np.median(test.samples, axis=0)}
        answers |= {method: np.empty_like(test.truth) for method in self.methods}
        agreements: dict[str, list[Agreement]] = {method: [] for method in answers}
        features: list[np.ndarray] = []
        at = 0
        for number in range(data.n_test_batches):
            measured = data.test_batch(name, number)
            rows = slice(at, at + len(measured.values))
            at = rows.stop
            if self.local:
                features.append(batch_of(measured, scaler).features.numpy())
            for method, answer in self.methods.items():
                answers[method][rows] = answer(measured, scaler)
            for method, kept in agreements.items():
                inferred = scaler.values(answers[method][rows])
                kept.append(agreement(scaler.level, measured.values, inferred, measured.current_a))
        joined = {method: _joined(kept) for method, kept in agreements.items()}
        figures = mean_figures(joined[POSTERIOR], test.spiked)
        p_values = sbc_p_values(test)
        pictures = {
            "recovery.png": partial(recovery_figure, title, test, model),
            "calibration.png": partial(calibration_figure, title, test, scaler.level, p_values),
            "examples.png": partial(examples_figure, title, test, model, data.test_batch(name, 0)),
        }
        return {
            **pictures,
            "comparison.csv": comparison_csv(answers, joined, test, names),
            "quantities.csv": quantities_csv(test, scaler, p_values),
            "cells.csv": cells_csv(test, joined[POSTERIOR], scaler),
            **{f"cells/{name}": value for name, value in figures.items()},
            "cells/least_sbc_p": float(p_values.min()),
            **(self._local(test, np.concatenate(features)) if self.local else {}),
        }

    def _local(self, test: PosteriorTest, features: np.ndarray) -> dict[str, str | float]:
        checks = check_locally(test, features, self.local)
        return {
            "local_checks.csv": checks.csv(),
            "cells/local_rejected": checks.rejected,
            "cells/local_p": checks.p_of_share,
        }


def sbc_p_values(test: PosteriorTest) -> np.ndarray:
    """Simulation-based calibration (Talts et al. 2018): for each quantity the probability (P,) that
    the truths' ranks among the samples are so far from uniform by chance (Kolmogorov-Smirnov)."""
    n_samples = len(test.samples)
    ranks = (test.samples < test.truth).sum(axis=0)  # (M, P)
    spread = (ranks + np.random.default_rng(0).uniform(size=ranks.shape)) / (n_samples + 1)
    return np.array([kstest(each, "uniform").pvalue for each in spread.T])


def seconds_per_cell(model: PosteriorModule, data: PosteriorData) -> float:
    """From a batch of traces in memory to samples of its posteriors."""
    measured = data.test_batch("test", 0)
    begun = time.perf_counter()
    infer(model, batch_of(measured, model.scaler))
    return (time.perf_counter() - begun) / len(measured.values)


def _joined(batches: Sequence[Agreement]) -> Agreement:
    return Agreement(
        *(
            np.concatenate([getattr(batch, field.name) for batch in batches])
            for field in fields(Agreement)
        )
    )
