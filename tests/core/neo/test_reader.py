"""Files of other rigs against what was written into them, and ABF against pyabf."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from paths import REAL_DATA
from raphe.core.abf.reader import AbfSamples, describe_abf
from raphe.core.abf.writer import write_abf
from raphe.core.errors import RecordingError
from raphe.core.neo import reader as neo_reader
from raphe.core.neo.formats import FORMATS, format_of
from raphe.core.neo.reader import describe_neo, read_neo
from rig_files import (
    RATE_HZ,
    WRITERS,
    write_axograph,
    write_igor,
    write_intan,
    write_open_ephys,
    write_open_ephys_first,
    write_spike2,
    write_winedr,
    write_winwcp,
)

ABF = REAL_DATA / "abf"
REAL = sorted(path.name for path in ABF.glob("*.abf"))
WITHOUT_SYNCH = "130618-1-12.abf"  # three sweeps, which neo joins
STEP = np.spacing(np.float32(1))
N = 2048  # fills sectors of 512 bytes and blocks of 128 and 1024 samples


def noise(n_sweeps=1, n_channels=2, n_samples=N):
    codes = np.random.default_rng(7).integers(-3000, 3000, (n_sweeps, n_samples, n_channels))
    return codes.astype(np.int16)


def test_each_format_that_is_said_to_be_tried_has_a_sample():
    assert {each.name for each in FORMATS if each.tried} == {
        name.removesuffix(" folder").removesuffix(" RHD").removesuffix(" RHS") for name in WRITERS
    }


@pytest.mark.parametrize("rig", WRITERS)
def test_samples_are_those_that_were_written(rig, tmp_path):
    codes = noise()
    path, gain, offset = WRITERS[rig](tmp_path, codes)
    recording = read_neo(path, 0)
    (sweep,) = recording.sweeps
    expected = codes[0, :, 0] * gain + offset
    assert recording.rate_hz == RATE_HZ
    assert recording.unit == {"AxoGraph": "A", "Igor": "pA", "Spike2": "pA"}.get(
        rig, "uV" if "Intan" in rig or "Ephys" in rig else "pA"
    )
    assert (recording.path, recording.remarks) == (path, ())
    assert sweep.n_samples == N
    np.testing.assert_allclose(sweep.read(), expected, rtol=0, atol=STEP * np.abs(expected).max())
    np.testing.assert_array_equal(sweep.read(700, 1300), sweep.read()[700:1300])
    second = describe_neo(path).signals[1].stretches[0].stored[0:N]
    np.testing.assert_array_equal(second, codes[0, :, 1] * (gain if rig == "Igor" else 1))


@pytest.mark.parametrize("rig", WRITERS)
def test_a_file_cut_short_is_one_sentence(rig, tmp_path):
    path, _, _ = WRITERS[rig](tmp_path, noise())
    samples = {"Open Ephys": "continuous.dat", "Intan folder": "amplifier.dat"}.get(rig, path.name)
    samples = "100_CH2.continuous" if "first" in rig else samples
    (largest,) = tmp_path.rglob(samples)
    content = largest.read_bytes()
    cut_at = [0, 3, 40, 300, 1000, len(content) // 2, len(content) - 1]
    for n_bytes in cut_at:
        largest.write_bytes(content[:n_bytes])
        try:
            recording = read_neo(path, 0)
        except RecordingError as error:
            assert str(error).startswith(str(tmp_path)), n_bytes
            assert "\n" not in str(error)
            continue
        # What is whole is taken, and nothing is made up.
        got = np.concatenate([sweep.read() for sweep in recording.sweeps])
        assert rig in ("Intan folder", "Open Ephys (first format)", "AxoGraph"), n_bytes
        assert len(got) <= N
        largest.write_bytes(content)
        np.testing.assert_array_equal(got, read_neo(path, 0).sweeps[0].read()[: len(got)])


def test_what_is_no_file_of_its_format(tmp_path):
    for suffix in sorted({suffix for each in FORMATS for suffix in each.suffixes}):
        path = tmp_path / f"text{suffix}"
        path.write_bytes(b"this is a letter to the editor, " * 300)
        with pytest.raises(RecordingError, match=r"^[^\n]*text[^\n]*$"):
            read_neo(path, 0)
    with pytest.raises(RecordingError, match="no such file"):
        read_neo(tmp_path / "none.smr")
    other = tmp_path / "cell.xyz"
    other.touch()
    with pytest.raises(RecordingError, match=r"expected a recording that neo reads: AxoGraph \("):
        read_neo(other)


def test_channels_are_chosen_as_those_of_abf(tmp_path):
    path, _, _ = write_winwcp(tmp_path, noise(n_channels=4))
    assert [str(channel) for channel in describe_neo(path).channels] == [
        "0 (Im, pA)", "1 (Vm1, mV)", "2 (Vm2, mV)", "3 (Vm3, mV)",
    ]  # fmt: skip
    assert read_neo(path).unit == "pA"  # the only current
    assert read_neo(path, preferred_unit="pA").unit == "pA"
    assert read_neo(path, "Vm2").sweeps[0].stored.channel == 2
    with pytest.raises(RecordingError, match="expected one channel 'mV', found 3 among its"):
        read_neo(path, "mV")
    with pytest.raises(RecordingError, match=r"channel 0 .Im, pA. in mV as asked, found pA"):
        read_neo(path, 0, unit="mV")


def test_an_intan_channel_is_known_by_both_names(tmp_path):
    path, _, _ = write_intan(tmp_path, noise())
    by_its_own, by_the_users = read_neo(path, "A-001"), read_neo(path, "electrode 1")
    np.testing.assert_array_equal(by_its_own.sweeps[0].read(), by_the_users.sweeps[0].read())


def test_sweeps_of_one_starting_time_follow_one_another(tmp_path):
    path, gain, _ = write_winwcp(tmp_path, noise(n_sweeps=3))
    with pytest.warns(match="3 sweeps do not follow one another"):
        recording = read_neo(path)
    starts_s = [sweep.start_s for sweep in recording.sweeps]
    assert starts_s == pytest.approx([0, N / RATE_HZ, 2 * N / RATE_HZ])
    np.testing.assert_allclose(recording.sweeps[2].read(), noise(3)[2, :, 0] * gain, rtol=1e-6)


def test_a_pause_of_spike2_begins_a_sweep(tmp_path):
    path, _, _ = write_spike2(tmp_path, noise(n_sweeps=2), pause=1000)
    sweeps = read_neo(path, 0).sweeps
    assert [sweep.n_samples for sweep in sweeps] == [N, N]
    assert sweeps[1].start_s == pytest.approx((N + 1000) / RATE_HZ)
    whole = tmp_path / "unbroken"
    whole.mkdir()
    (sweep,) = read_neo(write_spike2(whole, noise(n_sweeps=2))[0], 0).sweeps
    assert sweep.n_samples == 2 * N


def test_samples_that_open_ephys_lost_begin_a_sweep(tmp_path):
    codes = noise(n_sweeps=2)
    path, gain, _ = write_open_ephys(tmp_path, codes, lost=37)
    recording = read_neo(path, "CH2")
    assert recording.cell_id == "mouse 3 experiment1 recording2"
    assert [sweep.n_samples for sweep in recording.sweeps] == [N, N]
    starts_s = [sweep.start_s * RATE_HZ for sweep in recording.sweeps]
    assert starts_s == pytest.approx([1000, 1000 + N + 37])
    np.testing.assert_allclose(recording.sweeps[1].read(), codes[1, :, 1] * gain, rtol=1e-6)


def test_samples_that_the_first_open_ephys_lost_are_measured_nowhere(tmp_path):
    path, _, _ = write_open_ephys_first(tmp_path, noise(n_sweeps=3), lost=1024)
    with pytest.warns(match=r"2048 of \d+ samples are NaN"):
        recording = read_neo(path, 0)
    suspect = recording.sweeps[0].suspect()
    assert suspect.sum() == 2048 and suspect[N : N + 1024].all()


def test_winwcp_records_of_several_scales_are_refused(tmp_path):
    path, _, _ = write_winwcp(tmp_path, noise(n_sweeps=2), ranges_v=[5.0, 10.0])
    with pytest.raises(
        RecordingError, match=r"one voltage range in all 2 .* got 5 in record 1 and"
    ):
        read_neo(path)
    path, _, _ = write_winwcp(tmp_path, noise(), places=[1, 0])
    with pytest.raises(RecordingError, match=r"channels in their order, got the places 1, 0"):
        read_neo(path)


@pytest.mark.parametrize("write", [write_winwcp, write_winedr])
def test_a_converter_of_12_bits_has_its_rail_there(write, tmp_path):
    codes = np.clip(noise(), -2048, 2047)
    path, _, _ = write(tmp_path, codes, adc_max=2047)
    with pytest.warns(match="at the converter's rail"):
        suspect = read_neo(path).sweeps[0].suspect()
    np.testing.assert_array_equal(suspect, np.abs(codes[0, :, 0].astype(int)) >= 2047)


def test_the_rail_of_a_converter_that_counts_from_0(tmp_path):
    codes = noise()
    codes[0, 5, 0], codes[0, 9, 0] = -32768, 32767
    path, _, _ = write_intan(tmp_path, codes)
    with pytest.warns(match="2 of 2048 samples"):
        recording = read_neo(path, 0)
    assert np.flatnonzero(recording.sweeps[0].suspect()).tolist() == [5, 9]


def test_scaled_shorts_of_axograph_have_no_rail(tmp_path):
    codes = noise()
    codes[0, 5, 0] = 32767
    path, _, _ = write_axograph(tmp_path, codes)
    assert read_neo(path, 0).remarks == ()


def test_igor_waves_not_over_time_and_packed_ones(tmp_path):
    path, _, _ = write_igor(tmp_path, noise(), x_unit=b"V")
    with pytest.raises(RecordingError, match="expected waves over time, got Im in V; set the x"):
        read_neo(path)
    path, gain, _ = write_igor(tmp_path, noise(n_channels=1), x_unit=b"s")
    wave = path.read_bytes()
    folder = b"cell 7".ljust(32, b"\0")
    packed = tmp_path / "day.pxp"
    packed.write_bytes(
        _packed_record(9, folder) + _packed_record(3, wave) + _packed_record(10, b"")
    )
    recording = read_neo(packed, "cell 7:Im")
    np.testing.assert_array_equal(recording.sweeps[0].read(), noise(1, 1)[0, :, 0] * gain)


def test_the_bytes_of_a_damaged_wave_are_not_printed(tmp_path, caplog):
    path, _, _ = write_igor(tmp_path, noise())
    damaged = bytearray(path.read_bytes())
    at = 64 + 68 + 8  # the third dimension's length, and what the checksum is made of again
    damaged[at : at + 2], damaged[2:4] = (7).to_bytes(2, "little"), bytes(2)
    total = int(np.frombuffer(bytes(damaged[:384]), "<i2").sum(dtype=np.int64))
    damaged[2:4] = ((-total) % 2**16).to_bytes(2, "little")
    path.write_bytes(damaged)
    with pytest.raises(RecordingError, match="cannot"):
        read_neo(path, 0)
    assert not [record for record in caplog.records if record.name.startswith("igor2")]


def _packed_record(kind: int, data: bytes) -> bytes:
    return np.array([kind, 0], "<i2").tobytes() + np.array([len(data)], "<i4").tobytes() + data


def test_without_neo_the_extra_is_named(tmp_path, monkeypatch):
    path, _, _ = write_spike2(tmp_path, noise())
    monkeypatch.setitem(__import__("sys").modules, "neo", None)
    with pytest.raises(RecordingError, match=r"needs neo, which is not installed: pip install"):
        read_neo(path)


def test_a_blank_unit_must_be_named(tmp_path):
    path, _, _ = write_open_ephys(tmp_path, noise(n_channels=1))
    structure = json.loads(path.read_text())
    structure["continuous"][0]["channels"][0]["units"] = " "
    path.write_text(json.dumps(structure))
    with pytest.raises(RecordingError, match="expected a unit for channel 0"):
        read_neo(path)
    assert read_neo(path, unit="uV").unit == "uV"


def test_all_bytes_of_a_recording_are_hashed(tmp_path):
    path, _, _ = write_open_ephys(tmp_path, noise())
    before = read_neo(path, 0).sha256
    (samples,) = tmp_path.rglob("continuous.dat")
    changed = bytearray(samples.read_bytes())
    changed[100] ^= 1
    samples.write_bytes(changed)
    assert read_neo(path, 0).sha256 != before


def test_our_own_abf_is_read_alike(tmp_path):
    path = write_abf(tmp_path / "a.abf", noise(3)[..., 0] * 0.05, RATE_HZ, "pA")
    _compare(path)


@pytest.mark.skipif(not REAL, reason=f"real data absent: {ABF}")
@pytest.mark.parametrize("name", REAL)
def test_real_abf_agrees_with_pyabf_to_the_last_bit_of_scale(name):
    _compare(ABF / name)


def _compare(path: Path) -> None:
    """Unit, rate and scale of each channel as float32 has them; first and last samples of one."""
    assert format_of(path).reader == "AxonRawIO"
    ours, theirs = describe_abf(path), describe_neo(path)
    for own, other in zip(ours.channels, theirs.channels, strict=True):
        assert own.unit.replace(" ", "") == other.unit
        assert (np.float32(own.gain), own.offset) == (np.float32(other.gain), other.offset)
    n_joined = len(ours.layout.sweeps) if path.name == WITHOUT_SYNCH else 1
    for index, other in enumerate(theirs.signals):
        assert other.rate_hz == ours.rate_hz
        for own, stretch in zip(ours.layout.sweeps[::n_joined], other.stretches, strict=True):
            assert stretch.n_samples == own.n_samples * n_joined
            assert stretch.start_s == pytest.approx(own.start_s, rel=1e-12)
            stored = AbfSamples(
                path,
                ours.dtype,
                ours.data_start + own.first * len(ours.channels) * ours.dtype.itemsize,
                len(ours.channels),
                index,
            )
            for span in (slice(0, 1000), slice(own.n_samples - 1000, own.n_samples)):
                np.testing.assert_array_equal(stored[span], stretch.stored[span])


def test_neo_is_imported_only_when_it_is_asked_to_read():
    assert not hasattr(neo_reader, "neo")


@pytest.mark.parametrize(
    ("write", "at", "stated", "reason"),
    [
        (write_intan, 48, b"\xf0\xff\xff\x7f", "a text of 2147483632 bytes is expected"),
        (write_igor, 8, b"\xff\xff\xff\x7f", "got one of 2147483647 in its header: it is damaged"),
    ],
)
def test_no_more_memory_is_taken_than_a_file_has(tmp_path, write, at, stated, reason):
    """A length of two gigabytes in a header that is otherwise whole."""
    path, _, _ = write(tmp_path, noise())
    content = bytearray(path.read_bytes())
    content[at : at + 4] = stated
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(RecordingError, match=reason):
        read_neo(path, 0)
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


def test_a_unit_that_no_screen_shows_is_written_out(tmp_path):
    path, _, _ = write_igor(tmp_path, noise(), x_unit=b"\xf0")
    with pytest.raises(RecordingError, match=r"got Im in \\uf8ff; set the x units"):
        read_neo(path)
