"""The evidence for one cell's verdict as pictures: alone for a page, together for a paper.

N spikes, T samples a window.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure, FigureBase
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from raphe.core.figure_style import (
    GREY,
    INK,
    SMALL_PT,
    TWO_COLUMNS_IN,
    PaperFigure,
    class_colour,
    house_style,
    letter,
)
from raphe.core.sentences import counted, number, typographic
from raphe.tasks.celltype.prediction.trace_view import Envelope, cell_envelopes
from raphe.tasks.celltype.spikes.cut_settings import Cut
from raphe.tasks.celltype.spikes.time_axis import TimeAxis
from raphe.tasks.celltype.stores.subsampling import evenly_spaced
from raphe.tasks.celltype.verdicts.judge import Judge, JudgedCell
from raphe.tasks.celltype.verdicts.verdict import RECORDED_AGAIN, digits_below, share
from raphe.tasks.celltype.verdicts.weighing import evidence_words

STRETCHES = 1500  # of the trace, a little more than its pixels
SPIKES_DRAWN = 100
SHADES = "viridis"
HALO = (withStroke(linewidth=2, foreground="white"),)  # of a text that lines may cross
FIGURE_IN = 4.6  # in height
PANEL_IN, LEGEND_IN = (3.2, 2.5), 0.7  # of a picture that stands alone
TRACE_IN = (8.0, 2.2)


@dataclass(frozen=True)
class Picture:
    """One panel that stands alone, its title and what must be known to read it."""

    title: str
    caption: str
    figure: Figure


def verdict_figure(judged: JudgedCell, judge: Judge) -> PaperFigure:
    """A cell's recording, its spikes, their mean over the evidence for it, and the votes."""
    with house_style():
        figure = PaperFigure(TWO_COLUMNS_IN, FIGURE_IN)
        figure.caption = draw_panels(figure, judged, judge)
    return figure


def draw_panels(figure: FigureBase, judged: JudgedCell, judge: Judge) -> str:
    """The panels of `verdict_figure` into a figure or a part of one; the caption. Of a cell without
    spikes its recording alone."""
    about = f"{judged.verdict.cell_id}: {judged.verdict.verdict}."
    if not len(judged.cell):
        return f"{about} {_draw_recording(figure.subplots(), judged, judge)}"
    grid = figure.add_gridspec(2, 3, height_ratios=(1, 1.5))
    top = figure.add_subplot(grid[0, :])
    spikes, mean, votes = (figure.add_subplot(grid[1, column]) for column in range(3))
    captions = [
        _draw_recording(top, judged, judge),
        _draw_spikes(spikes, judged, judge),
        _draw_mean(mean, judged, judge),
        draw_votes(votes, judged, judge),
    ]
    votes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.25))
    letter((top, spikes, mean, votes))
    named = (f"({name}) {caption}" for name, caption in zip("abcd", captions, strict=True))
    return f"{about} {' '.join(named)}"


def recording_picture(
    judged: JudgedCell, judge: Judge, sweeps: Sequence[Envelope] | None = None
) -> Picture:
    """The recording, or the peaks of spikes that were cut elsewhere; `sweeps`: its envelopes."""
    figure = PaperFigure(*TRACE_IN)
    with house_style():
        caption = _draw_recording(figure.subplots(), judged, judge, sweeps)
    return Picture("Recording", caption, figure)


def spike_pictures(judged: JudgedCell, judge: Judge) -> list[Picture]:
    """The spikes, their mean over the evidence, and the votes."""
    pictures = []
    for title, draw in (
        ("Spikes", _draw_spikes),
        ("Mean spike and evidence", _draw_mean),
        ("Votes of the networks", draw_votes),
    ):
        with house_style():
            width, height = PANEL_IN
            figure = PaperFigure(width, height + LEGEND_IN * (draw is draw_votes))
            axes = figure.subplots()
            caption = draw(axes, judged, judge)
            handles, labels = axes.get_legend_handles_labels()
            if labels:
                figure.legend(handles, labels, loc="outside lower left")
        pictures.append(Picture(title, caption, figure))
    return pictures


def _draw_recording(
    axes: Axes, judged: JudgedCell, judge: Judge, sweeps: Sequence[Envelope] | None = None
) -> str:
    cell, cut = judged.cell, judge.cut
    if not cell.recordings or not isinstance(cut, Cut):
        return _draw_peaks(axes, judged, judge)
    if sweeps is None:
        sweeps = cell_envelopes(cell, cut, STRETCHES)
    colour = _colour(judged, judge)
    for sweep in sweeps:
        drawn = sweep.coarser(STRETCHES // len(sweeps))
        axes.fill_between(drawn.time_s, drawn.low, drawn.high, color=GREY, linewidth=0.5)
    caption = "The recording, without a spike to judge by"
    if len(cell):
        caption = f"The recording and {counted('spike', len(cell))}, marked above it"
    if cut.threshold_pa is not None:
        axes.axhline(cut.threshold_pa, color=INK, linewidth=0.7, linestyle="--")
        caption += f"; dashed, the threshold of {typographic(f'{cut.threshold_pa:g}')} {cut.unit}"
    top = axes.get_ylim()[1]
    axes.plot(cell.time_s, np.full(len(cell), top), "|", color=colour, ms=6, rasterized=True)
    last = sweeps[-1]
    axes.set_xlim(0, last.start_s + last.step_s * len(last.low))
    axes.set_xlabel("time (s)")
    axes.set_ylabel(_quantity(cut.unit))
    return f"{caption}."


def _draw_peaks(axes: Axes, judged: JudgedCell, judge: Judge) -> str:
    cell, unit = judged.cell, judge.cut.unit
    size = np.abs(cell.waveforms).max(axis=1)
    timed = np.isfinite(cell.time_s).all()
    colour = _colour(judged, judge)
    axes.plot(cell.time_s if timed else np.arange(1, len(cell) + 1), size, ".", color=colour)
    axes.xaxis.set_major_locator(MaxNLocator(integer=not timed))
    axes.set_xlabel("time (s)" if timed else "number of the spike")
    axes.set_ylabel(f"size of the peak ({unit})")
    axes.set_ylim(bottom=0)
    if len(cell) == 1:
        return "The size of the peak of the one spike, cut beforehand."
    return f"The size of each spike's peak ({counted('spike', len(cell))}, cut beforehand)."


def _draw_spikes(axes: Axes, judged: JudgedCell, judge: Judge) -> str:
    waveforms = judged.cell.waveforms
    rows = evenly_spaced(len(waveforms), SPIKES_DRAWN)
    time_ms = _time_ms(axes, judged, judge)
    lines = [np.column_stack([time_ms, spike]) for spike in waveforms[rows]]
    overlaid = LineCollection(
        lines, colors=_colour(judged, judge), linewidths=0.5, alpha=_alpha(len(rows))
    )
    overlaid.set_rasterized(True)  # as lines they would be most of the page
    axes.add_collection(overlaid)
    axes.autoscale(axis="y")
    axes.set_ylabel(_quantity(judge.cut.unit))
    if len(rows) < len(waveforms):
        return f"{len(rows)} of {counted('spike', len(waveforms))}, evenly spaced in time."
    return f"All {counted('spike', len(rows))}." if len(rows) > 1 else "The one spike."


def _draw_mean(axes: Axes, judged: JudgedCell, judge: Judge) -> str:
    waveforms, leading = judged.cell.waveforms, judged.verdict.leading
    evidence = judge.evidence(judged.cell, leading)
    time_ms, mean = _time_ms(axes, judged, judge), waveforms.mean(axis=0)
    caption = "The spike"
    if len(waveforms) > 1:
        spread = waveforms.std(axis=0, ddof=1)
        axes.fill_between(time_ms, mean - spread, mean + spread, color="0.88", linewidth=0)
        caption = f"Mean of {counted('spike', len(waveforms))}, grey: ± SD"
    points = np.column_stack([time_ms, mean])
    segments = np.stack([points[:-1], points[1:]], axis=1)  # (T - 1, 2, 2)
    line = LineCollection(list(segments), cmap=SHADES, linewidths=2.2)
    line.set_array((evidence[:-1] + evidence[1:]) / 2)
    line.set_clim(0, 1)
    axes.add_collection(line)
    axes.autoscale(axis="y")
    axes.set_ylabel(_quantity(judge.cut.unit))
    bar = axes.figure.colorbar(line, ax=axes, pad=0.02, ticks=(0, 0.5, 1))
    bar.set_label(f"evidence for {leading}")
    caption += f". Colour: {evidence_words(leading, evidence, len(judge.ensemble.classes))}"
    return f"{caption}. {_draw_udi(axes, judged, time_ms, mean)}".strip()


def _draw_udi(axes: Axes, judged: JudgedCell, time_ms: np.ndarray, mean: np.ndarray) -> str:
    udi_ms = (judged.verdict.statistics or {}).get("udi_ms", np.nan)
    if not np.isfinite(udi_ms):
        return ""
    start_ms = time_ms[int(np.abs(mean - np.median(mean)).argmax())]
    low, high = axes.get_ylim()
    level = low - 0.05 * (high - low)
    ends = start_ms, start_ms + udi_ms
    axes.plot(ends, (level, level), "|-", color=INK, linewidth=1, markersize=7)
    axes.annotate(
        f"UDI {number(udi_ms, 2)} ms", (np.mean(ends), level), xytext=(0, -6),
        textcoords="offset points", ha="center", va="top", fontsize=SMALL_PT,
    )  # fmt: skip
    axes.set_ylim(low - 0.2 * (high - low), high)
    return (
        "UDI: the upstroke–downstroke interval, from the largest deflection to the peak of the "
        "other sign after it, the median over spikes."
    )


def draw_votes(axes: Axes, judged: JudgedCell, judge: Judge) -> str:
    """What each network says alone, over its kernel size; the caption."""
    verdict = judged.verdict
    leading, colour = verdict.leading, _colour(judged, judge)
    together = verdict.probability[leading]
    threshold = judge.decision.not_sure.threshold
    digits = digits_below(threshold, (together,))
    if threshold > 0:
        axes.axhspan(0, threshold, color="0.93", linewidth=0)
        axes.axhline(
            threshold, color=INK, linewidth=0.8, linestyle="--",
            label=f"called from {threshold:.{digits}f} up, not sure below",
        )  # fmt: skip
    if verdict.recorded_again is not None:
        axes.axhspan(
            *verdict.recorded_again[leading], color=colour, alpha=0.2, linewidth=0,
            label=f"if {RECORDED_AGAIN} (95 %)",
        )  # fmt: skip
    who = "all networks together" if len(verdict.votes) > 1 else "the verdict"
    axes.axhline(together, color=colour, label=f"{who}, {share(together, digits)}")
    for agrees, words in ((True, f"network for {leading}"), (False, "network for another class")):
        votes = [vote for vote in verdict.votes if (vote.called == leading) is agrees]
        if votes:
            axes.plot(
                [vote.kernel for vote in votes], [vote.probability[leading] for vote in votes], "o",
                color=colour, markerfacecolor=colour if agrees else "white", label=words,
            )  # fmt: skip
    for vote in verdict.votes:
        if vote.times > 1:
            axes.annotate(
                f"×{vote.times}", (vote.kernel, vote.probability[leading]), xytext=(5, 0),
                textcoords="offset points", va="center", fontsize=SMALL_PT, path_effects=HALO,
            )  # fmt: skip
    axes.set_ylim(-0.03, 1.03)
    axes.margins(x=0.15)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=1))
    axes.set_xlabel("kernel size k of the network (samples)")
    axes.set_ylabel(f"probability of {leading}")
    agree, n_votes = verdict.agreement
    caption = f"{agree} of {counted('vote', n_votes)} for {leading}. " if n_votes > 1 else ""
    caption += "A point is one network, asked alone; " + (
        "its probability is calibrated as the verdict's is"
        if judge.decision.calibrated
        else "neither its probability nor the verdict's is calibrated"
    )
    if any(vote.times > 1 for vote in verdict.votes):
        caption += "; ×: how often a network counts"
    return f"{caption}."


def _time_ms(axes: Axes, judged: JudgedCell, judge: Judge) -> np.ndarray:
    """Of the window's samples (T,), on an axis that has both ends of the window."""
    cut = judge.cut
    axis = TimeAxis(cut.rate_hz, judged.cell.pre_ms)
    time_ms = axis.time_ms(cut.n_samples)
    axes.set_xlim(time_ms[0], time_ms[-1] + 1000 / cut.rate_hz)
    axes.set_xlabel(axis.label)
    return time_ms


def _colour(judged: JudgedCell, judge: Judge) -> str:
    """That of the most probable class."""
    leading = judged.verdict.leading
    return class_colour(judge.ensemble.classes.index(leading)) if leading else INK


def _alpha(n: int) -> float:
    return float(np.clip(8 / n, 0.2, 1))


def _quantity(unit: str) -> str:
    return f"{'voltage' if unit.endswith('V') else 'current'} ({unit})"
