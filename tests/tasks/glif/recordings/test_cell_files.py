"""Voltage and current from files and arrays, refused where unit, rate or values cannot be."""

from pathlib import Path

import numpy as np
import pytest

from nwb_files import Entry, write_nwb
from raphe.core.errors import RecordingError, SettingError
from raphe.tasks.glif.recordings.cell_files import Signal, read_cell_traces

WRONG = {
    "no rate": (["--rate"], "name it with --rate"),
    "mV": (["--unit", "mV"], r"median of -120 to -20 mV, got -0\.0\d+ mV; .*--unit V"),
    "pA": (["--stimulus-unit", "pA"], "peak lies between 1 pA and 20 nA, got 1.96e-22 A"),
    "kHz": (["--rate", "50"], r"--rate: .* from 1000 to 1000000, got 50; .* kHz, give 50000"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_units_and_a_missing_rate_are_told(cell: list[str], case: str) -> None:
    options, message = WRONG[case]
    units = {"--unit": "V", "--stimulus-unit": "A"} | dict(zip(options[::2], options[1::2],
                                                              strict=False))  # fmt: skip
    with pytest.raises(RecordingError, match=message):
        read_cell_traces(
            Signal(Path(cell[0]), units["--unit"]),
            Signal(Path(cell[2]), units["--stimulus-unit"]),
            {"no rate": None, "kHz": 50}.get(case, 50_000),
        )


def _save(cell: list[str], which: int, array: np.ndarray) -> tuple[Signal, Signal]:
    np.save(cell[which], array)
    return Signal(Path(cell[0]), "V"), Signal(Path(cell[2]), "A")


def test_what_no_membrane_does_is_told(cell: list[str]) -> None:
    voltage, current = np.load(cell[0]), np.load(cell[2])
    for array, message in (
        (1e3 * voltage, "got -5.* mV; if it is in mV, pass --unit mV"),
        (voltage + 0.072, "pass --relative-to-rest"),
        (np.where(np.arange(len(voltage)) == 9, 0.02, voltage), "pass --cut-spikes"),
        (voltage[:-1], "of 29 999 samples, as many as the voltage has, got 30 000"),
        (np.full_like(voltage, np.nan), "expected a voltage, got no finite sample"),
        (-voltage, r"got 5\d\.\d* mV; if its sign is reversed, turn it round$"),
        (0.5 * -voltage, "got 2.* mV; .* --relative-to-rest; if its sign is reversed, turn it"),
        (10 * voltage, r"got -5\d\d.* mV; correct its unit or the amplifier's gain; or is it the"),
    ):
        with pytest.raises(RecordingError, match=message):
            read_cell_traces(*_save(cell, 0, array), 50_000)
    with pytest.raises(RecordingError, match=r"between 1 pA and 20 nA, got 1\d\d A; correct"):
        np.save(cell[0], voltage)
        read_cell_traces(*_save(cell, 2, 1e12 * current), 50_000)
    with pytest.raises(RecordingError, match="are voltage and current exchanged"):
        read_cell_traces(Signal(Path(cell[0]), "V"), Signal(Path(cell[0]), "A"), 50_000)
    three = np.tile(voltage, (3, 1))
    with pytest.raises(RecordingError, match="for all voltages, or one for each of the 3, got 2"):
        read_cell_traces(Signal(three, "V"), Signal(np.tile(current, (2, 1)), "A"), 50_000)


def test_a_table_whose_current_has_no_unit_is_told_so(tmp_path: Path) -> None:
    table = tmp_path / "cell.csv"
    table.write_text("Time (s),Voltage (mV),current\n0,-70,1\n0.0001,-70,1\n", encoding="utf-8")
    with pytest.raises(RecordingError, match=r"no column in A, .*; name its unit in the header"):
        read_cell_traces(Signal(table, "V"), Signal(None, "A"), None)


def test_arrays_that_lie_the_wrong_way_and_units_of_rest_are_told(cell: list[str]) -> None:
    voltage = np.load(cell[0])
    with pytest.raises(RecordingError, match=r"more cells than samples, .* transpose it"):
        read_cell_traces(*_save(cell, 0, voltage[:, None]), 50_000)
    with pytest.raises(RecordingError, match=r"up to 15000 mV; leave --relative-to-rest out"):
        relative = np.where(np.arange(len(voltage)) < 20_000, 0.0, 15.0)  # mV taken for V
        read_cell_traces(*_save(cell, 0, relative), 50_000, relative_to_v=-0.073)


def test_an_array_in_memory_is_read_as_its_file(cell: list[str]) -> None:
    voltage, current = np.load(cell[0]), np.load(cell[2])
    from_files = read_cell_traces(Signal(Path(cell[0]), "V"), Signal(Path(cell[2]), "A"), 50_000)
    in_memory = read_cell_traces(Signal(1e3 * voltage, "mV"), Signal(1e9 * current, "nA"), 50_000)
    np.testing.assert_allclose(in_memory.voltage_v, from_files.voltage_v, rtol=1e-12)
    np.testing.assert_allclose(in_memory.current_a, from_files.current_a, rtol=1e-12)
    float32 = read_cell_traces(
        Signal(voltage.astype(np.float32), "V"), Signal(current, "A"), 50_000
    )
    assert float32.voltage_v.dtype == np.float64
    with pytest.raises(RecordingError, match=r"^voltage: expected the current .* got none"):
        read_cell_traces(Signal(voltage, "V"), Signal(None, "A"), 50_000)
    with pytest.raises(SettingError, match="unit pA: expected one of V, mV"):
        read_cell_traces(Signal(voltage, "pA"), Signal(current, "A"), 50_000)


@pytest.fixture
def nwb(tmp_path: Path, cell: list[str]) -> Path:
    """Three sweeps, the first stopped before its stimulus, and a current that was measured."""
    pytest.importorskip("pynwb")
    voltage, current = np.load(cell[0]), np.load(cell[2])
    measured = Entry("VoltageClampSeries", "clamped", 1e-12 * np.ones(9), start_s=99.0)
    entries = [measured] + [
        Entry("CurrentClampSeries", f"v{k}", 1e3 * (voltage + 1e-3 * k), start_s=3.0 * k, sweep=k,
              facts={"conversion": 1e-3}) for k in range(3)
    ] + [
        Entry("CurrentClampStimulusSeries", f"i{k}", 1e12 * k * current, start_s=3.0 * k, sweep=k,
              facts={"conversion": 1e-12}, where="stimulus") for k in (1, 2)
    ]  # fmt: skip
    return write_nwb(tmp_path / "cell.nwb", entries, rate_hz=50_000.0)


def test_an_nwb_file_gives_a_sweep_and_its_own_stimulus(nwb: Path, cell: list[str]) -> None:
    voltage, current = np.load(cell[0]), np.load(cell[2])
    for sweep in (1, 2):
        cells = read_cell_traces(Signal(nwb, "V"), Signal(None, "A"), None, sweep=sweep)
        np.testing.assert_allclose(cells.voltage_v[0], voltage + 1e-3 * sweep, rtol=1e-6)
        np.testing.assert_allclose(cells.current_a[0], sweep * current, rtol=1e-6, atol=1e-18)
        assert cells.rate_hz == 50_000
        assert cells.read_from == f"sweep {sweep}, v{sweep}, with i{sweep}"
    with pytest.raises(RecordingError, match="for sweep 0, v0, no stimulus has the sweep number 0"):
        read_cell_traces(Signal(nwb, "V"), Signal(None, "A"), None)
    cells = read_cell_traces(Signal(nwb, "V", "v0"), Signal(None, "A", "i1"), None)
    assert cells.read_from == "sweep 0, v0, with i1"  # a person says so


def test_a_sweep_of_an_nwb_file_goes_with_an_array(nwb: Path, cell: list[str]) -> None:
    current = Signal(Path(cell[2]), "A")
    cells = read_cell_traces(Signal(nwb, "V"), current, 50_000, sweep=2)
    np.testing.assert_allclose(cells.voltage_v[0], np.load(cell[0]) + 2e-3, rtol=1e-6)
    cells = read_cell_traces(Signal(Path(cell[0]), "V"), Signal(nwb, "A"), 50_000, sweep=2)
    np.testing.assert_allclose(cells.current_a[0], 2 * np.load(cell[2]), rtol=1e-6, atol=1e-18)
    with pytest.raises(SettingError, match=r"--sweep 2: an array has no sweeps"):
        read_cell_traces(Signal(Path(cell[0]), "V"), current, 50_000, sweep=2)


def test_a_voltage_beyond_any_amplifier_is_refused(cell: list[str]) -> None:
    voltage = np.load(cell[0])
    voltage[7] = 1e30
    with pytest.raises(RecordingError, match=r"got samples up to 1e\+30 V, beyond any amplifier"):
        read_cell_traces(*_save(cell, 0, voltage), 50_000, cut=True)


def test_a_voltage_told_from_rest_is_moved(cell: list[str]) -> None:
    sources = _save(cell, 0, np.load(cell[0]) + 0.072)
    cells = read_cell_traces(*sources, 50_000, relative_to_v=-0.073)
    assert np.nanmedian(cells.voltage_v[0, :400]) == pytest.approx(-0.073, abs=1e-4)
    assert cells.rest_added_v == -0.073


def test_only_spikes_are_cut_from_a_recording(cell: list[str]) -> None:
    """What is missing from it, or infinite, is none of them."""
    voltage = np.where(np.isnan(v := np.load(cell[0])), -0.05, v)
    for gap, message in (
        (slice(500, 900), r"got 400 samples missing \(NaN\) from sample 500 on; if its spikes are"),
        (slice(7, 8), "got 1 sample missing"),
    ):
        missing = voltage.copy()
        missing[gap] = np.nan
        with pytest.raises(RecordingError, match=message):
            read_cell_traces(*_save(cell, 0, missing), 50_000, cut=True)
        assert len(read_cell_traces(*_save(cell, 0, missing), 50_000)) == 1
    infinite = voltage.copy()
    infinite[7] = np.inf
    for cut in (False, True):
        with pytest.raises(RecordingError, match="infinite voltage at sample 7"):
            read_cell_traces(*_save(cell, 0, infinite), 50_000, cut=cut)
    filled_up = voltage.copy()
    filled_up[-400:] = np.nan
    cells = read_cell_traces(*_save(cell, 0, filled_up), 50_000, cut=True)
    assert cells.recorded(0) == slice(0, len(voltage) - 400)
    filled_up[:300] = np.nan
    assert read_cell_traces(*_save(cell, 0, filled_up), 50_000, cut=True).recorded(0).start == 300


def test_zeros_that_a_program_filled_a_sweep_up_with_are_no_voltage(cell: list[str]) -> None:
    voltage = np.where(np.isnan(v := np.load(cell[0])), -0.05, v)
    voltage[-4000:] = voltage[:20] = 0
    voltage[300:330] = 0  # between others: whatever it is, it is not that
    for cut in (False, True):
        cells = read_cell_traces(*_save(cell, 0, np.stack([voltage, v])), 50_000, cut=cut)
        assert cells.recorded(0) == slice(20, len(voltage) - 4000)
        assert cells.read_from == (
            "its voltage is exactly 0 V in 1 cell, the first of them until 0.0004 s and from "
            f"{len(voltage) / 50_000 - 0.08:g} s on: taken for filled up, and left off"
        )
    voltage[-4000:] = -0.07
    voltage[:20] = -0.07
    voltage[-9:] = 0
    assert not read_cell_traces(*_save(cell, 0, voltage), 50_000, cut=True).read_from
    relative = np.where(np.arange(len(v)) < 400, 0, v + 0.072)  # at rest, as a model is
    cells = read_cell_traces(*_save(cell, 0, relative), 50_000, relative_to_v=-0.073)
    assert not cells.read_from and cells.recorded(0).start == 0


def test_a_folder_is_no_file(cell: list[str], tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="expected the file of a current, got a folder"):
        read_cell_traces(Signal(Path(cell[0]), "V"), Signal(tmp_path, "A"), 50_000)
