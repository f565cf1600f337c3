"""Answers as an NWB 2 file: series of a module, and a table of what their columns are.

N columns, T samples. pynwb is an extra (raphe[nwb]).
"""

import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np

from raphe.core.errors import StoreError
from raphe.core.extras import install
from raphe.core.nwb.series import word

MODULE = "ophys"
CHUNK = 2**18  # samples of a column in the file, read and written at once
START_UNKNOWN = (
    "session_start_time is when this file was made, as the recording's own file does not tell when "
    "it began"
)


class Rows(Protocol):
    """A matrix (N, T), in memory or on disk."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, span: slice) -> np.ndarray: ...


@dataclass(frozen=True)
class WrittenSeries:
    """One of the series of a file."""

    name: str
    description: str
    unit: str
    rate_hz: float
    rows: Rows  # (N, T)


@dataclass(frozen=True)
class WrittenTable:
    """What each column of the series is, by the names of the table's columns."""

    name: str
    description: str
    columns: Mapping[str, Sequence[str] | Sequence[float]]  # N values each


def require_pynwb(what: str) -> None:
    """Raise StoreError, which names `what` cannot be written, where pynwb is not installed."""
    try:
        import pynwb  # noqa: F401
    except ImportError:
        raise StoreError(
            f"{what}: writing NWB files needs pynwb, which is not installed: {install('nwb')}"
        ) from None


def write_series(
    contents: h5py.File,
    series: Sequence[WrittenSeries],
    table: WrittenTable,
    start_s: float,
    description: str,
    source: Path,
) -> Iterator[int]:
    """Fill an empty HDF5 file with series that start at once, in the module `ophys`.

    Gives the number of each column once it is written. Where `source` is an NWB file, the new one
    is of its session, and on its clock.
    """
    from pynwb import NWBHDF5IO, H5DataIO, NWBFile, TimeSeries
    from pynwb.core import DynamicTable, VectorData

    began = session_start(source)
    if began is None:
        description = f"{description}; {START_UNKNOWN}"
    file = NWBFile(description, str(uuid.uuid4()), began or datetime.now(timezone.utc))
    module = file.create_processing_module(MODULE, "inferred from optical physiology")
    for one in series:
        n_columns, n_samples = one.rows.shape
        data = H5DataIO(
            shape=(n_samples, n_columns), dtype=np.dtype("f4"), chunks=(min(n_samples, CHUNK), 1)
        )
        module.add(
            TimeSeries(
                name=one.name,
                description=one.description,
                data=data,
                unit=one.unit,
                rate=float(one.rate_hz),
                starting_time=float(start_s),
            )
        )
    columns = [
        VectorData(name=name, description=name.replace("_", " "), data=list(values))
        for name, values in table.columns.items()
    ]
    module.add(DynamicTable(name=table.name, description=table.description, columns=columns))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        NWBHDF5IO(file=contents, mode="w").write(file)
    for one in series:
        stored: Any = contents[f"processing/{MODULE}/{one.name}/data"]
        for number in range(one.rows.shape[0]):
            stored[:, number] = one.rows[number : number + 1][0]
            yield number


def session_start(path: Path) -> datetime | None:
    """When the session of an NWB 2 file began; None where it does not tell, or is another file."""
    if path.suffix.lower() != ".nwb":
        return None
    with suppress(OSError, ValueError, KeyError), h5py.File(path, "r") as file:
        text = word(file["session_start_time"][()]).strip()
        began = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return began if began.tzinfo else began.replace(tzinfo=timezone.utc)
    return None
