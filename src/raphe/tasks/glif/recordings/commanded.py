"""The current that the protocol of an ABF file commanded, where the file measured none."""

from pathlib import Path

import numpy as np

from raphe.core.abf.reader import describe_abf, read_command
from raphe.core.errors import RecordingError
from raphe.tasks.glif.recordings.columns import si_factor

TAKEN = "the current is what its protocol commanded; the file measured none"


def read_commanded(path: Path, units: tuple[str, ...], sweep: int) -> tuple[np.ndarray, float]:
    """Of a sweep, float64 (1, N) in A, and its rate in Hz.

    Raises RecordingError for a protocol that cannot be read or commands something else.
    """
    samples, unit = read_command(path, sweep)
    if unit not in units:
        raise RecordingError(
            f"{path}: expected a protocol that commands a current, got one in "
            f"{unit or 'no unit'}: it is no current clamp; name the current with --stimulus"
        )
    return samples[None] * si_factor(unit, units), describe_abf(path).rate_hz
