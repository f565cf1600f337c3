"""Rates while frames still come."""

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly

import raphe
from raphe.core.errors import RecordingError, SettingError
from raphe.tasks.calcium.features.network_input import NetworkInput, log_frame_rate
from raphe.tasks.calcium.prediction.predictor import RatePredictor
from raphe.tasks.calcium.prediction.rate_stream import Resampling
from raphe.tasks.calcium.prediction.ready_trace import in_frames
from raphe.tasks.calcium.recordings.sampling import even_in_bins

RATE_HZ, SEEN_S = 10.0, 3.0


@pytest.fixture(scope="module")
def predictor(rate_bundle: Path) -> RatePredictor:
    return raphe.load_bundle(rate_bundle)


@pytest.fixture
def frames() -> np.ndarray:
    """Three neurons, (3, 75)."""
    rng = np.random.default_rng(0)
    spikes = rng.poisson(0.09, (3, 75))
    decay = np.exp(-np.arange(20) / 5)
    calcium = np.stack([np.convolve(train, decay)[:75] for train in spikes])
    return 5 + calcium + 0.1 * rng.normal(size=(3, 75))


def one_by_one(predictor: RatePredictor, frames: np.ndarray, **how) -> np.ndarray:
    stream = predictor.stream(RATE_HZ, len(frames), seen_s=SEEN_S, **how)
    return np.stack([stream.push(frame) for frame in frames.T], axis=1)


def test_a_rate_is_what_the_graph_says_of_the_last_seconds(predictor, frames) -> None:
    """In units of the noise of all frames so far, for the frame `delay_s` ago."""
    rates = one_by_one(predictor, frames[:, :70], delay_s=0.2)
    known = frames[1, :70]
    steps = np.diff(known)
    unit = np.median(np.abs(steps - np.median(steps))) / 0.9539 / np.sqrt(5) * np.sqrt(12.5)
    # Its noise is known anew once in 2 s, at the latest 20 frames ago.
    scaled = (known[-30:] - np.percentile(known, 10)) / unit
    samples = resample_poly(scaled, 10, 1, padtype="edge").astype(np.float32)
    expected = predictor._bundle.graph.expected(NetworkInput(samples, log_frame_rate(RATE_HZ)))
    at_frames = in_frames(even_in_bins(expected).mean(0) * 100, 30, RATE_HZ)
    assert rates[1, -1] == pytest.approx(at_frames[-1 - 2], rel=0.15, abs=0.02)


def test_nothing_is_said_before_enough_was_seen(predictor, frames) -> None:
    rates = one_by_one(predictor, frames)
    assert np.isnan(rates[:, :29]).all() and (rates[:, 29:] >= 0).all()
    assert rates.dtype == np.float32
    assert predictor.stream(RATE_HZ, 3, seen_s=SEEN_S).begins_s == SEEN_S


def test_no_rate_depends_on_what_comes_after_it_was_said(predictor, frames) -> None:
    changed = frames.copy()
    changed[:, 60:] += 50
    np.testing.assert_array_equal(
        one_by_one(predictor, frames)[:, :60], one_by_one(predictor, changed)[:, :60]
    )


def test_frames_may_come_several_at_once(predictor, frames) -> None:
    """The last of them as if they had come alone; those before it knew more than then."""
    alone = one_by_one(predictor, frames)
    stream = predictor.stream(RATE_HZ, 3, seen_s=SEEN_S)
    together = np.concatenate([stream.push(part) for part in np.split(frames, 15, axis=1)], axis=1)
    assert together.shape == frames.shape
    np.testing.assert_allclose(together[:, 34::5], alone[:, 34::5], rtol=0.1, atol=0.05)


def test_a_neuron_is_told_as_if_it_were_alone(predictor, frames) -> None:
    many = np.tile(frames, (30, 1))  # more than are shown at once
    rates = one_by_one(predictor, many[:, :32])
    np.testing.assert_allclose(
        rates[-3:, 29], one_by_one(predictor, frames[:, :32])[:, 29], rtol=1e-4
    )


def test_frames_that_are_missing_are_held(predictor, frames) -> None:
    lacking = frames.copy()
    lacking[0, 50] = np.nan
    lacking[1] = np.nan
    held = frames.copy()
    held[0, 50] = held[0, 49]
    rates, of_held = one_by_one(predictor, lacking), one_by_one(predictor, held)
    assert np.flatnonzero(np.isnan(rates[0, 29:])).tolist() == [50 + 2 - 29]  # itself, 0.2 s later
    np.testing.assert_allclose(np.delete(rates[0], 52), np.delete(of_held[0], 52), rtol=0.1)
    assert np.isnan(rates[1]).all() and not np.isnan(rates[2, 29:]).any()


def test_a_gap_is_no_trace_without_noise(predictor, frames) -> None:
    """What comes after it, and a late beginning, is in units of the noise of frames that came."""
    stream = predictor.stream(RATE_HZ, 1, seen_s=SEEN_S)
    long = np.tile(frames[:1], 6)
    before = stream.push(long)
    unit = stream._unit.copy()
    assert np.isnan(stream.push(np.full((1, 700), np.nan))[0, 2:]).all()
    np.testing.assert_allclose(stream._unit, unit, rtol=0.3)  # nothing of the last minute is known
    after = stream.push(long)
    np.testing.assert_allclose(stream._unit, unit, rtol=0.2)
    assert after[0, 60:100].mean() == pytest.approx(before[0, 60:100].mean(), rel=0.3)
    late = predictor.stream(RATE_HZ, 1, seen_s=SEEN_S)
    rates = late.push(np.concatenate([np.full((1, 7), np.nan), frames[:1]], axis=1))[0]
    assert np.isnan(rates[:35]).all() and (rates[45:] >= 0).all()


def test_the_oldest_frames_are_forgotten(predictor) -> None:
    """Its memory does not grow, and what was a minute ago counts no longer."""
    rng = np.random.default_rng(0)
    frames = rng.normal(size=(1, 500))
    fast = predictor.stream(2.0, 1, seen_s=8.0)  # keeps 120 frames
    loud = np.concatenate([100 * frames[:, :300], frames[:, 300:]], axis=1)
    rates, again = fast.push(loud), predictor.stream(2.0, 1, seen_s=8.0).push(frames)
    np.testing.assert_allclose(rates[0, -20:], again[0, -20:], rtol=1e-4)
    assert fast._frames.shape == (1, 240)


@pytest.mark.parametrize("rate_hz", [7.81, 30.0, 58.0, 100.0, 158.3])
def test_frames_are_brought_to_100_hz_as_whole_traces_are(rate_hz: float) -> None:
    frames = np.random.default_rng(0).normal(size=(2, 100))
    resampled = Resampling(rate_hz)
    ratio = resampled.ratio
    expected = resample_poly(frames, ratio.numerator, ratio.denominator, axis=1, padtype="edge")
    np.testing.assert_allclose(resampled(frames), expected, atol=1e-12)
    assert resampled.n_samples(100) == expected.shape[1]


@pytest.mark.parametrize("rate_hz", [2.0, 7.8125, 30.03, 58.3, 122.07, 600.0])
def test_any_frame_rate_is_streamed(predictor, rate_hz: float) -> None:
    stream = predictor.stream(rate_hz, 2, seen_s=SEEN_S)
    frames = np.random.default_rng(0).normal(size=(2, round(6 * rate_hz)))
    rates = stream.push(frames)
    assert np.isnan(rates[:, 0]).all() and (rates[:, -1] >= 0).all()


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        (np.zeros(4), r"frames: expected 3 numbers, .* of shape \(4,\)"),
        (np.zeros((3, 2, 2)), r"of shape \(3, 2, 2\)"),
        (np.array(["a", "b", "c"]), "frames: expected 3 numbers"),
        (np.array([0.0, np.inf, 0.0]), "an infinite one; give NaN for none"),
    ],
)
def test_what_is_no_frame_is_refused(predictor, frames, said: str) -> None:
    with pytest.raises(RecordingError, match=said):
        predictor.stream(RATE_HZ, 3).push(frames)


def test_what_no_stream_can_have_is_refused(predictor) -> None:
    with pytest.raises(SettingError, match=r"delay_s=3: expected at most half of the 4 s"):
        predictor.stream(RATE_HZ, 3, delay_s=3.0, seen_s=4.0)
    with pytest.raises(SettingError, match=r"rate_hz=0\.5"):
        predictor.stream(0.5, 3)
    with pytest.raises(SettingError, match="n_neurons=0"):
        predictor.stream(RATE_HZ, 0)
    with pytest.raises(SettingError, match=r"seen_s=1000000000.0: expected .* from 1 to 300 s"):
        predictor.stream(RATE_HZ, 3, seen_s=1e9)  # more than any memory holds


def test_no_frame_at_all_has_no_rate(predictor) -> None:
    rates = predictor.stream(RATE_HZ, 3).push(np.zeros((3, 0)))
    assert (rates.shape, rates.dtype) == ((3, 0), np.float32)
