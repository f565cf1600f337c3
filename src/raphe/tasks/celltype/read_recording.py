"""Read one recording of a batch."""

import warnings
from pathlib import Path

from raphe.core.abf import read_abf
from raphe.core.errors import RecordingWarning
from raphe.core.recording import Recording


def read_recording(path: Path, channel: int | str | None, unit: str | None) -> Recording:
    """As `read_abf`, but its remarks are not also given as warnings: the report holds them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RecordingWarning)
        return read_abf(path, channel=channel, unit=unit)
