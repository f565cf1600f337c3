"""Regions of an image, whose fluorescence a series of an NWB 2 file holds.

R regions.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

CURATED = ("iscell", "is_cell", "accepted")  # columns as Suite2p and CaImAn are exported


@dataclass(frozen=True)
class Regions:
    """What the file says of them, in the order of the series' columns."""

    names: tuple[str, ...]  # (R,), their ids in the table
    is_cell: tuple[bool, ...] | None  # (R,), by the file's curation; None where it has none
    curated_by: str = ""  # that column of the table


def regions_of(series: Any) -> Regions | None:
    """Those that a series of pynwb names, or None: it is of none, or the file is damaged there."""
    region = getattr(series, "rois", None)
    if region is None:
        return None
    try:
        table, rows = region.table, np.asarray(region.data[:], np.int64).ravel()
        names = tuple(map(str, np.asarray(table.id[:])[rows].tolist()))
        for column in table.colnames:
            if column.casefold() in CURATED:
                values = np.asarray(table[column].data[:])
                flags = (values[:, 0] if values.ndim == 2 else values)[rows] > 0
                return Regions(names, tuple(flags.tolist()), f"{table.name}/{column}")
    except Exception:  # pynwb and h5py raise whatever the library does
        return None
    return Regions(names, None)
