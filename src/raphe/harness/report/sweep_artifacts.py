"""What is kept of every sweep: its table and, where one number is swept, its figure."""

from functools import partial

from raphe.core.protocol import Draw
from raphe.harness.report.csv_tables import sweep_csv
from raphe.harness.report.means import MEANS, Means
from raphe.harness.report.reference import read_reference
from raphe.harness.report.sweep_figure import sweep_figure
from raphe.harness.report.sweep_results import SweepResults

SWEEP_FIGURE = "sweep.png"


def sweep_artifacts(results: SweepResults, means: Means | None = None) -> dict[str, Draw | str]:
    """The sweep's table (CSV) and, where one number is swept, its figure; where what is swept is
    repeated, the table of means, and the figure is of these."""
    artifacts: dict[str, Draw | str] = {"sweep.csv": sweep_csv(results.runs, results.parameters)}
    if means is not None:
        artifacts[MEANS] = means.csv
    shown = results if means is None or not means.compared else means.results
    if shown.runs and shown.numbers is not None:
        (setting,) = shown.parameters
        artifacts[SWEEP_FIGURE] = partial(
            sweep_figure,
            shown,
            shown.settings.axes.get(setting, setting),
            read_reference(shown.settings.get("reference"), setting),
        )
    return artifacts
