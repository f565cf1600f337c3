"""Firing rate and regularity: closed forms, and what the simulation set."""

import numpy as np
import pytest

from raphe.tasks.celltype.features.firing import (
    firing_features,
    firing_of_cells,
    first_spikes,
    mains_locking,
    shortest_interval,
)
from raphe.tasks.celltype.stores.extract import extract
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_set import Cell
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter
from raphe.tasks.celltype.synthetic.simulated_recordings import Simulation, simulate


def test_rate_and_cv_are_those_of_the_intervals():
    rate_hz, cv = firing_features([np.array([0.0, 1.0, 4.0])])  # intervals 1 and 3 s
    assert rate_hz == pytest.approx(0.5)
    assert cv == pytest.approx(0.5)
    assert firing_features([np.arange(5) / 4]) == pytest.approx((4.0, 0.0))


def test_no_interval_spans_two_sweeps():
    rate_hz, cv = firing_features([np.array([0.0, 0.5]), np.array([0.2]), np.array([0.1, 0.6])])
    assert (rate_hz, cv) == pytest.approx((2.0, 0.0))


@pytest.mark.parametrize(
    ("trains", "rate_known"), [([], False), ([np.array([1.0])], False), ([np.arange(2.0)], True)]
)
def test_too_few_spikes_have_no_regularity(trains, rate_known):
    rate_hz, cv = firing_features(trains)
    assert np.isfinite(rate_hz) == rate_known
    assert np.isnan(cv)


def test_of_a_store_cut_from_recordings(tmp_path):
    simulate(tmp_path / "rec", Simulation(2, 2, 1, 60.0, 5))
    spikes = open_spikes(extract(tmp_path / "rec", tmp_path / "store").store)
    firing = firing_of_cells(spikes)
    counts = np.bincount(spikes.cell[:])
    np.testing.assert_allclose(firing[:, 0], counts / 60, rtol=0.1)
    assert ((firing[:, 1] > 0.03) & (firing[:, 1] < 1)).all()


def test_sweeps_and_recordings_of_one_cell_are_kept_apart(tmp_path):
    """Two recordings of one cell, at two rates, the first of two sweeps."""
    window = np.zeros((1, 8), np.float32)
    cell = Cell("c", 0)
    with SpikeStoreWriter(tmp_path / "store", ("A", "B"), 8) as writer:
        for trigger, sweep in ((0, 0), (10_000, 0), (20_000, 1), (30_000, 1), (0, 0), (10_000, 0)):
            writer.add(cell, window, np.array([trigger]), np.array([sweep], np.int32))
        rows = [{"kept": 4, "rate_hz": 20_000.0}, {"kept": 2, "rate_hz": 40_000.0}]
        spikes = open_spikes(writer.finish(40_000.0, "pA", {}, {"recordings": rows}))
    rate_hz, cv = firing_of_cells(spikes)[0]
    intervals_s = np.array([0.5, 0.5, 0.25])
    assert rate_hz == pytest.approx(1 / intervals_s.mean())
    assert cv == pytest.approx(intervals_s.std() / intervals_s.mean())


def test_unknown_times_give_no_rate(make_spikes, tmp_path):
    with SpikeStoreWriter(tmp_path / "unknown", ("A", "B"), 8) as writer:
        writer.add(Cell("c", 0), np.zeros((3, 8), np.float32), np.full(3, -1))
        spikes = open_spikes(writer.finish(40_000.0, "pA", {}))
    assert np.isnan(firing_of_cells(spikes)).all()


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
@pytest.mark.parametrize("drift_hz", [0.0, 0.05])
def test_artefacts_keep_to_the_mains_however_these_drift(mains_hz: float, drift_hz: float) -> None:
    rng = np.random.default_rng(0)
    cycles = np.sort(rng.choice(int(20 * mains_hz), 60, replace=False))
    locked = cycles / (mains_hz + drift_hz) + rng.normal(0, 2e-4, 60)
    # All pairs at one phase would give √(2 pairs); 60 spikes in 20 s have some 5.4 within 2 s each.
    assert mains_locking([locked]) > 0.85 * np.sqrt(2 * 60 * 5.4)


def test_spikes_that_ignore_the_mains_lock_to_them_as_chance_has_it() -> None:
    rng = np.random.default_rng(1)
    locking = [mains_locking([np.sort(rng.uniform(0, 12, 40))]) for _ in range(200)]
    # The largest of four standard normal deviates.
    assert np.mean(locking) == pytest.approx(1.03, abs=0.2) and max(locking) < 5


def test_mains_locking_is_that_of_the_pairs_one_by_one() -> None:
    rng = np.random.default_rng(2)
    trains = [np.sort(rng.uniform(0, 5, 30)), np.sort(rng.uniform(7, 9, 8))]
    apart = np.concatenate([(t[None] - t[:, None])[np.triu_indices(len(t), 1)] for t in trains])
    apart = apart[apart < 2]
    largest = max(np.cos(2 * np.pi * hz * apart).sum() for hz in (50, 60, 100, 120))
    assert mains_locking(trains) == pytest.approx(largest / np.sqrt(len(apart) / 2))


def test_shortest_interval_and_the_first_spikes_of_trains() -> None:
    trains = [np.array([0.0, 0.1, 0.3]), np.array([5.0, 5.4, 5.9])]
    assert shortest_interval(trains) == pytest.approx(np.quantile([0.1, 0.2, 0.4, 0.5], 0.05))
    assert np.isnan(shortest_interval(trains[:1]))
    assert [train.tolist() for train in first_spikes(trains, 4)] == [[0.0, 0.1, 0.3], [5.0]]
