"""A table tells which of its columns are voltages and currents, in which unit, how often."""

from pathlib import Path

import numpy as np
import pytest

from raphe.core.errors import RecordingError, SettingError
from raphe.tasks.glif.recordings.cell_files import Signal, holds_current, read_cell_traces

N = 400
RNG = np.random.default_rng(0)
V_MV = -70 + RNG.normal(size=N)
I_PA = np.where(np.arange(N) > 100, 80.0, 0.0)


def table(path: Path, **columns: np.ndarray) -> Path:
    names = [name.replace("_", " ") for name in columns]
    rows = zip(*columns.values(), strict=True)
    lines = [",".join("" if np.isnan(cell) else f"{cell:.9g}" for cell in row) for row in rows]
    path.write_text("\n".join([",".join(names), *lines]) + "\n")
    return path


def read(voltage: Path, current: Path | None = None, rate_hz: float | None = None, **more):
    return read_cell_traces(
        Signal(voltage, "V", more.get("channel")), Signal(current, "A"), rate_hz
    )


def test_voltage_and_current_of_one_table(tmp_path: Path) -> None:
    gap = V_MV.copy()
    gap[50:60] = np.nan
    time = {"Time_(ms)": np.arange(N) * 0.05}
    path = table(tmp_path / "a.csv", **time, **{"Vm_(mV)": gap, "I_(pA)": I_PA})
    cells = read(path)
    assert cells.rate_hz == pytest.approx(20_000) and holds_current(Signal(path, "V"))
    np.testing.assert_allclose(cells.voltage_v[0], 1e-3 * gap, rtol=1e-6)
    np.testing.assert_allclose(cells.current_a[0], 1e-12 * I_PA, rtol=1e-6)
    with pytest.raises(RecordingError, match="not 10000; correct --rate, or the column"):
        read(path, rate_hz=10_000.0)


def test_each_column_is_a_cell_and_one_current_serves_all(tmp_path: Path) -> None:
    voltage = table(tmp_path / "v.csv", **{"a_(mV)": V_MV, "b_(uV)": 1e3 * V_MV + 1})
    current = table(tmp_path / "i.csv", **{"command_(nA)": 1e-3 * I_PA})
    assert not holds_current(Signal(voltage, "V"))
    cells = read(voltage, current, 20_000.0)
    np.testing.assert_allclose(cells.voltage_v[1], 1e-3 * V_MV + 1e-6, rtol=1e-6)
    assert cells.current_a.max() == pytest.approx(80e-12)
    one = read(voltage, current, 20_000.0, channel="b (uV)")
    np.testing.assert_array_equal(one.voltage_v, cells.voltage_v[1:])


def test_what_is_missing_is_one_sentence(tmp_path: Path) -> None:
    plain = table(tmp_path / "plain.csv", v=1e-3 * V_MV)
    current = table(tmp_path / "i.csv", **{"I_(pA)": I_PA})
    for voltage, of_current, rate_hz, sentence in (
        (plain, current, None, "no column gives its sampling rate, as Time"),
        (
            plain,
            None,
            20_000.0,
            "expected the current that was injected, got no column in A, .* with --stim",
        ),
        (current, current, 20_000.0, r"expected a column with the voltage, one in V, mV"),
        (plain, current, 40.0, "--rate: expected"),
    ):
        with pytest.raises(RecordingError, match=sentence):
            read(voltage, of_current, rate_hz)
    slow = table(tmp_path / "slow.csv", **{"Time (s)": np.arange(len(V_MV)) / 20, "V (mV)": V_MV})
    with pytest.raises(RecordingError, match="got times of 20 Hz; correct the unit of their col"):
        read(slow, current)
    with pytest.raises(RecordingError, match=r"expected a column with the voltage, 'w', got"):
        read(plain, current, 20_000.0, channel="w")
    with pytest.raises(SettingError, match=r"unit pA: expected one of V, mV"):
        read_cell_traces(Signal(current, "V", 0), Signal(current, "A"), 20_000.0)


def test_a_current_of_another_unit_is_told_where_its_unit_stands(tmp_path: Path) -> None:
    columns = {"Time_(ms)": np.arange(N) * 0.05, "Vm_(mV)": V_MV, "I_(nA)": I_PA}
    wrong = "got 8e-08 A; correct the unit in its column's name, or of one without a unit --stim"
    with pytest.raises(RecordingError, match=wrong):
        read(table(tmp_path / "a.csv", **columns))
