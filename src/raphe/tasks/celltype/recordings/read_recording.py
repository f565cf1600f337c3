"""Read one recording of a batch, whatever its format."""

import warnings
from pathlib import Path

from raphe.core.abf.reader import describe_abf, read_abf
from raphe.core.errors import RecordingWarning
from raphe.core.recordings.nwb import read_nwb
from raphe.core.recordings.recording import Recording
from raphe.core.recordings.units import unit_factor

NWB = ".nwb"


def read_recording(
    path: Path,
    channel: int | str | None,
    unit: str | None,
    accept_unit: str | None = None,
    growing: bool = False,
) -> Recording:
    """As `read_abf` or `read_nwb`, but remarks are no warnings too: the report holds them.

    Where neither `channel` nor `unit` is given a channel in `accept_unit`, if there is one, goes
    before those in pA.
    """
    is_nwb = path.suffix.lower() == NWB
    if accept_unit and channel is None and unit is None and not is_nwb:
        units = (one.unit for one in describe_abf(path, growing).channels)
        if any(unit_factor(one, accept_unit) == 1 for one in units):
            unit = accept_unit
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RecordingWarning)
        if is_nwb:
            return read_nwb(path, channel, unit)
        return read_abf(path, channel, unit, growing)
