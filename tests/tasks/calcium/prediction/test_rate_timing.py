"""Rates moved in time and smoothed: nothing lost, nothing over gaps, nothing of later frames."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import erf

import raphe
from raphe import cli
from raphe.core.errors import SettingError
from raphe.tasks.calcium.prediction.rate_timing import RateTiming, smoothing_weights

RATE_HZ = 30.0
TIMINGS = [
    RateTiming(0.05), RateTiming(-0.17), RateTiming(1 / 3), RateTiming(smooth_s=0.2),
    RateTiming(0.1, 0.05), RateTiming(-0.4, 0.1, causal=True),
]  # fmt: skip


def burst(n_frames: int = 300) -> np.ndarray:
    """A rate that is 0 but in its middle, with a gap of a frame and one of half a second."""
    rate = np.zeros(n_frames, np.float32)
    rate[140:150] = np.random.default_rng(0).gamma(1.0, 5.0, 10)
    rate[[60, *range(200, 215)]] = np.nan
    return rate


@pytest.mark.parametrize("timing", TIMINGS, ids=str)
def test_spikes_are_kept_and_a_constant_rate_stays_constant(timing: RateTiming) -> None:
    rate = burst()
    moved = timing(rate, RATE_HZ)
    assert moved.dtype == np.float32
    assert np.nansum(moved) == pytest.approx(np.nansum(rate), rel=1e-5)
    constant = np.where(np.isnan(rate), np.nan, 2.0)
    moved = timing(constant, RATE_HZ)
    np.testing.assert_allclose(moved[~np.isnan(moved)], 2.0, rtol=1e-6)


@pytest.mark.parametrize("timing", TIMINGS, ids=str)
def test_a_rate_comes_later_by_what_was_asked(timing: RateTiming) -> None:
    def centre_s(rate: np.ndarray) -> float:
        return float(np.nansum(rate * np.arange(len(rate))) / np.nansum(rate)) / RATE_HZ

    delay_s = (timing.smooth_s or 0) * (2 / np.pi) ** 0.5 if timing.causal else 0
    later_s = centre_s(timing(burst(), RATE_HZ)) - centre_s(burst())
    assert later_s == pytest.approx(timing.shift_s + delay_s, abs=1e-3)


def test_gaps_move_with_the_rates_and_nothing_is_smeared_over_them() -> None:
    rate = burst()
    rate[[59, 61, 215]] = 9.0
    smoothed = RateTiming(smooth_s=0.1)(rate, RATE_HZ)
    np.testing.assert_array_equal(np.isnan(smoothed), np.isnan(rate))
    for stretch in (slice(0, 60), slice(61, 200), slice(215, 300)):
        assert smoothed[stretch].sum() == pytest.approx(rate[stretch].sum(), rel=1e-5)
    later = np.isnan(RateTiming(0.1)(rate, RATE_HZ))  # by three frames
    assert np.flatnonzero(later).tolist() == [0, 1, 2, 63, *range(203, 218)]
    earlier = np.isnan(RateTiming(-0.1)(rate, RATE_HZ))
    assert np.flatnonzero(earlier).tolist() == [57, *range(197, 212), 297, 298, 299]


def test_causal_smoothing_tells_of_no_later_frame() -> None:
    timing, rate = RateTiming(smooth_s=0.2, causal=True), burst()
    changed = rate.copy()
    changed[145:] = 100.0
    np.testing.assert_array_equal(timing(rate, RATE_HZ)[:145], timing(changed, RATE_HZ)[:145])


@pytest.mark.parametrize("deviation", [0.1, 0.7, 4.0])  # of a frame, and of several
def test_weights_are_those_of_a_gaussian_over_a_fine_grid(deviation: float) -> None:
    fine = 200  # parts of a frame
    place = (np.arange(-31 * fine, 32 * fine) + 0.5) / fine  # frame n is from n to n + 1
    gaussian = np.diff(erf(np.arange(-20 * fine, 20 * fine + 2) / fine / deviation / 2**0.5)) / 2
    smoothed = np.convolve((place > 0) & (place < 1), gaussian, mode="same")
    expected = [smoothed[(place > n) & (place < n + 1)].sum() / fine for n in range(4)]
    weights = np.append(smoothing_weights(deviation), np.zeros(4))[:4]
    np.testing.assert_allclose(weights, expected, atol=5e-3)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((1.5,), "shift_s=1.5: expected seconds from -1 to 1, got 1.5"),
        (
            (0.0, 0.5),
            "smooth_s=0.5: expected seconds from 0.025 to 0.2, or left out for none, got 0.5",
        ),
        ((0.0, None, True), "causal: expected something to smooth, got none; pass --smooth S"),
    ],
)
def test_other_values_are_refused(arguments, sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        RateTiming(*arguments)


def test_command_python_and_json_give_the_same_and_say_so(rate_bundle: Path, tmp_path) -> None:
    rng = np.random.default_rng(0)
    traces = rng.normal(1, 0.1, (2, 300))
    traces[:, 100:140] += np.exp(-np.arange(40) / 12)
    traces[1] = 0.5  # of which no rate is told
    np.save(tmp_path / "traces.npy", traces)
    bundle = raphe.load_bundle(rate_bundle, threads=1)
    timing = {"shift_s": -0.25, "smooth_s": 0.1, "causal": True}
    rates = bundle.predict(traces, RATE_HZ, **timing)
    plain = bundle.predict(traces, RATE_HZ).rate_per_s[0]
    np.testing.assert_array_equal(rates.rate_per_s[0], RateTiming(*timing.values())(plain, RATE_HZ))
    answer = bundle.answer({"traces": traces.tolist(), "rate_hz": RATE_HZ, **timing})
    np.testing.assert_array_equal(
        np.array(answer["rate_per_s"], np.float64).astype(np.float32), rates.rate_per_s
    )
    options = ["--shift", "-0.25", "--smooth", "0.1", "--causal", "--rate", "30"]
    command = ["predict", str(tmp_path / "traces.npy"), "--bundle", str(rate_bundle)]
    assert cli.main([*command, "--out", str(tmp_path / "out"), *options]) == 1
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "rates.npy"), rates.rate_per_s)
    with (tmp_path / "out" / "traces.csv").open() as file:
        first, second = csv.DictReader(file)
    assert (first["timing"], second["timing"]) == (
        "0.25 s earlier than inferred, smoothed by the past half of a Gaussian of 0.1 s, which "
        "delays them by 0.08 s on average",
        "",
    )
    prediction = json.loads((tmp_path / "out" / "prediction.json").read_text())
    assert timing.items() <= prediction.items()
    assert prediction["notes"][-1].endswith(f"rates are {first['timing']}")
    assert rates.warnings[-1].endswith(first["timing"])
