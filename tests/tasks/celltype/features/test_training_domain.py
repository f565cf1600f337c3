"""What a cell's statistics are, over training cells and for one unlike them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from raphe.tasks.celltype.features.training_domain import (
    LEVELS,
    SPIKES_OF_A_CELL,
    cell_statistics,
    training_domain,
    unlike_training,
)
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_set import Cell, SpikeSet
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter

RATE_HZ = 40_000.0


def spikes(amplitude_pa: float, n: int = 6, noise_pa: float = 2.0) -> np.ndarray:
    """A trough, then a peak of half its size, on a baseline that alternates by ±noise."""
    time_ms = np.arange(160) / 40 - 1.2
    trough, peak = np.exp(-((time_ms / 0.1) ** 2)), np.exp(-(((time_ms - 0.8) / 0.3) ** 2))
    shape = amplitude_pa * (0.5 * peak - trough)
    return np.tile(shape + noise_pa * (-1.0) ** np.arange(160), (n, 1)).astype(np.float32)


@pytest.fixture
def store(tmp_path: Path) -> SpikeSet:
    """Cells of amplitudes 100, 110 … 200 pA."""
    with SpikeStoreWriter(tmp_path / "store", ("SER", "NSER"), 160) as writer:
        for i in range(11):
            waveforms = spikes(100.0 + 10 * i, n=2 + i, noise_pa=1.5 + 0.1 * i)
            writer.add(Cell(f"c{i}", i % 2), waveforms, np.arange(2 + i))
        return open_spikes(writer.finish(RATE_HZ, "pA", {}))


def test_statistics_have_their_closed_form() -> None:
    statistics = cell_statistics(spikes(150.0) - 30, RATE_HZ)
    assert statistics["baseline_pA"] == pytest.approx(-30, abs=0.01)
    # ± 2 pA in turn, over an even number of samples n: SD² is 4 n / (n - 1).
    assert statistics["noise_sd_pA"] == pytest.approx(np.sqrt(4 * 20 / 19), abs=1e-3)
    assert statistics["amplitude_pA"] == pytest.approx(150, rel=0.03)
    assert statistics["trough_to_peak_ms"] == pytest.approx(0.8, abs=0.03)


def test_a_few_odd_spikes_do_not_move_them() -> None:
    ordinary = spikes(150.0, n=9)
    odd = np.concatenate([ordinary, spikes(900.0, n=2)])
    expected, statistics = cell_statistics(ordinary, RATE_HZ), cell_statistics(odd, RATE_HZ)
    assert statistics["amplitude_pA"] == pytest.approx(expected["amplitude_pA"])


def test_of_a_cell_with_many_spikes_evenly_spaced_ones_are_looked_at() -> None:
    n = 4 * SPIKES_OF_A_CELL
    rising = np.arange(n)[:, None] + np.zeros((n, 160))
    assert cell_statistics(rising, RATE_HZ)["baseline_pA"] == pytest.approx((n - 1) / 2, rel=1e-3)


def test_the_domain_is_quantiles_over_cells_not_spikes(store: SpikeSet) -> None:
    domain = training_domain(store, np.arange(store.n))
    assert json.loads(json.dumps(domain, allow_nan=False)) == domain
    assert domain["n_cells"] == 11 and tuple(domain["levels"]) == LEVELS
    amplitude = dict(zip(LEVELS, domain["quantiles"]["amplitude_pA"], strict=True))
    for level, expected in ((0.0, 100), (0.25, 125), (0.5, 150), (1.0, 200)):
        assert amplitude[level] == pytest.approx(expected, rel=0.03)


def test_only_the_rows_named_count(store: SpikeSet) -> None:
    rows = np.flatnonzero(np.asarray(store.cell[np.arange(store.n)]) < 3)
    domain = training_domain(store, rows)
    assert domain["n_cells"] == 3
    assert domain["quantiles"]["amplitude_pA"][-1] == pytest.approx(120, rel=0.03)


@pytest.mark.parametrize(
    ("amplitude_pa", "like"), [(55, True), (245, True), (45, False), (0.15, False)]
)
def test_a_cell_beyond_the_range_by_half_of_it_is_unlike(amplitude_pa: float, like: bool) -> None:
    domain = {"levels": [0.0, 0.5, 1.0], "quantiles": {"amplitude_pA": [100, 150, 200]}}
    statistics = {"amplitude_pA": amplitude_pa, "half_width_ms": 9.0}  # the latter no cell had
    sentences = unlike_training(statistics, domain)
    expected = f"amplitude pA is {amplitude_pa:.3g}, in training 100 to 200"
    assert sentences == ([] if like else [expected])


def test_windows_without_a_baseline_have_no_noise_level(
    make_spikes: Callable[..., SpikeSet],
) -> None:
    statistics = cell_statistics(make_spikes().read(np.arange(5)), RATE_HZ, "µV", baseline_ms=0)
    assert "noise_sd_µV" not in statistics and "amplitude_µV" in statistics
