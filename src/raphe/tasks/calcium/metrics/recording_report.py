"""Figures and a table of a test set: every recording's scores, and some beside their spikes."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from raphe.core.figure_style import (
    GREY,
    INK,
    ONE_COLUMN_IN,
    TEXT_PT,
    TWO_COLUMNS_IN,
    PaperFigure,
    house_style,
    letter,
)
from raphe.core.files.csv_text import csv_text
from raphe.core.sentences import counted
from raphe.core.statistics.intervals import mean_of
from raphe.tasks.calcium.metrics.rates_figure import CALCIUM, INFERRED, busiest, rate_axis_below
from raphe.tasks.calcium.metrics.scores import InferredRecording
from raphe.tasks.calcium.recordings.sampling import RATE_HZ, smoothed, z_scored
from raphe.tasks.calcium.stores.trace_store import CalciumStore

N_EXAMPLES = 4
EXAMPLE_S = 20.0
ASIDE = 0.2  # of a dataset's place: from its recordings to their mean


def recording_report(
    name: str, inferred: Sequence[InferredRecording], store: CalciumStore
) -> dict[str, Figure | str]:
    """Draw and tabulate one test set.

    Returns:
        By file name: `<set>/scores.png` and `<set>/traces.png` as figures, `<set>/recordings.csv`
        as text.
    """
    return {
        f"{name}/scores.png": scores_figure(name, inferred, store),
        f"{name}/traces.png": traces_figure(name, inferred, store),
        f"{name}/recordings.csv": recordings_csv(inferred, store),
    }


@house_style()
def scores_figure(
    name: str, inferred: Sequence[InferredRecording], store: CalciumStore
) -> PaperFigure:
    """The challenge's score of each recording, by dataset, and each dataset's mean."""
    datasets = [dataset for dataset in store.datasets if _of(inferred, store, dataset)]
    width_in = min(TWO_COLUMNS_IN, max(ONE_COLUMN_IN, 1.2 + 0.6 * len(datasets)))
    figure = PaperFigure(width_in, 2.8, _scores_caption(name, len(inferred)))
    axes = figure.add_subplot()
    for x, dataset in enumerate(datasets):
        recordings = _of(inferred, store, dataset)
        scores = np.array([recording.scores["correlation"] for recording in recordings])
        scored = np.sort(scores[~np.isnan(scores)])
        axes.plot(np.full(len(scored), x), scored, "o", color=INFERRED, ms=3, alpha=0.6, mew=0)
        if len(scored):
            mean = mean_of(scored)
            reach = np.abs([[mean.low - mean.value], [mean.high - mean.value]])
            axes.errorbar(x + ASIDE, mean.value, reach, fmt="_", ms=7, color=INK, lw=1.2)
    axes.set_xticks(
        range(len(datasets)), [f"{d}\nn = {len(_of(inferred, store, d))}" for d in datasets]
    )
    axes.tick_params(axis="x", length=0)
    axes.axhline(0, color=GREY, linewidth=0.8, linestyle=":")
    axes.set(xlim=(-0.6, len(datasets) - 0.4), xlabel="Dataset, n recordings")
    axes.set_ylim(top=1)  # an interval of t may end above what a correlation can be
    axes.set_ylabel("Correlation with the spikes at 25 Hz")
    return figure


def _scores_caption(name: str, n_recordings: int) -> str:
    return (
        f"Correlation of the inferred rate with the spikes, both in bins of 40 ms, of each of "
        f"{counted('recording', n_recordings)} of the {name} set (points); bars: means of the "
        "datasets with 95 % intervals of t over recordings."
    )


@house_style()
def traces_figure(
    name: str, inferred: Sequence[InferredRecording], store: CalciumStore
) -> PaperFigure:
    """Calcium, spikes, their smoothed rate and the inferred one, of recordings from best to worst.

    Of each the stretch with the most spikes. Rates in spikes per second, or as z-scores where the
    network does not know their scale.
    """
    chosen = _examples(inferred)
    n_panels = max(1, len(chosen))
    caption = (
        f"{counted('recording', len(chosen))} of the {name} set, evenly from the best to the worst "
        f"by correlation, {EXAMPLE_S:g} s each with the most spikes. Calcium has no unit; each "
        "recording has its own scale."
    )
    figure = PaperFigure(TWO_COLUMNS_IN, 1.5 * n_panels + 0.6, caption)
    panels = figure.subplots(n_panels, 1, squeeze=False)[:, 0]
    for axes, example in zip(panels, chosen, strict=False):
        _draw_example(axes, example, store)
    panels[-1].set_xlabel("Time (s)")
    unit = "spikes/s" if all(example.rate_per_s is not None for example in chosen) else "z-score"
    figure.supylabel(f"Rate ({unit})", size=TEXT_PT)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    letter(panels)
    return figure


def _draw_example(axes: Axes, example: InferredRecording, store: CalciumStore) -> None:
    recording = store.recordings[example.index]
    spikes = np.asarray(store.spikes[recording.rows], dtype=np.float64)
    window = busiest(spikes, int(EXAMPLE_S * RATE_HZ))
    time_s = np.arange(window.start, window.stop) / RATE_HZ
    if example.rate_per_s is None:
        truth, rate = z_scored(smoothed(spikes)), example.rate
    else:
        truth, rate = smoothed(spikes) * RATE_HZ, example.rate_per_s
    top = max(truth[window].max(), rate[window].max())
    calcium = np.asarray(store.calcium[recording.rows])[window]
    lifted = top * (1.35 + 0.8 * (calcium - calcium.min()) / max(np.ptp(calcium), 1e-9))
    axes.plot(time_s, lifted, color=CALCIUM, linewidth=0.8, label="calcium")
    fired = np.flatnonzero(spikes[window])
    axes.vlines(time_s[fired], 1.1 * top, 1.25 * top, color=INK, linewidth=0.6, label="spikes")
    axes.plot(time_s, truth[window], color=GREY, linewidth=0.8, label="smoothed spikes")
    axes.plot(time_s, rate[window], color=INFERRED, linewidth=1.0, label="inferred rate")
    axes.set_xlim(time_s[0], time_s[-1])
    rate_axis_below(axes, top)
    axes.set_title(
        f"{recording.name}: correlation {example.scores['correlation']:.2f}, "
        f"{counted('spike', recording.n_spikes)} in {recording.n_samples / RATE_HZ:.0f} s",
        loc="left",
    )


def _examples(inferred: Sequence[InferredRecording]) -> list[InferredRecording]:
    """Up to four recordings, evenly from the best to the worst."""
    ranked = sorted(
        (recording for recording in inferred if not np.isnan(recording.scores["correlation"])),
        key=lambda recording: -recording.scores["correlation"],
    )
    places = np.linspace(0, len(ranked) - 1, min(N_EXAMPLES, len(ranked)))
    return [ranked[round(place)] for place in places]


def recordings_csv(inferred: Sequence[InferredRecording], store: CalciumStore) -> str:
    """One row a recording: its dataset, length, spikes and every score."""
    header = ["recording", "dataset", "duration_s", "n_spikes", *inferred[0].scores]
    rows = []
    for answer in inferred:
        recording = store.recordings[answer.index]
        facts = [recording.name, recording.dataset, recording.n_samples / RATE_HZ]
        scores = [f"{value:.6f}" for value in answer.scores.values()]
        rows.append([*facts, recording.n_spikes, *scores])
    return csv_text(header, rows)


def _of(
    inferred: Sequence[InferredRecording], store: CalciumStore, dataset: str
) -> list[InferredRecording]:
    return [answer for answer in inferred if store.recordings[answer.index].dataset == dataset]
