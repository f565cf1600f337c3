"""The figure of a sweep over a number: what the test came to, against it."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from omegaconf import DictConfig

from raphe.harness.report.reference import Reference
from raphe.harness.report.shown import counts_of, names_of, shown_metrics, test_sets
from raphe.harness.tracking import RunFacts

PANEL_WIDTH_IN, PANEL_HEIGHT_IN = 4.0, 3.0


def sweep_figure(
    runs: Sequence[RunFacts],
    numbers: Sequence[float],
    failed: Sequence[float],
    axis_label: str,
    settings: DictConfig,
    reference: Reference | None = None,
) -> Figure:
    """A panel for each metric against the swept number, a line for each test set."""
    metrics = shown_metrics(runs, settings)
    n_panels = len(metrics)
    n_columns = min(3, n_panels)
    n_rows = -(-n_panels // n_columns)
    figure = Figure(
        figsize=(PANEL_WIDTH_IN * n_columns, PANEL_HEIGHT_IN * n_rows), layout="constrained"
    )
    panels = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for index, metric in enumerate(metrics):
        _sweep_panel(panels[index], runs, numbers, failed, metric, settings)
        if index + n_columns >= n_panels:  # nothing below
            panels[index].set_xlabel(axis_label)
    for panel in panels[n_panels:]:
        panel.set_visible(False)
    panels[0].legend(frameon=False, fontsize=8)
    if reference is not None:
        _add_reference(dict(zip(metrics, panels, strict=False)), reference)
    return figure


def _add_reference(panels: Mapping[str, Axes], reference: Reference) -> None:
    """Draw published values; their name stands in the first panel that has some."""
    drawn = [metric for metric in panels if metric in reference.curves]
    for metric in drawn:
        x, y = reference.curves[metric]
        panels[metric].plot(x, y, color="0.5", linestyle="--", linewidth=1, label=reference.label)
    if drawn:
        panels[drawn[0]].legend(frameon=False, fontsize=8)


def _sweep_panel(
    panel: Axes,
    runs: Sequence[RunFacts],
    numbers: Sequence[float],
    failed: Sequence[float],
    metric: str,
    settings: DictConfig,
) -> None:
    for name in test_sets(runs[0], settings):
        values = [run.metrics.get(f"{name}/{metric}", float("nan")) for run in runs]
        label = ", ".join([name, *counts_of(runs[0], name, settings)])
        panel.plot(
            numbers, values, marker="o", markersize=3, linewidth=1, label=label, clip_on=False
        )
    for index, number in enumerate(failed):
        label = "failed" if index == 0 else None
        panel.axvline(number, color="0.7", linestyle=":", linewidth=1, label=label)
    names = names_of(settings)
    figure = names.figure(metric)
    # Shown at least so far, so that small differences look small.
    if figure.low is not None:
        panel.set_ylim(bottom=min(figure.low, panel.get_ylim()[0]))
    if figure.high is not None:
        panel.set_ylim(top=figure.high)
    if all(float(number).is_integer() for number in numbers):
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.set_ylabel(names.label(metric))
    panel.spines[["top", "right"]].set_visible(False)
