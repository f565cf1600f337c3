"""Traces with the rates inferred from them, one below the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from raphe.core.figure_style import COLOURS, STYLE

N_EXAMPLES = 8  # traces drawn
SHOWN_S = 60.0
CALCIUM, INFERRED = COLOURS[2], COLOURS[0]


@dataclass(frozen=True)
class Example:
    """One trace to draw, (T,) each."""

    name: str
    calcium: np.ndarray
    rate_per_s: np.ndarray


def rates_figure(examples: Sequence[Example], rate_hz: float) -> Figure:
    """The first minute of each, fluorescence above its rate in spikes per second."""
    with rc_context(STYLE):
        figure = Figure(figsize=(7.0, 1.3 * len(examples) + 0.7), layout="constrained")
        panels = figure.subplots(len(examples), 1, squeeze=False, sharex=True)[:, 0]
        for axes, one in zip(panels, examples, strict=True):
            shown = slice(0, int(SHOWN_S * rate_hz))
            calcium, rate = one.calcium[shown], one.rate_per_s[shown]
            time_s = np.arange(len(rate)) / rate_hz
            top = max(float(np.nanmax(rate, initial=0.0)), 1.0)
            low, high = np.nanmin(calcium, initial=np.inf), np.nanmax(calcium, initial=-np.inf)
            lifted = top * (1.1 + (calcium - low) / max(high - low, 1e-9))
            axes.plot(time_s, lifted, color=CALCIUM, linewidth=0.7, label="calcium")
            axes.plot(time_s, rate, color=INFERRED, linewidth=0.9, label="inferred rate")
            axes.set(ylim=(0, 2.15 * top), ylabel="spikes/s")
            axes.set_title(one.name, loc="left")
        panels[-1].set_xlabel("Time (s)")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
        return figure
