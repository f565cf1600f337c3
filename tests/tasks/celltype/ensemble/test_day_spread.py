"""Noise of other days moves a made-up network as much as it should."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from raphe.core.statistics.abstention import NotSure
from raphe.core.statistics.calibration import Calibration
from raphe.core.statistics.decision import Decision
from raphe.tasks.celltype.ensemble.day_spread import SIMULATED, day_spread
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_set import Cell, SpikeSet
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter

N_SAMPLES, PER_CELL = 40, 60
DECISION = Decision("mean", "temperature", Calibration(slope=0.5), NotSure(0, 0.05, 1, 0, 0, 0))


class Hears:
    """In place of networks: log odds that grow with the SD of a window's start, which is noise."""

    def __call__(self, windows: Tensor, firing: Tensor | None) -> Tensor:
        assert firing is None
        log_odds = windows[:, :20].std(dim=1) - 4
        return torch.stack([log_odds, -log_odds], dim=1)[None].sigmoid()


@pytest.fixture
def cells_of_days(tmp_path: Path) -> Callable[..., SpikeSet]:
    def make(noise_sd: np.ndarray, per_day: int = 3, dated: bool = True) -> SpikeSet:
        rng = np.random.default_rng(0)
        spike = np.concatenate([np.zeros(20), -100 * np.exp(-np.arange(20) / 4)])
        with SpikeStoreWriter(tmp_path / "spikes", ("SER", "NSER"), N_SAMPLES) as writer:
            for i in range(per_day * len(noise_sd)):
                day = i // per_day
                size = rng.normal(1, 0.03, (PER_CELL, 1))
                noise = rng.normal(0, noise_sd[day], (PER_CELL, N_SAMPLES))
                cell = Cell(f"c{i}", i % 2, f"2026-01-{1 + day:02d}" if dated else "")
                windows = (spike * size + noise).astype(np.float32)
                writer.add(cell, windows, np.arange(PER_CELL))
            return open_spikes(writer.finish(40_000.0, "pA", {}))

    return make


def spread_of(spikes: SpikeSet) -> dict:
    return day_spread(Hears(), [1], DECISION, spikes, np.arange(spikes.n))


def test_it_is_the_sd_of_what_the_days_noise_does(cells_of_days) -> None:
    noise_sd = np.array([3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0])
    measured = spread_of(cells_of_days(noise_sd))
    # Log odds are 0.5 · (SD - 4), so their SD between days is half that of the days' noise.
    assert measured["spread"] == pytest.approx(0.5 * noise_sd.std(ddof=1), rel=0.2)
    assert measured["how"] == (
        "measured by putting the noise of 7 days behind the spikes of 21 validation cells"
    )


def test_days_of_one_noise_hardly_differ(cells_of_days) -> None:
    assert spread_of(cells_of_days(np.full(7, 4.0)))["spread"] < 0.1


def test_where_days_are_unknown_recordings_differ(cells_of_days) -> None:
    measured = spread_of(cells_of_days(np.linspace(3, 6, 7), dated=False))
    assert "21 other recordings" in measured["how"] and measured["spread"] > 0.3


def test_too_few_cells_fall_back_on_simulated_ones_and_say_so(cells_of_days) -> None:
    few = spread_of(cells_of_days(np.array([3.0, 4.0]), per_day=2))
    assert few["spread"] == SIMULATED and "simulated" in few["how"]
