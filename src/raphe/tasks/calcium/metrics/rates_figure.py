"""Traces with the rates inferred from them, one below the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from raphe.core.figure_style import (
    INK,
    METHODS,
    TEXT_PT,
    TWO_COLUMNS_IN,
    PaperFigure,
    house_style,
    letter,
)
from raphe.core.sentences import counted

N_EXAMPLES = 6  # traces drawn
SHOWN_S = 30.0
BRIDGED_S = 0.5  # of missing frames over which a line goes on
LEAST_TOP = 2.0  # spikes/s, of an axis: a silent neuron is not blown up
CALCIUM, INFERRED, SPIKES = METHODS[3], METHODS[2], INK


@dataclass(frozen=True)
class ExampleTrace:
    """One trace to draw, of T frames."""

    name: str
    calcium: np.ndarray  # (T,), in any unit
    rate_per_s: np.ndarray  # (T,), spikes/s; or Elephant's z-score
    spread_per_s: np.ndarray  # (T,), spikes/s
    spike_times_s: np.ndarray  # (K,), of discrete spikes


@house_style()
def rates_figure(examples: Sequence[ExampleTrace], rate_hz: float) -> PaperFigure:
    """Fluorescence above its rate with its spread, in the half minute with the most spikes."""
    caption = (
        f"{counted('trace', len(examples))} of those inferred, {SHOWN_S:g} s each where the rate "
        "is highest: calcium, which has no unit here, above the inferred rate; the band is the "
        "standard deviation over the networks, ticks are discrete spikes. Each trace has its own "
        "scale."
    )
    return _panel_each(examples, rate_hz, caption, _draw, "Rate (spikes/s)", 4)


@house_style()
def scores_figure(examples: Sequence[ExampleTrace], rate_hz: float) -> PaperFigure:
    """Fluorescence above Elephant's z-score, in the half minute in which it is highest.

    Of an example `rate_per_s` is that score, and there are neither spread nor spikes.
    """
    caption = (
        f"{counted('trace', len(examples))} of those inferred, {SHOWN_S:g} s each where Elephant's "
        "answer is highest: calcium, which has no unit here, above what Elephant says, a z-score "
        "of each trace's own rate, of which 0 (dotted) is the mean: it tells no number of spikes, "
        "and nothing of one trace beside another."
    )
    return _panel_each(examples, rate_hz, caption, _draw_score, "z-score", 2)


def _panel_each(
    examples: Sequence[ExampleTrace],
    rate_hz: float,
    caption: str,
    draw: Callable[[Axes, ExampleTrace, float], None],
    label: str,
    n_lines: int,
) -> PaperFigure:
    """A panel for each trace, as `draw` has it, with what is drawn in them named once."""
    figure = PaperFigure(TWO_COLUMNS_IN, 1.3 * len(examples) + 0.6, caption)
    panels = figure.subplots(len(examples), 1, squeeze=False)[:, 0]
    for axes, example in zip(panels, examples, strict=True):
        draw(axes, example, rate_hz)
    panels[-1].set_xlabel("Time (s)")
    figure.supylabel(label, size=TEXT_PT)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=n_lines)
    letter(panels)
    return figure


def busiest(spikes: np.ndarray, length: int) -> slice:
    """The `length` samples of (T,) that hold the most spikes, or all of them."""
    reached = np.concatenate([[0.0], np.cumsum(np.nan_to_num(spikes))])
    length = min(length, len(spikes))
    start = int((reached[length:] - reached[: len(reached) - length]).argmax())
    return slice(start, start + length)


def rate_axis_below(axes: Axes, top: float) -> None:
    """Number the rate's axis up to `top` alone: calcium, above it, has no unit."""
    _number_between(axes, max(axes.get_ylim()[0], 0), top)


def _number_between(axes: Axes, low: float, high: float) -> None:
    ticks = np.asarray(MaxNLocator(3).tick_values(low, high))
    axes.set_yticks(ticks[(ticks >= low) & (ticks <= high)])
    axes.spines["left"].set_bounds(low, high)


def _draw_score(axes: Axes, example: ExampleTrace, rate_hz: float) -> None:
    window = busiest(example.rate_per_s, round(SHOWN_S * rate_hz))
    time_s = np.arange(window.start, window.stop) / rate_hz
    calcium, score = example.calcium[window], example.rate_per_s[window]
    bottom, top = np.nanmin(score, initial=-1.0), np.nanmax(score, initial=1.0)
    height = top - bottom
    axes.plot(
        time_s, top + height * (0.15 + 0.9 * _from_0_to_1(calcium)),
        color=CALCIUM, linewidth=0.7, label="calcium",
    )  # fmt: skip
    axes.axhline(0.0, color=CALCIUM, linewidth=0.6, linestyle=":")
    axes.plot(time_s, score, color=INFERRED, linewidth=0.9, label="what Elephant says")
    axes.set(xlim=(time_s[0], time_s[-1]), ylim=(bottom - 0.05 * height, top + 1.1 * height))
    _number_between(axes, float(bottom), float(top))
    axes.set_title(f"Trace {example.name}", loc="left")


def _without_short_gaps(values: np.ndarray, rate_hz: float) -> np.ndarray:
    """Which of (T,) are drawn, bool (T,): a line goes on over missing frames of up to BRIDGED_S."""
    missing = np.isnan(values)
    begins = np.concatenate([[0], np.flatnonzero(np.diff(missing)) + 1])
    lengths = np.diff(np.append(begins, len(values)))
    is_short = np.repeat(lengths <= BRIDGED_S * rate_hz, lengths)
    drawn: np.ndarray = ~(missing & is_short)
    return drawn


def _from_0_to_1(samples: np.ndarray) -> np.ndarray:
    low, high = np.nanmin(samples), np.nanmax(samples)
    return (samples - low) / max(high - low, 1e-9)


def _draw(axes: Axes, example: ExampleTrace, rate_hz: float) -> None:
    window = busiest(example.rate_per_s, round(SHOWN_S * rate_hz))
    time_s = np.arange(window.start, window.stop) / rate_hz
    calcium, rate, spread = (
        values[window] for values in (example.calcium, example.rate_per_s, example.spread_per_s)
    )
    top = max(float(np.nanmax(rate + spread, initial=0.0)), LEAST_TOP)
    lifted = top * (1.15 + 0.9 * _from_0_to_1(calcium))
    drawn = _without_short_gaps(calcium, rate_hz)
    axes.plot(time_s[drawn], lifted[drawn], color=CALCIUM, linewidth=0.7, label="calcium")
    drawn = _without_short_gaps(rate, rate_hz)
    time_s, rate, spread = time_s[drawn], rate[drawn], spread[drawn]
    axes.plot(time_s, rate, color=INFERRED, linewidth=0.9, label="inferred rate")
    axes.fill_between(
        time_s, np.maximum(rate - spread, 0), rate + spread,
        color=INFERRED, alpha=0.3, linewidth=0, label="± disagreement of the networks",
    )  # fmt: skip
    within = (example.spike_times_s >= time_s[0]) & (example.spike_times_s <= time_s[-1])
    axes.vlines(
        example.spike_times_s[within], -0.16 * top, -0.04 * top,
        color=SPIKES, linewidth=0.6, label="discrete spikes",
    )  # fmt: skip
    axes.set(xlim=(time_s[0], time_s[-1]), ylim=(-0.2 * top, 2.1 * top))
    rate_axis_below(axes, top)
    axes.set_title(f"Trace {example.name}", loc="left")
