"""Spikes of a made-up recording, cut out."""

import numpy as np

from raphe.core.abf.reader import read_abf
from raphe.tasks.glif.recordings.spike_cuts import cut_longer, cut_spikes

RATE_HZ = 50_000.0


def _recording(times_s: list[float]) -> np.ndarray:
    """Noise around -65 mV with spikes: 1 ms up to +30 mV, 3 ms down to a trough of -75 mV."""
    rng = np.random.default_rng(0)
    time_s = np.arange(round(0.5 * RATE_HZ)) / RATE_HZ
    voltage_v = -0.065 + 1e-4 * rng.normal(size=len(time_s))
    for begin in times_s:
        shape = np.interp(time_s - begin, [0, 0.001, 0.003, 0.02], [-0.045, 0.03, -0.075, -0.065])
        inside = (time_s >= begin) & (time_s < begin + 0.02)
        voltage_v[inside] = shape[inside]
    return voltage_v


def test_each_spike_is_a_gap_from_its_threshold_to_its_trough() -> None:
    times = [0.1, 0.2, 0.4]
    cut = cut_spikes(_recording(times), RATE_HZ)
    edges = np.diff(np.isnan(cut).astype(int))
    begins, ends = (np.flatnonzero(edges == d) / RATE_HZ for d in (1, -1))
    np.testing.assert_allclose(begins, times, atol=3e-4)
    np.testing.assert_allclose(ends, np.array(times) + 0.003, atol=3e-4)
    assert np.nanmax(cut) < -0.04


def test_a_burst_is_a_gap_for_each_spike() -> None:
    """Spikes 5 ms apart: the search for a trough ends where the next one rises."""
    times = [0.1 + 0.005 * i for i in range(10)]
    cut = cut_spikes(_recording(times), RATE_HZ)
    begins = np.flatnonzero(np.diff(np.isnan(cut).astype(int)) == 1) / RATE_HZ
    np.testing.assert_allclose(begins, times, atol=3e-4)


def test_a_longer_cut_takes_the_beginning_behind_each_spike_and_no_spike() -> None:
    voltage = np.full(30, -0.07)
    voltage[[5, 6, 15, 20, 21, 29]] = np.nan
    cut = cut_longer(voltage, 6)
    expected = [*range(5, 13), 15, 16, 17, *range(20, 27), 29]  # 18 and 19 lie before a spike
    assert np.flatnonzero(np.isnan(cut)).tolist() == expected
    np.testing.assert_array_equal(cut_longer(voltage, 0), voltage)
    np.testing.assert_array_equal(cut_longer(voltage[:5], 6), voltage[:5])


def test_what_is_no_spike_stays() -> None:
    silent = _recording([])
    np.testing.assert_array_equal(cut_spikes(silent, RATE_HZ), silent)
    jump = silent.copy()
    jump[10_000:] += 0.01  # a current step's own jump, 10 mV
    np.testing.assert_array_equal(cut_spikes(jump, RATE_HZ), jump)


def test_the_upswing_of_a_slow_spike_is_cut_with_it(real_data) -> None:
    sweep = read_abf(real_data("abf", "17o05027_ic_ramp.abf")).sweeps[0]
    cut_mv = cut_spikes(1e-3 * sweep.read().astype(np.float64), 20_000.0) * 1e3
    begins = np.flatnonzero(np.diff(np.isnan(cut_mv).astype(int)) == 1)
    assert len(begins) == 6
    assert np.ptp(cut_mv[begins]) < 3  # of a threshold
    assert (cut_mv[begins] < -26).all()  # 20 mV/ms are reached at -25 mV
