"""What times tell of their rate, however they were rounded, and when two rates are one."""

import numpy as np
import pytest

from raphe.core.errors import RecordingError
from raphe.core.recordings.rates import check_rate, rate_of_times, same_rate

BEGIN_S = np.random.default_rng(0).uniform(0, 1, 50)


def times(rate_hz: float, latest_s: float) -> np.ndarray:
    """Windows of 160 samples that begin on a sample: float64 (50, 160)."""
    first = np.round(latest_s * BEGIN_S * rate_hz)
    return (first[:, None] + np.arange(160)) / rate_hz


@pytest.mark.parametrize("latest_s", [0.0, 1.0, 25.0, 100.0])
@pytest.mark.parametrize("rate_hz", [10_000.0, 20_000.0, 25_000.0, 30_000.0, 40_000.0, 50_000.0])
def test_nominal_rates_come_back_from_rounded_times(rate_hz, latest_s):
    time_s = times(rate_hz, latest_s)
    assert rate_of_times(time_s) == rate_hz
    assert rate_of_times(time_s.astype(np.float32)) == rate_hz
    if rate_hz >= 20_000:  # whole microseconds but for 30 kHz
        assert rate_of_times(time_s.round(6)) == rate_hz


@pytest.mark.parametrize("rate_hz", [39_990.0, 24_414.0625, 48_828.125, 33_333.333, 12_207.5])
def test_odd_rates_are_left_as_they_are(rate_hz):
    assert rate_of_times(times(rate_hz, 25.0)) == pytest.approx(rate_hz, abs=6e-4)
    assert same_rate(rate_of_times(times(rate_hz, 0.0).astype(np.float32)), rate_hz)


def test_the_float32_time_of_the_report():
    """Of times 0 to 4 ms in 32 bits, the median step makes 40000.068 Hz."""
    time_s = np.tile((np.arange(160) / 40_000).astype(np.float32), (10, 1))
    assert round(1 / float(np.median(np.diff(time_s.astype(float), axis=1))), 3) == 40_000.068
    assert rate_of_times(time_s) == 40_000.0


@pytest.mark.parametrize(
    ("rate_hz", "told"),
    [
        (40, "got 40; if that is in kHz, give 40000"),
        (25e-6, "got 2.5e-05; if that is the interval in s, give 40000"),
        (25, "got 25; if that is in kHz, give 25000"),
        (1e12, "from 1000 to 1000000, got 1000000000000.0$"),
        (1e300, r"got 1e\+300$"),
        (0, "got 0$"),
        (-40_000.0, "got -40000.0$"),
        (float("nan"), "got nan$"),
        (float("inf"), "got inf$"),
        ("fast", "got fast$"),
        (True, "got true"),
    ],
)
def test_a_rate_that_no_recording_has_is_refused_or_asked_back(rate_hz, told) -> None:
    with pytest.raises(RecordingError, match=rf"^--rate-hz: expected a sampling rate .*{told}"):
        check_rate(rate_hz, "--rate-hz", RecordingError)
    assert check_rate(30_000, "--rate-hz", RecordingError) == 30_000.0
