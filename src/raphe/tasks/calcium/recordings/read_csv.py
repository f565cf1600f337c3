"""Tables of traces: a column a recording, as the Spikefinder challenge hands them out."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from raphe.core.errors import RecordingError
from raphe.tasks.calcium.recordings.sampling import RATE_HZ
from raphe.tasks.calcium.recordings.trace_set import LAYOUTS, TraceOptions, TraceSet

CHALLENGE = re.compile(r"\d+\.(train|test)\.(calcium|spikes)\.csv(\.gz)?")


def read_csv(path: Path, options: TraceOptions) -> TraceSet:
    """Read a table with a header line; an unnamed first column that counts the rows is left out.

    Files with the challenge's own names are at 100 Hz; of others the rate must be told. Empty
    fields are NaN.
    """
    rate_hz = options.rate(path, RATE_HZ if CHALLENGE.fullmatch(path.name) else None)
    table = pd.read_csv(path, skip_blank_lines=False)  # of one column, a missing sample is blank
    if table.columns[0] == "Unnamed: 0" and np.array_equal(table.iloc[:, 0], np.arange(len(table))):
        table = table.iloc[:, 1:]
    if any(_is_fraction(name) for name in table):
        raise RecordingError(
            f"{path}: expected a header line above the numbers, got {table.columns[0]}; name each "
            "column"
        )
    words = [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]
    if words:
        raise RecordingError(f"{path}: expected numbers, column {words[0]} holds something else")
    values = table.to_numpy(np.float64)  # (T, N)
    return TraceSet.from_matrix(path, values, rate_hz, LAYOUTS[1], list(table.columns))


def _is_fraction(name: str) -> bool:
    try:
        return not float(name).is_integer()
    except ValueError:
        return False
