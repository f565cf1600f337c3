"""What the members of a sweep came to, as its table, its words and its figure see it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from omegaconf import DictConfig

from raphe.core.metric_names import TEST, VAL, Estimate, Names, kept
from raphe.core.protocol import BaselineFigure
from raphe.harness.records.parameters import number_of
from raphe.harness.report.shown import names_of, shown_metrics
from raphe.harness.sweeps.choice import Choice, validate_unseen
from raphe.harness.tracking import RunFacts

KEPT_VAL = kept(VAL)
VALIDATION, TRAINED_ON = "validation", "trained on"
IN_TABLE = 2  # headline figures of a member


@dataclass(frozen=True)
class SweepResults:
    """A sweep once its members have ended.

    Args:
        runs: members that finished.
        parameters: names of what is swept.
        settings: the `report` section.
        monitored: the metric by which epochs and members are chosen, "val/loss".
        intervals: of each run's figures, by run id and metric; empty where the task gives none.
        choice: which member validation chooses; None where there is nothing to choose.
        failed: labels of the members that did not finish, "model.kernel=60".
        baselines: of the same test set, where all members have the same.
        averaged: what each figure is where they are means, "the mean over 5 seeds".
    """

    runs: Sequence[RunFacts]
    parameters: Sequence[str]
    settings: DictConfig
    monitored: str
    intervals: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)
    choice: Choice | None = None
    failed: Sequence[str] = ()
    baselines: Sequence[BaselineFigure] = ()
    averaged: str = ""

    @cached_property
    def names(self) -> Names:
        return names_of(self.settings)

    @property
    def chosen(self) -> RunFacts | None:
        return None if self.choice is None else self.runs[self.choice.index]

    def estimate(self, run: RunFacts, metric: str) -> Estimate | None:
        """A run's figure with its interval, of NaN where none is known; None where it has none."""
        value = run.metrics.get(metric, math.nan)
        if math.isnan(value):
            return None
        known = self.intervals.get(run.run_id, {}).get(metric)
        return Estimate(value, math.nan, math.nan) if known is None else known

    @property
    def validation(self) -> str:
        """What validation's figures are called: not validation where they are of what was trained
        on."""
        return VALIDATION if validate_unseen(self.runs) else TRAINED_ON

    @cached_property
    def headlines(self) -> list[str]:
        """The few figures that a table has room for, of `report.headlines` where there are any."""
        shown = shown_metrics(self.runs, self.settings)
        named = [name for name in self.settings.get("headlines", ()) if name in shown]
        return (named or shown)[:IN_TABLE]

    @cached_property
    def numbers(self) -> list[float] | None:
        """The swept number of each run; None where several settings or words are swept."""
        if len(self.parameters) != 1:
            return None
        if any(number_of(label.partition("=")[2]) is None for label in self.failed):
            return None
        texts = [run.params.get(self.parameters[0], "") for run in self.runs]
        values = [value for text in texts if (value := number_of(text)) is not None]
        return values if len(values) == len(texts) else None

    @property
    def failed_numbers(self) -> list[float]:
        """Of a sweep over numbers."""
        return [float(label.partition("=")[2]) for label in self.failed]

    def told_apart(self, metric: str) -> tuple[int, int, int]:
        """How many others the test tells from the chosen one, does not, and has no interval of.

        Two are told apart where their intervals do not overlap: stricter than a test of the
        difference, as suits a comparison with so many. Those that failed have no interval.
        """
        n_others = len(self.runs) - 1 + len(self.failed)
        chosen = None if self.chosen is None else self.estimate(self.chosen, f"{TEST}/{metric}")
        others = [
            estimate
            for run in self.runs
            if run is not self.chosen
            and (estimate := self.estimate(run, f"{TEST}/{metric}")) is not None
            and np.isfinite([estimate.low, estimate.high]).all()
        ]
        if chosen is None or not np.isfinite([chosen.low, chosen.high]).all():
            return 0, 0, n_others
        apart = [e for e in others if e.low > chosen.high or e.high < chosen.low]
        return len(apart), len(others) - len(apart), n_others - len(others)
