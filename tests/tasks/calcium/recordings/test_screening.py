"""What is no fluorescence is told: blanked frames, outliers, traces whose noise was taken out."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from raphe.tasks.calcium.recordings.screening import screened

RATE_HZ, N = 30.0, 3600
FIRING = (0.1, 1.0, 5.0)  # spikes/s


def denoised(firing_hz: float, rate_hz: float = RATE_HZ, rise_s: float = 0.05) -> np.ndarray:
    """Calcium as a model of spikes, rise and decay has it, without noise."""
    time_s = np.arange(int(8 * rate_hz)) / rate_hz
    kernel = np.exp(-time_s) * (1 - np.exp(-time_s / rise_s) if rise_s else 1)
    spikes = np.random.default_rng(1).poisson(firing_hz / rate_hz, N)
    return np.convolve(spikes, kernel)[:N]


def raw(firing_hz: float) -> np.ndarray:
    """In counts, about 400 and more."""
    return 400 + 100 * (denoised(firing_hz) + 0.15 * np.random.default_rng(2).normal(size=N))


@pytest.mark.parametrize("firing_hz", FIRING)
def test_a_raw_trace_is_left_as_it_is(firing_hz: float) -> None:
    trace = raw(firing_hz)
    trace[100:120] = np.nan
    for each in (trace, trace / 400 - 1, trace.astype(np.float32)):
        screen = screened(each, RATE_HZ)
        np.testing.assert_array_equal(screen.samples, each)
        assert (screen.remarks, screen.is_denoised) == ((), False)


@pytest.mark.parametrize("firing_hz", FIRING)
@pytest.mark.parametrize("value", [0.0, -50.0])
@pytest.mark.parametrize("length", [1, 15])
def test_frames_under_a_closed_shutter_are_missing(firing_hz, value, length) -> None:
    trace = raw(firing_hz)
    blanked = np.arange(N) % 600 < length
    trace[blanked] = value
    screen = screened(trace, RATE_HZ)
    np.testing.assert_array_equal(np.isnan(screen.samples), blanked)
    assert screen.remarks == (f"{blanked.sum()} frames blanked at {value:g}, bridged",)


def test_saturated_frames_are_missing() -> None:
    trace = np.minimum(raw(1.0), np.percentile(raw(1.0), 99))
    screen = screened(trace, RATE_HZ)
    (remark,) = screen.remarks
    assert "saturated at" in remark and np.nanmax(screen.samples) <= trace.max()
    assert 10 < np.isnan(screen.samples).sum() <= 36


@pytest.mark.parametrize("share", [0.97, 0.9, 0.8])
@pytest.mark.parametrize("counts", [False, True])
def test_many_frames_at_the_detectors_limit_are_missing(share: float, counts: bool) -> None:
    trace = raw(1.0).round() if counts else raw(1.0)
    limit = np.quantile(trace, share, method="nearest")
    screen = screened(np.minimum(trace, limit), RATE_HZ)
    np.testing.assert_array_equal(np.isnan(screen.samples), trace >= limit)
    (remark,) = screen.remarks
    assert "saturated at" in remark


def test_one_frame_under_a_closed_shutter_is_missing() -> None:
    for place in (0, 1800, N - 1):
        trace = raw(1.0)
        trace[place] = 0.0
        screen = screened(trace, RATE_HZ)
        assert np.flatnonzero(np.isnan(screen.samples)).tolist() == [place]
        assert screen.remarks == ("1 frame blanked at 0, bridged",)


def test_a_shutter_that_was_closed_most_of_the_time_is_no_model() -> None:
    trace = raw(1.0)
    trace[800:2900] = 0.0
    screen = screened(trace, RATE_HZ)
    assert np.isnan(screen.samples).sum() == 2100 and not screen.is_denoised
    assert screen.remarks == ("2100 frames standing still at 0, taken as missing",)
    spikes = np.random.default_rng(3).poisson(0.02, N) * np.random.default_rng(4).normal(1, 0.1, N)
    assert screened(spikes, RATE_HZ).is_denoised  # not under a shutter between them


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("place", ["beginning", "middle", "end"])
def test_frames_that_stand_still_are_missing_whatever_their_share(share: float, place: str) -> None:
    """As where an acquisition hung, or a matrix was filled up to its longest recording."""
    n = round(share * N)
    first = {"beginning": 0, "middle": (N - n) // 2, "end": N - n}[place]
    held = slice(first, first + n)
    for value in (0.0, raw(1.0)[first]):
        trace = raw(1.0)
        trace[held] = value
        screen = screened(trace, RATE_HZ)
        assert np.isnan(screen.samples[held]).all() and not screen.is_denoised
        assert np.isnan(screen.samples).sum() == n
        assert screen.remarks == (f"{n} frames standing still at {value:g}, taken as missing",)


def test_a_model_or_spikes_with_a_still_end_are_still_told() -> None:
    trace = denoised(1.0, RATE_HZ, 0.05)
    trace[N // 2 :] = 0.0
    assert screened(trace, RATE_HZ).is_denoised
    time_s = np.arange(round(4 * RATE_HZ)) / RATE_HZ
    transient = (1 - np.exp(-time_s / 0.02)) * np.exp(-time_s / 0.43)
    lone = np.zeros(N)
    lone[1000 : 1000 + len(time_s)] = transient  # of one burst in all the time, else flat
    screen = screened(lone, RATE_HZ)
    assert screen.is_denoised and not screen.remarks


@pytest.mark.parametrize("outlier", [1e6, -1e6, 1e300])
def test_one_frame_far_from_all_others_is_missing(outlier: float) -> None:
    for place in (0, 1800, N - 1):
        trace = raw(1.0)
        trace[place] = outlier
        screen = screened(trace, RATE_HZ)
        assert np.flatnonzero(np.isnan(screen.samples)).tolist() == [place]
        assert screen.remarks[0].startswith("1 frame far from all others, up to")


def test_a_rare_large_transient_is_none() -> None:
    trace = np.random.default_rng(0).normal(size=N)
    trace[2000:2060] += 300 * np.exp(-np.arange(60) / 15)
    assert not screened(trace, RATE_HZ).remarks


@pytest.mark.parametrize("firing_hz", FIRING)
@pytest.mark.parametrize("rate_hz", [15.0, 30.0, 100.0])
@pytest.mark.parametrize("rise_s", [0.0, 0.05])
def test_a_model_without_noise_is_told(firing_hz, rate_hz, rise_s) -> None:
    trace = denoised(firing_hz, rate_hz, rise_s)
    for each in (trace, 400 + 100 * trace, trace.astype(np.float32)):
        screen = screened(each, rate_hz)
        assert screen.is_denoised and not screen.remarks


def test_what_was_smoothed_until_its_noise_is_gone_is_told() -> None:
    assert screened(gaussian_filter1d(raw(1.0), 0.3 * RATE_HZ), RATE_HZ).is_denoised
    assert not screened(gaussian_filter1d(raw(1.0), 1.0), RATE_HZ).is_denoised


@pytest.mark.slow
def test_the_challenges_recordings_are_no_false_alarms(real_data) -> None:
    from raphe.tasks.calcium.recordings.read_traces import read_traces

    for number, n in ((4, 6), (5, 9), (6, 9)):
        traces = read_traces(real_data("spikefinder", f"{number}.train.calcium.csv.gz"))
        screens = [screened(trace.samples, traces.rate_hz) for trace in traces]
        assert len(screens) == n
        assert not any(screen.remarks or screen.is_denoised for screen in screens)
