"""An .npz tells by its names which arrays are voltages and currents, in which unit, how often."""

from pathlib import Path

import numpy as np
import pytest

from raphe.core.errors import RecordingError, SettingError
from raphe.tasks.glif.recordings.cell_files import Signal, holds_current, read_cell_traces
from raphe.tasks.glif.recordings.cell_sweeps import read_cell_sweeps

N = 400
RNG = np.random.default_rng(0)
V_MV = -70 + RNG.normal(size=N)
I_PA = np.where(np.arange(N) > 100, 80.0, 0.0)
RAMP_PA = np.linspace(0, 100, N)  # rises as evenly as a time


def saved(path: Path, **arrays) -> Path:
    np.savez(path, **arrays)
    return path


def read(voltage: Path, current: Path | None = None, rate_hz: float | None = None, **channels):
    return read_cell_traces(
        Signal(voltage, "V", channels.get("channel")),
        Signal(current, "A", channels.get("stimulus_channel")),
        rate_hz,
    )


@pytest.mark.parametrize(
    "arrays",
    [
        {"voltage_mv": V_MV, "current_pa": RAMP_PA, "rate_hz": 20_000},
        {"Vm (mV)": V_MV, "I (pA)": RAMP_PA, "time_ms": np.arange(N) / 20},
        {"t_s": np.arange(N) / 20_000, "v": 1e-3 * V_MV, "i": 1e-12 * RAMP_PA},
        {"current_a": 1e-12 * RAMP_PA, "voltage_v": 1e-3 * V_MV, "fs": np.array([2e4])},
        {"response_uV": 1e3 * V_MV, "stimulus_nA": 1e-3 * RAMP_PA, "rate": np.int16(20_000)},
    ],
)
def test_voltage_current_and_rate_of_one_file(tmp_path: Path, arrays) -> None:
    path = saved(tmp_path / "cell.npz", **arrays)
    cells = read(path)
    assert cells.rate_hz == pytest.approx(20_000) and holds_current(Signal(path, "V"))
    np.testing.assert_allclose(cells.voltage_v[0], 1e-3 * V_MV)
    np.testing.assert_allclose(cells.current_a[0], 1e-12 * RAMP_PA)


def test_arrays_of_one_quantity_are_cells_and_others_can_be_named(tmp_path: Path) -> None:
    both = np.stack([V_MV, V_MV - 1])
    path = saved(
        tmp_path / "cells.npz", a_mv=both, b_uv=1e3 * V_MV, i_pa=I_PA, cell_a=I_PA, rate_hz=2e4
    )
    cells = read(path)
    np.testing.assert_allclose(cells.voltage_v, 1e-3 * np.stack([V_MV, V_MV - 1, V_MV]))
    assert cells.current_a.shape == (3, N)
    np.testing.assert_allclose(read(path, channel="b_uv").voltage_v[0], 1e-3 * V_MV)
    with pytest.raises(RecordingError, match="80"):  # read in A: the name tells no unit
        read(path, stimulus_channel="cell_a")


def test_a_lone_array_needs_no_name_and_sweeps_are_fitted_from_it(tmp_path: Path) -> None:
    voltage = saved(tmp_path / "v.npz", arr_0=1e-3 * np.stack([V_MV, V_MV]))
    current = saved(tmp_path / "i.npz", arr_0=1e-12 * I_PA)
    assert not holds_current(Signal(voltage, "V"))
    sweeps = read_cell_sweeps(Signal(voltage, "V"), Signal(current, "A"), 20_000.0)
    assert sweeps.names == ["sweep 0", "sweep 1"] and sweeps.rate_hz == 20_000
    np.testing.assert_allclose(sweeps.currents_a[1], 1e-12 * I_PA)


@pytest.mark.parametrize(
    ("arrays", "options", "sentence"),
    [
        (
            {"a": V_MV, "b": I_PA},
            {"stimulus_channel": "b"},
            r"expected an array with the voltage, .* as voltage_mv, or is voltage, got 'a' "
            r"\(400,\), 'b' \(400,\); rename it, or name it with --channel",
        ),
        (
            {"voltage_mv": V_MV, "b": I_PA},
            {},
            r"the current, .* as current_pa, or is current, got 'voltage_mv' .*, 'b' \(400,\); "
            r"rename it, or name it with --stimulus-channel or its own file with --stimulus",
        ),
        (
            {"current_pa": I_PA, "rate_hz": 2e4},
            {},
            "expected an array with the voltage, .* got 'curr",
        ),
        (
            {"voltage_mv": V_MV, "current_pa": I_PA},
            {"channel": "w"},
            r"expected an array called 'w', got 'voltage_mv' \(400,\), 'current_pa'",
        ),
        ({"voltage_mv": V_MV, "current_pa": I_PA}, {}, "nor does a number called rate_hz; name it"),
        (
            {"voltage_mv": V_MV, "current_pa": I_PA, "rate_hz": 20.0},
            {},
            "got rate_hz of 20 Hz; correct it",
        ),
        (
            {"voltage_mv": V_MV, "current_pa": I_PA, "rate_hz": 2e4},
            {"rate_hz": 1e4},
            "rate_hz states 20000 Hz, not 10000; correct --rate",
        ),
        (
            {"a_mv": V_MV, "b_mv": V_MV[1:], "current_pa": I_PA},
            {"rate_hz": 2e4},
            r"arrays of the voltage to be alike in length, got 'a_mv' \(400,\) and 'b_mv'",
        ),
        (
            {"voltage_mv": V_MV.astype(str), "current_pa": I_PA},
            {"rate_hz": 2e4},
            "array 'voltage_mv': expected numbers .*, got <U",
        ),
    ],
)
def test_what_is_missing_is_one_sentence(tmp_path: Path, arrays, options, sentence) -> None:
    path = saved(tmp_path / "cell.npz", **arrays)
    with pytest.raises(RecordingError, match=rf"cell\.npz.*({sentence})"):
        read(path, **options)


def test_a_unit_of_another_quantity_and_a_damaged_file(tmp_path: Path) -> None:
    path = saved(tmp_path / "cell.npz", voltage_mv=V_MV, current_pa=I_PA, rate_hz=2e4)
    with pytest.raises(SettingError, match="unit pA: expected one of V, mV"):
        read(path, channel="current_pa")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(RecordingError, match=r"cell\.npz: is not an \.npz file .* copy it anew"):
        read(path)
