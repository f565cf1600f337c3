"""Real recordings against an independent decoder and against the whole of pyabf."""

import csv
import hashlib
import warnings
from collections import defaultdict

import numpy as np
import pyabf
import pytest

from paths import REAL_DATA
from raphe.core.abf.reader import describe_abf, read_abf

REAL = REAL_DATA / "abf"


def read_table(name: str) -> dict[tuple[str, int], list[dict[str, str]]]:
    """Rows of a reference table by (file, channel); none where the real data are absent."""
    rows = defaultdict(list)
    if (REAL / name).exists():
        with (REAL / name).open(newline="") as file:
            for row in csv.DictReader(file):
                rows[row["file"], int(row["channel"])].append(row)
    return rows


VALUES = read_table("reference_values.csv")
CROSSINGS = read_table("crossing_counts.csv")
absent = pytest.mark.skipif(not VALUES, reason=f"real data absent: {REAL}")


@absent
@pytest.mark.parametrize(("name", "channel"), VALUES)
def test_real_recordings_match_the_reference_decoder(name, channel):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recording = read_abf(REAL / name, channel=channel)
    rows = VALUES[name, channel]
    assert len(recording.sweeps) == len(rows)
    for row, sweep in zip(rows, recording.sweeps, strict=True):
        assert recording.rate_hz == pytest.approx(float(row["rate_hz"]), rel=1e-9)
        assert recording.unit == row["unit"]
        assert sweep.n_samples == int(row["n_samples"])
        stored = sweep.stored[0 : sweep.n_samples]
        digest = hashlib.sha256(stored.tobytes()).hexdigest()
        assert digest[:16] == row["sha256_16_of_raw_bytes"]
        if row["raw_sum_int"]:
            assert stored.sum(dtype=np.int64) == int(row["raw_sum_int"])
        read = sweep.read()
        assert read.dtype == np.float32
        found = [read[0], read[-1], read.min(), read.max(), read.mean(dtype=float)]
        expected = [float(row[key]) for key in ("first", "last", "min", "max", "mean")]
        largest = max(abs(value) for value in expected)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6 * largest)


@absent
@pytest.mark.parametrize(("name", "channel"), CROSSINGS)
def test_real_crossings_of_minus_50_match(name, channel):
    recording = read_abf(REAL / name, channel=channel)
    for row in CROSSINGS[name, channel]:
        below = recording.sweeps[int(row["sweep"])].read() < -50
        assert np.count_nonzero(below[1:] & ~below[:-1]) == int(row["n_down_cross_-50"])


@absent
def test_the_hash_is_that_of_the_whole_file():
    path = REAL / "17o05027_ic_ramp.abf"
    assert read_abf(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_scales_and_names_agree_with_the_whole_of_pyabf(real_data):
    for path in sorted(real_data("abf").glob("*.abf")):
        ours, theirs = describe_abf(path), pyabf.ABF(path, loadData=False)
        integer = ours.dtype.kind == "i"
        for channel in ours.channels:
            gain = theirs._dataGain[channel.index] if integer else 1.0
            offset = theirs._dataOffset[channel.index] if integer else 0.0
            assert channel.gain == pytest.approx(gain, rel=1e-12), path.name
            assert channel.offset == pytest.approx(offset, rel=1e-12), path.name
            assert (channel.name or "?") == theirs.adcNames[channel.index]
