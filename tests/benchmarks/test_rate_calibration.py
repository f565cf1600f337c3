"""The benchmark of mean rates on simulated neurons: its simulator, and what falls under its bar."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from raphe.tasks.calcium.prediction.infer_rates import MeanRate


def test_neurons_fire_as_often_as_they_should_however_they_do() -> None:
    from binding_traces import FIRING, fire

    for how in FIRING:
        spikes = fire(how, 2.0, 3000.0, np.random.default_rng(0))
        assert spikes.mean() / 0.002 == pytest.approx(2.0, rel=0.1), how
    assert not fire("in bursts", 0.0, 10.0, np.random.default_rng(0)).any()


def test_calcium_binds_as_the_equation_of_its_kinetics_says() -> None:
    """Against SciPy's solver, for a spike and for a burst."""
    from binding_traces import INDICATORS, REST_NM, bound
    from scipy.integrate import solve_ivp

    kind = INDICATORS[1]
    spikes = np.zeros((1, 1000), bool)
    spikes[0, [100, 110, 120]] = True

    def turnover(time_s: float, held: np.ndarray) -> np.ndarray:
        since = time_s - 0.002 * np.array([100, 110, 120])
        calcium = REST_NM + kind.jump_nm * np.exp(-since[since >= 0] / kind.calcium_s).sum()
        binds = kind.unbinds_per_s * (calcium / kind.half_nm) ** kind.hill
        return binds * (1 - held) - kind.unbinds_per_s * held

    at_rest = 1 / (1 + (kind.half_nm / REST_NM) ** kind.hill)
    times_s = 0.002 * np.arange(1, 1001)
    solved = solve_ivp(turnover, (0, 2.0), [at_rest], t_eval=times_s, max_step=0.002)
    found = bound(spikes, [kind])[0]
    np.testing.assert_allclose(found, solved.y[0] - at_rest, atol=0.02 * found.max())


def test_d_prime_is_that_of_a_matched_filter_and_knows_no_frame_rate() -> None:
    from binding_traces import imaged, neurons

    some = neurons(4, 1.0, 20.0, np.random.default_rng(0))
    np.testing.assert_allclose(some.single.max(axis=1), some.single_peak, rtol=1e-5)
    rng = np.random.default_rng(1)
    (slow, d_slow), (fast, d_fast) = (imaged(some, hz, 0.3, rng) for hz in (30.0, 120.0))
    assert slow.shape == (4, 600) and fast.shape == (4, 2400)
    np.testing.assert_allclose(d_slow, d_fast, rtol=0.1)
    np.testing.assert_allclose(imaged(some, 30.0, 3.0, rng)[1], d_slow / 10)
    steps = np.diff(fast[0])
    frame_sd = np.median(np.abs(steps)) / 0.9539  # of white noise
    assert frame_sd == pytest.approx(0.3 * 2 * some.single_peak[0], rel=0.15)


def test_the_bar_is_where_a_spike_can_be_seen_and_enough_are_expected() -> None:
    from rate_calibration import Cell, in_all

    said = [MeanRate(1.4, 0.5, 2.0), MeanRate(0.2, 0.1, 0.4), MeanRate(0.0, 0.0, np.nan)]
    inferred = [SimpleNamespace(mean_rate=rate, no_event=not rate.value, noise=1) for rate in said]
    cell = Cell(1.0, 0.3, 30.0, np.ones(3), np.array([9.0, 9.0, 2.0]), inferred, 60.0)
    assert cell.has_bar.tolist() == [True, True, False]
    assert cell.is_right.tolist() == [True, False, False]
    assert cell.held[:2].tolist() == [1, 0] and np.isnan(cell.held[2])  # no upper end is told
    silent = Cell(0.0, 0.3, 30.0, np.zeros(3), np.ones(3), inferred[2:] * 3, 0.0)
    rows = in_all([cell, silent])[1]
    assert rows[0][1:] == (2, "50%", "100%") and rows[1][1:] == (2, "50%", "90%")
    assert rows[3][2].startswith("100%")


@pytest.mark.ci
def test_it_runs_at_a_small_size(tmp_path: Path, run_script) -> None:
    table = tmp_path / "table.md"
    run_script("rate_calibration.py", "--neurons", 2, "--minutes", 0.5, "--output", table)
    text = table.read_text()
    assert "## 7.5 frames/s" in text and "| 10 | " in text
