"""Units of whatever a laboratory has them in."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from raphe.core.errors import RecordingError
from raphe.core.files.path import require_utf_8
from raphe.tasks.units.recordings.nwb_units import is_nwb, read_nwb_units
from raphe.tasks.units.recordings.phy_folder import is_phy_folder, read_phy_folder
from raphe.tasks.units.recordings.unit_folder import is_unit_folder, read_unit_folder
from raphe.tasks.units.recordings.unit_set import ReadUnits


@dataclass(frozen=True)
class Reader:
    """How one kind of source is told from others, and read."""

    what: str  # for sentences
    knows: Callable[[Path], bool]
    read: Callable[[Path, float | None], ReadUnits]  # given the sampling rate, where it is named


READERS = (
    Reader("a folder of arrays and units.csv", is_unit_folder, read_unit_folder),
    Reader("a Phy folder (spike_times.npy, spike_clusters.npy)", is_phy_folder, read_phy_folder),
    Reader("an NWB file with a table of units", is_nwb, read_nwb_units),
)


def read_units(path: Path, rate_hz: float | None = None) -> ReadUnits:
    """The units of a file or a folder; `rate_hz` that of waveforms, where it does not tell.

    Raises:
        RecordingError: what is none of READERS, or cannot be read.
    """
    require_utf_8(path)
    if not path.exists():
        raise RecordingError(f"{path}: no such file or folder")
    for reader in READERS:
        if reader.knows(path):
            return reader.read(path, rate_hz)
    expected = ", or ".join(reader.what for reader in READERS)
    raise RecordingError(f"{path}: expected units, as {expected}; found none of them there")
