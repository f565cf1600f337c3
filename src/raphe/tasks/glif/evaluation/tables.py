"""Tables of a tested posterior.

M cells, P quantities, S samples.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from raphe.core.files.csv_text import csv_text
from raphe.tasks.glif.metrics.names import INTERVALS
from raphe.tasks.glif.metrics.posterior_scores import (
    PosteriorTest,
    coverage,
    r_squared,
    scored_cells,
)
from raphe.tasks.glif.metrics.predictive import Agreement
from raphe.tasks.glif.synthetic.prior_scaler import PriorScaler
from raphe.tasks.glif.synthetic.quantities import LOG, quantities


def mean_figures(agreed: Agreement, spiked: np.ndarray) -> dict[str, float]:
    """Means over the cells that spiked, bool (M,); of the voltage and the count over all."""
    return {
        "explained_variance": float(np.nanmean(agreed.explained[spiked])),
        "coincidence": float(np.nanmean(agreed.coincidence[spiked])),
        "count_error": float(np.mean(np.abs(agreed.count_error))),
        "rms_mV": float(np.nanmean(agreed.rms_mv)),
    }


def comparison_csv(
    answers: Mapping[str, np.ndarray],
    agreed: Mapping[str, Agreement],
    test: PosteriorTest,
    names: Sequence[str],
) -> str:
    """One row a method: R² of each quantity on its scale, and what the inferred neurons do.

    Args:
        answers: standardised quantities (M, P) by method.
        agreed: what the neurons of these answers do, beside the true ones.
        test: with the truth.
        names: of the quantities (P).
    """
    means = {method: mean_figures(figures, test.spiked) for method, figures in agreed.items()}
    header = ["method", *(f"r2_{name}" for name in names), *next(iter(means.values()))]
    rows = []
    for method, answer in answers.items():
        scores = []
        for i, name in enumerate(names):
            cells = scored_cells(test, name)
            scores.append(r_squared(answer[cells, i], test.truth[cells, i]))
        rows.append([method, *(f"{x:.4f}" for x in (*scores, *means[method].values()))])
    return csv_text(header, rows)


def quantities_csv(test: PosteriorTest, scaler: PriorScaler, p_values: np.ndarray) -> str:
    """One row a quantity: how far the posterior medians lie from the truth, and its intervals.

    The normalised error is the root mean square over the truth's deviation, on the quantity's
    scale; the logarithmic one is in natural logarithms. Those that show in spikes count cells that
    spiked; coverage counts all. `p_values` (P,) are those of the calibration.
    """
    shares = [f"coverage_{interval}" for interval in INTERVALS]
    errors = ("normalised_error", "log_error", "median_error_lab")
    header = ["quantity", "cells", "r2", *errors, "lab_unit", *shares, "sbc_p"]
    rows = []
    median = np.median(test.samples, axis=0).astype(np.float64)  # (M, P)
    off_si = scaler.values(median) - scaler.values(test.truth.astype(np.float64))
    for i, quantity in enumerate(quantities(scaler.level)):
        cells = scored_cells(test, quantity.name)
        if not len(cells):
            continue
        rms = float(np.sqrt(np.mean((median[cells, i] - test.truth[cells, i]) ** 2)))
        spread = float(test.truth[cells, i].std())
        figures = [
            r_squared(median[cells, i], test.truth[cells, i]),
            rms / spread if spread else float("nan"),
            rms * scaler.deviation[i] if quantity.scale is LOG else float("nan"),
            float(np.median(np.abs(off_si[cells, i]))) * quantity.in_lab,
        ]
        inside = [
            coverage(test.samples[..., i], test.truth[:, i], interval) for interval in INTERVALS
        ]
        rows.append(
            [quantity.name, len(cells), *(f"{x:.5g}" for x in figures), quantity.lab_unit,
             *(f"{x:.3f}" for x in inside), f"{p_values[i]:.2g}"]
        )  # fmt: skip
    return csv_text(header, rows)


def cells_csv(test: PosteriorTest, agreed: Agreement, scaler: PriorScaler) -> str:
    """One row a cell: truth, posterior median and 95 % interval of each quantity in lab units, and
    how far the inferred neuron does what the true one did."""
    header = ["cell", "spiked"]
    columns = [np.arange(len(test.truth)), test.spiked.astype(int)]
    low, median, high = np.percentile(test.samples, [2.5, 50, 97.5], axis=0)  # (M, P)
    values = {
        end: scaler.values(standardised.astype(np.float64))
        for end, standardised in (
            ("true", test.truth), ("median", median), ("low", low), ("high", high),
        )
    }  # fmt: skip
    for i, quantity in enumerate(quantities(scaler.level)):
        unit = f"_{quantity.lab_unit}" if quantity.lab_unit else ""
        for end, si in values.items():
            header.append(f"{quantity.name}_{end}{unit}")
            columns.append(si[:, i] * quantity.in_lab)
    for name, column in vars(agreed).items():
        header.append(name.replace("_mv", "_mV"))
        columns.append(column)
    rows = zip(*columns, strict=True)
    return csv_text(header, ([f"{x:.6g}" for x in row] for row in rows))
