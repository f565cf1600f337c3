"""Read one recording of a batch, whatever its format."""

import warnings
from collections.abc import Sequence
from pathlib import Path

from raphe.core.abf.channels import Channel, choose_channel
from raphe.core.abf.reader import describe_abf, read_channel
from raphe.core.errors import RecordingError, RecordingWarning
from raphe.core.neo.formats import is_of_other_rig
from raphe.core.neo.reader import describe_neo, read_neo
from raphe.core.nwb.reader import acquired_channels, read_nwb
from raphe.core.recordings.recording import Recording
from raphe.core.recordings.units import unit_factor

NWB = ".nwb"


def channels_of(path: Path, growing: bool = False) -> list[Channel]:
    """The channels that `read_recording` chooses one of. Raises RecordingError."""
    if path.suffix.lower() == NWB:
        return acquired_channels(path)
    if is_of_other_rig(path):
        return describe_neo(path).channels
    return list(describe_abf(path, growing).channels)


def names_of(channels: Sequence[Channel]) -> list[str]:
    """What tells each from the others, as a table of cells may name it."""
    names = [channel.name for channel in channels]
    return [
        channel.name
        if channel.name and names.count(channel.name) == 1
        else f"channel {channel.index}"
        for channel in channels
    ]


def channel_spelt(path: Path, written: int | str | None, unit: str | None = None) -> str:
    """One spelling of a channel, however it is written: by name, number or unit.

    As it is written where the file cannot be read or has no such channel.
    """
    try:
        channels = channels_of(path, growing=True)
        chosen = choose_channel(path, channels, written, unit)
    except RecordingError:
        return "" if written is None else str(written)
    return names_of(channels)[channels.index(chosen)]


def read_recording(
    path: Path,
    channel: int | str | None,
    unit: str | None,
    accept_unit: str | None = None,
    growing: bool = False,
) -> Recording:
    """As `read_abf`, `read_nwb` or `read_neo`, but remarks are no warnings: reports hold them.

    Where neither `channel` nor `unit` is given a channel in `accept_unit`, if there is one,
    goes before those in pA.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RecordingWarning)
        if path.suffix.lower() == NWB:
            return read_nwb(path, channel, unit, preferred_unit=accept_unit)
        if is_of_other_rig(path):
            return read_neo(path, channel, unit, preferred_unit=accept_unit)
        header = describe_abf(path, growing)
        if accept_unit and channel is None and unit is None:
            units = [recorded.unit for recorded in header.channels]
            if any(unit_factor(recorded, accept_unit) == 1 for recorded in units):
                unit = accept_unit
        return read_channel(header, channel, unit)
