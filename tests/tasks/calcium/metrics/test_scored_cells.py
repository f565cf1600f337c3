"""Recordings of one cell are scored as one, and cells are what intervals are over."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from raphe.tasks.calcium.metrics.scored_cells import (
    FEWEST_CELLS,
    InferredCell,
    InferredRecording,
    difference_over_cells,
    figure_over_cells,
    mean_over_cells,
    over_cells,
    scored_cells,
)
from raphe.tasks.calcium.metrics.scores import rate_error, score
from raphe.tasks.calcium.stores.trace_store import CalciumStore


def answers(store: CalciumStore, known: bool = True) -> list[InferredRecording]:
    rng = np.random.default_rng(0)
    rates = [rng.gamma(1, 1, recording.n_samples) for recording in store.recordings]
    return [
        InferredRecording(index, rate - rate.mean(), rate if known else None)
        for index, rate in enumerate(rates)
    ]


def test_recordings_of_a_cell_are_scored_as_one(store: CalciumStore) -> None:
    pairs = tuple(
        dataclasses.replace(recording, cell=f"{recording.dataset}/{index // 2}")
        for index, recording in enumerate(store.recordings)
    )
    store = dataclasses.replace(store, recordings=pairs)
    inferred = answers(store)
    cells = scored_cells(inferred, store)
    assert [cell.name for cell in cells] == ["a/0", "a/1", "b/2", "b/3", "b/4", "c/4", "c/5"]
    assert [recording.index for recording in cells[1].recordings] == [2, 3]
    spikes = [store.spikes[store.recordings[index].rows] for index in (2, 3)]
    rates = [inferred[index].rate_per_s for index in (2, 3)]
    assert cells[1].scores == score(rates, spikes) | rate_error(rates, spikes)


def test_without_a_scale_there_are_no_errors(store: CalciumStore) -> None:
    (cell, *_) = scored_cells(answers(store, known=False), store)
    assert "correlation" in cell.scores and "rate_ratio" not in cell.scores


def test_means_of_correlations_and_medians_of_errors() -> None:
    values = [0.1, 0.3, np.nan, 0.8]
    cells = [
        InferredCell("", "", (), {"correlation": value, "rate_ratio": value}) for value in values
    ]
    assert over_cells(cells) == pytest.approx({"correlation": 0.4, "rate_ratio": 0.3})
    assert np.isnan(over_cells(cells[2:3])["correlation"])


@pytest.mark.parametrize("n", [FEWEST_CELLS - 1, FEWEST_CELLS])
def test_fewer_than_eight_cells_have_no_interval(n: int) -> None:
    scores = np.random.default_rng(0).uniform(size=n)
    with_none = np.append(scores, np.nan)  # a cell without a score is none
    estimates = [
        mean_over_cells(with_none),
        figure_over_cells("rate_ratio", with_none),
        figure_over_cells("correlation", with_none),
        difference_over_cells(with_none, np.zeros(n + 1)),
    ]
    for estimate in estimates:
        assert not np.isnan(estimate.value)
        assert np.isnan([estimate.low, estimate.high]).all() == (n < FEWEST_CELLS)
    assert np.isnan(estimates[-1].p) == (n < FEWEST_CELLS)


def test_a_median_s_interval_holds_it_as_often_as_it_says() -> None:
    """The ends are order statistics: how often the median lies between them is binomial's."""
    scores = np.arange(20.0)
    estimate = figure_over_cells("rate_ratio", scores)
    assert estimate.value == 9.5
    below, above = int(estimate.low), int(estimate.high)
    held = stats.binom.cdf(above, 20, 0.5) - stats.binom.cdf(below, 20, 0.5)
    assert 0.95 <= held < 0.99
    nothing = figure_over_cells("bias", np.full(9, np.nan))
    assert np.isnan([nothing.value, nothing.low, nothing.high]).all()
