"""`raphe.load_bundle` of a posterior: arrays in, draws out."""

import json
from pathlib import Path

import numpy as np
import pytest

import raphe
from raphe.core.errors import SettingError


def test_arrays_give_posteriors(posterior_bundle: Path, cell: list[str]) -> None:
    bundle = raphe.load_bundle(posterior_bundle, threads=1)
    voltage_v, current_a = np.load(cell[0]), np.load(cell[2])
    voltages = np.stack([voltage_v, np.full_like(voltage_v, np.nan)])
    prediction = bundle.predict(voltages, current_a, 50_000, n_samples=200)
    (posterior,) = prediction.posteriors
    assert posterior.cell == "cell 0" and posterior.samples.shape == (200, 5)
    assert prediction.left_out == {"cell 1": "expected a voltage, got no finite sample"}
    rows = {row["quantity"]: row for row in posterior.parameter_rows()}
    assert float(rows["capacitance"]["median_lab"]) == pytest.approx(90, rel=0.1)
    assert rows["capacitance"]["lab_unit"] == "pF"
    again = bundle.predict(voltage_v, current_a, 50_000, n_samples=200).posteriors[0]
    np.testing.assert_array_equal(again.samples, posterior.samples)
    assert bundle.manifest["level"] == 1 and "glif/posterior" in repr(bundle)


def test_masked_samples_are_missing_and_sweeps_of_several_lengths_refused(
    posterior_bundle: Path, cell: list[str]
) -> None:
    bundle = raphe.load_bundle(posterior_bundle, threads=1)
    voltage_v, current_a = np.load(cell[0]), np.load(cell[2])
    masked = np.ma.masked_array(np.nan_to_num(voltage_v, nan=0.03), np.isnan(voltage_v))
    of_masked, of_missing = (
        bundle.predict(each, current_a, 50_000, n_samples=20).posteriors[0].samples
        for each in (masked, voltage_v)
    )
    np.testing.assert_array_equal(of_masked, of_missing)
    with pytest.raises(raphe.RecordingError, match=r"^voltage: .* got sweeps of several lengths; "):
        bundle.predict([voltage_v, voltage_v[:-9]], [current_a, current_a[:-9]], 50_000)


def test_sweeps_that_are_filled_up_give_what_they_hold(posterior_bundle, cell) -> None:
    """Each over other samples of the array, as sweeps that were stopped at other times."""
    bundle = raphe.load_bundle(posterior_bundle, threads=1)
    voltage_v, current_a = np.load(cell[0]), np.load(cell[2])
    n, late = len(voltage_v), 3600
    voltages, currents = np.full((3, n + late), np.nan), np.full((3, n + late), np.nan)
    for row, begin in enumerate((late, 0, late)):
        voltages[row, begin : begin + n], currents[row, begin : begin + n] = voltage_v, current_a
    voltages[1, n:] = currents[1, n:] = 0
    posteriors = bundle.predict(voltages, currents, 50_000, n_samples=50).posteriors
    alone = bundle.predict(voltage_v, current_a, 50_000, n_samples=50).posteriors[0]
    for row, (each, later_s) in enumerate(zip(posteriors, (0.072, 0, 0.072), strict=True)):
        assert each.cell == f"cell {row}" and each.length_s == pytest.approx(alone.length_s)
        assert each.begin_s == pytest.approx(alone.begin_s + later_s)
        np.testing.assert_allclose(
            np.median(each.samples, axis=0), np.median(alone.samples, axis=0), rtol=0.01
        )


def test_files_and_units_are_those_of_the_command(posterior_bundle: Path, cell: list[str]) -> None:
    bundle = raphe.load_bundle(posterior_bundle, threads=1)
    of_files = bundle.predict(cell[0], cell[2], 50_000, n_samples=20).posteriors[0]
    in_lab = bundle.predict(
        1e3 * np.load(cell[0]), 1e12 * np.load(cell[2]), 50_000,
        voltage_unit="mV", current_unit="pA", n_samples=20,
    ).posteriors[0]  # fmt: skip
    np.testing.assert_allclose(in_lab.samples, of_files.samples, rtol=1e-4)
    with pytest.raises(SettingError, match="n_samples: expected 1 or more, got 0"):
        bundle.predict(cell[0], cell[2], 50_000, n_samples=0)


def test_values_of_json_get_the_parameters_of_their_arrays(posterior_bundle, cell) -> None:
    bundle = raphe.load_bundle(posterior_bundle, threads=1)
    voltage_v, current_a = np.load(cell[0]), np.load(cell[2])
    voltage_mv = [None if np.isnan(volts) else 1e3 * volts for volts in voltage_v.tolist()]
    answer = bundle.answer(
        {"voltage": voltage_mv, "voltage_unit": "mV", "current": (1e12 * current_a).tolist(),
         "current_unit": "pA", "rate_hz": 50_000}
    )  # fmt: skip
    assert set(json.loads(json.dumps(answer, allow_nan=False))) == set(bundle.ANSWER)
    rows = {row["quantity"]: row for row in answer["parameters"]}
    assert rows["capacitance"]["median_lab"] == pytest.approx(90, rel=0.1)
    assert rows["capacitance"]["lab_unit"] == "pF"
    with pytest.raises(raphe.RecordingError, match="expected at most 2 097 152 samples"):
        bundle.answer({"voltage": [0.0] * 2_100_000, "current": [0.0], "rate_hz": 50_000})
    with pytest.raises(raphe.RapheError) as refused:
        bundle.answer({**bundle.example(), "current": [0.0] * 6000})
    assert "pass --" not in bundle.sentence(refused.value)
