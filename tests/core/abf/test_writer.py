"""What we write is read alike by three readers: pyabf, neo and ours."""

import datetime
import hashlib

import neo.rawio
import numpy as np
import pyabf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raphe.core.abf.reader import describe_abf, read_abf
from raphe.core.abf.writer import write_abf
from raphe.core.errors import RecordingError, RecordingWarning, StoreError


@pytest.fixture
def noise():
    """Current in pA (sweeps, N) whose sum would show a shift by one sample."""
    return np.random.default_rng(5).normal(-10, 30, (4, 1700)).astype(np.float32)


def read_with_neo(path) -> tuple[list[np.ndarray], float, str, str]:
    """Sweeps in the header's unit, rate, unit, channel name."""
    reader = neo.rawio.AxonRawIO(str(path))
    reader.parse_header()
    sweeps = [
        reader.rescale_signal_raw_to_float(
            reader.get_analogsignal_chunk(0, segment, stream_index=0), "float64", stream_index=0
        )[:, 0]
        for segment in range(reader.segment_count(0))
    ]
    channel = reader.header["signal_channels"][0]
    return sweeps, channel["sampling_rate"], channel["units"], channel["name"]


@pytest.mark.parametrize("shape", [(6800,), (4, 1700)])
@pytest.mark.parametrize("rate_hz", [40_000, 20_000, 50_000])
def test_three_readers_agree(tmp_path, noise, shape, rate_hz):
    samples = noise.reshape(shape)
    path = write_abf(tmp_path / "A260313#001.abf", samples, rate_hz, "pA", channel_name="Ipatch")
    step = np.abs(samples).max() / 30_000
    rows = np.atleast_2d(samples)

    ours = read_abf(path)
    assert (ours.rate_hz, ours.unit, len(ours.sweeps)) == (rate_hz, "pA", len(rows))
    assert describe_abf(path).channels[0].name == "Ipatch"

    theirs = pyabf.ABF(path)
    assert (theirs.dataRate, theirs.adcUnits, theirs.adcNames) == (rate_hz, ["pA"], ["Ipatch"])
    assert theirs.sweepCount == len(rows)

    neo_sweeps, neo_rate, neo_unit, neo_name = read_with_neo(path)
    assert (neo_rate, neo_unit, neo_name) == (rate_hz, "pA", "Ipatch")
    assert len(neo_sweeps) == len(rows)

    for i, row in enumerate(rows):
        theirs.setSweep(i)
        for read in (ours.sweeps[i].read(), theirs.sweepY, neo_sweeps[i]):
            np.testing.assert_allclose(read, row, rtol=0, atol=0.501 * step)
        assert ours.sweeps[i].start_s == pytest.approx(i * rows.shape[1] / rate_hz, rel=1e-12)
        assert len(theirs.sweepC) == rows.shape[1]  # pyabf finds an output channel, too


def test_rates_that_divide_badly_come_back(tmp_path, noise):
    for rate_hz in (44_100, 403.2258, 33_333, 24_414.0625):
        path = write_abf(tmp_path / "x.abf", noise, rate_hz, "pA")
        assert read_abf(path).rate_hz == pytest.approx(rate_hz, rel=1e-7)
        assert read_with_neo(path)[1] == pytest.approx(rate_hz, rel=1e-7)


@pytest.mark.parametrize("unit", ["pA", "mV", "µA", "deg C"])
def test_units_come_back(tmp_path, noise, unit):
    path = write_abf(tmp_path / "x.abf", noise, 10_000, unit)
    assert read_abf(path).unit == unit
    assert pyabf.ABF(path, loadData=False).adcUnits == [unit.replace("µ", "u")]
    assert read_with_neo(path)[2] == unit.replace("µ", "u").replace(" ", "")


def test_the_date_is_written(tmp_path, noise):
    moment = datetime.datetime(2026, 3, 13, 14, 5, 6, 789_000)
    path = write_abf(tmp_path / "x.abf", noise, 40_000, "pA", date=moment)
    assert pyabf.ABF(path, loadData=False).abfDateTime == moment
    write_abf(path, noise, 40_000, "pA", date=moment.date())
    assert pyabf.ABF(path, loadData=False).abfDateTime == datetime.datetime(2026, 3, 13)


def test_no_date_is_no_date(tmp_path, noise):
    path = write_abf(tmp_path / "x.abf", noise, 40_000, "pA")
    reader = neo.rawio.AxonRawIO(str(path))
    reader.parse_header()
    assert reader.raw_annotations["blocks"][0]["rec_datetime"] is None


@settings(max_examples=40)
@given(
    samples=st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=50),
    rate_hz=st.integers(1, 500_000),
)
def test_any_finite_samples_and_whole_rate_come_back(tmp_path_factory, samples, rate_hz):
    path = tmp_path_factory.getbasetemp() / "any.abf"
    samples = np.array(samples)
    if 0 < np.abs(samples).max() < 1e-30:  # below what the header's float32 scale can state
        return
    recording = read_abf(write_abf(path, samples, rate_hz, "pA"))
    assert recording.rate_hz == rate_hz
    step = np.abs(samples).max() / 30_000
    np.testing.assert_allclose(recording.sweeps[0].read(), samples, rtol=1e-6, atol=0.51 * step)
    assert not recording.sweeps[0].suspect().any()


def test_a_given_scale_is_kept(tmp_path):
    samples = np.arange(-100, 100) * 0.25
    path = write_abf(tmp_path / "x.abf", samples, 40_000, "pA", scale_per_bit=0.25)
    assert read_abf(path).sweeps[0].gain == pytest.approx(0.25, rel=1e-6)
    stored = read_abf(path).sweeps[0].stored[0:200]
    np.testing.assert_array_equal(stored, np.arange(-100, 100))


def test_full_scale_of_a_given_step_is_the_rail(tmp_path):
    path = write_abf(tmp_path / "x.abf", np.array([1.0, -32767.0]), 1000, "pA", scale_per_bit=1.0)
    with pytest.warns(RecordingWarning, match="1 of 2 samples"):
        assert read_abf(path).sweeps[0].suspect().tolist() == [False, True]


def test_the_same_samples_give_the_same_bytes_and_are_left_alone(tmp_path):
    samples = np.random.default_rng(1).normal(size=(2, 999))
    digest = hashlib.sha256(samples.tobytes()).hexdigest()
    first = write_abf(tmp_path / "1.abf", samples, 40_000, "pA").read_bytes()
    assert write_abf(tmp_path / "2.abf", samples, 40_000, "pA").read_bytes() == first
    assert hashlib.sha256(samples.tobytes()).hexdigest() == digest


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"samples": np.array([0.0, np.nan])}, "finite samples, got NaN"),
        ({"samples": np.empty(0)}, r"samples \(N,\) or \(sweeps, N\), got"),
        ({"samples": np.zeros((2, 2, 2))}, r"got \(2, 2, 2\)"),
        ({"samples": np.array([1e-45])}, "step float32 holds"),
        ({"rate_hz": 0}, "expected a sampling rate"),
        ({"rate_hz": float("nan")}, "expected a sampling rate"),
        ({"unit": " "}, "expected a name and a unit in letters, got ' '"),
        ({"unit": "p\0A"}, "expected a name and a unit in letters"),
        ({"unit": "пА"}, "expected Latin-1 text, got 'пА'"),
        ({"channel_name": "x" * 600}, "expected a short name and unit"),
        ({"scale_per_bit": 0.001}, r"up to 32.767 \(32767 × 0.001\), got 50; pass a larger"),
        ({"scale_per_bit": -1.0}, "scale_per_bit above 0, got -1"),
    ],
)
def test_what_the_format_cannot_hold_is_refused(tmp_path, changed, message):
    sound = {"samples": np.array([50.0]), "rate_hz": 40_000, "unit": "pA"}
    with pytest.raises(RecordingError, match=message):
        write_abf(tmp_path / "x.abf", **{**sound, **changed})
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, noise, monkeypatch):
    path = write_abf(tmp_path / "x.abf", noise, 40_000, "pA")
    before = path.read_bytes()

    def run_full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("raphe.core.abf.writer._synch_array", run_full)
    with pytest.raises(StoreError, match=r"the disk of .*x\.abf is full"):
        write_abf(path, noise, 20_000, "pA")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(StoreError, match="could not be written"):
        write_abf(tmp_path / "none" / "x.abf", np.ones(3), 40_000, "pA")
