"""What a sweep compares, each over its folds and seeds: means, intervals, paired differences.

A member of a sweep over kernels, seeds and folds is one training. What a kernel comes to is the
mean over folds of the mean over seeds; two kernels are compared fold by fold and seed by seed.
C settings that are compared, F folds, S seeds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from raphe.core.files.csv_text import csv_text
from raphe.core.metric_names import COUNT, SWEPT, SYSTEM, TEST, Estimate, Name, kept
from raphe.core.sentences import counted
from raphe.core.statistics.repeats import OverRepeats, holm, over_repeats, spread_of_seeds
from raphe.harness.report.shown import logged_by
from raphe.harness.report.sweep_results import TRAINED_ON, SweepResults
from raphe.harness.sweeps.plan import label_of
from raphe.harness.tracking import RunFacts

MEANS = "means.csv"
OF_MEANS = ("members", "mean", "low", "high", "se", "sd_of_seeds")
OF_DIFFERENCES = ("difference", "difference_low", "difference_high", "p", "p_holm")


@dataclass(frozen=True)
class Means:
    """Of a sweep that repeats what it compares.

    Args:
        members: the sweep by its members.
        compared: names of the settings that are compared.
        n_folds, n_seeds: how often each is repeated, 1 for what is not.
        scores: of each metric, float64 (C, F, S).
        runs: a run for each of the C, whose metrics are the means; of what a part holds the sum
            over folds.
        reference: place of the best mean of the monitored metric; None where validation is of what
            was trained on.
    """

    members: SweepResults
    compared: Sequence[str]
    n_folds: int
    n_seeds: int
    scores: dict[str, np.ndarray]
    runs: Sequence[RunFacts]
    reference: int | None

    @cached_property
    def over(self) -> dict[str, OverRepeats]:
        """Of each metric."""
        return {metric: over_repeats(scores) for metric, scores in self.scores.items()}

    @cached_property
    def results(self) -> SweepResults:
        """The means in the place of members, for tables and figures."""
        intervals = {
            run.run_id: {
                metric: Estimate(
                    *(float(ends[c]) for ends in (over.mean, over.low, over.high)),
                    se=None if math.isnan(over.error[c]) else float(over.error[c]),
                )
                for metric, over in self.over.items()
            }
            for c, run in enumerate(self.runs)
        }
        return replace(
            self.members,
            runs=self.runs,
            parameters=list(self.compared),
            intervals=intervals,
            choice=None,
            failed=(),
            averaged=self.described,
        )

    @property
    def described(self) -> str:
        """ "the mean over 10 folds of the mean over 5 seeds"."""
        over = [(self.n_folds, "fold"), (self.n_seeds, "seed")]
        return " of ".join(f"the mean over {counted(what, n)}" for n, what in over if n > 1)

    @property
    def n_members(self) -> np.ndarray:
        """How many trainings each of the C has."""
        return (~np.isnan(self.scores[kept(self.members.monitored)])).sum((1, 2))

    def differences(self, metric: str) -> OverRepeats | None:
        """Of each of the C from the reference, by the folds and seeds that both have."""
        if self.reference is None or metric not in self.scores or len(self.runs) < 2:
            return None
        scores = self.scores[metric]
        return over_repeats(scores - scores[self.reference])

    def corrected(self, differences: OverRepeats) -> np.ndarray:
        """The p of the others, corrected for how many they are; NaN of the reference's own."""
        p = differences.p.copy()
        p[self.reference] = np.nan
        return holm(p)

    @property
    def csv(self) -> str:
        """One row for each of the C and each metric."""
        rows = []
        for metric, over in self.over.items():
            spread = spread_of_seeds(self.scores[metric])
            columns = [over.mean, over.low, over.high, over.error, spread]
            if (less := self.differences(metric)) is not None:
                columns += [less.mean, less.low, less.high, less.p, self.corrected(less)]
            n_members = (~np.isnan(self.scores[metric])).sum((1, 2))
            for c, run in enumerate(self.runs):
                values = ["" if np.isnan(column[c]) else f"{column[c]:.7g}" for column in columns]
                rows.append([*run.params.values(), metric, n_members[c], *values])
        header = [*self.compared, "metric", *OF_MEANS, *OF_DIFFERENCES]
        return csv_text(header[: len(rows[0])] if rows else header, rows)


def means_of(results: SweepResults, folds: Sequence[str], mode: str) -> Means | None:
    """None of a sweep that repeats nothing.

    Args:
        results: of the members.
        folds: names of the settings that give each fold.
        mode: "min" or "max", which of the monitored metric's values is best.
    """
    seeds = [name for name in results.parameters if is_seed(name)]
    folds = [name for name in results.parameters if name in folds]
    compared = [name for name in results.parameters if name not in (*seeds, *folds)]
    if not (seeds or folds) or not results.runs:
        return None
    (of_compared, c), (of_folds, f), (of_seeds, s) = (
        _places(results.runs, names) for names in (compared, folds, seeds)
    )
    if len(of_folds) * len(of_seeds) < 2:
        return None
    scores = {}
    for metric in sorted(logged_by(results.runs)):
        if not metric.startswith((f"{SWEPT}/", f"{SYSTEM}/")):
            values = np.full((len(of_compared), len(of_folds), len(of_seeds)), np.nan)
            values[c, f, s] = [run.metrics.get(metric, math.nan) for run in results.runs]
            scores[metric] = values
    counts = {name: scores.pop(name) for name in list(scores) if _is_count(name)}
    monitored = kept(results.monitored)
    if monitored not in scores:
        return None
    means = {metric: over_repeats(values).mean for metric, values in scores.items()}
    means |= {name: _held(values) for name, values in counts.items()}
    first = results.runs[0]
    runs = [
        RunFacts(
            label_of(settings),
            "FINISHED",
            label_of(settings),
            first.tags,
            settings,
            {name: float(of[place]) for name, of in means.items() if np.isfinite(of[place])},
        )
        for place, settings in enumerate(of_compared)
    ]
    best = means[monitored] if mode == "min" else -means[monitored]
    unseen = results.validation != TRAINED_ON and np.isfinite(best).any()
    reference = int(np.nanargmin(best)) if unseen else None
    return Means(results, compared, len(of_folds), len(of_seeds), scores, runs, reference)


def is_seed(setting: str) -> bool:
    """Whether a setting draws anew what else is the same: the seed of a run, or of its model."""
    return setting == "seed" or (setting.startswith("model.") and setting.endswith("seed"))


def headline(means: Means) -> str:
    """The test's figure by which settings are compared."""
    return f"{TEST}/{means.members.headlines[0]}"


def _places(
    runs: Sequence[RunFacts], names: Sequence[str]
) -> tuple[list[dict[str, str]], np.ndarray]:
    """The different values of some settings, and which of them each run has."""
    values = [tuple(run.params.get(name, "") for name in names) for run in runs]
    numbers = {value: place for place, value in enumerate(dict.fromkeys(values))}
    settings = [dict(zip(names, value, strict=True)) for value in numbers]
    return settings, np.array([numbers[value] for value in values])


def _is_count(metric: str) -> bool:
    return Name.of(metric).figure.startswith(COUNT)


def _held(counts: np.ndarray) -> np.ndarray:
    """What all folds together hold, of counts (C, F, S) that seeds share: (C,)."""
    largest = np.where(np.isnan(counts), 0.0, counts).max(-1)
    return largest.sum(-1)
