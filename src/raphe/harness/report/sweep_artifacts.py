"""What is kept of every sweep: its table and, where one number is swept, its figure."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from omegaconf import DictConfig

from raphe.harness.report.csv_tables import sweep_csv
from raphe.harness.report.reference import read_reference
from raphe.harness.report.sweep_figure import sweep_figure
from raphe.harness.tracking import RunFacts

SWEEP_FIGURE = "sweep.png"


def sweep_artifacts(
    runs: Sequence[RunFacts], failed: Sequence[str], parameters: Sequence[str], settings: DictConfig
) -> dict[str, Any]:
    """The sweep's table (CSV) and, where one number is swept, its figure.

    Args:
        runs: members that finished.
        failed: labels of those that did not, "model.kernel=60".
        parameters: names of what is swept.
        settings: the `report` section.
    """
    artifacts: dict[str, Any] = {"sweep.csv": sweep_csv(runs, parameters)}
    if len(parameters) == 1 and runs:
        values = [run.params.get(parameters[0], "") for run in runs]
        missing = [label.partition("=")[2] for label in failed]
        if all(_is_number(value) for value in [*values, *missing]):
            order = np.argsort([float(value) for value in values])
            artifacts[SWEEP_FIGURE] = sweep_figure(
                [runs[index] for index in order],
                sorted(float(value) for value in values),
                [float(value) for value in missing],
                settings.axes.get(parameters[0], parameters[0]),
                settings,
                read_reference(settings.get("reference"), parameters[0]),
            )
    return artifacts


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
