"""MATLAB files of version 7.3, which are HDF5: a struct is a group, a cell a dataset of references.

Axes are stored in reverse order, texts as numbers; what is empty is marked so and holds its shape.
"""

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from raphe.core.matlab.mat5 import DEEPEST, MOST_PARTS, DamagedMat, Value
from raphe.core.recordings.unpacking import refuse_bomb

CLASS, EMPTY = "MATLAB_class", "MATLAB_empty"  # attributes of each value
CHAR, CELL = b"char", b"cell"
REFERENCES = "O"  # the kind of dtype that h5py gives them


def read_hdf5_fields(path: Path, variable: str, fields: Sequence[str]) -> dict[str, Value]:
    """Those of a struct's fields that are there; "a.b" is b of its struct a. See `read_fields`.

    Raises:
        DamagedMat: values within each other that have no end.
        KeyError: there is no such struct.
    """
    with h5py.File(path, "r") as file:
        struct = file[variable]
        if not isinstance(struct, h5py.Group):
            raise KeyError(variable)
        values = _Values(path, file)
        names = [(field, field.replace(".", "/")) for field in fields]
        return {field: values.value(struct[name]) for field, name in names if name in struct}


class _Values:
    """What was read of a file so far."""

    def __init__(self, path: Path, file: h5py.File) -> None:
        self._path, self._file, self._n_parts = path, file, 0

    def value(self, item: h5py.Group | h5py.Dataset, depth: int = 0) -> Value:
        """As MatVariable.read gives it."""
        self._n_parts += 1
        if depth > DEEPEST or self._n_parts > MOST_PARTS:
            raise DamagedMat("cells or structs within each other without an end")
        if isinstance(item, h5py.Group):
            return self._struct(item, depth)
        kind = item.attrs.get(CLASS)
        if item.attrs.get(EMPTY):
            if kind == CELL:
                return []
            return "" if kind == CHAR else np.empty(0)
        refuse_bomb(self._path, item.name, item.nbytes, item.id.get_storage_size())
        if item.dtype.kind == REFERENCES:
            return self._parts(item, depth)
        if item.dtype.kind not in "fiu":
            return None
        numbers = item[()]
        if kind == CHAR:
            return "".join(map(chr, numbers.T.ravel(order="F").tolist()))
        return np.asarray(numbers).T.squeeze()

    def _parts(self, item: h5py.Dataset, depth: int) -> list[Value]:
        if item.size > MOST_PARTS:
            raise DamagedMat(f"{item.name} has {item.size} parts")
        references = item[()].T.ravel(order="F")
        return [self.value(self._file[reference], depth + 1) for reference in references]

    def _struct(self, group: h5py.Group, depth: int) -> Value:
        """A struct as a dict; several, each of whose fields is stored as a list, as a list."""
        fields = {name: self.value(item, depth + 1) for name, item in group.items()}
        is_list = all(
            isinstance(item, h5py.Dataset)
            and item.dtype.kind == REFERENCES
            and CLASS not in item.attrs
            for item in group.values()
        )
        if not fields or not is_list:
            return fields
        lists = [value for value in fields.values() if isinstance(value, list)]
        return [dict(zip(fields, row, strict=True)) for row in zip(*lists, strict=True)]
