"""Units of whatever a laboratory has them in."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from raphe.core.errors import RecordingError
from raphe.core.files.path import require_utf_8
from raphe.tasks.units.recordings.analyzer import read_analyzer
from raphe.tasks.units.recordings.cell_metrics import is_cell_metrics, read_cell_metrics
from raphe.tasks.units.recordings.nwb_units import is_nwb, read_nwb_units
from raphe.tasks.units.recordings.phy_folder import is_phy_folder, read_phy_folder
from raphe.tasks.units.recordings.stored_analyzer import is_analyzer
from raphe.tasks.units.recordings.unit_folder import is_unit_folder, read_unit_folder
from raphe.tasks.units.recordings.unit_set import ReadUnits


@dataclass(frozen=True)
class Reader:
    """How one kind of source is told from others, and read."""

    what: str  # for sentences
    knows: Callable[[Path], bool]
    read: Callable[[Path, float | None, str | None], ReadUnits]  # the rate and the label, if named


READERS = (
    Reader("a folder of arrays and units.csv", is_unit_folder, read_unit_folder),
    Reader("a Phy folder (spike_times.npy, spike_clusters.npy)", is_phy_folder, read_phy_folder),
    Reader("a SortingAnalyzer of SpikeInterface", is_analyzer, read_analyzer),
    Reader("an NWB file with a table of units", is_nwb, read_nwb_units),
    Reader("CellExplorer's .cell_metrics.cellinfo.mat", is_cell_metrics, read_cell_metrics),
)


def read_units(path: Path, rate_hz: float | None = None, label: str | None = None) -> ReadUnits:
    """The units of a file or a folder; `rate_hz` that of waveforms, where it does not tell.

    `label` is the column, property or field that holds each unit's class. Without it there are
    labels in raphe's own layout (`label`) and CellExplorer's (groundTruthClassification) alone.

    Raises:
        RecordingError: what is none of READERS, or cannot be read.
    """
    require_utf_8(path)
    if not path.exists():
        raise RecordingError(f"{path}: no such file or folder")
    for reader in READERS:
        if reader.knows(path):
            return reader.read(path, rate_hz, label)
    expected = ", or ".join(reader.what for reader in READERS)
    raise RecordingError(f"{path}: expected units, as {expected}; found none of them there")
