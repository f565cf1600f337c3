"""Firing rate and regularity: closed forms, and what the simulation set."""

import numpy as np
import pytest

from raphe.tasks.celltype.features.firing import firing_features, firing_of_cells
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
