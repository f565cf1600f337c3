"""The simulated classes differ in the UDI as published, and in nothing else that much."""

from collections.abc import Callable, Iterable
from dataclasses import fields, replace

import numpy as np
import pytest

from raphe.tasks.celltype.recordings.file_names import CLASSES
from raphe.tasks.celltype.synthetic.simulated_cell import (
    REFRACTORY_MS,
    CellTraits,
    draw_peaks_pa,
    draw_spike_times,
    draw_traits,
    spikes_alone,
)
from raphe.tasks.celltype.synthetic.simulated_spike import UDI_HISTOGRAM, SpikeShape

CELLS = 2_000  # of each class
SHAPE_TRAITS = [field.name for field in fields(SpikeShape) if field.name != "udi_ms"]
CELL_TRAITS = [field.name for field in fields(CellTraits) if field.name not in ("label", "shape")]


@pytest.fixture(scope="module")
def cells() -> dict[str, list[CellTraits]]:
    rng = np.random.default_rng(11)
    return {label: [draw_traits(label, rng) for _ in range(CELLS)] for label in CLASSES}


def best_threshold(ser: Iterable[float], nser: Iterable[float]) -> tuple[float, float]:
    """The best accuracy of one threshold, in whichever direction, and the lowest such value."""
    ser, nser = np.sort(np.asarray(ser)), np.sort(np.asarray(nser))
    values = np.unique(np.concatenate([ser, nser]))
    ser_below, nser_below = np.searchsorted(ser, values), np.searchsorted(nser, values)
    accuracy = (nser_below + len(ser) - ser_below) / (len(ser) + len(nser))
    either = np.maximum(accuracy, 1 - accuracy)
    return float(either.max()), float(values[either.argmax()])


def published_udi(label: str) -> list[float]:
    return [edge for edge, count in UDI_HISTOGRAM[label].items() for _ in range(count)]


def of_each_class(
    cells: dict[str, list[CellTraits]], value: Callable[[CellTraits], float]
) -> tuple[list[float], list[float]]:
    ser, nser = ([value(cell) for cell in cells[label]] for label in CLASSES)
    return ser, nser


def test_published_udi_threshold_reaches_ninety_percent():
    accuracy, threshold_ms = best_threshold(*map(published_udi, CLASSES))
    assert (accuracy, threshold_ms) == (pytest.approx(272 / 300), 0.80)


def test_simulated_udi_separates_as_well_as_the_published_and_no_better(cells):
    published, threshold_ms = best_threshold(*map(published_udi, CLASSES))
    ser, nser = of_each_class(cells, lambda cell: cell.shape.udi_ms)
    at_threshold = (
        np.mean(np.array(ser) >= threshold_ms) + np.mean(np.array(nser) < threshold_ms)
    ) / 2
    error = np.sqrt(published * (1 - published) / (2 * CELLS))
    assert at_threshold == pytest.approx(published, abs=3 * error)
    assert best_threshold(ser, nser)[0] == pytest.approx(published, abs=3 * error)


@pytest.mark.parametrize("trait", SHAPE_TRAITS + CELL_TRAITS)
def test_every_other_trait_overlaps_and_separates_worse(cells, trait):
    owner = (lambda cell: cell.shape) if trait in SHAPE_TRAITS else (lambda cell: cell)
    ser, nser = of_each_class(cells, lambda cell: getattr(owner(cell), trait))
    assert best_threshold(ser, nser)[0] < 0.87
    for values, others in ((ser, nser), (nser, ser)):
        inside = (np.array(values) >= min(others)) & (np.array(values) <= max(others))
        assert inside.mean() > 0.2


def test_no_single_point_of_the_spike_separates_as_well_as_the_udi(cells):
    time_ms = np.arange(-0.5, 3.0, 0.05)
    ser, nser = (
        np.array([cell.amplitude_pa * cell.shape.current(time_ms) for cell in cells[label]])
        for label in CLASSES
    )
    best = [best_threshold(ser[:, point], nser[:, point])[0] for point in range(len(time_ms))]
    assert max(best) < 0.87


def test_serotonergic_cells_fire_slower_and_more_regularly(cells):
    rate_hz = of_each_class(cells, lambda cell: cell.firing_hz)
    irregularity = of_each_class(cells, lambda cell: cell.interval_cv)
    assert min(rate_hz[0]) >= 1 and max(rate_hz[0]) <= 4
    for ser, nser in (rate_hz, irregularity):
        assert np.median(nser) > 1.5 * np.median(ser)


@pytest.mark.parametrize("label", CLASSES)
def test_intervals_have_the_rate_and_irregularity_of_the_cell(label):
    rng = np.random.default_rng(5)
    for _ in range(5):
        cell = draw_traits(label, rng)
        times_s = draw_spike_times(cell, 2_000.0, rng)
        intervals_s = np.diff(times_s)
        assert times_s.min() >= 0 and times_s.max() < 2_000
        assert intervals_s.min() >= REFRACTORY_MS / 1000
        assert 1 / intervals_s.mean() == pytest.approx(cell.firing_hz, rel=0.05)
        assert intervals_s.std() / intervals_s.mean() == pytest.approx(cell.interval_cv, rel=0.1)


def test_peaks_scatter_grow_and_stay_within_the_published_range(cells):
    rng = np.random.default_rng(2)
    cell = replace(cells["SER"][0], amplitude_pa=80.0, growth_per_100_s=0.2, amplitude_cv=0.03)
    times_s = np.arange(0, 100, 0.05)
    peaks_pa = draw_peaks_pa(cell, times_s, rng)
    slope, start_pa = np.polyfit(times_s, peaks_pa, 1)
    assert (start_pa, slope) == (pytest.approx(80, abs=0.5), pytest.approx(0.16, abs=0.01))
    assert np.std(peaks_pa - start_pa - slope * times_s) == pytest.approx(0.03 * 88, rel=0.1)
    for cell in cells["SER"][:200] + cells["NSER"][:200]:
        peaks_pa = draw_peaks_pa(cell, np.arange(0, 100, 1.0), rng)
        assert peaks_pa.min() >= 60 and peaks_pa.max() <= 140


def test_spikes_lie_at_their_times_between_samples_too_and_add_up(cells):
    shape = cells["SER"][0].shape
    times_s = np.array([0.0, 0.05 + 0.3 / 40_000, 0.052, 0.0999])  # cut off, two that overlap, cut
    peaks_pa = np.array([100.0, 80.0, 70.0, 90.0])
    trace = spikes_alone(shape, times_s, peaks_pa, 4_000)
    time_ms = 1000 * (np.arange(4_000) / 40_000 - times_s[:, None])  # (spikes, samples)
    np.testing.assert_allclose(trace, peaks_pa @ shape.current(time_ms), atol=0.05)
