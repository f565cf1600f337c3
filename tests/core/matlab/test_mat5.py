"""MATLAB files of version 5 to 7 are read as scipy reads them; damaged ones end in a sentence."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from raphe.core.errors import RecordingError
from raphe.core.matlab.mat5 import mat_variables

VARIABLES = {
    "f": np.arange(12.0).reshape(3, 4) / 7,
    "row": np.arange(5, dtype=np.int16),
    "small": np.array([[1.0, 2.0]]),  # kept in the tag, as bytes
    "scalar": 30.0,
    "byte": np.uint8([[1, 2], [3, 255]]),
    "complex": np.array([1 + 2j, 3.0]),
    "cube": np.arange(24.0).reshape(2, 3, 4),
    "text": "città",
    "struct": {"fs": 15.5, "name": "plane0", "deep": {"x": np.arange(3.0)}},
    "cells": np.array([{"calcium": np.ones(n), "fps": 7.5} for n in (4, 2)], dtype=object),
}


def written(path: Path, compressed: bool) -> Path:
    savemat(path, VARIABLES, do_compression=compressed)
    return path


def same(ours: object, theirs: object) -> None:
    if isinstance(theirs, dict):
        assert ours.keys() == theirs.keys()
        for name, value in theirs.items():
            same(ours[name], value)
    elif isinstance(theirs, (list, np.ndarray)) and np.asarray(theirs).dtype == object:
        assert len(ours) == len(theirs)
        for ours_each, theirs_each in zip(ours, theirs, strict=True):
            same(ours_each, theirs_each)
    elif isinstance(theirs, str):
        assert ours == theirs
    else:
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("compressed", [False, True])
def test_every_variable_is_scipys(tmp_path: Path, compressed: bool) -> None:
    path = written(tmp_path / "x.mat", compressed)
    expected = loadmat(path, simplify_cells=True)
    variables = mat_variables(path)
    assert set(variables) == set(VARIABLES)
    for name, variable in variables.items():
        same(variable.read(), expected[name])
    assert variables["f"].shape == (3, 4) and variables["f"].is_numeric


@pytest.mark.parametrize("compressed", [False, True])
def test_damage_is_one_sentence(tmp_path: Path, compressed: bool) -> None:
    whole = written(tmp_path / "x.mat", compressed).read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / "x.mat"
    n_refused = 0
    for trial in range(60):
        content = bytearray(whole)
        if trial % 3:
            for place in rng.integers(124, len(content), 2):
                content[place] = rng.integers(256)
        else:
            content = content[: rng.integers(len(content))]
        path.write_bytes(content)
        try:
            for variable in mat_variables(path).values():
                variable.read()
        except RecordingError as error:
            assert str(error).startswith(f"{path}: ")
            n_refused += 1
    assert n_refused > 20


def test_what_would_unpack_to_gigabytes_is_refused_before(tmp_path: Path) -> None:
    def element(kind: int, content: bytes) -> bytes:
        return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)

    n = 3 * 10**8
    matrix = element(6, struct.pack("<II", 6, 0)) + element(5, struct.pack("<ii", 1, n))
    matrix += element(1, b"F")
    stream = zlib.compressobj(9)
    packed = stream.compress(struct.pack("<II", 14, 8 * n + 56) + matrix)
    packed += b"".join(stream.compress(bytes(2**20)) for _ in range(400)) + stream.flush()
    header = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    path = tmp_path / "x.mat"
    path.write_bytes(header + struct.pack("<II", 15, len(packed)) + packed)
    with pytest.raises(RecordingError, match=r"F would unpack from \d+ kB to 2.4 GB"):
        mat_variables(path)["F"].read()
