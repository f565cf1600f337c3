"""Which cells are unlike those of training, and how often one that is like them is called so."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from raphe.core.statistics.outlyingness import limits
from raphe.tasks.celltype.features.cell_statistics import by_column, cell_statistics
from raphe.tasks.celltype.features.joint_test import PARTS, JointTest
from raphe.tasks.celltype.features.training_cells import DescribedCell, TrainingCells, folds
from raphe.tasks.celltype.features.training_domain import (
    CALIBRATED_TO,
    FALSE_ALARMS,
    FEW_SPIKES,
    FEWEST_CELLS,
    LEVELS,
    _limits_for,
    _test,
    not_compared,
    training_domain,
    unlike_training,
)
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_set import Cell, SpikeSet
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter

RATE_HZ = 40_000.0
N_BASELINE = 20
N_CELLS = 24


def waveforms(amplitude_pa: float, rng: np.random.Generator, n: int = 12) -> np.ndarray:
    """A trough, then a peak of half its size, in white noise of 2 pA."""
    time_ms = np.arange(160) / 40 - 1.2
    trough, peak = np.exp(-((time_ms / 0.1) ** 2)), np.exp(-(((time_ms - 0.8) / 0.3) ** 2))
    spikes = amplitude_pa * (0.5 * peak - trough) + rng.normal(0, 2, (n, 160))
    return spikes.astype(np.float32)


def write(path: Path, n_cells: int) -> SpikeSet:
    """Cells of amplitudes 100, 102 … pA, two a day, that fire at 4 Hz or so."""
    rng = np.random.default_rng(0)
    with SpikeStoreWriter(path, ("SER", "NSER"), 160) as writer:
        for i in range(n_cells):
            cell = Cell(f"c{i}", i % 2, f"2026-01-{1 + i // 2:02d}")
            trigger = np.cumsum(rng.integers(8000, 12_000, 12))
            writer.add(cell, waveforms(100.0 + 2 * i, rng), trigger)
        return open_spikes(writer.finish(RATE_HZ, "pA", {}))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> SpikeSet:
    return write(tmp_path_factory.mktemp("domain") / "store", N_CELLS)


@pytest.fixture(scope="module")
def domain(store: SpikeSet) -> dict:
    return training_domain(store, np.arange(store.n))


def sentences(windows: np.ndarray, domain: dict, times_s: np.ndarray | None = None) -> list[str]:
    regular = np.cumsum(np.random.default_rng(6).uniform(0.2, 0.3, len(windows)))
    trains = [regular if times_s is None else times_s]
    statistics = cell_statistics(windows, RATE_HZ, trains=trains)
    return unlike_training(statistics, windows, N_BASELINE, domain)


def test_the_domain_is_quantiles_over_cells_not_spikes(domain: dict) -> None:
    assert json.loads(json.dumps(domain, allow_nan=False)) == domain
    assert domain["n_cells"] == N_CELLS and tuple(domain["levels"]) == LEVELS
    amplitude = dict(zip(LEVELS, domain["quantiles"]["amplitude_pA"], strict=True))
    for level, expected in ((0.0, 100), (0.25, 111.5), (0.5, 123), (1.0, 146)):
        assert amplitude[level] == pytest.approx(expected, rel=0.03)
    assert domain["held_out"] == {"kind": "day", "n_folds": N_CELLS // 2}
    assert [row["n_spikes"] for row in domain["limits"]] == [*FEW_SPIKES, 12]


def test_only_the_rows_named_count(store: SpikeSet) -> None:
    rows = np.flatnonzero(np.asarray(store.cell[np.arange(store.n)]) < 3)
    few = training_domain(store, rows)
    assert few["n_cells"] == 3
    assert few["quantiles"]["amplitude_pA"][-1] == pytest.approx(104, rel=0.03)


def test_a_cell_is_told_in_what_it_is_unlike_training_in_words_with_units(domain: dict) -> None:
    rng = np.random.default_rng(1)
    assert sentences(waveforms(120.0, rng), domain) == []
    (baseline,) = sentences(waveforms(120.0, rng) - 30, domain)
    assert re.fullmatch(r"baseline is −(29|30)\.\d pA \(in training −\S+ to \S+ pA\)", baseline)
    fast = sentences(waveforms(120.0, rng), domain, np.arange(12) / 100)
    assert any("mains" in s or "firing rate is 100 Hz" in s for s in fast)
    for text in [baseline, *fast]:
        assert "_" not in text and "c0" not in text


def test_few_training_cells_tell_nothing_and_say_so(tmp_path: Path) -> None:
    store = write(tmp_path / "store", FEWEST_CELLS - 1)
    domain = training_domain(store, np.arange(store.n))
    windows = waveforms(9000.0, np.random.default_rng(2))
    assert sentences(windows, domain) == []
    assert not_compared({}, domain) == [
        f"whether this cell is like those of training cannot be told from {FEWEST_CELLS - 1} "
        f"training cells: {FEWEST_CELLS} are needed"
    ]


def test_a_cell_without_times_is_compared_without_its_firing(domain: dict) -> None:
    windows = waveforms(120.0, np.random.default_rng(3))
    statistics = cell_statistics(windows, RATE_HZ)
    assert unlike_training(statistics, windows, N_BASELINE, domain) == []
    (sentence,) = not_compared(statistics, domain)
    assert "the firing was not compared" in sentence
    one_a_sweep = cell_statistics(windows, RATE_HZ, trains=[np.array([1.0])] * 60)
    (sentence,) = not_compared(one_a_sweep, domain)
    assert sentence.startswith("too few intervals between spikes of one sweep are known")
    timed = cell_statistics(windows, RATE_HZ, trains=[np.arange(12) / 4])
    assert not_compared(timed, domain) == []
    test = dict(domain["test"])
    named = by_column(test["unit"])
    test["columns"] = [c for c in test["columns"] if named[c].group != "firing"]
    assert not_compared(timed, domain | {"test": test}) == [
        "training's firing is not known, so this cell's was not compared with it"
    ]


def drawn(n_days: int, a_day: int, rng: np.random.Generator) -> TrainingCells:
    """Cells whose statistics have an effect of the day as large as that of the cell."""
    names = ("baseline_pA", "asymmetry", "undershoot", "mains_locking_SD")
    n = n_days * a_day
    days = np.repeat(rng.normal(0, 1, (n_days, len(names))), a_day, axis=0)
    values = (days + rng.normal(0, 1, (n, len(names)))) @ rng.normal(0, 1, (len(names),) * 2)
    spikes = rng.normal(0, 0.05, (n, 10)) + np.sin(np.arange(10))
    described = [
        DescribedCell(dict(zip(names, row, strict=True)), spike)
        for row, spike in zip(values, spikes, strict=True)
    ]
    cells = [Cell(f"c{i}", 0, f"day {i // a_day}") for i in range(n)]
    return TrainingCells(cells, np.full(n, 30), described, {})


@pytest.mark.parametrize(("n_days", "a_day"), [(20, 6), (8, 5)])
def test_false_alarms_on_new_days_are_no_more_than_stated(n_days: int, a_day: int) -> None:
    alarms = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        more = drawn(n_days + 30, a_day, rng)
        n = n_days * a_day
        known = TrainingCells(more.cells[:n], more.n_spikes[:n], more.described[:n], {})
        facts = _test(known, "pA")
        test, of_30 = JointTest.from_facts(facts["test"]), _limits_for(30, facts["limits"])
        assert len(of_30) == len(PARTS)
        for cell in more.described[n:]:
            scores = test.scores(test.scaled(test.values(cell.statistics, cell.spike)))
            alarms.append((scores > of_30).any())
    assert np.mean(alarms) <= FALSE_ALARMS


def test_a_part_that_held_out_days_raise_is_limited_by_how_its_cells_differ() -> None:
    rng = np.random.default_rng(0)
    scores = rng.standard_normal((400, len(PARTS)))
    scores[:8, 0] += 8.0  # single cells, far out in one part
    raised = scores + np.array([0.0, 4.0, 0.0, 0.0, 0.0])
    assert (scores > limits(scores, CALIBRATED_TO)).any(axis=1).mean() == pytest.approx(
        0.025, abs=0.003
    )
    assert limits(raised, CALIBRATED_TO) - limits(scores, CALIBRATED_TO) == pytest.approx(
        [0, 4, 0, 0, 0], abs=1e-3
    )


@pytest.mark.parametrize(
    ("known", "kind", "n_folds"), [("day", "day", 6), ("animal", "animal", 6), ("", "cell", 20)]
)
def test_cells_are_left_out_by_what_is_known_of_them(known: str, kind: str, n_folds: int) -> None:
    cells = [Cell(f"c{i}", 0, **({known: f"g{i % 6}"} if known else {})) for i in range(30)]
    left_out, fold = folds(cells)
    assert left_out == kind and len(np.unique(fold)) == n_folds
    if known:
        assert all(len(np.unique(fold[i::6])) == 1 for i in range(6))
