"""The evidence for one cell's verdict in one picture.

N spikes, T samples a window.
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from raphe.core.recordings.recording import CHUNK, Recording
from raphe.core.sentences import counted
from raphe.tasks.celltype.prediction.cell_input import CellSpikes
from raphe.tasks.celltype.prediction.verdict import CellVerdict
from raphe.tasks.celltype.spikes.cut_settings import Cut, GivenWindows
from raphe.tasks.celltype.spikes.cutting import recording_scale
from raphe.tasks.celltype.stores.subsampling import evenly_spaced

STRETCHES = 1500  # of the trace, a little more than its pixels
SPIKES_DRAWN = 100
TRACE = "0.35"
SHADES = "viridis"


def verdict_figure(
    cell: CellSpikes,
    verdict: CellVerdict,
    evidence: np.ndarray,
    cut: Cut | GivenWindows,
    wanted: str,
) -> Figure:
    """The trace, the spikes, their mean over the evidence for it, and the members' votes.

    Args:
        evidence: (T,) Grad-CAM of the leading class, mean over spikes and members.
        wanted: the class whose probability the votes show.
    """
    figure = Figure(figsize=(11, 6.4), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 1.4))
    if cell.recordings:
        _draw_trace(top.subplots(), cell, cut)
    else:
        _draw_amplitudes(top.subplots(), cell, cut)
    spikes, mean, votes = bottom.subplots(1, 3, width_ratios=(1, 1.15, 1))
    time_ms = (np.arange(cell.waveforms.shape[1]) - cut.n_before) * 1000 / cut.rate_hz
    _draw_spikes(spikes, cell.waveforms, time_ms, cut)
    _draw_mean(mean, cell.waveforms, time_ms, evidence, verdict.leading, cut)
    mean.sharey(spikes)
    _draw_votes(votes, verdict, wanted)
    for axes in (*top.axes, spikes, mean, votes):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


@dataclass(frozen=True)
class Envelope:
    """A long trace as a picture needs it: the lowest and highest sample of a few stretches.

    Each array (n,), NaN where a sweep ends.
    """

    time_s: np.ndarray  # of its beginning, sweeps one after the other on the recording's clock
    low: np.ndarray  # in the recording's unit
    high: np.ndarray


def envelope(recording: Recording, n_stretches: int) -> Envelope:
    """Walk through a recording in chunks; about `n_stretches` in all, one at least a sweep."""
    size = max(1, -(-recording.n_samples // n_stretches))
    per_chunk = max(1, CHUNK // size) * size
    time_s, low, high = [], [], []
    for sweep in recording.sweeps:
        for start, samples in sweep.chunks(per_chunk):
            firsts = np.arange(0, len(samples), size)
            time_s.append(sweep.start_s + (start + firsts) / recording.rate_hz)
            low.append(np.minimum.reduceat(samples, firsts))
            high.append(np.maximum.reduceat(samples, firsts))
        for values in (time_s, low, high):  # a gap in the picture
            values.append([np.nan])
    return Envelope(*(np.concatenate(values) for values in (time_s, low, high)))


def _draw_trace(axes: Axes, cell: CellSpikes, cut: Cut) -> None:
    begun_s = 0.0
    for recording in cell.recordings:
        scale = recording_scale(recording, cut)
        drawn = envelope(recording, STRETCHES // len(cell.recordings))
        time_s = begun_s + drawn.time_s
        axes.fill_between(time_s, drawn.low * scale, drawn.high * scale, color=TRACE, linewidth=0.5)
        last = recording.sweeps[-1]
        begun_s += last.start_s + last.n_samples / recording.rate_hz
    if cut.threshold_pa is not None:
        axes.axhline(cut.threshold_pa, color="tab:red", linewidth=0.7, linestyle="--")
    top = axes.get_ylim()[1]
    axes.plot(cell.time_s, np.full(len(cell), top), "|", color="tab:red", markersize=5)
    axes.set_xlim(0, begun_s)
    axes.set_xlabel("time (s)")
    axes.set_ylabel(f"current ({cut.unit})")
    axes.set_title(f"recording, {counted('spike', len(cell))} marked", loc="left", fontsize=10)


def _draw_amplitudes(axes: Axes, cell: CellSpikes, cut: Cut | GivenWindows) -> None:
    size = np.abs(cell.waveforms).max(axis=1)
    timed = np.isfinite(cell.time_s).all()
    axes.plot(cell.time_s if timed else np.arange(1, len(cell) + 1), size, ".", color=TRACE)
    axes.set_xlabel("time (s)" if timed else "spike")
    axes.set_ylabel(f"peak size ({cut.unit})")
    axes.set_ylim(bottom=0)
    axes.set_title(f"{counted('spike', len(cell))}, cut before", loc="left", fontsize=10)


def _draw_spikes(
    axes: Axes, waveforms: np.ndarray, time_ms: np.ndarray, cut: Cut | GivenWindows
) -> None:
    rows = evenly_spaced(len(waveforms), SPIKES_DRAWN)
    lines = [np.column_stack([time_ms, spike]) for spike in waveforms[rows]]
    overlaid = LineCollection(lines, colors="0.2", linewidths=0.4, alpha=0.35)
    overlaid.set_rasterized(True)  # as lines they would be most of the page
    axes.add_collection(overlaid)
    axes.autoscale()
    axes.set_xlim(time_ms[0], time_ms[-1])
    axes.set_xlabel(_time_name(cut))
    axes.set_ylabel(_quantity(cut.unit))
    number = f"{len(rows)} of {len(waveforms)}" if len(rows) < len(waveforms) else f"{len(rows)}"
    axes.set_title(f"spikes ({number})", loc="left", fontsize=10)


def _draw_mean(
    axes: Axes,
    waveforms: np.ndarray,
    time_ms: np.ndarray,
    evidence: np.ndarray,
    called: str,
    cut: Cut | GivenWindows,
) -> None:
    mean = waveforms.mean(axis=0)
    if len(waveforms) > 1:
        spread = waveforms.std(axis=0, ddof=1)
        axes.fill_between(time_ms, mean - spread, mean + spread, color="0.85", linewidth=0)
    points = np.column_stack([time_ms, mean])
    segments = np.stack([points[:-1], points[1:]], axis=1)  # (T - 1, 2, 2)
    line = LineCollection(segments, cmap=SHADES, linewidths=2.2)
    line.set_array((evidence[:-1] + evidence[1:]) / 2)
    line.set_clim(0, 1)
    axes.add_collection(line)
    axes.autoscale()
    axes.set_xlim(time_ms[0], time_ms[-1])
    axes.set_xlabel(_time_name(cut))
    axes.set_title(f"mean ± SD; colour: Grad-CAM for {called}", loc="left", fontsize=10)
    axes.tick_params(labelleft=False)
    axes.figure.colorbar(line, ax=axes, pad=0.02, ticks=(0, 0.5, 1))


def _time_name(cut: Cut | GivenWindows) -> str:
    return "time from crossing (ms)" if isinstance(cut, Cut) else "time in the window (ms)"


def _quantity(unit: str) -> str:
    return f"{'voltage' if unit.endswith('V') else 'current'} ({unit})"


def _draw_votes(axes: Axes, verdict: CellVerdict, wanted: str) -> None:
    for vote in verdict.votes:
        agrees = vote.called == verdict.leading
        axes.plot(
            vote.kernel,
            vote.probability[wanted],
            "o",
            markersize=4 + 2 * vote.times,
            markerfacecolor="tab:blue" if agrees else "white",
            markeredgecolor="tab:blue",
        )
    if verdict.again is not None:
        axes.axhspan(*verdict.again[wanted], color="tab:blue", alpha=0.12, linewidth=0)
    axes.axhline(verdict.probability[wanted], color="tab:blue", linewidth=1)
    axes.set_ylim(-0.04, 1.04)
    axes.margins(x=0.1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.set_xlabel("kernel size k (samples)")
    axes.set_ylabel(f"probability of {wanted}")
    agree, n_votes = verdict.agreement
    axes.set_title(
        f"votes: {agree} of {n_votes} for {verdict.leading}\nline: verdict"
        + ("; band: recorded again" if verdict.again is not None else ""),
        loc="left",
        fontsize=10,
    )
