"""Files that are damaged or contradict themselves: one RecordingError, and no memory spent."""

import math
import struct
import subprocess
import sys
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest

from raphe.core.abf.reader import read_abf
from raphe.core.abf.writer import write_abf
from raphe.core.errors import RecordingError, RecordingWarning

SMALL_REAL = (
    "130618-1-12.abf",  # ABF 1, header of 2048 bytes
    "17o05027_ic_ramp.abf",
    "2018_11_16_sh_0006.abf",  # a tag
    "2020_06_16_0000.abf",  # variable length
    "File_axon_7.abf",  # float32
    "180415_aaron_temp.abf",  # two channels
)
NAN, INF = math.nan, math.inf

# What no version can hold, and the words the message must have.
COMMON = [
    ({"n_channels": 0}, "expected 1 to 16 channels, found 0|ADC entries .*, found 0"),
    ({"n_channels": -1}, "channels|ADC"),
    ({"n_channels": 17}, "channels|ADC"),
    ({"n_channels": 32_000}, "channels|ADC"),
    ({"n_points": 0}, "expected samples, found a header that counts 0"),
    ({"n_points": -5}, "-5"),
    ({"n_points": 2**31 - 1}, r"expected 2 147 483 647 samples \(4 294 967 294 bytes\)"),
    ({"n_points": 4001}, "file is cut|as many samples"),
    ({"n_sweeps": 0}, "expected 1 to 2000 sweeps, found 0"),
    ({"n_sweeps": 2**31 - 1}, "expected 1 to 2000 sweeps, found 2147483647"),
    ({"n_synch": 2**31 - 1}, "synch array section inside the file"),
    ({"n_synch": -1}, "synch array entries, found -1"),
    ({"synch_block": 2**30}, "synch array section inside the file"),
    ({"data_block": 0}, "found (a pointer to|block) 0"),
    ({"data_block": 1}, "block 1|do not overlap"),
    ({"data_block": 2**30}, "found a pointer to 549755813888"),
    ({"interval_us": 0.0}, "sampling interval above 0 µs, found 0"),
    ({"interval_us": -25.0}, "sampling interval above 0 µs, found -25"),
    ({"interval_us": NAN}, "sampling interval above 0 µs, found nan"),
    ({"interval_us": INF}, "sampling interval above 0 µs, found inf"),
    ({"interval_us": 1e-30}, "a rate of 0.001 to 1e"),
    ({"mode": 77}, "operation mode 1 .* found 77"),
    ({"data_format": 2}, r"data format 0 .int16. or 1 .float32., found 2"),
    ({"range": 0.0}, "converter range above 0 V"),
    ({"range": NAN}, "converter range above 0 V"),
    ({"resolution": 0}, "in steps above 0"),
]
SCALES = ["scale", "signal_gain", "programmable_gain"]
ABF2_ONLY = [
    ({"version": (0, 0, 0, 9)}, "ABF version 2, found version 9"),
    ({"compressed": 1}, "samples that are not compressed"),
    ({"sample_bytes": 4}, "int16 samples of 2 bytes, found 4 bytes"),
    ({"n_points": 2**60}, "file is cut"),
    ({"protocol_block": 0}, "protocol section inside the file"),
    ({"adc_block": 2**32 - 1}, "ADC section inside the file"),
    ({"adc_block": 5}, "sections that do not overlap"),
    ({"strings_block": 2**20}, "strings section inside the file"),
    ({"strings": b"rags"}, "begins with 'SSCH', found 'rags'"),
    ({"unit_number": 6}, "numbered up to 5, found 6"),
    ({"name_number": -1}, "numbered up to 5, found -1"),
    ({"scale": 1e-44}, "finite|float32 holds"),
]
ABF1_ONLY = [
    ({"version": 7.0}, "ABF 1 version from 1.0 to 1.9, found 7"),
    ({"version": NAN}, "ABF 1 version"),
    ({"n_sweeps": -3}, "sweeps, found -3"),
    ({"n_ignored": -3}, "ignored samples, found -3"),
    ({"data_block": -4}, "found block -4"),
    ({"inputs": [3, 3, *[-1] * 14]}, "2 different inputs from 0 to 15"),
    ({"inputs": [-1] * 16}, "2 different inputs from 0 to 15"),
    ({"floats": 1}, "Microsoft"),
    ({"second_us": 99.0}, "one sampling interval in a sweep, found 50 and 99 µs"),
    ({"telegraph": [3] * 16}, "telegraph flag 0 or 1 for input 0, found 3"),
    ({"telegraph": [1] * 16, "telegraph_gain": [0.0] * 16}, "fTelegraphAdditGain"),
]


def assert_refused(path: Path, message: str = "expected") -> None:
    """Reading raises one RecordingError, in one line that begins with the file."""
    with pytest.raises(RecordingError, match=message) as caught:
        read_abf(path)
    assert str(caught.value).startswith(f"{path}: expected ")
    assert ", found " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.fixture
def episodic_abf1(abf1):
    """Two channels, pA and mV; two sweeps of 1000 samples."""
    samples = np.arange(4000, dtype="<i2").reshape(2000, 2)
    synch = [(0, 2000), (9000, 2000)]
    return abf1(samples, units=(b"pA", b"mV"), mode=5, n_sweeps=2, sweep_points=2000, synch=synch)


@pytest.fixture
def episodic_abf2(tmp_path):
    samples = np.linspace(-60, 60, 2000).reshape(2, 1000)
    return write_abf(tmp_path / "made2.abf", samples, 40_000, "pA")


def test_the_sound_files_are_read(episodic_abf1, episodic_abf2):
    assert read_abf(episodic_abf1).n_samples == read_abf(episodic_abf2).n_samples == 2000


@pytest.mark.parametrize(("fields", "message"), COMMON + ABF1_ONLY)
def test_damaged_abf1_is_refused(episodic_abf1, change, fields, message):
    assert_refused(change(episodic_abf1, **fields), message)


@pytest.mark.parametrize(("fields", "message"), COMMON + ABF2_ONLY)
def test_damaged_abf2_is_refused(episodic_abf2, change, fields, message):
    assert_refused(change(episodic_abf2, **fields), message)


@pytest.mark.parametrize("n_sweeps", [-1, 10, 2**31 - 1])
def test_an_absurd_count_is_refused_even_where_gap_free_files_do_not_need_it(abf1, n_sweeps):
    assert_refused(abf1(np.zeros(9, "<i2"), n_sweeps=n_sweeps), "expected 0 to 9 sweeps")


@pytest.mark.parametrize("value", [0.0, NAN, INF, -INF])
@pytest.mark.parametrize("field", SCALES)
def test_a_scale_that_is_zero_nan_or_infinite_is_refused(
    episodic_abf1, episodic_abf2, change, field, value
):
    assert_refused(change(episodic_abf1, **{field: [value] * 16}), "a finite f.* other than 0")
    assert_refused(change(episodic_abf2, **{field: value}), "a finite f.* other than 0")


@pytest.mark.parametrize("value", [NAN, INF])
def test_an_offset_that_is_not_finite_is_refused(episodic_abf2, change, value):
    assert_refused(change(episodic_abf2, offset=value), "offset")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "an ABF file, found an empty file"),
        (b"AB", "begins with 'ABF ' or 'ABF2', found 'AB'"),
        (b"time (s),current (pA)\n0,1\n", r"found 'time \(s\),current'"),
        (b"ABF ", "ABF 1 header of 2048 bytes, found a file of 4 bytes"),
        (b"ABF2", "ABF 2 header of 512 bytes, found a file of 4 bytes"),
        (b"ABF2" + bytes(8000), "ABF version 2"),
        (b"ABF " + bytes(8000), "ABF 1 version"),
        (b"\0" * 9000, "begins with 'ABF '"),
    ],
)
def test_what_is_no_abf_file_is_refused(tmp_path, content, message):
    path = tmp_path / "A140313#073.abf"
    path.write_bytes(content)
    assert_refused(path, message)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(RecordingError, match=r"none\.abf: there is no such file; check the path"):
        read_abf(tmp_path / "none.abf")
    with pytest.raises(RecordingError, match="expected a file, got a folder; check the path"):
        read_abf(tmp_path)


def test_a_file_cut_anywhere_is_refused(episodic_abf1, episodic_abf2, tmp_path):
    for whole in (episodic_abf1, episodic_abf2):
        content = whole.read_bytes()
        path = tmp_path / "cut.abf"
        needed = len(content.rstrip(b"\0"))  # without the padding of the last block
        for length in [*range(0, 700, 7), *range(700, needed, 211), needed - 1]:
            path.write_bytes(content[:length])
            assert_refused(path)


def test_real_files_cut_in_header_or_data_are_refused(real_data, tmp_path):
    path = tmp_path / "cut.abf"
    for name in SMALL_REAL:
        content = real_data("abf", name).read_bytes()
        for fraction in (0.001, 0.01, 0.02, 0.1, 0.5, 0.95):
            path.write_bytes(content[: int(fraction * len(content))])
            assert_refused(path)


def test_a_file_that_shrinks_after_opening_is_refused(episodic_abf2):
    recording = read_abf(episodic_abf2)
    episodic_abf2.write_bytes(episodic_abf2.read_bytes()[:3000])
    with pytest.raises(RecordingError, match="the file as it was when opened"):
        recording.sweeps[1].read()


def mutate(content: bytes, rng: np.random.Generator) -> bytes:
    """Damage one to four places of the header, the section tables or the last block."""
    blocks = bytearray(content)
    extremes = (0, 1, 0x7F, 0x80, 0xFF)
    for _ in range(rng.integers(1, 5)):
        size = int(rng.choice([1, 2, 4, 8]))
        limit = int(rng.choice([150, 512, 2048, 6144, len(blocks)]))
        at = int(rng.integers(4, min(limit, len(blocks)) - size))
        if rng.random() < 0.5:
            blocks[at : at + size] = rng.bytes(size)
        else:
            blocks[at : at + size] = bytes([int(rng.choice(extremes))]) * size
    return bytes(blocks)


def assert_read_or_refused(path: Path, most_samples: int) -> bool:
    """The file gives a sound recording (True) or one RecordingError (False), nothing else."""
    try:
        recording = read_abf(path, channel=0, unit=None)
    except RecordingError as error:
        assert str(error).startswith(f"{path}: expected ")
        return False
    assert 0 < recording.n_samples <= most_samples
    assert math.isfinite(recording.rate_hz) and recording.rate_hz > 0
    for sweep in (recording.sweeps[0], recording.sweeps[-1]):
        last = sweep.n_samples
        sound = ~sweep.suspect(last - 1, last)
        assert np.isfinite(sweep.read(last - 1, last)[sound]).all()
        assert math.isfinite(sweep.start_s)
    return True


@pytest.mark.parametrize("source", ["episodic_abf1", "episodic_abf2", *SMALL_REAL])
def test_random_damage_gives_a_recording_or_an_error(tmp_path, request, real_data, source):
    real = source in SMALL_REAL
    content = (real_data("abf", source) if real else request.getfixturevalue(source)).read_bytes()
    path = tmp_path / "mutant.abf"
    rng = np.random.default_rng(20240731)
    read = refused = 0
    tracemalloc.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", RecordingWarning)
            for _ in range(60):
                path.write_bytes(mutate(content, rng))
                if assert_read_or_refused(path, most_samples=len(content) // 2):
                    read += 1
                else:
                    refused += 1
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert min(read, refused) > 5  # the damage is neither harmless nor always fatal
    assert peak < 100e6


MEASURE = """
import resource, sys
import numpy as np
from raphe.core.abf.reader import read_abf
from raphe.core.abf.writer import write_abf
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
path = sys.argv[1]
write_abf(path, np.broadcast_to(np.float32(-12.5), 72_000_000), 40_000, "pA")
recording = read_abf(path)
total = sum(float(part.sum(dtype=float)) for _, part in recording.sweeps[0].chunks())
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(recording.n_samples, len(recording.sha256), total / 72_000_000, (after - before) / 1024)
"""


def test_half_an_hour_at_40_khz_takes_little_memory(tmp_path):
    """Write, open, hash and read 144 MB: the 300 MB allowed, with room to spare."""
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "long.abf")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    n_samples, hash_length, mean, added_mib = (float(part) for part in printed.split())
    assert (n_samples, hash_length) == (72_000_000, 64)
    assert mean == pytest.approx(-12.5, rel=1e-6)
    assert added_mib < 100


def test_names_of_megabytes_are_refused_unread(tmp_path):
    path = write_abf(tmp_path / "a.abf", np.zeros(500), 10_000, "pA")
    content = bytearray(path.read_bytes())
    struct.pack_into("<IIq", content, 220, len(content) // 512, 2**21, 5)  # the strings section
    path.write_bytes(content + b"SSCH" + bytes(2**21))
    assert_refused(path, "names and units in at most 1048576 bytes, found 2 097 152 bytes")


def test_values_beyond_any_amplifier_are_suspect_and_told(abf1):
    stored = np.float32([1, 1e30, -3e38, 9.99e5, -1.01e6, 0])
    with pytest.warns(RecordingWarning, match=r"3 of 6 samples are .* beyond any amplifier \(1 µA"):
        recording = read_abf(abf1(stored))
    assert recording.sweeps[0].suspect().tolist() == [False, True, True, False, True, False]
    with pytest.warns(RecordingWarning, match="1 of 2 samples"):
        read_abf(abf1(np.float32([9.9, 10.1]), units=(b"V",)))
