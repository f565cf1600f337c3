"""Features against closed forms, other definitions written out, and another program's figures."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import linregress

from raphe.core.errors import SettingError
from raphe.tasks.celltype.features.feature_table import FEATURES, WAVEFORM_FEATURES, explain
from raphe.tasks.celltype.features.waveform_features import (
    NAMES,
    RECOVERY_MS,
    WINDOWS_AT_ONCE,
    waveform_features,
)
from raphe.tasks.celltype.stores.spike_set import BASELINE_MS, baseline_of

RATES_HZ = (20_000.0, 30_000.0, 40_000.0, 50_000.0, 100_000.0)
LENGTH_MS = 4.0


def times_ms(rate_hz: float) -> np.ndarray:
    return np.arange(round(LENGTH_MS * rate_hz / 1000)) * 1000 / rate_hz


def gaussian(time_ms, centre, sd):
    return np.exp(-((time_ms - centre) ** 2) / (2 * sd**2))


def two_gaussians(time_ms, trough_ms=1.0371, peak_ms=2.1):
    return -80 * gaussian(time_ms, trough_ms, 0.1) + 20 * gaussian(time_ms, peak_ms, 0.2)


def triangles(time_ms, start=1.0, trough=1.31, cross=1.93, peak=2.37, end=3.6):
    """−80 at the trough, +20 at the peak, straight between."""
    corners = [0.0, start, trough, cross, peak, end, LENGTH_MS]
    return np.interp(time_ms, corners, [0.0, 0.0, -80.0, 0.0, 20.0, 0.0, 0.0])


def measure(windows, rate_hz, baseline_ms=BASELINE_MS) -> dict[str, float]:
    measured = waveform_features(np.atleast_2d(windows), rate_hz, baseline_ms)
    return dict(zip(NAMES, measured.values[0].tolist(), strict=True))


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_gaussians_have_their_closed_forms(rate_hz):
    features = measure(two_gaussians(times_ms(rate_hz)), rate_hz)
    assert features["udi"] == pytest.approx(2.1 - 1.0371, abs=0.0005)
    assert features["trough_to_peak"] == features["udi"]
    assert features["half_width"] == pytest.approx(2 * 0.1 * np.sqrt(2 * np.log(2)), abs=0.0003)
    assert features["amplitude"] == pytest.approx(80, abs=0.05)
    assert features["peak_to_trough_ratio"] == pytest.approx(0.25, abs=0.0005)
    assert features["asymmetry"] == pytest.approx(1, abs=0.001)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_triangles_have_their_closed_forms(rate_hz):
    """A corner between two samples is lost, the rest is straight."""
    features = measure(triangles(times_ms(rate_hz)), rate_hz)
    sample_ms = 1000 / rate_hz
    assert features["udi"] == pytest.approx(2.37 - 1.31, abs=0.6 * sample_ms)
    assert features["amplitude"] == pytest.approx(80, rel=0.05)
    width = (1.93 - 1.0) * (1 - features["amplitude"] / 2 / 80)
    assert features["half_width"] == pytest.approx(width, abs=0.002)
    assert features["repolarization_slope"] == pytest.approx(80 / (1.93 - 1.31), rel=0.02)
    assert features["recovery_slope"] == pytest.approx(-20 / (3.6 - 2.37), rel=0.02)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_exponentials_have_their_closed_forms(rate_hz):
    """After a trough, B (e^(−t/τ₁) − e^(−t/τ₂)), whose peak and regression line are known."""
    rise, decay, start_ms = 0.15, 0.9, 1.5
    time_ms = times_ms(rate_hz)
    after = np.maximum(time_ms - start_ms, 0)
    window = 60 * (np.exp(-after / decay) - np.exp(-after / rise)) * (time_ms > start_ms)
    features = measure(window - 90 * gaussian(time_ms, 1.1, 0.06), rate_hz)
    peak_ms = np.log(decay / rise) * decay * rise / (decay - rise)
    assert features["udi"] == pytest.approx(start_ms + peak_ms - 1.1, abs=0.001)
    height = 60 * (np.exp(-peak_ms / decay) - np.exp(-peak_ms / rise))
    assert features["peak_to_trough_ratio"] == pytest.approx(height / 90, rel=0.002)
    slope = 60 * (line_through_decay(peak_ms, decay) - line_through_decay(peak_ms, rise))
    assert features["recovery_slope"] == pytest.approx(slope, rel=0.01)


def line_through_decay(start_ms: float, tau_ms: float, w: float = RECOVERY_MS) -> float:
    """Slope of the least-squares line through e^(−t/τ) from `start_ms`, over w ms.

    12/w³ ∫ (t − w/2) e^(−t/τ) dt from 0 to w, times e^(−start/τ).
    """
    end = np.exp(-w / tau_ms)
    area = tau_ms * (1 - end)
    moment = tau_ms**2 * (1 - end) - tau_ms * w * end
    return np.exp(-start_ms / tau_ms) * 12 / w**3 * (moment - w / 2 * area)


def test_slopes_are_spikeinterface_regressions():
    """Its definition written out, on samples so dense that none lies far from the landmarks."""
    rate_hz, dense_hz = 40_000.0, 4e6
    time_ms = times_ms(dense_hz)
    window = two_gaussians(time_ms)
    trough = window.argmin()
    peak = trough + window[trough:].argmax()
    back = trough + np.flatnonzero(window[trough:] >= 0)[0]
    stop = peak + round(RECOVERY_MS * dense_hz / 1000)
    features = measure(two_gaussians(times_ms(rate_hz)), rate_hz)
    repolarization = linregress(time_ms[trough:back], window[trough:back]).slope
    recovery = linregress(time_ms[peak:stop], window[peak:stop]).slope
    assert features["repolarization_slope"] == pytest.approx(repolarization, rel=0.005)
    assert features["recovery_slope"] == pytest.approx(recovery, rel=0.005)


def test_asymmetry_compares_the_peaks_before_and_after():
    time_ms = times_ms(40_000.0)
    window = two_gaussians(time_ms) + 12 * gaussian(time_ms, 0.6, 0.08)
    features = measure(window, 40_000.0, baseline_ms=0.25)
    assert features["asymmetry"] == pytest.approx((20 - 12) / (20 + 12), abs=0.002)


@given(
    gain=st.floats(0.1, 50),
    offset=st.floats(-200, 200),
    shift_ms=st.floats(-0.15, 0.15),
)
def test_gain_offset_and_shift_change_what_they_should(gain, offset, shift_ms):
    rate_hz = 40_000.0
    time_ms = times_ms(rate_hz)
    original = measure(two_gaussians(time_ms), rate_hz)
    scaled = measure(gain * two_gaussians(time_ms - shift_ms) + offset, rate_hz)
    for feature in WAVEFORM_FEATURES:
        scale = gain if "{unit}" in feature.unit else 1
        assert scaled[feature.name] == pytest.approx(
            scale * original[feature.name], rel=0.01, abs=3e-4
        )


def test_an_upward_spike_has_the_udi_of_its_mirror():
    rate_hz = 40_000.0
    window = two_gaussians(times_ms(rate_hz))
    both = waveform_features(np.stack([window, -window]), rate_hz)
    assert both["udi"][1] == pytest.approx(both["udi"][0], abs=1e-9)
    assert both["trough_to_peak"][0] == both["udi"][0]
    assert np.isnan(both["trough_to_peak"][1])  # its trough is the last excursion


def test_noise_scatters_the_udi_but_does_not_bias_it():
    rng, rate_hz = np.random.default_rng(0), 40_000.0
    window = two_gaussians(times_ms(rate_hz))
    features = waveform_features(window + rng.normal(0, 2, (500, len(window))), rate_hz)
    assert np.isfinite(features.values).all()
    assert features["udi"].mean() == pytest.approx(1.0629, abs=0.01)
    assert features["half_width"].mean() == pytest.approx(0.2355, abs=0.005)


def lacks(window, baseline_ms=0.0) -> dict[str, str]:
    measured = waveform_features(np.atleast_2d(window), 40_000.0, baseline_ms)
    assert (np.isnan(measured.values[0]) == (measured.reason[0] > 0)).all()
    return measured.reasons(0)


def test_what_does_not_exist_is_nan_and_says_why():
    time_ms = times_ms(40_000.0)
    whole = two_gaussians(time_ms)
    assert lacks(whole) == {}
    broken = whole.copy()
    broken[7] = np.nan
    assert set(lacks(broken)) == set(NAMES)
    assert all("NaN" in why for why in lacks(broken).values())
    flat = lacks(np.zeros(160))
    assert all("no trough" in flat[name] for name in NAMES)
    before_peak = lacks(whole[time_ms < 1.9])
    assert "no peak" in before_peak["udi"]
    assert set(before_peak) == set(NAMES) - {"half_width", "amplitude", "repolarization_slope"}
    after_peak = lacks(whole[time_ms < 2.15])
    assert (
        set(after_peak) == {"recovery_slope"}
        and "left after the peak" in after_peak["recovery_slope"]
    )
    late = lacks(whole[time_ms >= 1.0])
    assert set(late) == {"half_width"} and "flank" in late["half_width"]
    monophasic = lacks(-80 * gaussian(time_ms, 1.0, 0.1) - 1e-3)
    assert "return to baseline" in monophasic["repolarization_slope"]


def test_many_windows_are_as_one():
    rng = np.random.default_rng(1)
    windows = two_gaussians(times_ms(40_000.0)) + rng.normal(0, 3, (2 * WINDOWS_AT_ONCE + 3, 160))
    windows = windows.astype(np.float32)
    features = waveform_features(windows, 40_000.0)
    assert features.values.shape == (len(windows), len(NAMES))
    for row in (0, WINDOWS_AT_ONCE, len(windows) - 1):
        alone = waveform_features(windows[row : row + 1], 40_000.0).values[0]
        np.testing.assert_allclose(features.values[row], alone, rtol=1e-9)
    assert waveform_features(windows[:0], 40_000.0).values.shape == (0, len(NAMES))


def test_windows_too_short_are_refused():
    for n_samples in (3, 20):
        with pytest.raises(SettingError, match=f"features of {n_samples} samples at 40000 Hz"):
            waveform_features(np.zeros((1, n_samples)), 40_000.0)


def test_a_store_may_say_how_long_its_baseline_is():
    assert baseline_of({}) == BASELINE_MS
    assert baseline_of({"baseline_ms": 0.0}) == 0


def test_the_real_spike(real_data):
    """Read off its figure: trough −79 pA at sample 42, a hump 1.1 to 1.2 ms later."""
    path = real_data("figures", "A140313#073_trigger_1007585.csv")
    window = np.genfromtxt(path, delimiter=",", skip_header=1)[:, 1]
    features = measure(window, 40_000.0)
    assert 77 < features["amplitude"] < 82
    assert 0.9 < features["udi"] < 1.4
    assert 0.09 < features["half_width"] < 0.23


def test_cellexplorer_finds_the_same_trough_to_peak(real_data):
    """Of real units, by its own program, on the native samples; ours are on another time base."""
    windows = np.load(real_data("celltypes", "waveforms.npy"))
    with real_data("celltypes", "units.csv").open(newline="") as file:
        theirs = np.array([float(row["trough_to_peak_ms"]) for row in csv.DictReader(file)])
    ours = waveform_features(windows, 40_000.0, baseline_ms=0.0)["trough_to_peak"]
    cut_off = np.isnan(ours)  # the common time base ends before their peak
    assert cut_off.sum() == 3 and (theirs[cut_off] > 0.78).all()
    np.testing.assert_allclose(ours[~cut_off], theirs[~cut_off], atol=0.008)


def test_columns_name_their_units():
    columns = [feature.column("pA") for feature in FEATURES]
    assert columns == [
        "udi_ms", "trough_to_peak_ms", "half_width_ms", "amplitude_pA",
        "repolarization_slope_pA_per_ms", "recovery_slope_pA_per_ms", "peak_to_trough_ratio",
        "asymmetry", "firing_rate_hz", "isi_cv",
    ]  # fmt: skip
    text = explain("pA")
    assert all(f"{column}\n" in text for column in columns)
    assert text.count("SpikeInterface:") == text.count("IPFX:") == len(FEATURES)
