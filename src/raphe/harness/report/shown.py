"""What a report shows of a run: which test sets, which metrics, and numbers as texts."""

from collections.abc import Iterable, Sequence

from hydra.utils import instantiate
from omegaconf import DictConfig

from raphe.core.metric_names import KEPT, SWEPT, SYSTEM, TRAIN, VAL, Names
from raphe.core.sentences import counted
from raphe.harness.tracking import RunFacts

UNDEFINED = "–"
NOT_TEST_SETS = (TRAIN, VAL, KEPT, "epochs", SWEPT, SYSTEM)


def names_of(settings: DictConfig) -> Names:
    """The names of all metrics of a task, of the section `report`."""
    return instantiate(settings.names)


def test_sets(run: RunFacts, settings: DictConfig) -> list[str]:
    """Names of the sets a run was tested on; "test" first.

    `report.scored_in_training` names those that a task scores on the way, as it does "val".
    """
    return _test_sets(run.metrics, settings)


def shown_metrics(runs: Sequence[RunFacts], settings: DictConfig) -> list[str]:
    """Which of `report.metrics` to show: those that a test set of a run has; all, if none has any.

    Which there are may depend on the data, as on the number of classes.
    """
    logged = logged_by(runs)
    sets = _test_sets(logged, settings)
    shown = [
        metric for metric in settings.metrics if any(f"{name}/{metric}" in logged for name in sets)
    ]
    return shown or list(settings.metrics)


def logged_by(runs: Sequence[RunFacts]) -> set[str]:
    """The names of all metrics that any of the runs has."""
    return set().union(*(run.metrics for run in runs))


def counts_of(run: RunFacts, test_set: str, settings: DictConfig) -> list[str]:
    """What a test set holds, "1172 spikes", by the metrics that count it."""
    names = names_of(settings)
    return [
        counted(names.label(metric).removesuffix("s"), round(run.metrics[f"{test_set}/{metric}"]))
        for metric in settings.counts
        if f"{test_set}/{metric}" in run.metrics
    ]


def _test_sets(metrics: Iterable[str], settings: DictConfig) -> list[str]:
    others = {*NOT_TEST_SETS, *settings.get("scored_in_training", ())}
    names = {key.partition("/")[0] for key in metrics if "/" in key} - others
    return sorted(names, key=lambda name: (name != "test", name))


def in_words(names: Names, metric: str) -> str:
    """Of a metric without its part, "AUROC of cells", "RMS error (mV) of cells", "loss"."""
    return names.label(metric).replace(", ", " of ")


def count_text(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.0f}"
