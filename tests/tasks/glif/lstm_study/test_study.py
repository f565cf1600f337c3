"""The published set: its size, its repeats, and what the simulation makes of it."""

from dataclasses import replace

import numpy as np
import pytest

from raphe.core.errors import SettingError
from raphe.tasks.glif.lstm_study.grid import FITTED, SCALES, TARGETS, grid, in_si, neurons, targets
from raphe.tasks.glif.lstm_study.study import Study, different
from raphe.tasks.glif.neurons.simulation import simulate


def test_the_grid_is_the_published_one(reference) -> None:
    """3125 cells in the study's order; a case's digits are the places of its values."""
    cells = grid()
    assert cells.shape == (3125, 5)
    for case in ("22222", "14221", "03400", "41344"):
        neuron, _ = reference(f"grid_{case}")
        row = int(case, 5)
        ours = neurons(cells[row : row + 1])
        for name in ("capacitance_f", "leak_v", "resistance_ohm", "threshold_v"):
            np.testing.assert_allclose(getattr(ours, name), getattr(neuron, name), rtol=1e-12)
        np.testing.assert_allclose(ours.dead_time_s, neuron.dead_time_s)


def test_a_constant_answer_has_the_published_loss() -> None:
    scaled = targets(grid()).astype(np.float64)
    assert ((scaled - scaled.mean(axis=0)) ** 2).mean() == pytest.approx(1.742, abs=5e-4)
    assert scaled[:, TARGETS.index("dt")].var() / 5 == pytest.approx(1.6)


def test_scaling_can_be_undone() -> None:
    np.testing.assert_allclose(in_si(targets(FITTED)), FITTED, rtol=1e-6)
    assert SCALES == (1e9, 1, 1e-9, 1e5, 1)


def test_dt_is_a_label_alone(reference) -> None:
    """Two configurations that differ in dt are one cell to the simulation."""
    cells, which = different(grid())
    assert len(cells) == 625 and (np.bincount(which) == 5).all()
    np.testing.assert_array_equal(np.delete(cells[which], 3, 1), np.delete(grid(), 3, 1))


def test_parts_are_drawn_without_repeating_a_file() -> None:
    files = Study(n_train=500, n_val=300, n_test=200).files()
    assert [sum(file["part"] == part for file in files) for part in ("train", "val", "test")] == [
        500, 300, 200,
    ]  # fmt: skip
    names = {(file["stimulus"], file["sweep"], file["configuration"]) for file in files}
    assert len(names) == 1000
    assert {file["stimulus"] for file in files if file["part"] == "test"} == {"noise_2"}
    assert {file["stimulus"] for file in files if file["part"] != "test"} == {"noise_1"}


def test_what_is_fed_is_the_pulse_and_the_first_epoch(reference) -> None:
    """52 000 samples of AllenSDK's own case: 10 ms of 50 pA, then noise around half of rheobase."""
    _, arrays = reference("grid_22222")
    theirs, ours = arrays["stimulus"], Study().current("noise_1")
    assert ours.shape == theirs.shape == (52_000,)
    np.testing.assert_allclose(ours[:2000], theirs[:2000])
    assert ours[2000:].mean() == pytest.approx(theirs[2000:].mean(), rel=0.15)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_train": 9000}, "n_train . n_val: expected at most 9375 files"),
        ({"n_test": 0}, "n_test=0: expected a whole number from 1 up, got 0"),
        (
            {"rate_hz": 1000.0},
            "rate_hz=1000.0: expected a number from 10000 to 1000000 Hz",
        ),
        ({"fed": 60_000}, "fed: expected at most simulated, 52000, got 60000"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        replace(Study(), **wrong)
    with pytest.raises(SettingError, match="noise_1 has 1802000 samples that are not 0"):
        Study(simulated=2_000_000, fed=10).current("noise_1")


def test_the_store_holds_each_trace_once(store_path) -> None:
    from raphe.tasks.glif.lstm_study.voltage_store import open_voltages

    store = open_voltages(store_path)
    assert store.voltage_v.shape == (1250, 600) and store.voltage_v.dtype == np.float32
    assert [len(store.rows(part)) for part in ("train", "val", "test")] == [12, 6, 6]
    assert (store.trace[store.rows("test")] >= 625).all()
    assert (store.trace[store.rows("train")] < 625).all()
    study = Study(rate_hz=20_000.0, simulated=600, fed=500)
    for file in (0, 20):
        noise = "noise_2" if store.part[file] == "test" else "noise_1"
        cell = neurons(store.parameters[file : file + 1])
        response = simulate(cell, study.current(noise), 5e-5)
        np.testing.assert_array_equal(
            store.voltage_v[store.trace[file]], response.voltage_v[0].astype(np.float32)
        )
        assert store.spikes[store.trace[file]] == response.spike_count[0]
        fed = store.fed_mv(file)
        assert len(fed) <= 500 and not np.isnan(fed).any()
        expected = 1e3 * response.voltage_v[0][~np.isnan(response.voltage_v[0])][:500]
        np.testing.assert_allclose(fed, expected, rtol=1e-6)
