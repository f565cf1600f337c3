"""Spikes are cut at the published crossings, whole, once each, at any rate and chunk size."""

import csv
import tracemalloc
import warnings
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

from raphe.core.abf.reader import read_abf
from raphe.core.errors import RecordingError, RecordingWarning, SettingError
from raphe.core.recordings.rates import rate_ratio
from raphe.core.recordings.recording import Recording, Trace
from raphe.core.recordings.units import unit_factor
from raphe.tasks.celltype.spikes.cut_settings import Cut
from raphe.tasks.celltype.spikes.cutting import CutSpikes, cut_spikes, find_crossings
from raphe.tasks.celltype.spikes.median_absolute_deviation import median_and_mad
from raphe.tasks.celltype.spikes.resampling import ResampledSweep

CUT = Cut()
RATES_HZ = (10_000.0, 20_000.0, 25_000.0, 40_000.0, 44_100.0, 50_000.0, 100_000.0)


def recording(samples, rate_hz=40_000.0, unit="pA") -> Recording:
    return Recording.from_array(np.asarray(samples, np.float32), rate_hz, unit, "A140313#073")


def trace_with_spikes(at, n=4000, peak=-100.0) -> np.ndarray:
    trace = np.zeros(n, np.float32)
    for place in at:
        trace[place : place + 3] = peak
    return trace


def same(first: CutSpikes, second: CutSpikes) -> None:
    np.testing.assert_array_equal(first.waveforms, second.waveforms)
    np.testing.assert_array_equal(first.trigger, second.trigger)
    np.testing.assert_array_equal(first.sweep, second.sweep)
    assert (first.n_crossings, first.dropped) == (second.n_crossings, second.dropped)


# ---- crossings


def test_the_window_is_4_ms_with_the_crossing_at_sample_40():
    assert (CUT.n_samples, CUT.n_before) == (160, 40)
    trace = np.arange(4000, dtype=np.float32) / 100
    trace[1000:1003] = (-50.0, -50.1, -80.0)  # -50 itself is not below -50
    spikes = cut_spikes(recording(trace), CUT)
    assert spikes.trigger.tolist() == [1001]
    assert spikes.waveforms.dtype == np.float32
    np.testing.assert_array_equal(spikes.waveforms[0], trace[961:1121])
    assert spikes.waveforms[0, 40] == np.float32(-50.1)


def test_crossings_of_the_real_recordings_are_the_reference_ones(real_data):
    with real_data("abf", "reference_crossings.csv").open() as file:
        reference = defaultdict(list)
        for row in csv.DictReader(file):
            key = row["file"], int(row["channel"]), int(row["sweep"])
            reference[key].append(int(row["sample_index"]))
    with real_data("abf", "crossing_counts.csv").open() as file:
        counts = {
            (row["file"], int(row["channel"]), int(row["sweep"])): int(row["n_down_cross_-50"])
            for row in csv.DictReader(file)
        }
    crossings_of = {}
    for name, channel in sorted({key[:2] for key in counts}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RecordingWarning)
            real = read_abf(real_data("abf", name), channel=channel)
        for sweep, trace in enumerate(real.sweeps):
            crossings_of[name, channel, sweep] = find_crossings(trace.read(), low=-50.0)
    assert {key: len(crossings) for key, crossings in crossings_of.items()} == counts
    assert reference
    for key, crossings in reference.items():
        np.testing.assert_array_equal(crossings_of[key], crossings, err_msg=str(key))


@pytest.mark.parametrize("chunk", [997, 2**20])
def test_spikes_of_a_real_50_khz_recording_lie_at_their_crossings(chunk, real_data):
    """130618-1-12: capacitive transients; each resampled trigger is within a sample of the raw."""
    real = read_abf(real_data("abf", "130618-1-12.abf"))
    spikes = cut_spikes(real, CUT, chunk)
    raw = [find_crossings(trace.read(), low=-50.0) for trace in real.sweeps]
    assert len(spikes) > 0
    for sweep, trigger in zip(spikes.sweep, spikes.trigger, strict=True):
        assert np.abs(raw[sweep] - trigger).min() <= 1


def test_crossings_of_either_polarity():
    samples = np.array([0, -60, 0, 60, 0, -60, 60, -60, np.nan, -60, 0], np.float32)
    assert find_crossings(samples, low=-50.0).tolist() == [1, 5, 7]
    assert find_crossings(samples, high=50.0).tolist() == [3, 6]
    assert find_crossings(samples, low=-50.0, high=50.0).tolist() == [1, 3, 5, 6, 7]
    assert find_crossings(np.array([-60.0, -70.0, -60.0]), low=-50.0).tolist() == []
    assert find_crossings(np.empty(0), low=-50.0).tolist() == []


@pytest.mark.parametrize(("polarity", "expected"), [("down", [500]), ("up", [1500])])
def test_polarity_and_mad_choose_the_side(polarity, expected):
    rng = np.random.default_rng(1)
    trace = (rng.normal(-20, 4, 4000) + trace_with_spikes([500]) - trace_with_spikes([1500])) / 2
    by_mad = cut_spikes(recording(trace), Cut(None, mad_factor=10.0, polarity=polarity))
    both = cut_spikes(recording(trace), Cut(None, mad_factor=10.0, polarity="both"))
    assert by_mad.trigger.tolist() == expected
    assert both.trigger.tolist() == [500, 1500]


# ---- what is dropped


def test_dead_time_edge_and_suspect_samples_are_counted_apart():
    trace = trace_with_spikes([39, 400, 519, 520, 2000, 3881])
    trace[2100] = np.nan
    with pytest.warns(RecordingWarning):
        spikes = cut_spikes(recording(trace), CUT)
    # 519: within 3 ms = 120 samples of 400, and 520 joins it without a crossing of its own.
    assert spikes.trigger.tolist() == [400]
    assert spikes.dropped == {"dead time": 1, "edge": 2, "suspect samples": 1}
    assert spikes.n_crossings == 5


def test_windows_that_just_fit_are_kept():
    spikes = cut_spikes(recording(trace_with_spikes([40, 3880])), CUT)
    assert spikes.trigger.tolist() == [40, 3880]


def test_dead_time_counts_from_the_last_spike_not_from_the_last_crossing():
    spikes = cut_spikes(recording(trace_with_spikes([400, 480, 560])), CUT)
    assert spikes.trigger.tolist() == [400, 560]


def test_every_sweep_is_its_own_trace():
    sweeps = np.stack([trace_with_spikes([400]), trace_with_spikes([]), trace_with_spikes([300])])
    sweeps[0, -60:] = -100.0  # runs on into the next sweep without a crossing there
    sweeps[1, :60] = -100.0
    spikes = cut_spikes(recording(sweeps), CUT)
    assert spikes.trigger.tolist() == [400, 300]
    assert spikes.sweep.tolist() == [0, 2]
    assert spikes.dropped["edge"] == 1


@settings(max_examples=60)
@given(data=st.data())
def test_chunks_never_lose_double_or_shift_a_spike(data):
    seed, size = data.draw(st.integers(0, 2**32 - 1)), data.draw(st.integers(300, 3000))
    rate_hz, chunk = data.draw(st.sampled_from(RATES_HZ)), data.draw(st.integers(20, 1500))
    rng = np.random.default_rng(seed)
    trace = rng.normal(0, 25, size).astype(np.float32)  # crosses every few samples
    trace[rng.integers(0, size, 3)] = np.nan
    cut = Cut(dead_time_ms=data.draw(st.sampled_from([0.0, 0.2, 3.0])))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RecordingWarning)
        real = recording(trace, rate_hz)
    whole = cut_spikes(real, cut, chunk=10**6)
    same(cut_spikes(real, cut, chunk), whole)
    kept = whole.trigger.astype(np.int64)
    assert np.all(np.diff(kept) >= np.floor(cut.dead_time_ms * rate_hz / 1000 - 1))
    if rate_hz == cut.rate_hz:
        assert set(kept) <= set(find_crossings(trace, low=-50.0))
        for window, trigger in zip(whole.waveforms, kept, strict=True):
            np.testing.assert_array_equal(window, trace[trigger - 40 : trigger + 120])


# ---- MAD


@settings(max_examples=60)
@given(
    values=st.lists(st.floats(-(2.0**99), 2.0**99, width=32), min_size=1, max_size=60),
    chunk=st.integers(1, 70),
)
def test_median_and_mad_are_exact(values, chunk):
    samples = np.array(values, np.float32)
    median, mad = median_and_mad(
        lambda: (samples[i : i + chunk] for i in range(0, len(samples), chunk))
    )
    middle = (len(samples) - 1) // 2
    expected = np.sort(samples)[middle]
    assert median == expected
    assert mad == np.sort(np.abs(samples - expected))[middle]


def test_mad_ignores_suspect_samples_and_refuses_a_flat_trace():
    cut = Cut(threshold_pa=None, mad_factor=5.0)
    with pytest.raises(RecordingError, match="MAD is 0"):
        cut_spikes(recording(trace_with_spikes([500])), cut)
    trace = np.random.default_rng(0).normal(0, 4, 4000) + trace_with_spikes([500])
    trace[1000:3500] = np.inf
    with pytest.warns(RecordingWarning):
        spikes = cut_spikes(recording(trace), Cut(threshold_pa=None, mad_factor=10.0))
    assert spikes.trigger.tolist() == [500]


# ---- other rates


def band_limited(time_s: np.ndarray) -> np.ndarray:
    """Spikes of two Gaussian derivatives, SD 0.06 ms: no power to speak of beyond 8 kHz."""
    current = np.zeros_like(time_s)
    for place in (0.01013, 0.03007, 0.06):
        x = (time_s - place) / 60e-6
        current += 140 * x * np.exp(-(x**2) / 2) - 5 * np.exp(-((x / 8 - 1) ** 2))
    return current


@pytest.mark.parametrize("rate_hz", [20_000.0, 25_000.0, 44_100.0, 50_000.0, 100_000.0])
def test_one_waveform_gives_the_same_spikes_at_every_rate(rate_hz):
    at_40 = cut_spikes(recording(band_limited(np.arange(4000) / 40_000)), CUT)
    other = band_limited(np.arange(round(0.1 * rate_hz)) / rate_hz)
    spikes = cut_spikes(recording(other, rate_hz), CUT)
    assert len(at_40) == 3
    np.testing.assert_allclose(spikes.waveforms, at_40.waveforms, atol=0.4)  # of 86 pA
    np.testing.assert_allclose(spikes.trigger, at_40.trigger * rate_hz / 40_000, atol=0.5)


@settings(max_examples=40)
@given(
    rate_hz=st.sampled_from(RATES_HZ),
    start=st.integers(0, 2000),
    length=st.integers(1, 500),
    seed=st.integers(0, 99),
)
def test_a_resampled_piece_is_a_piece_of_the_resampled_whole(rate_hz, start, length, seed):
    samples = np.random.default_rng(seed).normal(-60, 20, 2500).astype(np.float32)
    ratio = rate_ratio(40_000.0, rate_hz)
    sweep = ResampledSweep(Trace.from_array(samples), ratio)
    whole = resample_poly(samples.astype(float), ratio.numerator, ratio.denominator, padtype="edge")
    assert sweep.n_samples == len(whole)
    start = min(start, sweep.n_samples - 1)
    stop = min(start + length, sweep.n_samples)
    np.testing.assert_allclose(sweep.read(start, stop), whole[start:stop], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("rate_hz", [20_000.0, 100_000.0, 44_100.0])
def test_every_resampled_sample_that_a_suspect_one_touches_is_suspect(rate_hz):
    clean, dirty = np.zeros(2000, np.float32), np.zeros(2000, np.float32)
    dirty[1000] = 1e6  # what a filter spreads, in place of what cannot be known
    broken = clean.copy()
    broken[1000] = np.nan
    ratio = rate_ratio(40_000.0, rate_hz)
    sweep = ResampledSweep(Trace.from_array(broken), ratio)
    touched = ResampledSweep(Trace.from_array(dirty), ratio).read(0, sweep.n_samples) != 0
    suspect = sweep.suspect(0, sweep.n_samples)
    assert touched.any()
    assert not np.any(touched & ~suspect)
    assert suspect.sum() < 8 + 3 * touched.sum()
    edge = int(np.flatnonzero(suspect)[0])
    np.testing.assert_array_equal(sweep.suspect(edge - 9, edge + 9), suspect[edge - 9 : edge + 9])


def test_the_ends_of_a_resampled_trace_do_not_ring():
    spikes = cut_spikes(recording(np.full(2000, -200.0), 20_000.0), CUT)
    assert spikes.n_crossings == 0


def test_a_rate_too_slow_for_a_spike_is_refused():
    with pytest.raises(RecordingError, match=r"sampled at 5000 Hz, a spike needs 10000 Hz"):
        cut_spikes(recording(trace_with_spikes([500]), 5_000.0), CUT)


# ---- units


@pytest.mark.parametrize(("unit", "factor"), [("nA", 1e3), ("µA", 1e6), ("uA", 1e6), ("A", 1e12)])
def test_units_of_current_become_pa_exactly(unit, factor):
    assert unit_factor(unit, "pA") == factor
    trace = trace_with_spikes([500], peak=-128.0)  # a power of two, exact in every unit's scale
    in_unit = Recording.from_array(trace / factor, 40_000.0, unit, "cell")
    spikes = cut_spikes(in_unit, CUT)
    np.testing.assert_allclose(spikes.waveforms, cut_spikes(recording(trace), CUT).waveforms, 1e-6)


def test_volts_need_the_explicit_option_and_its_own_unit():
    in_mv = recording(trace_with_spikes([500]), unit="mV")
    with pytest.raises(
        RecordingError, match=r"expected pA, got mV; choose another channel, if there is one$"
    ):
        cut_spikes(in_mv, CUT)
    assert Cut(accept_unit="mV").unit == "mV"
    assert len(cut_spikes(in_mv, Cut(accept_unit="mV"))) == 1
    with pytest.raises(RecordingError, match="expected mV, got pA"):
        cut_spikes(recording(trace_with_spikes([500])), Cut(accept_unit="mV"))


# ---- settings and memory


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"polarity": "sideways"}, "down, up or both"),
        ({"mad_factor": 5.0}, "either threshold_pa or mad_factor"),
        ({"threshold_pa": None}, "either threshold_pa or mad_factor"),
        ({"threshold_pa": None, "mad_factor": -1.0}, "above 0"),
        ({"polarity": "up"}, "above 0"),
        ({"threshold_pa": 50.0}, "below 0"),
        ({"threshold_pa": float("nan")}, "threshold_pa"),
        ({"rate_hz": 1000.0}, "rate_hz"),
        ({"pre_ms": -1.0}, "pre_ms"),
        ({"post_ms": 0.0}, "post_ms"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(setting, message):
    with pytest.raises(SettingError, match=message):
        Cut(**setting)


def test_cutting_takes_bounded_memory():
    class Silence:  # an hour at 40 kHz, 576 MB as float32, made where it is read
        def __getitem__(self, part: slice) -> np.ndarray:
            return np.zeros(part.stop - part.start, np.int16)

    trace = Trace(stored=Silence(), n_samples=144_000_000, rail=32_767)
    long = Recording((trace,), 40_000.0, "pA", "cell")
    tracemalloc.start()
    assert len(cut_spikes(long, CUT)) == 0
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6
