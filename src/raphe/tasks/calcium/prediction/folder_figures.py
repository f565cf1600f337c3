"""What is drawn of a folder of answers: some traces, and all of them at once.

T frames.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from raphe.core.figure_style import PaperFigure
from raphe.tasks.calcium.metrics.population_figure import (
    MOST_ROWS,
    MOST_STRETCHES,
    NOISE,
    RATES,
    SCORES,
    population_figure,
)
from raphe.tasks.calcium.metrics.rates_figure import (
    N_EXAMPLES,
    ExampleTrace,
    rates_figure,
    scores_figure,
)
from raphe.tasks.calcium.prediction.rate_folder import FIGURE, LEFT_OUT, POPULATION, RateFolder
from raphe.tasks.calcium.prediction.spike_times import spike_times_s
from raphe.tasks.calcium.recordings.screening import screened
from raphe.tasks.calcium.recordings.trace_set import TraceSet


def figures_of(
    traces: TraceSet,
    folder: RateFolder,
    rows: Sequence[Mapping[str, str]],
    are_scores: bool = False,
) -> dict[str, Figure]:
    """By the names of their files, of the traces that have an answer; `rows` are all of the table.

    `are_scores` where the answers are Elephant's z-scores in place of rates.
    """
    inferred = [place for place, row in enumerate(rows) if row["status"] != LEFT_OUT]
    shown = [inferred[place] for place in _evenly(len(inferred), N_EXAMPLES)]
    figures: dict[str, Figure] = {}
    if shown and are_scores:
        examples = [_scored_example(traces, folder, place) for place in shown]
        figures[FIGURE] = scores_figure(examples, traces.rate_hz)
    elif shown:
        examples = [_example(traces, folder, place) for place in shown]
        figures[FIGURE] = rates_figure(examples, traces.rate_hz)
    if len(inferred) > 1:
        figures[POPULATION] = _population(traces, folder, rows, are_scores)
    return figures


def _example(traces: TraceSet, folder: RateFolder, place: int) -> ExampleTrace:
    rate, spread, *_ = folder.rates(place)
    times_s = spike_times_s(np.nan_to_num(rate), traces.rate_hz)
    return ExampleTrace(traces.names[place], _samples(traces, place), rate, spread, times_s)


def _scored_example(traces: TraceSet, folder: RateFolder, place: int) -> ExampleTrace:
    (score,) = folder.rates(place)
    samples = _samples(traces, place)
    return ExampleTrace(traces.names[place], samples, score, np.zeros_like(score), np.empty(0))


def _samples(traces: TraceSet, place: int) -> np.ndarray:
    """A trace (T,) without the frames that are no fluorescence and would set its scale."""
    return screened(traces.read(place, place + 1)[0], traces.rate_hz).samples


def _population(
    traces: TraceSet, folder: RateFolder, rows: Sequence[Mapping[str, str]], are_scores: bool
) -> PaperFigure:
    """Of all traces, or as many as can be told apart; their answers are read one by one."""
    places = np.array(_evenly(len(traces), MOST_ROWS))
    stretches = np.linspace(0, traces.n_samples, min(traces.n_samples, MOST_STRETCHES) + 1).astype(
        int
    )
    means = [mean_in_stretches(folder.rates(place)[0], stretches) for place in places.tolist()]
    noise = np.array([float(row[NOISE] or "nan") for row in rows])
    duration_s = traces.n_samples / traces.rate_hz
    quantity = SCORES if are_scores else RATES
    return population_figure(np.array(means), places, len(traces), duration_s, noise, quantity)


def mean_in_stretches(rate: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Of a rate (T,) from each of `ends` (B + 1,) to the next: (B,), NaN where none is known."""
    known = ~np.isnan(rate)
    reached, n_known = (
        np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])[ends]
        for values in (np.where(known, rate, 0), known)
    )
    with np.errstate(invalid="ignore"):
        return np.diff(reached) / np.diff(n_known)


def _evenly(n: int, most: int) -> Sequence[int]:
    return np.linspace(0, n - 1, min(n, most)).round().astype(int).tolist()
