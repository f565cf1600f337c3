"""MATLAB files of version 7.3 as MATLAB lays them out, for tests: HDF5 behind its own 512 bytes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

HEADER = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
USER_BLOCK = 512  # bytes


def write_mat73(path: Path, variables: Mapping[str, object]) -> Path:
    """A dict becomes a struct, a tuple of dicts several structs, a list a cell array."""
    with h5py.File(path, "w", userblock_size=USER_BLOCK) as file:
        for name, value in variables.items():
            _write(file, name, value)
    with path.open("r+b") as stream:
        stream.write(HEADER)
    return path


def _write(group: h5py.Group, name: str, value: object) -> None:
    if isinstance(value, dict):
        struct = group.create_group(name)
        struct.attrs["MATLAB_class"] = np.bytes_("struct")
        for field, of_field in value.items():
            _write(struct, field, of_field)
    elif isinstance(value, tuple):
        structs = group.create_group(name)
        structs.attrs["MATLAB_class"] = np.bytes_("struct")
        for field in value[0]:
            structs[field] = _references(group, [struct[field] for struct in value])
    elif isinstance(value, list) and value:
        group[name] = _references(group, value)
        group[name].attrs["MATLAB_class"] = np.bytes_("cell")
    elif isinstance(value, str) and value:
        group[name] = np.array([[ord(letter)] for letter in value], np.uint16)
        group[name].attrs["MATLAB_class"] = np.bytes_("char")
    elif isinstance(value, str | list):
        _write_empty(group, name, "char" if value == "" else "cell")
    elif not np.size(value):
        _write_empty(group, name, "double")
    else:
        group[name] = np.atleast_2d(value).T
        group[name].attrs["MATLAB_class"] = np.bytes_("double")


def _write_empty(group: h5py.Group, name: str, matlab_class: str) -> None:
    group[name] = np.zeros(2, np.uint64)
    group[name].attrs["MATLAB_class"] = np.bytes_(matlab_class)
    group[name].attrs["MATLAB_empty"] = np.uint8(1)


def _references(group: h5py.Group, values: Sequence[object]) -> np.ndarray:
    """Of values that are kept in #refs#, as a row of them in MATLAB: (n, 1) here."""
    kept = group.file.require_group("#refs#")
    references = np.empty((len(values), 1), h5py.ref_dtype)
    for row, value in enumerate(values):
        holder = kept.create_group(f"r{len(kept)}")
        _write(holder, "value", value)
        references[row, 0] = holder["value"].ref
    return references
