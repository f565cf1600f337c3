from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample

from raphe.core.errors import RecordingError
from raphe.tasks.units.features.training_domain import training_domain, unlike_training
from raphe.tasks.units.features.unit_inputs import Layout, rate_taken, told_inputs, unit_inputs
from raphe.tasks.units.features.waveform_features import FEATURES, waveform_features
from raphe.tasks.units.recordings.unit_folder import read_unit_folder
from raphe.tasks.units.recordings.unit_set import UnitSet
from raphe.tasks.units.training.data import UnitData


@pytest.fixture
def units(unit_folder: Callable[..., Path]) -> UnitSet:
    return read_unit_folder(unit_folder(), 30_000).units


def test_a_spike_is_measured_in_samples() -> None:
    shape = np.interp(np.arange(30), [0, 8, 10, 12, 16, 20, 29], [0, 0, -1, 0, 0.5, 0, 0])
    measured = dict(zip(FEATURES, waveform_features(shape[None])[0], strict=True))
    assert measured["trough"] == -1 and measured["peak_to_trough"] == 0.5
    assert measured["trough_to_peak"] == 6 and measured["half_width"] == 2


def test_every_input_has_a_name_and_its_scale_does_not_matter(units: UnitSet) -> None:
    layout = Layout.of(units)
    inputs = unit_inputs(units, layout)
    assert inputs.shape == (40, sum(layout.dims)) == (40, len(layout.names))
    louder = replace(units, waveforms=7 * units.waveforms, acg=3 * units.acg)
    np.testing.assert_allclose(unit_inputs(louder, layout), inputs, atol=1e-4)


def test_spikes_that_point_up_are_taken_as_those_that_point_down(units: UnitSet) -> None:
    up = replace(units, waveforms=-units.waveforms)
    assert Layout.of(up).inverted and not Layout.of(units).inverted
    np.testing.assert_array_equal(
        unit_inputs(up, Layout.of(up)), unit_inputs(units, Layout.of(units))
    )


def test_a_branch_that_is_missing_is_missing_whole(units: UnitSet) -> None:
    layout = Layout.of(units)
    waveforms = units.waveforms.copy()
    waveforms[3] = np.nan
    inputs = unit_inputs(replace(units, waveforms=waveforms), layout)
    n = layout.dims[0]
    assert np.isnan(inputs[3, :n]).all() and np.isfinite(inputs[3, n:]).all()
    none = unit_inputs(replace(units, acg=np.empty((40, 0), np.float32)), layout)
    assert np.isnan(none[:, -layout.dims[2] :]).all()


def test_waveforms_at_another_rate_are_resampled_and_laid_over_training_s(units: UnitSet) -> None:
    layout = Layout.of(units)
    slower = resample(units.waveforms.astype(float), 20, axis=1).astype(np.float32)
    inputs = unit_inputs(replace(units, waveforms=slower, rate_hz=20_000.0), layout)
    expected = unit_inputs(units, layout)
    spike = slice(layout.peak_sample - 4, layout.peak_sample + 8)
    assert np.abs(inputs[:, spike] - expected[:, spike]).max() < 0.35
    narrow, wide = inputs[0::2], inputs[1::2]
    assert narrow[:, 30 + 7].mean() < wide[:, 30 + 7].mean()  # half-widths


def test_a_sorting_cut_around_another_sample_is_moved_as_a_whole(units: UnitSet) -> None:
    layout = Layout.of(units)
    expected = unit_inputs(units, layout)[:, 4:26]
    np.testing.assert_allclose(expected, units.waveforms[:, 4:26] / 50, atol=0.1)
    later = replace(units, waveforms=np.roll(units.waveforms, 4, axis=1))
    np.testing.assert_allclose(unit_inputs(later, layout)[:, 4:26], expected, atol=1e-6)
    few = later.rows(np.arange(4))  # too few to tell a sorting's window from odd units
    assert np.abs(unit_inputs(few, layout)[:, layout.peak_sample]).max() < 0.9
    shifts = np.arange(40) % 9  # of training that is not aligned nothing is moved
    scattered = np.stack([np.roll(w, s) for w, s in zip(units.waveforms, shifts, strict=True)])
    apart = replace(units, waveforms=scattered)
    np.testing.assert_allclose(
        np.abs(unit_inputs(apart, layout)[:, :30]).argmax(axis=1), np.abs(scattered).argmax(axis=1)
    )


@pytest.mark.parametrize(("change", "told"), [("up", "turned over"), ("level", "lowered by 0.60")])
def test_a_sorting_that_shows_spikes_otherwise_is_laid_over_training_s(
    units: UnitSet, change: str, told: str
) -> None:
    layout = Layout.of(units)
    expected = unit_inputs(units, layout)
    height = np.ptp(units.waveforms, axis=1, keepdims=True)
    changed = -units.waveforms if change == "up" else units.waveforms + 0.6 * height
    inputs, sentences = told_inputs(replace(units, waveforms=changed), layout)
    assert len(sentences) == 1 and told in sentences[0]
    np.testing.assert_allclose(inputs, expected, atol=0.02)
    # Of a bundle that does not tell, and of a few units, nothing is known that could be changed.
    older = replace(layout, level=None, up=None)
    assert not told_inputs(replace(units, waveforms=changed), older)[1]
    assert not told_inputs(replace(units, waveforms=changed).rows(np.arange(4)), layout)[1]


def test_a_rate_that_only_one_side_knows_is_told() -> None:
    of_bundle = Layout(40, 0, 0, 30_000.0, 12, False, False)
    (told,) = rate_taken(None, of_bundle)
    assert "is not known and taken to be the 30000 Hz of the bundle's" in told
    (told,) = rate_taken(30_000.0, replace(of_bundle, rate_hz=None))
    assert "of the bundle's own units is not known" in told
    assert not rate_taken(20_000.0, of_bundle)  # resampled
    assert not rate_taken(None, replace(of_bundle, n_samples=0))  # no waveforms are looked at


def test_another_length_at_a_rate_that_is_not_known_is_refused(units: UnitSet) -> None:
    layout = replace(Layout.of(units), rate_hz=None)
    shorter = replace(units, waveforms=units.waveforms[:, :20])
    with pytest.raises(RecordingError, match="expected 30 samples as in training, got 20, and the"):
        unit_inputs(shorter, layout)
    with pytest.raises(RecordingError, match="expected 40 bins of 1 ms or more as in training"):
        unit_inputs(replace(units, isi=units.isi[:, :10]), layout)


def test_a_unit_unlike_any_in_training_is_told_with_what_is_so(unit_data: UnitData) -> None:
    domain = training_domain(unit_data.inputs, unit_data.layout, unit_data.fold)
    told = unlike_training(unit_data.inputs, unit_data.layout, domain)
    assert np.mean([bool(sentences) for sentences in told]) <= 0.1
    odd = unit_data.store.units.rows(np.array([0, 1]))
    odd.waveforms[0] = np.sin(np.arange(30))
    sentences = unlike_training(unit_inputs(odd, unit_data.layout), unit_data.layout, domain)
    assert sentences[0][0].startswith("the mean waveform is unlike any in training, most of all ")
    assert "(in training " in sentences[0][0]


def test_what_a_unit_lacks_makes_it_unlike_nothing(unit_data: UnitData) -> None:
    domain = training_domain(unit_data.inputs, unit_data.layout, unit_data.fold)
    assert domain["limits"]["isi"] < 0  # of training's own intervals: 0 would be beyond
    alone = unit_data.inputs.copy()
    alone[:, unit_data.layout.dims[0] :] = np.nan
    assert np.mean([bool(told) for told in unlike_training(alone, unit_data.layout, domain)]) <= 0.1


def test_few_units_make_no_domain(unit_data: UnitData) -> None:
    domain = training_domain(unit_data.inputs[:10], unit_data.layout, unit_data.fold[:10])
    assert domain == {"n_units": 10, "test": None}
    assert unlike_training(unit_data.inputs, unit_data.layout, domain) == [[]] * 40
