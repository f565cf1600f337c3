"""What of a recording a posterior sees, and which cells it cannot infer."""

from pathlib import Path

import numpy as np
import pytest

from raphe.tasks.glif.neurons.simulation import SIMULATED_HZ
from raphe.tasks.glif.prediction.network_input import cell_faults, network_input
from raphe.tasks.glif.recordings.cell_files import Signal, read_cell_traces
from raphe.tasks.glif.recordings.cell_traces import CellTraces
from raphe.tasks.glif.synthetic.simulated_experiments import Experiment, measure
from raphe.tasks.glif.synthetic.typical_cells import typical_prior


def test_one_odd_cell_of_several_is_left_out_by_itself(cell: list[str]) -> None:
    voltage = np.load(cell[0])
    spiking = np.where(np.arange(len(voltage)) == 9, 0.02, voltage)
    current = Signal(Path(cell[2]), "A")
    cells = read_cell_traces(Signal(np.stack([voltage, spiking]), "V"), current, 50_000)
    faults = cell_faults(cells, least_samples=1)
    assert list(faults) == [1] and "pass --cut-spikes" in faults[1]


def test_a_long_trace_is_read_from_the_rest_before_it_fires() -> None:
    """Two epochs of current: a quiet one at 2 s, one with spikes at 6 s."""
    n = round(10 * SIMULATED_HZ)
    voltage, current = np.full((1, n), -0.07), np.zeros((1, n))
    current[:, 40_000:70_000] = current[:, 120_000:180_000] = 1e-10
    voltage[:, 130_000:130_080] = voltage[:, 140_000:140_080] = np.nan
    traces, rate_hz, begins_s = network_input(CellTraces(voltage, current, SIMULATED_HZ), 2.5)
    assert traces.shape == (1, 2, 50_000) and rate_hz == SIMULATED_HZ
    assert begins_s[0] == pytest.approx(6 - 0.02)
    assert np.isnan(traces[0, 0]).sum() == 160 and not traces[0, 1, :400].any()
    current[:, 40_000:] = 1e-10  # never at rest again: only the first onset will do
    _, _, begins_s = network_input(CellTraces(voltage, current, SIMULATED_HZ), 2.5)
    assert begins_s[0] == pytest.approx(2 - 0.02)


def test_faster_recordings_are_thinned() -> None:
    batch = measure(typical_prior(1), Experiment(keep_every=(1,)), 2, seed=0, number=0)
    voltage, current = 1e-3 * batch.traces[:, 0].astype(float), 1e-12 * batch.traces[:, 1]
    fast = CellTraces(np.repeat(voltage, 5, axis=1), np.repeat(current, 5, axis=1), 100_000)
    traces, rate_hz, _ = network_input(fast, 60.0)
    assert rate_hz == SIMULATED_HZ
    np.testing.assert_allclose(traces, batch.traces, rtol=1e-5)


def test_faults_are_named() -> None:
    rng = np.random.default_rng(0)
    voltage = -0.07 + 1e-4 * rng.normal(size=(6, 10_000))
    current = np.full((6, 10_000), 1e-10)
    voltage[0, 7] = np.inf
    voltage[1, 1000:7000] = np.nan
    current[2, 3] = np.nan
    voltage[4, 2000:4000] = np.nan
    voltage[5, 2000:2200] = np.nan  # a dead time of 10 ms
    faults = cell_faults(CellTraces(voltage, current, SIMULATED_HZ), least_samples=1)
    assert faults == {
        0: "infinite voltage at sample 7",
        1: "60 % of its voltage is NaN",
        2: "the current is not finite at sample 3",
        4: "100 ms of its voltage are NaN in one stretch; cut it there",
    }
    short = CellTraces(voltage[3:4, :100], current[3:4, :100], SIMULATED_HZ)
    assert cell_faults(short, 710) == {0: "5 ms are too short, 200 ms are needed"}
    slow = CellTraces(voltage[3:4, :500], current[3:4, :500], rate_hz=1000)
    assert cell_faults(slow, 710) == {0: "500 ms are too short, 710 ms are needed"}
    assert cell_faults(slow, 1) == {}


def test_what_is_filled_up_before_and_behind_a_sweep_is_left_off() -> None:
    voltage, current = np.full((4, 10_000), -0.07), np.full((4, 10_000), 1e-10)
    voltage[:, 5000] = -0.06
    voltage[0, :2000] = np.nan
    voltage[1, 8000:] = current[1, 7000:] = np.nan  # a stimulus that ended first
    voltage[2, -100:] = np.nan  # the last spike's dead time
    voltage[3, 4000:6000] = np.nan
    voltage[3, 3000] = -0.06
    cells = CellTraces(voltage, current, SIMULATED_HZ)
    spans = [(span.start, span.stop) for span in map(cells.recorded, range(4))]
    assert spans == [(2000, 10_000), (0, 7000), (0, 10_000), (0, 10_000)]
    cut = CellTraces(voltage, current, SIMULATED_HZ, spikes_cut=True)
    assert cut.recorded(2) == slice(0, 9900)
    faults = cell_faults(cells, least_samples=1)
    assert faults == {3: "100 ms of its voltage are NaN in one stretch; cut it there"}
