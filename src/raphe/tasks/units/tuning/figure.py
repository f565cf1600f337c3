"""The picture of a tuning: what it reaches, and the learning curve."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from raphe.core.figure_style import (
    GREY,
    INK,
    PALE,
    TWO_COLUMNS_IN,
    PaperFigure,
    colour,
    house_style,
    letter,
)
from raphe.core.sentences import counted
from raphe.tasks.units.tuning.left_out import SIMPLE, TUNED, UNTOUCHED
from raphe.tasks.units.tuning.tune import Tuned

HEIGHT_IN = 2.5
BEYOND = 4.0  # times the units that there are: how far the law is drawn


@house_style()
def tuning_figure(tuned: Tuned) -> Figure:
    """Balanced accuracy of each method, and of the tuned bundle over the number of units."""
    of_left_out, curve = tuned.left_out, tuned.curve
    over = of_left_out.balanced(TUNED).over
    caption = (
        f"a: Balanced accuracy of {counted('unit', len(tuned.material.label))} left out "
        f"{of_left_out.how}, with 95 % intervals over {over}: the bundle as it is, tuned (with the "
        "choice of how, made without them), and simple classifiers trained on these units alone. "
        "Grey line: chance. b: The tuned bundle by the number of units that it was tuned on, 95 % "
    )
    caption += (
        "of the draws of other units to call (bars), an inverse power law (line) and where it "
        "leads (broken), with its 95 % band. Dotted: the bundle as it is."
        if curve is not None
        else "intervals; the units are too few for a learning curve."
    )
    if tuned.target is not None:
        caption += f" Violet: the {tuned.target:.2f} that is asked for."
    figure = PaperFigure(TWO_COLUMNS_IN, HEIGHT_IN, caption)
    methods, learning = figure.subplots(1, 2, width_ratios=(1, 1.25))
    _draw_methods(methods, tuned)
    _draw_curve(learning, tuned)
    letter((methods, learning))
    return figure


def _draw_methods(axes: Axes, tuned: Tuned) -> None:
    names = (UNTOUCHED, TUNED, *SIMPLE)
    axes.axvline(1 / len(tuned.left_out.classes), color=PALE, lw=0.8)
    for row, name in enumerate(names):
        estimate = tuned.left_out.balanced(name).estimate
        shade = INK if name in (UNTOUCHED, TUNED) else GREY
        face = "white" if name == UNTOUCHED else shade
        axes.plot([estimate.low, estimate.high], [row, row], color=shade, lw=1.2)
        axes.plot(estimate.value, row, "o", color=shade, mfc=face, ms=4.5)
    axes.set(xlim=(0, 1), ylim=(len(names) - 0.4, -0.6), xticks=(0, 0.5, 1))
    axes.set_xlabel("balanced accuracy")
    axes.set_yticks(range(len(names)), [name[:1].upper() + name[1:] for name in names])


def _draw_curve(axes: Axes, tuned: Tuned) -> None:
    curve, before = tuned.curve, tuned.left_out.balanced(UNTOUCHED).estimate.value
    axes.set(ylim=(0, 1), xlabel="units tuned on", ylabel="balanced accuracy")
    axes.axhline(before, color=INK, lw=0.9, ls=":")
    if tuned.target is not None:
        axes.axhline(tuned.target, color=colour("test"), lw=0.9)
    if curve is None:
        axes.set_xticks([])
        axes.text(0.5, 0.08, "too few units", transform=axes.transAxes, ha="center", color=GREY)
        return
    seen = np.geomspace(curve.sizes[0], curve.sizes[-1], 60)
    ahead = np.geomspace(curve.sizes[-1], BEYOND * curve.n_units, 60)
    every = np.concatenate([seen, ahead[1:]])
    axes.fill_between(every, *curve.band(every), color=PALE, alpha=0.6, lw=0)
    axes.plot(seen, curve.law.at(seen)[0], color=INK)
    axes.plot(ahead, np.clip(curve.law.at(ahead)[0], 0, 1), color=INK, ls="--")
    ends = np.quantile(curve.draws, (0.025, 0.975), axis=0)
    axes.vlines(curve.sizes, *ends, color=INK, lw=0.8)
    axes.plot(curve.sizes, curve.value, "o", color=INK, ms=4)
    axes.set_xscale("log")
    ticks = [n for n in (5, 10, 20, 50, 100, 200, 500, 1000, 2000) if every[0] <= n <= every[-1]]
    axes.set_xticks(ticks, [str(n) for n in ticks])
    axes.set_xticks([], minor=True)
