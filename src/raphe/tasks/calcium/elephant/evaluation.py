"""Figures and tables of a test, for each set, as one would print them."""

import csv
import io
from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from raphe.core.figure_style import COLOURS, GREY, STYLE
from raphe.tasks.calcium.elephant.data import CalciumData
from raphe.tasks.calcium.elephant.embedding_figure import spaces_figure
from raphe.tasks.calcium.elephant.module import CalciumModule
from raphe.tasks.calcium.elephant.target import smoothed, z_scored
from raphe.tasks.calcium.metrics.rates_figure import busiest, rate_axis_below
from raphe.tasks.calcium.metrics.scores import RATE_HZ
from raphe.tasks.calcium.stores.trace_store import TraceStore
from raphe.tasks.calcium.training.scored_module import Inferred

N_EXAMPLES = 4
EXAMPLE_S = 20.0
CALCIUM, TRUTH, SMOOTHED, INFERRED = COLOURS[2], "black", GREY, COLOURS[0]


def evaluate(model: CalciumModule, data: CalciumData) -> dict[str, Figure | str]:
    """Draw and tabulate each test set of a tested model; see `artifacts`.

    Where training was focused, also `spaces.png`: the new recordings among the datasets.
    """
    made: dict[str, Figure | str] = {}
    for name, inferred in model.inferred.items():
        made |= artifacts(name, inferred, data.test_store(name))
    if data.focus:
        embedding = data.focus.embedding_without(data.only_tested)
        made["spaces.png"] = spaces_figure(
            embedding, {"new": embedding.place(data.focus.statistics)}
        )
    return made


def artifacts(
    name: str, inferred: Sequence[Inferred], store: TraceStore
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


def scores_figure(name: str, inferred: Sequence[Inferred], store: TraceStore) -> Figure:
    """The challenge's score of each recording, by dataset, and each dataset's mean."""
    datasets = [dataset for dataset in store.datasets if _of(inferred, store, dataset)]
    figure = Figure(figsize=(max(3.0, 1.6 + 0.8 * len(datasets)), 3.2), layout="constrained")
    axes = figure.add_subplot()
    for x, dataset in enumerate(datasets):
        scores = np.array([one.scores["correlation"] for one in _of(inferred, store, dataset)])
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


def traces_figure(name: str, inferred: Sequence[Inferred], store: TraceStore) -> Figure:
    """Calcium, spikes, their smoothed rate and the inferred one, of recordings from best to worst.

    Of each the stretch with the most spikes. Rates in spikes per second, or as z-scores where the
    network does not know their scale.
    """
    chosen = _examples(inferred)
    figure = Figure(figsize=(7.0, 1.9 * max(1, len(chosen)) + 0.6), layout="constrained")
    panels = figure.subplots(max(1, len(chosen)), 1, squeeze=False)[:, 0]
    for axes, one in zip(panels, chosen, strict=False):
        _draw_example(axes, one, store)
    panels[-1].set_xlabel("Time (s)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def _draw_example(axes: Axes, one: Inferred, store: TraceStore) -> None:
    recording = store.recordings[one.index]
    spikes = np.asarray(store.spikes[recording.rows], dtype=np.float64)
    window = busiest(spikes, int(EXAMPLE_S * RATE_HZ))
    time_s = np.arange(window.start, window.stop) / RATE_HZ
    if one.rate_per_s is None:
        truth, rate, unit = z_scored(smoothed(spikes)), one.rate, "z-score"
    else:
        truth, rate, unit = smoothed(spikes) * RATE_HZ, one.rate_per_s, "spikes/s"
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
        f"{recording.name}: correlation {one.scores['correlation']:.2f}, "
        f"{recording.n_spikes} spikes in {recording.n_samples / RATE_HZ:.0f} s",
        loc="left",
    )


def _examples(inferred: Sequence[Inferred]) -> list[Inferred]:
    """Up to four recordings, evenly from the best to the worst."""
    ranked = sorted(
        (one for one in inferred if not np.isnan(one.scores["correlation"])),
        key=lambda one: -one.scores["correlation"],
    )
    places = np.linspace(0, len(ranked) - 1, min(N_EXAMPLES, len(ranked)))
    return [ranked[round(place)] for place in places]


def recordings_csv(inferred: Sequence[Inferred], store: TraceStore) -> str:
    """One row a recording: its dataset, length, spikes and every score."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["recording", "dataset", "duration_s", "n_spikes", *inferred[0].scores])
    for one in inferred:
        recording = store.recordings[one.index]
        facts = [recording.name, recording.dataset, recording.n_samples / RATE_HZ]
        scores = [f"{value:.6f}" for value in one.scores.values()]
        table.writerow([*facts, recording.n_spikes, *scores])
    return text.getvalue()


def _of(inferred: Sequence[Inferred], store: TraceStore, dataset: str) -> list[Inferred]:
    return [one for one in inferred if store.recordings[one.index].dataset == dataset]
