"""What abstaining buys: errors among the called, against the share called."""

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from raphe.core.figure_style import COLOURS, GREY, STYLE
from raphe.core.statistics.abstention import risk_coverage
from raphe.tasks.celltype.metrics.set_result import SetResult


def risk_coverage_figure(result: SetResult) -> Figure:
    """The most confident are called first; a diamond marks the band that was chosen."""
    spikes = result.spikes
    with rc_context(STYLE):
        figure = Figure(figsize=(4.2, 3.7), layout="constrained")
        axes = figure.add_subplot()
        right = spikes.predicted == spikes.label
        _curve(axes, spikes.probability, right, "spikes", color=COLOURS[0])
        _curve(axes, result.stated, result.right, "cells", color="black", linestyle="--")
        top = max(5.0, 1.1 * axes.dataLim.y1)
        if result.decision:
            _chosen(axes, result)
        axes.set(xlabel="Share called (%)", ylabel="Wrong among the called (%)")
        axes.set(xlim=(0, 100), ylim=(0, top))
        axes.set_title(f"Risk and coverage, {result.name} set")
        figure.legend(loc="outside upper center", ncols=2)
    return figure


def _curve(axes: Axes, probability: np.ndarray, right: np.ndarray, what: str, **style: str) -> None:
    curve = risk_coverage(probability.max(axis=1), right)
    label = f"{len(right)} {what}, area {100 * curve.area:.2f} %"
    axes.step(100 * curve.coverage, 100 * curve.risk, where="pre", lw=1.4, label=label, **style)


def _chosen(axes: Axes, result: SetResult) -> None:
    """Mark where the band puts these cells, and the most that it was to allow."""
    not_sure, decided = result.decision.not_sure, result.decided
    error = 100 * (~result.right[decided]).mean() if decided.any() else 0.0
    label = f"P ≥ {not_sure.threshold:.2f}: {decided.sum()} of {len(decided)} cells called"
    style = {"color": "black", "markersize": 5, "markerfacecolor": "white", "linestyle": ""}
    axes.plot(100 * decided.mean(), error, "D", clip_on=False, label=label, **style)
    coverage = np.linspace(0.005, 1, 400)
    # Wrong calls are wanted to be rare among all cells, so the fewer are called the more may err.
    label = f"{100 * not_sure.wanted_error:g} % of all called wrong"
    wanted = 100 * not_sure.wanted_error / coverage
    axes.plot(100 * coverage, wanted, color=GREY, lw=0.8, ls=":", label=label)
