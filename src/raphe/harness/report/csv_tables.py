"""What the epochs of a run logged, and what the members of a sweep came to, as CSV."""

from collections.abc import Collection, Mapping, Sequence

from raphe.core.files.csv_text import csv_text
from raphe.harness.tracking import RunFacts

EPOCHS = "epochs.csv"


def epochs_csv(logged: Mapping[str, Mapping[int, float]], tested: Collection[str]) -> str:
    """What each epoch logged, one row an epoch, counted from 0 as MLflow's steps are.

    Args:
        logged: of the run, by metric and step.
        tested: metrics of the test, which no epoch has.
    """
    metrics = sorted(
        key
        for key in logged
        if "/" in key and key not in tested and not key.startswith(("system/", "swept/"))
    )
    epochs = sorted(set().union(*(logged[key] for key in metrics)))
    rows = ([epoch, *(logged[key].get(epoch) for key in metrics)] for epoch in epochs)
    return csv_text(["epoch", *metrics], rows)


def sweep_csv(runs: Sequence[RunFacts], parameters: Sequence[str]) -> str:
    metrics = sorted(
        {key for run in runs for key in run.metrics if not key.startswith(("system/", "swept/"))}
    )
    header = [*parameters, "run_id", *metrics]
    rows = []
    for run in runs:
        swept = [run.params.get(name, "") for name in parameters]
        rows.append([*swept, run.run_id, *(run.metrics.get(key, "") for key in metrics)])
    return csv_text(header, rows)
