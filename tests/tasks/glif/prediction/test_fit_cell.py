"""Cells fitted to the end: what is written, and what is said of it."""

import csv
import json

import numpy as np
import pytest

from raphe.core.errors import RecordingError, SettingError
from raphe.tasks.glif.prediction.fit_cell import fit_cell
from raphe.tasks.glif.recordings.cell_files import Signal
from raphe.tasks.glif.recordings.cell_sweeps import read_cell_sweeps


@pytest.mark.ci
def test_a_real_cell_that_fires_unasked_has_its_bias_and_its_doubts_written(
    real_data, tmp_path
) -> None:
    path = real_data("abf", "17o05027_ic_ramp.abf")
    signals = Signal(path, "V"), Signal(None, "A")
    sweeps = read_cell_sweeps(*signals, None, cut=True, liquid_junction_v=0.01)
    report = fit_cell(sweeps, [1], tmp_path / "fit")
    facts = json.loads((tmp_path / "fit" / "fit.json").read_text())
    assert facts["sweeps"] == ["sweep 0", "sweep 1"]
    assert facts["liquid_junction_mv"] == pytest.approx(10)
    said = " ".join(facts["sentences"])
    assert facts["sentences"] == report.sentences
    assert "fires without an injected current (7 spikes)" in said
    assert "mV was subtracted from the recorded voltage" in said
    assert "No membrane rests there" in said
    assert "Neither values nor intervals can be relied on" in said
    with (tmp_path / "fit" / "fitted_parameters.csv").open() as file:
        rows = {row["quantity"]: row for row in csv.DictReader(file)}
    assert float(rows["bias"]["median_lab"]) > 0
    drawn = np.load(tmp_path / "fit" / "draws.npz")["bias_1"]
    assert f"{1e12 * np.median(drawn):.6g}" == rows["bias"]["median_lab"]
    methods = (tmp_path / "fit" / "METHODS.md").read_text(encoding="utf-8")
    assert "A liquid junction potential of 10 mV was subtracted." in methods
    assert "A constant current was estimated beside the injected one." in methods
    config = json.loads((tmp_path / "fit" / "neuron_config.json").read_text())
    assert config["El"] > config["th_inf"]  # it fires


@pytest.mark.ci
def test_a_current_ten_times_too_large_is_told_by_how_much(cell: list[str], tmp_path) -> None:
    """The neuron has 90 pF and 200 MΩ, typical ones 95 pF and 190 MΩ."""
    voltage, current = np.load(cell[0]), np.load(cell[2])
    for times, is_told in ((1, False), (10, True)):
        signals = Signal(voltage, "V"), Signal(times * current, "A")
        report = fit_cell(read_cell_sweeps(*signals, 50_000.0), [1], tmp_path / f"{times}")
        sentences = " ".join(report.sentences)
        assert ("A current that is about 9.5 times too large does that" in sentences) == is_told


def test_a_voltage_that_stands_still_is_refused(tmp_path) -> None:
    voltage, current = np.full(5000, -0.07), np.repeat([0.0, 1e-10], 2500)
    sweeps = read_cell_sweeps(Signal(voltage, "V"), Signal(current, "A"), 20_000.0)
    with pytest.raises(RecordingError, match="a voltage that changes, got a constant one"):
        fit_cell(sweeps, [1], tmp_path / "fit")


def test_sweeps_that_do_not_fit_into_memory_are_refused(tmp_path, monkeypatch) -> None:
    """As an hour in one sweep does not: it was killed, or took hours."""
    voltage, current = np.linspace(-0.07, -0.06, 5000), np.repeat([0.0, 1e-10], 2500)
    sweeps = read_cell_sweeps(Signal(voltage, "V"), Signal(current, "A"), 20_000.0)
    monkeypatch.setattr(
        "raphe.tasks.glif.prediction.fit_cell.available_memory_bytes", lambda: 10**6
    )
    expected = (
        r"fitted in 1\.\d MB of free memory, got 0 s at 20 kHz, which take about 5\.0 MB; choose"
    )
    with pytest.raises(RecordingError, match=expected):
        fit_cell(sweeps, [1], tmp_path / "fit")


def test_what_is_read_must_not_lie_where_is_written(tmp_path) -> None:
    voltage, current = np.full(5000, -0.07), np.repeat([0.0, 1e-10], 2500)
    sweeps = read_cell_sweeps(Signal(voltage, "V"), Signal(current, "A"), 20_000.0)
    with pytest.raises(SettingError):
        fit_cell(sweeps, [1], tmp_path, inputs=[tmp_path / "voltage.npy"])
