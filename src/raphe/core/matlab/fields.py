"""Fields of a struct that a MATLAB file of version 5 to 7.3 holds."""

from collections.abc import Sequence
from pathlib import Path

import h5py

from raphe.core.errors import RecordingError
from raphe.core.matlab.mat5 import DamagedMat, Value, mat_variables
from raphe.core.matlab.mat73 import read_hdf5_fields
from raphe.core.nwb.self_contained import require_self_contained


def read_fields(path: Path, variable: str, fields: Sequence[str]) -> dict[str, Value]:
    """Those of a struct's fields that are there, by name; "a.b" is b of its struct a.

    Values are as MatVariable.read gives them. Raises RecordingError where there is no such struct,
    or the file is damaged.
    """
    if h5py.is_hdf5(path):
        require_self_contained(path)
        try:
            return read_hdf5_fields(path, variable, fields)
        except KeyError:
            raise _missing(path, variable) from None
        except (DamagedMat, OSError, RuntimeError, TypeError, ValueError) as error:
            raise RecordingError(
                f"{path}: its struct {variable} could not be read ({error}); save it anew with "
                "save -v7.3"
            ) from None
    variables = mat_variables(path)
    struct = variables[variable].read() if variable in variables else None
    if not isinstance(struct, dict):
        raise _missing(path, variable)
    found = {field: _within(struct, field) for field in fields}
    return {field: value for field, value in found.items() if value is not None}


def _missing(path: Path, variable: str) -> RecordingError:
    return RecordingError(f"{path}: expected a struct {variable}, found none")


def _within(struct: Value, field: str) -> Value:
    for name in field.split("."):
        struct = struct.get(name) if isinstance(struct, dict) else None
    return struct
