"""A tested network beside its baselines, on the same recordings, with intervals.

G recordings.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from raphe.core.files.csv_text import csv_text
from raphe.core.metric_names import Estimate, metric
from raphe.core.statistics.intervals import mean_difference, mean_of
from raphe.tasks.calcium.evaluation.baselines import Baseline, baselines
from raphe.tasks.calcium.metrics.recording_report import recording_report
from raphe.tasks.calcium.metrics.scores import InferredRecording, score
from raphe.tasks.calcium.stores.trace_store import CalciumStore, StoredRecording
from raphe.tasks.calcium.training.data import RateData
from raphe.tasks.calcium.training.module import RateModule

MEASURE = "correlation"
NETWORK = "network"
BY_RECORDING = "methods.csv"
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


class RateComparison:
    """Evaluate a RateModule; `baselines` beside it on each test set.

    Args:
        compare: compute baselines at all.
        oasis: deconvolution among them, of the package oasis-deconv.
        elephant: published weights among them, files model1.h5 …

    Raises:
        RapheError: for a baseline that cannot be had.
    """

    def __init__(
        self,
        compare: bool = True,
        oasis: bool = False,
        elephant: Sequence[str | Path] = (),
    ) -> None:
        self.baselines: Mapping[str, Baseline] = baselines(oasis, elephant) if compare else {}

    def __call__(self, model: RateModule, data: RateData) -> dict[str, Figure | str | Estimate]:
        """Of each test set `recording_report`, `comparison.csv` and, by recording, `methods.csv`.

        By metric `<set>/recordings/correlation` with its interval, and of each baseline
        `<set>/recordings/correlation_of_<baseline>` with its own.
        """
        results: dict[str, Figure | str | Estimate] = {}
        for name, inferred in model.inferred.items():
            store = data.test_store(name)
            results |= recording_report(name, inferred, store)
            results |= self._compared(name, inferred, store)
        return results

    def _compared(
        self, name: str, inferred: Sequence[InferredRecording], store: CalciumStore
    ) -> dict[str, str | Estimate]:
        recordings = [store.recordings[recording.index] for recording in inferred]
        scores = {NETWORK: np.array([recording.scores[MEASURE] for recording in inferred])}
        for method, predict in self.baselines.items():
            scores[method] = np.array(
                [
                    score(predict(store.calcium[recording.rows]), store.spikes[recording.rows])[
                        MEASURE
                    ]
                    for recording in recordings
                ]
            )
        table = comparison(scores)
        results: dict[str, str | Estimate] = {
            f"{name}/comparison.csv": as_csv(COLUMNS, [row.values() for row in table]),
            f"{name}/{BY_RECORDING}": by_recording(recordings, scores),
        }
        return results | estimates(name, table)


def comparison(
    scores: Mapping[str, np.ndarray], dataset: np.ndarray | None = None
) -> list[dict[str, Any]]:
    """A row of COLUMNS for each method; the first is compared with each other one.

    Args:
        scores: of each method the score of every recording (G,), NaN where there is none.
        dataset: of each recording (G,): the mean is then that of the datasets' means.
    """
    first = next(iter(scores.values()))
    table = []
    for method, of_method in scores.items():
        mean = mean_of(of_method, dataset)
        row = dict.fromkeys(COLUMNS, float("nan")) | {
            "method": method,
            "recordings": int((~np.isnan(of_method)).sum()),
            MEASURE: mean.value,
            "low": mean.low,
            "high": mean.high,
        }
        if of_method is not first:
            less = mean_difference(first, of_method, dataset)
            values = (less.value, less.low, less.high, less.p)
            row |= dict(zip(COLUMNS[5:], values, strict=True))
        table.append(row)
    return table


def estimates(part: str, table: Sequence[Mapping[str, Any]]) -> dict[str, Estimate]:
    """The rows of a comparison by metric, of the network and of each baseline."""
    named = {
        MEASURE if row["method"] == NETWORK else f"{MEASURE}_of_{row['method'].lower()}": row
        for row in table
    }
    return {
        metric(part, "recordings", figure): Estimate(row[MEASURE], row["low"], row["high"])
        for figure, row in named.items()
    }


def by_recording(recordings: Sequence[StoredRecording], scores: Mapping[str, np.ndarray]) -> str:
    """A table as CSV, a row a recording: name, dataset and the score by each method (G,)."""
    rows = zip(recordings, *scores.values(), strict=True)
    return as_csv(
        ["recording", "dataset", *scores],
        [[recording.name, recording.dataset, *map(float, row)] for recording, *row in rows],
    )


def as_csv(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """A table as text."""
    written = (
        [f"{value:.6f}" if isinstance(value, float) else value for value in row] for row in rows
    )
    return csv_text(columns, written)
