"""Tables of a tested posterior.

M cells, P quantities, S samples.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from raphe.core.files.csv_text import csv_text
from raphe.tasks.glif.metrics.predictive import Agreement
from raphe.tasks.glif.synthetic.quantities import ALWAYS_TOLD, LOG, quantities
from raphe.tasks.glif.training.module import (
    LEVELS,
    Answers,
    PosteriorModule,
    coverage,
    r_squared,
)


def mean_figures(agreed: Agreement, spiked: np.ndarray) -> dict[str, float]:
    """Means over the cells that spiked; of the voltage and the count over all."""
    return {
        "explained_variance": float(np.nanmean(agreed.explained[spiked])),
        "coincidence": float(np.nanmean(agreed.coincidence[spiked])),
        "count_error": float(np.mean(np.abs(agreed.count_error))),
        "rms_mv": float(np.nanmean(agreed.rms_mv)),
    }


def comparison_csv(
    answers: Mapping[str, np.ndarray],
    agreed: Mapping[str, Agreement],
    tested: Answers,
    names: Sequence[str],
) -> str:
    """One row a method: R² of each quantity on its scale, and what the inferred neurons do."""
    means = {method: mean_figures(each, tested.spiked) for method, each in agreed.items()}
    header = ["method", *(f"r2_{name}" for name in names), *next(iter(means.values()))]
    rows = []
    for method, answer in answers.items():
        scores = []
        for i, name in enumerate(names):
            told = tested.spiked if name not in ALWAYS_TOLD else slice(None)
            scores.append(r_squared(answer[told, i], tested.truth[told, i]))
        rows.append([method, *(f"{x:.4f}" for x in (*scores, *means[method].values()))])
    return csv_text(header, rows)


def quantities_csv(tested: Answers, model: PosteriorModule, p_values: np.ndarray) -> str:
    """One row a quantity: how far the posterior medians lie from the truth, and its intervals.

    The normalised error is the root mean square over the truth's deviation, on the quantity's
    scale; the logarithmic one is in natural logarithms. Those that show in spikes count cells that
    spiked; coverage counts all.
    """
    shares = [f"coverage_{level}" for level in LEVELS]
    errors = ("normalised_error", "log_error", "median_error_lab")
    header = ["quantity", "cells", "r2", *errors, "lab_unit", *shares, "sbc_p"]
    rows = []
    median, standard = np.median(tested.samples, axis=0).astype(float), model.standard
    lab = [np.array([one.in_lab for one in quantities(standard.level)]) * standard.values(each)
           for each in (median, tested.truth.astype(np.float64))]  # fmt: skip
    for i, one in enumerate(quantities(standard.level)):
        told = np.flatnonzero(tested.spiked | (one.name in ALWAYS_TOLD))
        if not len(told):
            continue
        rms = float(np.sqrt(np.mean((median[told, i] - tested.truth[told, i]) ** 2)))
        spread = float(tested.truth[told, i].std())
        row = [
            r_squared(median[told, i], tested.truth[told, i]),
            rms / spread if spread else float("nan"),
            rms * standard.deviation[i] if one.scale is LOG else float("nan"),
            float(np.median(np.abs(lab[0] - lab[1])[told, i])),
        ]
        inside = [coverage(tested.samples[..., i], tested.truth[:, i], level) for level in LEVELS]
        rows.append(
            [one.name, len(told), *(f"{x:.5g}" for x in row), one.lab_unit,
             *(f"{x:.3f}" for x in inside), f"{p_values[i]:.2g}"]
        )  # fmt: skip
    return csv_text(header, rows)


def cells_csv(tested: Answers, agreed: Agreement, model: PosteriorModule) -> str:
    """One row a cell: truth, posterior median and 95 % interval of each quantity in lab units, and
    how far the inferred neuron does what the true one did."""
    header = ["cell", "spiked"]
    columns = [np.arange(len(tested.truth)), tested.spiked.astype(int)]
    told = quantities(model.standard.level)
    low, high = np.percentile(tested.samples, [2.5, 97.5], axis=0)
    ways = (tested.truth, np.median(tested.samples, axis=0), low, high)
    values = [model.standard.values(each.astype(np.float64)) for each in ways]  # SI
    for i, one in enumerate(told):
        unit = f"_{one.lab_unit}" if one.lab_unit else ""
        for way, each in zip(("true", "median", "low", "high"), values, strict=True):
            header.append(f"{one.name}_{way}{unit}")
            columns.append(each[:, i] * one.in_lab)
    for name, each in vars(agreed).items():
        header.append(name)
        columns.append(each)
    rows = zip(*columns, strict=True)
    return csv_text(header, ([f"{x:.6g}" for x in row] for row in rows))
