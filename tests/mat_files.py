"""Files as MATLAB's `save -v7.3` writes them."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np


def write_mat73(path: Path, variables: dict[str, Any]) -> Path:
    """A list becomes a cell array, a tuple of dicts an array of structs."""
    with h5py.File(path, "w", userblock_size=512) as file:
        kept = file.create_group("#refs#")
        for name, value in variables.items():
            _write(file, kept, name, value)
    return path


def _write(group: h5py.Group, kept: h5py.Group, name: str, value: Any) -> None:
    if isinstance(value, dict):
        struct = group.create_group(name)
        struct.attrs["MATLAB_class"] = np.bytes_("struct")
        for field, content in value.items():
            _write(struct, kept, field, content)
    elif isinstance(value, tuple):
        structs = group.create_group(name)
        structs.attrs["MATLAB_class"] = np.bytes_("struct")
        for field in value[0]:
            _references(structs, kept, field, [struct[field] for struct in value])
    elif isinstance(value, list):
        _references(group, kept, name, value).attrs["MATLAB_class"] = np.bytes_("cell")
    elif isinstance(value, str):
        letters = group.create_dataset(name, data=np.array([[ord(c)] for c in value], np.uint16))
        letters.attrs["MATLAB_class"] = np.bytes_("char")
    else:
        array = np.atleast_2d(value)
        stored = array.T if array.size else np.array([0, 0], np.uint64)
        numbers = group.create_dataset(name, data=stored)
        numbers.attrs["MATLAB_class"] = np.bytes_("double")
        if not array.size:
            numbers.attrs["MATLAB_empty"] = np.uint8(1)


def _references(group: h5py.Group, kept: h5py.Group, name: str, values: list) -> h5py.Dataset:
    places = group.create_dataset(name, (len(values), 1), dtype=h5py.ref_dtype)
    for place, value in enumerate(values):
        label = f"r{len(kept)}"
        _write(kept, kept, label, value)
        places[place, 0] = kept[label].ref
    return places
