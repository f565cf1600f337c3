"""What a report needs to know of a sweep's members, read from the tracking store."""

from collections.abc import Sequence
from functools import partial

from hydra.utils import instantiate
from omegaconf import DictConfig

from raphe.core.files.scratch import Scratch
from raphe.core.metric_names import kept
from raphe.core.protocol import BaselineFigure
from raphe.harness import registry
from raphe.harness.report.sweep_results import SweepResults
from raphe.harness.runs import artifacts
from raphe.harness.sweeps.choice import choose_run
from raphe.harness.sweeps.kinds import Kind
from raphe.harness.tracking import RunFacts, Tracker


def collect(
    tracker: Tracker,
    config: DictConfig,
    kind: Kind,
    runs: Sequence[RunFacts],
    parameters: Sequence[str],
    failed: Sequence[str],
) -> SweepResults:
    """The members that finished with their intervals, the choice among them and the baselines.

    Args:
        tracker: of the runs.
        config: the composed settings.
        kind: of sweep.
        runs: members that finished.
        parameters: names of what is swept.
        failed: labels of the members that did not finish.
    """
    metric = kept(config.monitor.metric)
    intervals = {run.run_id: registry.intervals_of(tracker, run) for run in runs}
    errors = {run_id: known[metric].se for run_id, known in intervals.items() if metric in known}
    return SweepResults(
        runs,
        parameters,
        config.report,
        config.monitor.metric,
        intervals,
        choose_run(runs, parameters, config, errors) if kind.may_choose else None,
        failed,
        _baselines(tracker, config.report, runs) if kind not in (Kind.FOLDS, Kind.DATA) else [],
    )


def _baselines(
    tracker: Tracker, settings: DictConfig, runs: Sequence[RunFacts]
) -> list[BaselineFigure]:
    """`report.baselines` of one member, whose test all others share."""
    how = settings.get("baselines")
    if how is None or not runs:
        return []
    with Scratch() as scratch:
        fetch = partial(artifacts.fetch, tracker, runs[0].run_id, folder=scratch)
        return instantiate(how)(fetch=fetch)
