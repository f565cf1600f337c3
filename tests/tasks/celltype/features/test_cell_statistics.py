"""A cell's statistics have their closed forms."""

import numpy as np
import pytest

from raphe.tasks.celltype.features.cell_statistics import (
    SPIKES_OF_A_CELL,
    STATISTICS,
    by_column,
    cell_statistics,
)

RATE_HZ = 40_000.0


def spikes(amplitude_pa: float, n: int = 6, noise_pa: float = 2.0) -> np.ndarray:
    """A trough, then a peak of half its size, on a baseline that alternates by ±noise."""
    time_ms = np.arange(160) / 40 - 1.2
    trough, peak = np.exp(-((time_ms / 0.1) ** 2)), np.exp(-(((time_ms - 0.8) / 0.3) ** 2))
    shape = amplitude_pa * (0.5 * peak - trough)
    return np.tile(shape + noise_pa * (-1.0) ** np.arange(160), (n, 1)).astype(np.float32)


def test_statistics_have_their_closed_form() -> None:
    statistics = cell_statistics(spikes(150.0) - 30, RATE_HZ)
    assert statistics["baseline_pA"] == pytest.approx(-30, abs=0.01)
    # ± 2 pA in turn, over an even number of samples n: SD² is 4 n / (n - 1).
    assert statistics["noise_sd_pA"] == pytest.approx(np.sqrt(4 * 20 / 19), abs=1e-3)
    assert statistics["amplitude_pA"] == pytest.approx(150, rel=0.03)
    assert statistics["trough_to_peak_ms"] == pytest.approx(0.8, abs=0.03)


def test_levels_after_the_spike_are_shares_of_its_size() -> None:
    windows = spikes(100.0, noise_pa=0.0)
    windows[:, 120:] -= 8.0
    statistics = cell_statistics(windows, RATE_HZ)
    assert statistics["undershoot"] == pytest.approx(-0.08, abs=0.002)
    assert statistics["end_level"] == pytest.approx(-0.08, abs=0.002)


def test_times_give_how_the_cell_fires_and_none_give_nothing() -> None:
    statistics = cell_statistics(spikes(150.0), RATE_HZ, trains=[np.arange(6) / 4])
    assert statistics["firing_rate_hz"] == pytest.approx(4)
    assert statistics["isi_cv"] == pytest.approx(0)
    assert statistics["shortest_interval_ms"] == pytest.approx(250)
    unknown = cell_statistics(spikes(150.0), RATE_HZ)
    assert np.isnan([unknown["firing_rate_hz"], unknown["mains_locking_SD"]]).all()


def test_a_few_odd_spikes_do_not_move_them() -> None:
    ordinary = spikes(150.0, n=9)
    odd = np.concatenate([ordinary, spikes(900.0, n=2)])
    expected, statistics = cell_statistics(ordinary, RATE_HZ), cell_statistics(odd, RATE_HZ)
    assert statistics["amplitude_pA"] == pytest.approx(expected["amplitude_pA"])


def test_of_a_cell_with_many_spikes_evenly_spaced_ones_are_looked_at() -> None:
    n = 4 * SPIKES_OF_A_CELL
    rising = np.arange(n)[:, None] + np.zeros((n, 160))
    assert cell_statistics(rising, RATE_HZ)["baseline_pA"] == pytest.approx((n - 1) / 2, rel=1e-3)


def test_windows_without_a_baseline_have_no_noise_level() -> None:
    statistics = cell_statistics(spikes(150.0), RATE_HZ, "µV", baseline_ms=0)
    assert "noise_sd_µV" not in statistics and "amplitude_µV" in statistics


def test_names_have_units_and_words_have_none() -> None:
    assert set(by_column("pA")) >= set(cell_statistics(spikes(150.0), RATE_HZ))
    assert by_column("pA")["noise_10500_to_12000_hz_pA_per_rthz"].shown(0.0041, "pA") == (
        "0.00410 pA/√Hz"
    )
    assert by_column("pA")["amplitude_pA"].shown(9e-11, "pA") == "less than 0.000001 pA"
    assert not any("_" in statistic.words for statistic in STATISTICS)
