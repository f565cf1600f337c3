"""Tables of traces that gzip packed."""

import gzip
from collections.abc import Sequence
from pathlib import Path

from faults.reader import Reader
from faults.readers.trace_tables import read, table
from raphe.core.errors import RecordingError


def seeds(folder: Path) -> Sequence[Path]:
    (folder / "traces.csv.gz").write_bytes(gzip.compress(table("\t").encode(), mtime=0))
    return [folder / "traces.csv.gz"]


READER = Reader(".csv.gz", seeds, read, (RecordingError,))
