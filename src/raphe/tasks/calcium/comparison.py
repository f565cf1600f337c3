"""A tested network beside its baselines, on the same recordings, with intervals.

R resamples, G recordings.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from raphe.core.statistics import bootstrap, draw_groups, paired_difference
from raphe.tasks.calcium.baselines import Baseline, baselines
from raphe.tasks.calcium.evaluate import evaluate
from raphe.tasks.calcium.module import Inferred
from raphe.tasks.calcium.rate_data import RateData
from raphe.tasks.calcium.rate_module import RateModule
from raphe.tasks.calcium.score import score
from raphe.tasks.calcium.trace_store import TraceStore

MEASURE = "correlation"
NETWORK = "network"
COLUMNS = (
    "method",
    "recordings",
    MEASURE,
    "low",
    "high",
    "network_less_it",
    "difference_low",
    "difference_high",
    "p",
)


class Comparison:
    """Evaluate a RateModule; `baselines` beside it on each test set.

    Args:
        compare: compute baselines at all.
        oasis: deconvolution among them, of the package oasis-deconv.
        elephant: published weights among them, files model1.h5 …
        seed: of the bootstrap.

    Raises:
        RapheError: for a baseline that cannot be had.
    """

    def __init__(
        self,
        compare: bool = True,
        oasis: bool = False,
        elephant: Sequence[str | Path] = (),
        seed: int = 42,
    ) -> None:
        self.seed = seed
        self.baselines: Mapping[str, Baseline] = baselines(oasis, elephant) if compare else {}

    def __call__(self, model: RateModule, data: RateData) -> dict[str, Figure | str | float]:
        """As `evaluate`, and of each test set `<set>/comparison.csv`.

        The scores of a baseline are also figures, `<set>/<baseline>/correlation`, as are the ends
        of the network's 95 % interval, `<set>/correlation_low` and `_high`.
        """
        made: dict[str, Any] = evaluate(model, data)
        for name, inferred in model.inferred.items():
            made |= self._compared(name, inferred, data.test_store(name))
        return made

    def _compared(
        self, name: str, inferred: Sequence[Inferred], store: TraceStore
    ) -> dict[str, str | float]:
        rows = [store.recordings[one.index].rows for one in inferred]
        scores = {NETWORK: np.array([one.scores[MEASURE] for one in inferred])}
        for method, predict in self.baselines.items():
            scores[method] = np.array(
                [score(predict(store.calcium[own]), store.spikes[own])[MEASURE] for own in rows]
            )
        table = comparison(scores, self.seed)
        network = table[0]
        made: dict[str, str | float] = {f"{name}/comparison.csv": as_csv(table)}
        made |= {f"{name}/{MEASURE}_{end}": network[end] for end in ("low", "high")}
        return made | {f"{name}/{row['method']}/{MEASURE}": row[MEASURE] for row in table[1:]}


def comparison(scores: Mapping[str, np.ndarray], seed: int) -> list[dict[str, Any]]:
    """A row of COLUMNS for each method; the first is compared with each other one.

    Args:
        scores: of each method the score of every recording (G,), NaN where there is none.
        seed: of the resampling of recordings.
    """
    first = next(iter(scores.values()))
    draws = draw_groups(np.zeros(len(first)), np.random.default_rng(seed))
    table = []
    for method, own in scores.items():
        mean = bootstrap(mean_of(own), draws)
        row = dict.fromkeys(COLUMNS, float("nan")) | {
            "method": method,
            "recordings": int((~np.isnan(own)).sum()),
            MEASURE: mean.value,
            "low": mean.low,
            "high": mean.high,
        }
        if own is not first:
            less = paired_difference(mean_of(first), mean_of(own), draws)
            values = (less.value, less.low, less.high, less.p)
            row |= dict(zip(COLUMNS[5:], values, strict=True))
        table.append(row)
    return table


def mean_of(scores: np.ndarray) -> Any:
    known = ~np.isnan(scores)

    def mean(drawn: np.ndarray) -> np.ndarray:
        counted = drawn[:, known]
        with np.errstate(invalid="ignore", divide="ignore"):
            return counted @ scores[known] / counted.sum(axis=1)

    return mean


def as_csv(table: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in table:
        writer.writerow(
            [f"{value:.4f}" if isinstance(value, float) else value for value in row.values()]
        )
    return text.getvalue()
