"""What is no spike, through `raphe predict` with the bundle that comes with it.

Noise gets a rate of 0 and a remark; a bad frame, a dark one and hours of silence change no rate
elsewhere.
"""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from raphe import cli
from raphe.core.bundles.shipped import shipped_bundle
from raphe.tasks.calcium.ensemble.bundle import RateBundle
from raphe.tasks.calcium.features.rises import CLEAR, FAINT

RATES_HZ = (7.5, 15.0, 30.0, 60.0, 122.0)
MOST_PER_S = 0.005
NO_EVENT = "no event above the noise"

Predict = Callable[..., tuple[np.ndarray, list[dict[str, str]]]]


@pytest.fixture
def predict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Predict:
    """Traces (N, T) at a rate: their rates (N, T), and the table."""
    monkeypatch.setattr("raphe.tasks.calcium.prediction.rate_folder.save_figure", lambda *_: None)

    def of(traces: np.ndarray, rate_hz: float) -> tuple[np.ndarray, list[dict[str, str]]]:
        number = len(list(tmp_path.iterdir()))
        path, out = tmp_path / f"{number}.npy", tmp_path / f"rates{number}"
        np.save(path, traces)
        words = ["predict", str(path), "--task", "calcium", "--layout", "traces-time"]
        assert cli.main([*words, "--rate", str(rate_hz), "--out", str(out)]) == 0
        with (out / "traces.csv").open(newline="") as file:
            return np.load(out / "rates.npy"), list(csv.DictReader(file))

    return of


def noises(duration_s: float, hz: float, seed: int) -> dict[str, np.ndarray]:
    """One trace (T,) of each kind, of ΔF/F as a fraction."""
    rng = np.random.default_rng(seed)
    n = int(duration_s * hz)
    time_s = np.arange(n) / hz
    white = 0.1 * rng.normal(size=(4, n))
    hum_hz = rng.uniform(0.3, hz / 2)
    return {
        "white noise": white[0],
        "shot noise of many photons": rng.poisson(100, n) / 100 - 1,
        "shot noise of few": rng.poisson(4, n) / 4 - 1,
        "drift": white[1] + 0.4 * np.sin(2 * np.pi * (time_s / rng.uniform(20, 90) + rng.random())),
        "bleaching": white[2] + 3 * np.exp(-time_s / rng.uniform(30, 300)),
        "line artefact": white[3] + rng.uniform(0.03, 0.3) * np.sin(2 * np.pi * hum_hz * time_s),
    }


def calcium(
    duration_s: float, hz: float, seed: int = 3, per_s: float = 0.3, noise: float = 0.05
) -> np.ndarray:
    """A trace (T,) of transients in noise."""
    rng = np.random.default_rng(seed)
    spikes = rng.poisson(per_s / hz, int(duration_s * hz))
    time_s = np.arange(int(4 * hz)) / hz
    shape = np.exp(-time_s / 0.5) * (1 - np.exp(-time_s / 0.03))
    return 0.3 * np.convolve(spikes, shape)[: len(spikes)] + noise * rng.normal(size=len(spikes))


@pytest.mark.parametrize("hz", RATES_HZ)
def test_noise_has_a_rate_of_0_and_says_why(hz: float, predict: Predict) -> None:
    made = noises(60.0, hz, seed=0)
    rates, rows = predict(np.array(list(made.values())), hz)
    for kind, rate, row in zip(made, rates, rows, strict=True):
        assert rate.mean() < MOST_PER_S, f"{kind} at {hz:g} Hz"
        assert row["remark"].startswith(NO_EVENT), f"{kind} at {hz:g} Hz"


@pytest.mark.ci
@pytest.mark.parametrize("hz", RATES_HZ)
def test_ten_minutes_of_noise_have_a_rate_of_0(hz: float, predict: Predict) -> None:
    made = [noises(600.0, hz, seed) for seed in range(1, 9)]
    rates, rows = predict(np.array([trace for each in made for trace in each.values()]), hz)
    kinds = [kind for each in made for kind in each]
    wrong = [kind for kind, rate in zip(kinds, rates, strict=True) if rate.mean() >= MOST_PER_S]
    assert not wrong
    assert all(row["remark"].startswith(NO_EVENT) for row in rows)


def test_one_bad_frame_changes_nothing_two_seconds_away(predict: Predict) -> None:
    """Of 100 deviations it is taken as missing, and bridged."""
    hz, at = 30.0, 900
    trace = calcium(60, hz)
    traces = np.array([trace] * 4)
    traces[1:, at] += np.array([20, 100, 1000]) * trace.std()
    rates, rows = predict(traces, hz)
    apart = np.abs(np.arange(len(trace)) - at) > 2 * hz
    for rate in rates[1:]:
        assert np.abs(rate - rates[0])[apart].max() < 0.02 * rates[0].max()
        assert rate[apart].mean() == pytest.approx(rates[0][apart].mean(), rel=0.01)
    assert all("1 frame far from all others" in row["remark"] for row in rows[2:])
    assert rates[0].mean() > 0.1 and not rows[0]["remark"]


@pytest.mark.parametrize("hz", (15.0, 30.0))
def test_silence_changes_nothing_beside_it_and_has_no_spike(hz: float) -> None:
    """From a minute to ten of it, before and behind two minutes."""
    bundle = RateBundle.open(shipped_bundle("calcium"), threads=1)

    def rates(trace: np.ndarray) -> np.ndarray:
        return bundle.infer(bundle.conditioning(trace, hz).samples, hz).mean

    trace = calcium(120, hz)
    alone = rates(trace)
    n, apart = len(alone), 200  # at 100 Hz; a network sees 2 s beyond an end
    for quiet_s in (60, 137, 600) if hz == 15 else (60,):
        quiet = 0.05 * np.random.default_rng(5).normal(size=int(quiet_s * hz))
        behind, before = (rates(np.concatenate(both)) for both in ((trace, quiet), (quiet, trace)))
        for beside, silence in (
            (behind[:n], behind[n + apart :]),
            (before[-n:], before[: -n - apart]),
        ):
            assert beside.mean() == pytest.approx(alone.mean(), rel=0.05), quiet_s
            assert np.corrcoef(beside, alone)[0, 1] > 0.98, quiet_s
            assert silence.mean() < MOST_PER_S, quiet_s


@pytest.mark.parametrize(("hz", "noise"), ((7.5, 0.03), (15.0, 0.07)))
def test_silence_hardly_changes_faint_transients_beside_it(hz: float, noise: float) -> None:
    """Shown together they were said to be .82 and .90 of what they are by themselves."""
    bundle = RateBundle.open(shipped_bundle("calcium"), threads=1)
    trace = calcium(120, hz, noise=noise)
    quiet = noise * np.random.default_rng(5).normal(size=int(60 * hz))
    alone, behind, before = (
        bundle.infer(bundle.conditioning(each, hz).samples, hz)
        for each in (trace, np.concatenate((trace, quiet)), np.concatenate((quiet, trace)))
    )
    assert CLEAR < alone.steepest < FAINT
    n = len(alone.mean)
    for beside in (behind.mean[:n], before.mean[-n:]):
        assert beside.mean() == pytest.approx(alone.mean.mean(), rel=0.1)


@pytest.mark.parametrize("dark", (np.nan, -1.0))
def test_blanked_frames_leave_a_gap_and_no_spike(dark: float, predict: Predict) -> None:
    """The laser was off: a run of NaN, or of the one number that the detector then has."""
    hz = 30.0
    trace = calcium(60, hz)
    runs = [slice(300, 330), slice(900, 1000), slice(1500, 1503)]
    blanked = trace.copy()
    for run in runs:
        blanked[run] = dark
    (whole, rate), _ = predict(np.array([trace, blanked]), hz)
    for run in runs:
        assert np.isnan(rate[run]).all()
    known = ~np.isnan(rate)
    for run in runs:
        around = slice(run.start - 15, run.stop + 15)
        n_said, n_whole = (np.nansum(each[around][known[around]]) / hz for each in (rate, whole))
        assert n_said < n_whole + 0.3
    assert known.sum() == len(trace) - sum(run.stop - run.start for run in runs)
    assert rate[known].mean() == pytest.approx(whole[known].mean(), rel=0.1)


def test_smoothed_and_denoised_traces_are_told(predict: Predict) -> None:
    rng = np.random.default_rng(0)
    hz, n = 30.0, 3600
    model = np.convolve(rng.poisson(0.01, n), np.exp(-np.arange(120) / 15))[:n]  # CaImAn's C
    trace = calcium(n / hz, hz)
    width = 0.2 * hz
    kernel = np.exp(-0.5 * (np.arange(-30, 31) / width) ** 2)
    smoothed = np.convolve(trace, kernel / kernel.sum(), mode="same")
    _, rows = predict(np.array([model, smoothed, trace]), hz)
    first, second, third = (row["remark"] for row in rows)
    assert first.startswith("denoised") and second.startswith("smoothed") and not third
