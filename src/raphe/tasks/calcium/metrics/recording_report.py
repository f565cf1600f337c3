"""Figures and a table of a test set: every recording's scores, and some beside their spikes."""

from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from raphe.core.figure_style import COLOURS, GREY, STYLE
from raphe.core.files.csv_text import csv_text
from raphe.core.sentences import counted
from raphe.tasks.calcium.metrics.rates_figure import busiest, rate_axis_below
from raphe.tasks.calcium.metrics.scores import InferredRecording
from raphe.tasks.calcium.recordings.sampling import RATE_HZ, smoothed, z_scored
from raphe.tasks.calcium.stores.trace_store import CalciumStore

N_EXAMPLES = 4
EXAMPLE_S = 20.0
CALCIUM, TRUTH, SMOOTHED, INFERRED = COLOURS[2], "black", GREY, COLOURS[0]


def recording_report(
    name: str, inferred: Sequence[InferredRecording], store: CalciumStore
) -> dict[str, Figure | str]:
    """Draw and tabulate one test set.

    Returns:
        By file name: `<set>/scores.png` and `<set>/traces.png` as figures, `<set>/recordings.csv`
        as text.
    """
    with rc_context(STYLE):
        return {
            f"{name}/scores.png": scores_figure(name, inferred, store),
            f"{name}/traces.png": traces_figure(name, inferred, store),
            f"{name}/recordings.csv": recordings_csv(inferred, store),
        }


def scores_figure(name: str, inferred: Sequence[InferredRecording], store: CalciumStore) -> Figure:
    """The challenge's score of each recording, by dataset, and each dataset's mean."""
    datasets = [dataset for dataset in store.datasets if _of(inferred, store, dataset)]
    figure = Figure(figsize=(max(3.0, 1.6 + 0.8 * len(datasets)), 3.2), layout="constrained")
    axes = figure.add_subplot()
    for x, dataset in enumerate(datasets):
        recordings = _of(inferred, store, dataset)
        scores = np.array([recording.scores["correlation"] for recording in recordings])
        scored = scores[~np.isnan(scores)]
        spread = np.linspace(-0.2, 0.2, len(scored)) if len(scored) > 1 else np.zeros(len(scored))
        axes.plot(x + spread, np.sort(scored), "o", color=COLOURS[1], markersize=4)
        if len(scored):
            axes.hlines(scored.mean(), x - 0.3, x + 0.3, color="black", linewidth=1.2)
            label = f"{scored.mean():.3f}"
            axes.annotate(
                label, (x + 0.32, scored.mean()), (0, 0), textcoords="offset points",
                va="center", size=8,
            )  # fmt: skip
    axes.set_xticks(
        range(len(datasets)), [f"{d}\nn = {len(_of(inferred, store, d))}" for d in datasets]
    )
    axes.axhline(0, color=GREY, linewidth=0.8, linestyle=":")
    axes.set(xlim=(-0.6, len(datasets) - 0.2), xlabel="Dataset, recordings")
    axes.set_ylabel("Correlation with the spikes at 25 Hz")
    axes.set_title(f"Each recording's score, {name} set\n(lines: means)")
    return figure


def traces_figure(name: str, inferred: Sequence[InferredRecording], store: CalciumStore) -> Figure:
    """Calcium, spikes, their smoothed rate and the inferred one, of recordings from best to worst.

    Of each the stretch with the most spikes. Rates in spikes per second, or as z-scores where the
    network does not know their scale.
    """
    chosen = _examples(inferred)
    figure = Figure(figsize=(7.0, 1.9 * max(1, len(chosen)) + 0.6), layout="constrained")
    panels = figure.subplots(max(1, len(chosen)), 1, squeeze=False)[:, 0]
    for axes, example in zip(panels, chosen, strict=False):
        _draw_example(axes, example, store)
    panels[-1].set_xlabel("Time (s)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def _draw_example(axes: Axes, example: InferredRecording, store: CalciumStore) -> None:
    recording = store.recordings[example.index]
    spikes = np.asarray(store.spikes[recording.rows], dtype=np.float64)
    window = busiest(spikes, int(EXAMPLE_S * RATE_HZ))
    time_s = np.arange(window.start, window.stop) / RATE_HZ
    if example.rate_per_s is None:
        truth, rate, unit = z_scored(smoothed(spikes)), example.rate, "z-score"
    else:
        truth, rate, unit = smoothed(spikes) * RATE_HZ, example.rate_per_s, "spikes/s"
    top = max(truth[window].max(), rate[window].max())
    calcium = np.asarray(store.calcium[recording.rows])[window]
    lifted = top * (1.35 + 0.8 * (calcium - calcium.min()) / max(np.ptp(calcium), 1e-9))
    axes.plot(time_s, lifted, color=CALCIUM, linewidth=0.8, label="calcium")
    fired = np.flatnonzero(spikes[window])
    axes.vlines(time_s[fired], 1.1 * top, 1.25 * top, color=TRUTH, linewidth=0.6, label="spikes")
    axes.plot(time_s, truth[window], color=SMOOTHED, linewidth=0.8, label="smoothed spikes")
    axes.plot(time_s, rate[window], color=INFERRED, linewidth=1.0, label="inferred rate")
    axes.set(xlim=(time_s[0], time_s[-1]), ylabel=f"Rate ({unit})")
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
