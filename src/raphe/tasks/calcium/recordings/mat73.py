"""MATLAB files of version 7.3, which are HDF5 with MATLAB's axes in reverse order.

Arrays of numbers stay on disk. What a cell array holds lies elsewhere in the file, and references
lead to it; a struct is a group, and one of several a group whose every field is such references.
"""

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.matlab.mat5 import DEEPEST
from raphe.tasks.calcium.recordings.stored_matrix import Hdf5Matrix

MOST_PARTS = 2**17  # that references lead to, within one variable
OWN = "#"  # begins the names of what MATLAB keeps for itself
CLASS, EMPTY = "MATLAB_class", "MATLAB_empty"  # attributes; of an empty array the lengths are kept


@dataclass(frozen=True)
class Mat73Parts:
    """A cell array or structs, not read yet."""

    path: Path
    name: str

    def read(self) -> Any:
        """A cell array as a list, a struct as a dict, several as a list; arrays stay on disk.

        None in the place of what is neither these nor numbers. Raises RecordingError.
        """
        with h5py.File(self.path, "r") as file:
            return _Reader(self.path).value(file[self.name])


def mat73_variables(path: Path) -> dict[str, Hdf5Matrix | Mat73Parts]:
    """The variables of a file by name, without texts; nothing is read but their kinds."""
    with h5py.File(path, "r") as file:
        return {
            name: Mat73Parts(path, name) if _holds_parts(item) else Hdf5Matrix(path, item, True)
            for name, item in file.items()
            if not name.startswith(OWN) and (_holds_parts(item) or _is_numeric(item))
        }


class _Reader:
    """Reads parts within parts, of which many may lead to the same, or one to itself."""

    def __init__(self, path: Path) -> None:
        self._path, self._left = path, MOST_PARTS

    def value(self, item: h5py.HLObject, depth: int = 0) -> Any:
        self._left -= 1
        if depth > DEEPEST or self._left < 0:
            raise RecordingError(
                f"{self._path}: expected cells and structs at most {DEEPEST} deep, of {MOST_PARTS} "
                "parts, got more; save the traces alone, as a matrix"
            )
        if isinstance(item, h5py.Group):
            return self._struct(item, depth)
        if _is_references(item):
            return self._parts(item, depth)
        if not _is_numeric(item):
            return None
        return np.empty(0) if item.attrs.get(EMPTY) else Hdf5Matrix(self._path, item, True)

    def _struct(self, group: h5py.Group, depth: int) -> dict[str, Any] | list[dict[str, Any]]:
        fields = {name: item for name, item in group.items() if not name.startswith(OWN)}
        shapes = {item.shape if _is_field_of_several(item) else None for item in fields.values()}
        if len(shapes) != 1 or None in shapes:
            return {name: self.value(item, depth + 1) for name, item in fields.items()}
        columns = [self._parts(item, depth) for item in fields.values()]
        return [dict(zip(fields, values, strict=True)) for values in zip(*columns, strict=True)]

    def _parts(self, item: h5py.Dataset, depth: int) -> list[Any]:
        """What each reference leads to, in MATLAB's order."""
        if item.attrs.get(EMPTY) or prod(item.shape) > MOST_PARTS:
            return []
        return [
            self.value(item.file[reference], depth + 1) if reference else None
            for reference in np.asarray(item[()]).ravel()
        ]


def _holds_parts(item: h5py.HLObject) -> bool:
    return isinstance(item, h5py.Group) or _is_references(item)


def _is_references(item: h5py.HLObject) -> bool:
    return isinstance(item, h5py.Dataset) and h5py.check_ref_dtype(item.dtype) is h5py.Reference


def _is_field_of_several(item: h5py.HLObject) -> bool:
    """A field of one struct that is a cell array says so."""
    return _is_references(item) and item.attrs.get(CLASS) != b"cell"


def _is_numeric(item: h5py.HLObject) -> bool:
    return (
        isinstance(item, h5py.Dataset)
        and item.dtype.kind in "fiu"
        and item.attrs.get(CLASS) != b"char"
    )
