"""What is kept of every sweep: its table and, where one number is swept, its figure."""

from typing import Any

from raphe.harness.report.csv_tables import sweep_csv
from raphe.harness.report.reference import read_reference
from raphe.harness.report.sweep_figure import sweep_figure
from raphe.harness.report.sweep_results import SweepResults

SWEEP_FIGURE = "sweep.png"


def sweep_artifacts(results: SweepResults) -> dict[str, Any]:
    """The sweep's table (CSV) and, where one number is swept, its figure."""
    artifacts: dict[str, Any] = {"sweep.csv": sweep_csv(results.runs, results.parameters)}
    if results.runs and results.numbers is not None:
        (setting,) = results.parameters
        artifacts[SWEEP_FIGURE] = sweep_figure(
            results,
            results.settings.axes.get(setting, setting),
            read_reference(results.settings.get("reference"), setting),
        )
    return artifacts
