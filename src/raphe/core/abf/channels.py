"""The recorded inputs of an ABF file and which of them the caller means."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from raphe.core.abf.header import GREEK_MU, MICRO
from raphe.core.errors import RecordingError

CURRENT_UNIT = "pA"  # of loose-seal and whole-cell currents
MOST_LISTED = 20  # channels in a sentence
AMPERES = {"fA", "pA", "nA", "uA", "mA", "A"}


@dataclass(frozen=True)
class Channel:
    """One recorded input. Sample in `unit` = stored × gain + offset."""

    index: int
    name: str
    unit: str  # "" if the header leaves it blank
    gain: float
    offset: float
    detail: str = ""  # said behind its name
    other_names: frozenset[str] = frozenset()  # that it is known by, too

    def __str__(self) -> str:
        return f"{self.index} ({self.name or 'no name'}{self.detail}, {self.unit or 'no unit'})"


def choose_channel(
    path: Path,
    channels: Sequence[Channel],
    choice: int | str | None,
    unit: str | None,
    option: str = "--channel",
) -> Channel:
    """Find a channel by index, name or unit; None means the only one, or the only one in `unit`.

    Without a `unit`, the only current where none is in pA.
    A name goes before a unit and both before a number given as text. `unit` is pA where None.
    Raises RecordingError that lists the channels if none or several fit.
    """
    if choice is None and len(channels) == 1:
        return channels[0]
    if choice is None:
        unit = unit or CURRENT_UNIT
        request = f"channel in {unit}"
        fits = [channel for channel in channels if _same_unit(channel.unit, unit)]
        if not fits and unit == CURRENT_UNIT:
            fits = [channel for channel in channels if _plain(channel.unit) in AMPERES]
    elif isinstance(choice, str):
        request = f"channel {choice!r}"
        fits = (
            _in_unit(unit, [channel for channel in channels if channel.name == choice.strip()])
            or _in_unit(unit, [c for c in channels if choice.strip() in c.other_names])
            or [channel for channel in channels if _same_unit(channel.unit, choice)]
            or [c for c in channels if str(c.index) == choice.strip().removeprefix("channel ")]
        )
    else:
        request = f"channel {choice}"
        fits = [channel for channel in channels if channel.index == choice]
    if len(fits) != 1:
        listed = ", ".join(str(channel) for channel in channels[:MOST_LISTED])
        if len(channels) > MOST_LISTED:
            listed += f" and {len(channels) - MOST_LISTED} more"
        raise RecordingError(
            f"{path}: expected one {request}, found {len(fits) or 'none'} among its channels "
            f"{listed}; choose one by index, name or unit (channel=, or {option})"
        )
    return fits[0]


def _in_unit(unit: str | None, channels: list[Channel]) -> list[Channel]:
    """Those in this unit, where it tells several apart."""
    if unit is None or len(channels) < 2:
        return channels
    return [channel for channel in channels if _same_unit(channel.unit, unit)] or channels


def settle_unit(path: Path, channel: Channel, unit: str | None) -> str:
    """The header's unit; the caller's where it is blank. Raises RecordingError if they differ."""
    recorded = channel.unit or unit
    if not recorded:
        raise RecordingError(
            f"{path}: expected a unit for channel {channel}, found a blank one; "
            f"give the unit that was recorded (unit=, or --unit {CURRENT_UNIT})"
        )
    if channel.unit and unit and not _same_unit(channel.unit, unit):
        raise RecordingError(
            f"{path}: expected channel {channel} in {unit} as asked, found {channel.unit}"
        )
    return recorded


def _same_unit(unit: str, other_unit: str) -> bool:
    """µA, μA (Greek) and uA are one unit; mA and MA are not."""
    return _plain(unit) == _plain(other_unit)


def _plain(unit: str) -> str:
    return unit.strip().replace(MICRO, "u").replace(GREEK_MU, "u")
