"""NWB files written by pynwb itself, read back sample for sample."""

import datetime

import h5py
import numpy as np
import pytest

from raphe.core.errors import RecordingError, RecordingWarning
from raphe.core.nwb.reader import read_nwb

pynwb = pytest.importorskip("pynwb", reason="pynwb is an extra: pip install raphe[nwb]")
from pynwb.icephys import CurrentClampSeries, VoltageClampSeries  # noqa: E402

STORED = np.arange(-500, 500, dtype=np.int16)


@pytest.fixture
def write(tmp_path):
    def write_series(*specs, name="A140313#073.nwb", with_schema=False):
        """Each spec: (class, name, data, keyword arguments)."""
        file = pynwb.NWBFile(
            "a cell", "id", datetime.datetime(2014, 3, 13, tzinfo=datetime.timezone.utc)
        )
        device = file.create_device(name="amplifier")
        electrode = file.create_icephys_electrode(
            name="pipette", description="loose seal", device=device
        )
        for kind, series, data, facts in specs:
            if kind is not pynwb.TimeSeries:
                facts = {"electrode": electrode, "gain": 1.0, **facts}
            file.add_acquisition(kind(name=series, data=data, **facts))
        path = tmp_path / name
        with pynwb.NWBHDF5IO(path, "w") as io:
            io.write(file, cache_spec=with_schema)
        return path

    return write_series


def voltage_clamp(name="current", data=STORED, **facts):
    return VoltageClampSeries, name, data, {"rate": 40_000.0, "conversion": 1e-13, **facts}


def test_samples_come_in_the_files_unit(write):
    recording = read_nwb(write(voltage_clamp(), with_schema=True))
    assert recording.unit == "A"
    assert recording.rate_hz == 40_000
    assert recording.cell_id == "A140313#073"
    samples = recording.sweeps[0].read(10, 20)
    np.testing.assert_allclose(samples, STORED[10:20] * 1e-13, rtol=1e-6)


def test_an_offset_is_added(write):
    recording = read_nwb(write(voltage_clamp(offset=5e-12)))
    np.testing.assert_allclose(
        recording.sweeps[0].read(), STORED * 1e-13 + 5e-12, rtol=1e-5, atol=1e-18
    )


def test_the_current_is_chosen_among_currents_and_voltages(write):
    voltage = (CurrentClampSeries, "voltage", STORED, {"rate": 40_000.0, "conversion": 1e-4})
    path = write(voltage_clamp(), voltage)
    assert read_nwb(path).unit == "A"
    assert read_nwb(path, channel="voltage").unit == "V"


def test_numbered_series_are_sweeps_in_the_order_of_time(write):
    late, early = voltage_clamp("sweep_1", STORED, starting_time=2.0), voltage_clamp("sweep_2")
    recording = read_nwb(write(late, early))
    assert [sweep.start_s for sweep in recording.sweeps] == [0.0, 2.0]
    assert recording.n_samples == 2 * len(STORED)


def test_a_number_in_the_name_of_the_only_series_belongs_to_it(write):
    assert read_nwb(write(voltage_clamp("loose_seal_7")), channel="loose_seal_7").unit == "A"


def test_columns_are_channels(write):
    both = np.stack([STORED, 2 * STORED], axis=1)
    facts = {"rate": 40_000.0, "unit": "pA"}
    path = write((pynwb.TimeSeries, "two", both, facts))
    with pytest.raises(RecordingError, match=r"found 2 among its channels 0 \(two\[0\], pA\)"):
        read_nwb(path)
    np.testing.assert_array_equal(read_nwb(path, channel=1).sweeps[0].read(), 2.0 * STORED)


def test_even_timestamps_give_the_rate(write):
    facts = {"rate": None, "timestamps": 3.0 + np.arange(len(STORED)) / 20_000}
    recording = read_nwb(write(voltage_clamp(**facts)))
    assert recording.rate_hz == pytest.approx(20_000)
    assert recording.sweeps[0].start_s == 3.0


@pytest.mark.parametrize(
    ("times_s", "words"),
    [
        (np.arange(1000) / 2e4 + 4e-5 * (np.arange(1000) % 3 == 0), "sampled evenly but for gaps"),
        (np.sin(np.arange(1000.0)), "sampled evenly|that rise"),
        (np.arange(1000, 0, -1) / 2e4, "that rise, got steps of -5e-05 s, bring the samples"),
        (np.where(np.arange(1000) == 7, np.nan, np.arange(1000) / 2e4), "got NaN or infinity"),
        (np.where(np.arange(1000) == 999, np.inf, np.arange(1000) / 2e4), "got NaN or infinity"),
        ((1e5 + np.arange(1000) / 2e4).astype(np.float32), "of 0 s, .*store them unrounded"),
        (np.full(1000, 3.0), "timestamps that rise"),
    ],
)  # fmt: skip
def test_uneven_timestamps_are_refused(write, times_s, words):
    with pytest.raises(RecordingError, match=words):
        read_nwb(write(voltage_clamp(rate=None, timestamps=times_s)))


def test_times_that_were_rounded_are_even(write):
    exact_s = 100 + np.arange(1000) / 30_000
    for name, times_s in (
        ("us.nwb", np.round(exact_s, 6)),
        ("32.nwb", exact_s.astype(np.float32).astype(np.float64)),
    ):
        recording = read_nwb(write(voltage_clamp(rate=None, timestamps=times_s), name=name))
        assert recording.rate_hz == pytest.approx(30_000, rel=3e-3)
        assert len(recording.sweeps) == 1


def test_a_gap_in_timestamps_begins_a_sweep(write):
    times_s = np.arange(1000) / 20_000
    times_s[300:] += 1.0
    times_s[700:] += 1 / 20_000  # one sample is missing
    recording = read_nwb(write(voltage_clamp(rate=None, timestamps=times_s)))
    assert [sweep.n_samples for sweep in recording.sweeps] == [300, 400, 300]
    assert [sweep.start_s for sweep in recording.sweeps] == [0.0, times_s[300], times_s[700]]
    assert recording.rate_hz == 20_000
    samples = np.concatenate([sweep.read() for sweep in recording.sweeps])
    np.testing.assert_allclose(samples, STORED * 1e-13, rtol=1e-6)
    np.testing.assert_allclose(recording.sweeps[1].read(5, 9), STORED[305:309] * 1e-13, rtol=1e-6)


def test_two_rates_in_one_channel_are_refused(write):
    path = write(
        voltage_clamp("sweep_1"), voltage_clamp("sweep_2", rate=20_000.0, starting_time=2.0)
    )
    with pytest.raises(RecordingError, match="got 20000, 40000 Hz"):
        read_nwb(path)


def test_suspect_samples_are_told(write):
    data = STORED.astype(np.float32)
    data[3] = np.nan
    with pytest.warns(RecordingWarning, match="1 of 1000 samples"):
        read_nwb(write(voltage_clamp(data=data)))


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "cell.nwb"
    path.write_bytes(b"ABF2 and more")
    with pytest.raises(RecordingError, match="expected an NWB file"):
        read_nwb(path)


def test_a_file_without_series_is_refused(write):
    with pytest.raises(RecordingError, match="expected an acquired series"):
        read_nwb(write())


@pytest.mark.parametrize("conversion", [np.nan, np.inf, 1e300])
def test_a_conversion_that_is_no_number_is_refused(write, conversion):
    with pytest.raises(RecordingError, match="a conversion and an offset that are finite"):
        read_nwb(write(voltage_clamp(conversion=conversion)))


def test_what_pynwb_cannot_read_is_one_short_sentence(write):
    path = write(voltage_clamp())
    with h5py.File(path, "a") as file:
        del file["identifier"]
    with pytest.raises(RecordingError, match="got one that pynwb cannot read") as refusal:
        read_nwb(path)
    words = str(refusal.value).removeprefix(str(path))
    assert len(words) < 250 and words.isprintable()
