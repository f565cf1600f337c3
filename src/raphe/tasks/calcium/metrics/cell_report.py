"""Figures and a table of a test set: every cell's scores, and some beside their spikes."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes

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
from raphe.core.protocol import Draw
from raphe.core.sentences import counted
from raphe.tasks.calcium.metrics.rates_figure import CALCIUM, INFERRED, busiest, rate_axis_below
from raphe.tasks.calcium.metrics.scored_cells import (
    FEWEST_CELLS,
    InferredCell,
    InferredRecording,
    mean_over_cells,
)
from raphe.tasks.calcium.metrics.second_counts import SECONDS, Tally, seconds_csv, tally
from raphe.tasks.calcium.recordings.sampling import RATE_HZ, smoothed, z_scored
from raphe.tasks.calcium.stores.trace_store import CalciumStore

N_EXAMPLES = 4
EXAMPLE_S = 20.0
ASIDE = 0.2  # of a dataset's place: from its cells to their mean
CELLS_CSV = "cells.csv"
CELL_FACTS = (  # beside its scores
    "cell", "dataset", "recordings", "duration_s", "n_spikes", "noise_level", "frames_per_s",
)  # fmt: skip


def cell_report(
    name: str, cells: Sequence[InferredCell], store: CalciumStore
) -> dict[str, Draw | str]:
    """Draw and tabulate one test set.

    Returns:
        By file name: `<set>/scores.png` and `<set>/traces.png` to be drawn, `<set>/cells.csv` as
        text; where the rates have a scale, `<set>/seconds.csv`, see second_counts.
    """
    seconds = of_seconds(cells, store)
    return {
        f"{name}/scores.png": partial(scores_figure, name, cells),
        f"{name}/traces.png": partial(traces_figure, name, cells, store),
        f"{name}/{CELLS_CSV}": cells_csv(cells, store),
        **({f"{name}/{SECONDS}": seconds_csv(seconds)} if seconds else {}),
    }


def of_seconds(cells: Sequence[InferredCell], store: CalciumStore) -> dict[str, Tally]:
    """Spikes said and true of the seconds of each data set; nothing where rates have no scale."""
    tallies: dict[str, Tally] = {}
    for cell in cells:
        for recording in cell.recordings:
            if recording.rate_per_s is None:
                return {}
            spikes = store.spikes[store.recordings[recording.index].rows]
            found = tally([recording.rate_per_s], [spikes])
            tallies.setdefault(cell.dataset, Counter()).update(found)
    return tallies


@house_style()
def scores_figure(name: str, cells: Sequence[InferredCell]) -> PaperFigure:
    """The challenge's score of each cell, by dataset, and each dataset's mean."""
    by_dataset: dict[str, list[float]] = {}
    for cell in cells:
        by_dataset.setdefault(cell.dataset, []).append(cell.scores["correlation"])
    width_in = min(TWO_COLUMNS_IN, max(ONE_COLUMN_IN, 1.2 + 0.6 * len(by_dataset)))
    figure = PaperFigure(width_in, 2.8, _scores_caption(name, len(cells)))
    axes = figure.add_subplot()
    for x, scores in enumerate(map(np.array, by_dataset.values())):
        scored = np.sort(scores[~np.isnan(scores)])
        axes.plot(np.full(len(scored), x), scored, "o", color=INFERRED, ms=3, alpha=0.6, mew=0)
        if len(scored):
            mean = mean_over_cells(scored)
            reach = np.abs([[mean.low - mean.value], [mean.high - mean.value]])
            axes.errorbar(x + ASIDE, mean.value, reach, fmt="_", ms=7, color=INK, lw=1.2)
    axes.set_xticks(
        range(len(by_dataset)),
        [f"{dataset}\nn = {len(scores)}" for dataset, scores in by_dataset.items()],
    )
    axes.tick_params(axis="x", length=0)
    axes.axhline(0, color=GREY, linewidth=0.8, linestyle=":")
    axes.set(xlim=(-0.6, len(by_dataset) - 0.4), xlabel="Dataset, n cells")
    axes.set_ylim(top=1)  # an interval of t may end above what a correlation can be
    axes.set_ylabel("Correlation with the spikes at 25 Hz")
    return figure


def _scores_caption(name: str, n_cells: int) -> str:
    return (
        f"Correlation of the inferred rate with the spikes, both in bins of 40 ms, of each of "
        f"{counted('cell', n_cells)} of the {name} set (points); bars: means of the datasets, "
        f"with 95 % intervals of t over cells where there are {FEWEST_CELLS} or more."
    )


@house_style()
def traces_figure(name: str, cells: Sequence[InferredCell], store: CalciumStore) -> PaperFigure:
    """Calcium, spikes, their smoothed rate and the inferred one, of cells from best to worst.

    Of each the recording with the most spikes, where it has most of them. Rates in spikes per
    second, or as z-scores where the network does not know their scale.
    """
    chosen = _examples(cells)
    n_panels = max(1, len(chosen))
    caption = (
        f"{counted('cell', len(chosen))} of the {name} set, evenly from the best to the worst "
        f"by correlation, {EXAMPLE_S:g} s each with the most spikes. Calcium has no unit; each "
        "recording has its own scale."
    )
    figure = PaperFigure(TWO_COLUMNS_IN, 1.5 * n_panels + 0.6, caption)
    panels = figure.subplots(n_panels, 1, squeeze=False)[:, 0]
    examples = [_busiest_recording(cell, store) for cell in chosen]
    for axes, cell, example in zip(panels, chosen, examples, strict=False):
        _draw_example(axes, example, store)
        axes.set_title(_title(cell, store), loc="left")
    panels[-1].set_xlabel("Time (s)")
    unit = "spikes/s" if all(example.rate_per_s is not None for example in examples) else "z-score"
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


def _title(cell: InferredCell, store: CalciumStore) -> str:
    duration_s, n_spikes = _duration_and_spikes(cell, store)
    return (
        f"{cell.name}: correlation {cell.scores['correlation']:.2f}, "
        f"{counted('spike', n_spikes)} in {duration_s:.0f} s"
    )


def _busiest_recording(cell: InferredCell, store: CalciumStore) -> InferredRecording:
    return max(cell.recordings, key=lambda answer: store.recordings[answer.index].n_spikes)


def _duration_and_spikes(cell: InferredCell, store: CalciumStore) -> tuple[float, int]:
    recordings = [store.recordings[answer.index] for answer in cell.recordings]
    n_samples = sum(recording.n_samples for recording in recordings)
    return n_samples / RATE_HZ, sum(recording.n_spikes for recording in recordings)


def _noise_and_rate(cell: InferredCell, store: CalciumStore) -> tuple[str, str]:
    """Medians over its recordings, "" where the noise is not known."""
    recordings = [store.recordings[answer.index] for answer in cell.recordings]
    noise, rate_hz = (
        float(np.median([getattr(recording, name) for recording in recordings]))
        for name in ("noise", "imaging_hz")
    )
    return "" if np.isnan(noise) else f"{noise:.4g}", f"{rate_hz:.6g}"


def _examples(cells: Sequence[InferredCell]) -> list[InferredCell]:
    """Up to four cells, evenly from the best to the worst."""
    ranked = sorted(
        (cell for cell in cells if not np.isnan(cell.scores["correlation"])),
        key=lambda cell: -cell.scores["correlation"],
    )
    places = np.linspace(0, len(ranked) - 1, min(N_EXAMPLES, len(ranked)))
    return [ranked[round(place)] for place in places]


def cells_csv(cells: Sequence[InferredCell], store: CalciumStore) -> str:
    """One row a cell: its dataset, how many recordings, their length, spikes, noise, frame rate and
    every score."""
    header = [*CELL_FACTS, *cells[0].scores]
    rows = []
    for cell in cells:
        facts = [
            cell.name,
            cell.dataset,
            len(cell.recordings),
            *_duration_and_spikes(cell, store),
            *_noise_and_rate(cell, store),
        ]
        rows.append([*facts, *(f"{value:.6f}" for value in cell.scores.values())])
    return csv_text(header, rows)
