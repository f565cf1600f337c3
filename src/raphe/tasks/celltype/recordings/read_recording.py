"""Read one recording of a batch, whatever its format."""

import warnings
from pathlib import Path

from raphe.core.abf.channels import Channel
from raphe.core.abf.reader import describe_abf, read_channel
from raphe.core.errors import RecordingWarning
from raphe.core.nwb.reader import acquired_channels, read_nwb
from raphe.core.recordings.recording import Recording
from raphe.core.recordings.units import unit_factor

NWB = ".nwb"


def channels_of(path: Path, growing: bool = False) -> list[Channel]:
    """The channels that `read_recording` chooses one of. Raises RecordingError."""
    if path.suffix.lower() == NWB:
        return acquired_channels(path)
    return list(describe_abf(path, growing).channels)


def read_recording(
    path: Path,
    channel: int | str | None,
    unit: str | None,
    accept_unit: str | None = None,
    growing: bool = False,
) -> Recording:
    """As `read_abf` or `read_nwb`, but remarks are no warnings too: the report holds them.

    Where neither `channel` nor `unit` is given a channel in `accept_unit`, if there is one,
    goes before those in pA.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RecordingWarning)
        if path.suffix.lower() == NWB:
            return read_nwb(path, channel, unit, preferred_unit=accept_unit)
        header = describe_abf(path, growing)
        if accept_unit and channel is None and unit is None:
            units = [recorded.unit for recorded in header.channels]
            if any(unit_factor(recorded, accept_unit) == 1 for recorded in units):
                unit = accept_unit
        return read_channel(header, channel, unit)
