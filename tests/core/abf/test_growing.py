"""A gap-free recording read while the acquisition program still writes it."""

import struct

import numpy as np
import pytest

from raphe.core.abf.header import BLOCK
from raphe.core.abf.reader import read_abf
from raphe.core.abf.writer import DATA, write_abf
from raphe.core.errors import RecordingError

SAMPLES = np.linspace(-100, 100, 10_000).astype(np.float32)
N_POINTS_AT = 244  # int64, of the data section


@pytest.fixture
def whole(tmp_path):
    path = write_abf(tmp_path / "cell.abf", SAMPLES, 40_000.0, "pA", scale_per_bit=0.01)
    return path.read_bytes()


def so_far(tmp_path, whole, n_samples, counted):
    content = bytearray(whole[: DATA * BLOCK + 2 * n_samples])
    struct.pack_into("<q", content, N_POINTS_AT, counted)
    path = tmp_path / "growing.abf"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("counted", [0, len(SAMPLES), 2_000_000])
@pytest.mark.parametrize("n_samples", [1, 999, len(SAMPLES)])
def test_the_samples_there_are_come_back(tmp_path, whole, n_samples, counted):
    recording = read_abf(so_far(tmp_path, whole, n_samples, counted), growing=True)
    np.testing.assert_allclose(recording.sweeps[0].read(), SAMPLES[:n_samples], atol=0.006)


def test_half_a_sample_is_left_for_later(tmp_path, whole):
    path = so_far(tmp_path, whole, 100, 0)
    path.write_bytes(path.read_bytes() + b"\1")
    assert read_abf(path, growing=True).n_samples == 100


@pytest.mark.parametrize("n_bytes", [0, 100, 600, DATA * BLOCK])
def test_a_header_alone_is_no_recording_yet(tmp_path, whole, n_bytes):
    path = tmp_path / "growing.abf"
    path.write_bytes(whole[:n_bytes])
    with pytest.raises(RecordingError):
        read_abf(path, growing=True)


def test_a_cut_file_is_refused_when_it_should_be_whole(tmp_path, whole):
    with pytest.raises(RecordingError, match="the file is cut"):
        read_abf(so_far(tmp_path, whole, 100, len(SAMPLES)))
