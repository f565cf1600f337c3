"""Each trap of the ABF format by itself, in real files and in files made to hold it."""

import math
import struct

import numpy as np
import pyabf
import pytest

from raphe.core.abf.reader import describe_abf, read_abf
from raphe.core.abf.writer import write_abf
from raphe.core.errors import RecordingError, RecordingWarning

# --- rate ---------------------------------------------------------------------------------------


def test_the_rate_is_not_truncated(real_data):
    path = real_data("abf", "File_axon_7.abf")
    assert pyabf.ABF(path, loadData=False).dataRate == 403  # the trap
    assert read_abf(path).rate_hz == pytest.approx(1e6 / 2480, rel=1e-12)


def test_44100_hz_stays_44100_hz(abf1, tmp_path):
    two = abf1(np.zeros((9, 2), "<i2"), units=(b"pA", b"mV"), interval_us=1e6 / 44_100 / 2)
    one = write_abf(tmp_path / "one.abf", np.zeros(9), 44_100, "pA")
    assert pyabf.ABF(one, loadData=False).dataRate == 44_099  # the trap
    assert read_abf(two, channel=0).rate_hz == read_abf(one).rate_hz == 44_100.0


# --- sweeps -------------------------------------------------------------------------------------


def test_abf1_sweep_spacing_is_not_sweep_length(real_data):
    path = real_data("abf", "f1.abf")
    assert pyabf.ABF(path, loadData=False).sweepIntervalSec == 2.5  # the trap
    recording = read_abf(path, channel="CH1")
    assert {sweep.n_samples for sweep in recording.sweeps} == {50_000}  # 2.5 s
    assert [sweep.start_s for sweep in recording.sweeps] == [3.0 * i for i in range(10)]
    assert recording.duration_s == 25.0


def test_abf1_lengths_count_all_channels_and_starts_count_ticks(abf1):
    stored = np.arange(24, dtype="<i2").reshape(12, 2)
    path = abf1(
        stored,
        units=(b"pA", b"mV"),
        mode=5,
        n_sweeps=3,
        sweep_points=8,
        tick_us=12.5,
        synch=[(0, 8), (80_000, 8), (160_000, 8)],
    )
    recording = read_abf(path, channel=1)
    assert [sweep.stored[0:4].tolist() for sweep in recording.sweeps] == [
        [1, 3, 5, 7],
        [9, 11, 13, 15],
        [17, 19, 21, 23],
    ]
    assert [sweep.start_s for sweep in recording.sweeps] == [0.0, 1.0, 2.0]


def test_ticks_without_a_unit_are_intervals_between_samples_of_any_channel(abf1):
    synch = [(0, 4), (40_000, 8)]
    path = abf1(np.zeros((6, 2), "<i2"), units=(b"pA", b"mV"), mode=1, n_sweeps=2, synch=synch)
    recording = read_abf(path)
    assert [sweep.n_samples for sweep in recording.sweeps] == [2, 4]
    assert recording.sweeps[1].start_s == 2.0  # 40 000 × 50 µs


def test_variable_length_sweeps(real_data):
    recording = read_abf(real_data("abf", "2020_06_16_0000.abf"))
    assert [sweep.n_samples for sweep in recording.sweeps] == [3540, 70_040, 16_040]
    starts = [sweep.start_s for sweep in recording.sweeps]
    assert starts == pytest.approx([1.4479, 4.4979, 14.7479], abs=1e-12)


def test_sweep_starts_that_run_backwards_are_counted_from_samples(abf1):
    path = abf1(np.zeros(8, "<i2"), mode=5, n_sweeps=2, sweep_points=4, synch=[(90, 4), (10, 4)])
    with pytest.warns(RecordingWarning, match="do not increase"):
        recording = read_abf(path)
    assert [sweep.start_s for sweep in recording.sweeps] == [0.0, 4e-4]


@pytest.mark.parametrize(
    ("fields", "n_sweeps"),
    [
        ({"synch": [(0, 7), (9, 4)], "sweep_points": 6}, 2),  # length of sweep by its spacing
        ({"synch": [(0, 4), (6, 4), (12, 4)], "sweep_points": 4, "n_sweeps": 2}, 3),
    ],
)
def test_two_header_facts_that_fit_the_data_overrule_a_third(abf1, fields, n_sweeps):
    path = abf1(np.arange(12, dtype="<i2"), **{"mode": 5, "n_sweeps": 2, **fields})
    with pytest.warns(RecordingWarning):
        recording = read_abf(path)
    assert [sweep.n_samples for sweep in recording.sweeps] == [12 // n_sweeps] * n_sweeps
    assert not recording.sweeps[0].suspect().any()


@pytest.mark.parametrize(
    "fields",
    [
        {"mode": 5, "n_sweeps": 5, "sweep_points": 4},
        {"mode": 5, "n_sweeps": 5},
        {"mode": 5, "n_sweeps": 1, "sweep_points": 4},
        {"mode": 1, "n_sweeps": 2},
        {"mode": 1, "n_sweeps": 2, "synch": [(0, 4), (9, 4)]},
        {"mode": 3, "synch": [(0, 4), (9, 4)]},
    ],
)
def test_an_uncertain_sweep_layout_warns_and_is_suspect(abf1, fields):
    path = abf1(np.arange(12, dtype="<i2"), **fields)
    with pytest.warns(RecordingWarning, match="where a sweep begins is not certain"):
        recording = read_abf(path)
    assert recording.n_samples == 12
    assert len(recording.remarks) == 1
    assert all(sweep.suspect().all() for sweep in recording.sweeps)


def test_header_dates_change_no_time(real_data, tmp_path, change):
    original = real_data("abf", "2018_11_16_sh_0006.abf")
    copy = tmp_path / "undated.abf"
    copy.write_bytes(original.read_bytes())
    change(copy, date=0xFFFFFFFF)
    sweeps = zip(read_abf(original).sweeps, read_abf(copy).sweeps, strict=True)
    assert all(one.start_s == other.start_s for one, other in sweeps)


# --- units and channels -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "unit"),
    [
        (b"pA\0\0zz\0\0", "pA"),
        (b" nA     ", "nA"),
        (b"\xb5A", "µA"),
        ("µA".encode(), "µA"),
        ("μA".encode(), "µA"),
        (b"uA\0", "uA"),
        (b"deg C", "deg C"),
    ],
)
def test_abf1_units(abf1, raw, unit):
    assert read_abf(abf1(np.zeros(9, "<i2"), units=(raw,))).unit == unit


def test_abf2_micro_is_kept(tmp_path):
    path = write_abf(tmp_path / "micro.abf", np.zeros(9), 10_000, "µA")
    assert read_abf(path).unit == "µA"
    assert read_abf(path, channel="uA").unit == "µA"


@pytest.mark.parametrize("raw", [b"", b"\0pA", b"   ", b"\x01\x02A"])
def test_a_blank_unit_is_asked_for(abf1, raw):
    path = abf1(np.zeros(9, "<i2"), units=(raw,))
    with pytest.raises(RecordingError, match=r"made\.abf: expected a unit .* --unit pA"):
        read_abf(path)
    assert read_abf(path, unit="mV").unit == "mV"


def test_a_blank_string_does_not_shift_the_others(tmp_path, change):
    path = write_abf(tmp_path / "x.abf", np.zeros(9), 10_000, "mV", channel_name="A")
    blocks = path.read_bytes()
    path.write_bytes(blocks.replace(b"\0A\0mV\0Cmd 0", b"\0\0mV\0ACmd 0"))
    recording = read_abf(path)
    assert recording.unit == "mV"
    assert describe_abf(path).channels[0].name == ""


def test_a_unit_that_contradicts_the_header_is_refused(abf1):
    path = abf1(np.zeros(9, "<i2"), units=(b"mV",))
    with pytest.raises(RecordingError, match="in pA as asked, found mV"):
        read_abf(path, unit="pA")


@pytest.mark.parametrize(
    ("channel", "index"), [(2, 2), ("IN 2", 2), ("nA", 1), ("pA", 0), ("2", 2), (None, 0)]
)
def test_channels_by_index_name_and_unit(abf1, channel, index):
    stored = np.arange(12, dtype="<i2").reshape(4, 3)
    path = abf1(stored, units=(b"pA", b"nA", b"mV"), names=(b"IN 0", b"IN 1", b"IN 2"))
    assert read_abf(path, channel=channel).sweeps[0].stored[0:1] == [index]


def test_without_a_channel_in_pa_the_only_current_is_taken(abf1):
    path = abf1(np.arange(8, dtype="<i2").reshape(4, 2), units=(b"mV", b"nA"))
    assert read_abf(path).unit == "nA"


@pytest.mark.parametrize(
    ("channel", "units", "message"),
    [
        (
            None,
            (b"pA", b"pA"),
            "expected one channel in pA, found 2 among its channels 0 .no name, pA., 1",
        ),
        (None, (b"mV", b"V"), "expected one channel in pA, found none among its channels 0"),
        (None, (b"nA", b"uA"), "expected one channel in pA, found 2 among its channels 0"),
        (2, (b"pA", b"mV"), "expected one channel 2, found none among its channels 0"),
        (-1, (b"pA", b"mV"), "expected one channel -1, found none among its channels 0"),
        ("Vm", (b"pA", b"mV"), "expected one channel 'Vm', found none among its channels 0"),
        ("pA", (b"pA", b"pA"), "expected one channel 'pA', found 2"),
    ],
)
def test_a_channel_that_is_not_clear_is_asked_for(abf1, channel, units, message):
    path = abf1(np.zeros((4, 2), "<i2"), units=units)
    with pytest.raises(RecordingError, match=message):
        read_abf(path, channel=channel)


def test_abf1_inputs_that_skip_one(abf1):
    path = abf1(
        np.zeros((4, 2), "<i2"),
        units=(b"pA", b"no", b"mV"),
        inputs=[0, 2, *[-1] * 14],
        scale=[1.0, 7.0, 0.5, *[1.0] * 13],
    )
    channels = describe_abf(path).channels
    assert [channel.unit for channel in channels] == ["pA", "mV"]
    assert channels[1].gain == 2 * channels[0].gain


# --- scale and samples --------------------------------------------------------------------------


def test_a_negative_scale_keeps_its_sign(real_data, abf1):
    assert read_abf(real_data("abf", "File_axon_1.abf")).sweeps[0].gain < 0
    recording = read_abf(abf1(np.int16([100, -200]), scale=[-0.01] * 16, offset=[2.0] * 16))
    step = 10 / 0.01 / 32768
    np.testing.assert_allclose(recording.sweeps[0].read(), [2 - 100 * step, 2 + 200 * step])


@pytest.mark.parametrize("version", [1.3, 1.83])
@pytest.mark.parametrize("gain", [5.0, 0.0, math.nan])
def test_telegraph_gains_are_not_read_among_the_samples(abf1, version, gain):
    stored = np.zeros(4000, "<i2")
    first = (4512 - 2048) // 2
    stored[first : first + 16] = 1  # what would be nTelegraphEnable
    stored[first + 32 : first + 64] = np.frombuffer(struct.pack("<16f", *[gain] * 16), "<i2")
    short = abf1(stored, name="short.abf", header_bytes=2048, version=version)
    full = abf1(stored, name="full.abf")
    assert describe_abf(short).channels[0].gain == describe_abf(full).channels[0].gain
    if gain == 5.0:
        assert pyabf.ABF(short, loadData=False)._dataGain[0] < describe_abf(full).channels[0].gain


def test_telegraph_gains_of_a_full_header_are_used(abf1):
    stored = np.zeros(9, "<i2")
    plain = describe_abf(abf1(stored, name="plain.abf")).channels[0].gain
    path = abf1(stored, telegraph=[1] * 16, telegraph_gain=[5.0] * 16)
    assert describe_abf(path).channels[0].gain == pytest.approx(plain / 5)


@pytest.mark.parametrize("dtype", ["<i2", "<f4"])
def test_ignored_points_are_points_not_bytes(abf1, dtype):
    stored = np.arange(1, 21).astype(dtype)
    path = abf1(stored, ignored=np.full(7, 999))
    np.testing.assert_array_equal(read_abf(path).sweeps[0].stored[0:20], stored)


def test_abf1_float32_samples_are_in_the_unit_already(abf1):
    stored = np.float32([1.5, -2.25, 1e-3])
    np.testing.assert_array_equal(read_abf(abf1(stored)).sweeps[0].read(), stored)


def test_nan_samples_warn_and_are_suspect(abf1):
    path = abf1(np.float32([0, np.nan, 1, np.inf]))
    with pytest.warns(RecordingWarning, match=r"made\.abf: 2 of 4 samples are NaN"):
        recording = read_abf(path)
    assert recording.sweeps[0].suspect().tolist() == [False, True, False, True]


@pytest.mark.parametrize("low", [-32768, -32767, 32767, 32752])
def test_a_trace_at_the_rail_warns_and_is_suspect(abf1, low):
    path = abf1(np.int16([5, low, low, -6]))
    with pytest.warns(RecordingWarning, match="2 of 4 samples .* rail, the first is sample 1"):
        recording = read_abf(path)
    assert recording.sweeps[0].suspect().tolist() == [False, True, True, False]
    assert len(recording.remarks) == 1


def test_the_rail_of_a_converter_with_fewer_bits(abf1):
    path = abf1(np.int16([2046, 2047, -2048]), resolution=2048)
    with pytest.warns(RecordingWarning, match="2 of 3 samples"):
        assert read_abf(path).sweeps[0].suspect().tolist() == [False, True, True]


def test_the_cell_is_called_as_the_file_is(abf1):
    assert read_abf(abf1(np.zeros(9, "<i2"), name="A140313#073.abf")).cell_id == "A140313#073"
