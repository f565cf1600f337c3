"""A struct's fields are one thing in versions 5 and 7.3; what cannot be read ends in a sentence."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from matlab_files import write_mat73
from raphe.core.errors import RecordingError
from raphe.core.matlab.fields import read_fields

STRUCT = {
    "scalar": 30.0,
    "matrix": np.arange(6.0).reshape(2, 3),
    "text": "città",
    "none": "",
    "deep": {"x": np.arange(3.0), "more": {"name": "CA1"}},
    "cells": [np.arange(4.0), "a", [1.0, "b"]],
    "structs": [{"n": 1.0, "of": "p"}, {"n": 2.0, "of": "q"}],
}


def as_cells(value: object) -> object:
    """As savemat takes them."""
    if isinstance(value, dict):
        return {name: as_cells(of_name) for name, of_name in value.items()}
    if isinstance(value, list):
        cells = np.empty(len(value), object)
        cells[:] = [as_cells(part) for part in value]
        return cells
    return value


def version_5(path: Path, variables: dict[str, object]) -> Path:
    savemat(path, {name: as_cells(value) for name, value in variables.items()})
    return path


@pytest.mark.parametrize("write", [version_5, write_mat73])
def test_fields_of_a_struct(tmp_path: Path, write: Callable[..., Path]) -> None:
    path = write(tmp_path / "x.mat", {"s": STRUCT, "other": 1.0})
    names = [*(name for name in STRUCT if name != "deep"), "deep.x", "deep.more.name"]
    read = read_fields(path, "s", [*names, "deep.absent", "absent"])
    assert set(read) == set(names)
    assert read["scalar"] == 30 and read["text"] == "città" and read["deep.more.name"] == "CA1"
    assert not len(read["none"])
    np.testing.assert_array_equal(read["matrix"], STRUCT["matrix"])
    np.testing.assert_array_equal(read["deep.x"], [0, 1, 2])
    numbers, letter, both = read["cells"]
    np.testing.assert_array_equal(numbers, [0, 1, 2, 3])
    assert letter == "a" and both[0] == 1 and both[1] == "b"
    assert [(float(struct["n"]), struct["of"]) for struct in read["structs"]] == [
        (1, "p"), (2, "q"),
    ]  # fmt: skip


@pytest.mark.parametrize("write", [version_5, write_mat73])
def test_what_is_no_struct_is_missing(tmp_path: Path, write: Callable[..., Path]) -> None:
    path = write(tmp_path / "x.mat", {"s": 1.0})
    for name in ("s", "t"):
        with pytest.raises(RecordingError, match=f"expected a struct {name}, found none"):
            read_fields(path, name, ["a"])


def test_cells_within_themselves_have_an_end(tmp_path: Path) -> None:
    path = write_mat73(tmp_path / "x.mat", {"s": {"cells": [1.0, 2.0]}})
    with h5py.File(path, "r+") as file:
        cells = file["s/cells"]
        cells[:] = np.array([[cells.ref], [cells.ref]], h5py.ref_dtype)
    with pytest.raises(RecordingError, match="without an end"):
        read_fields(path, "s", ["cells"])


def test_a_null_reference_is_damage(tmp_path: Path) -> None:
    path = write_mat73(tmp_path / "x.mat", {"s": {"cells": [1.0, 2.0]}})
    with h5py.File(path, "r+") as file:
        file["s/cells"][:] = np.full((2, 1), h5py.Reference(), h5py.ref_dtype)
    with pytest.raises(RecordingError, match="its struct s could not be read"):
        read_fields(path, "s", ["cells"])
