"""Voltage and current from files and arrays, refused where unit, rate or values cannot be."""

from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest

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
        (voltage[:-1], "expected a current of 29999 samples for each of the 1 voltages"),
        (np.full_like(voltage, np.nan), "expected a voltage, got no finite sample"),
    ):
        with pytest.raises(RecordingError, match=message):
            read_cell_traces(*_save(cell, 0, array), 50_000)
    with pytest.raises(RecordingError, match=r"between 1 pA and 20 nA, got 1\d\d A; correct"):
        np.save(cell[0], voltage)
        read_cell_traces(*_save(cell, 2, 1e12 * current), 50_000)


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


def test_an_nwb_file_gives_its_response_and_its_stimulus(tmp_path: Path, cell: list[str]) -> None:
    pynwb = pytest.importorskip("pynwb")
    voltage, current = np.load(cell[0]), np.load(cell[2])
    file = pynwb.NWBFile("a cell", "1", datetime(2026, 1, 1, tzinfo=timezone.utc))
    device = file.create_device(name="amplifier")
    electrode = file.create_icephys_electrode(
        name="pipette", description="whole-cell", device=device
    )
    facts = {"electrode": electrode, "gain": 1.0, "rate": 50_000.0}
    response = pynwb.icephys.CurrentClampSeries(
        name="response", data=1e3 * voltage, conversion=1e-3, **facts
    )
    stimulus = pynwb.icephys.CurrentClampStimulusSeries(
        name="stimulus", data=1e12 * current, conversion=1e-12, **facts
    )
    file.add_acquisition(response)
    file.add_stimulus(stimulus)
    path = tmp_path / "cell.nwb"
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(file)
    cells = read_cell_traces(Signal(path, "V"), Signal(None, "A"), None)
    np.testing.assert_allclose(cells.voltage_v[0], voltage, rtol=1e-6)
    np.testing.assert_allclose(cells.current_a[0], current, rtol=1e-6, atol=1e-18)
    assert cells.rate_hz == 50_000


def test_a_voltage_told_from_rest_is_moved(cell: list[str]) -> None:
    sources = _save(cell, 0, np.load(cell[0]) + 0.072)
    cells = read_cell_traces(*sources, 50_000, relative_to_v=-0.073)
    assert np.nanmedian(cells.voltage_v[0, :400]) == pytest.approx(-0.073, abs=1e-4)
    assert cells.rest_added_v == -0.073
