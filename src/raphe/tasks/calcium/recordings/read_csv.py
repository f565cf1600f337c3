"""Tables of traces: a column a recording, as the Spikefinder challenge hands them out.

T samples, N columns.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.recordings.units import electrical_unit
from raphe.core.sentences import counted
from raphe.core.tables.axis import Axis, axis_of_names, counts_rows, without_axes
from raphe.core.tables.dialect import shown
from raphe.core.tables.number_table import NumberTable
from raphe.core.tables.numbers import read_numbers
from raphe.core.tables.text import TableFault, table_faults
from raphe.tasks.calcium.recordings.orientation import refuse_contradiction
from raphe.tasks.calcium.recordings.sampling import RATE_HZ
from raphe.tasks.calcium.recordings.trace_set import (
    LAYOUTS,
    SAME_NOMINAL_RATE,
    Curation,
    TraceOptions,
    TraceSet,
)

LEAST_NUMBERED = 5  # rows whose numbers rise, though not one by one
REJECTED = "rejected"  # in Inscopix's line of status
CHALLENGE = re.compile(r"\d+\.(train|test)\.(?P<holds>calcium|spikes)\.csv(\.gz)?")
NORMALISED = {5: 0.0, 80: 1.0}  # percentiles of the challenge's traces, and what they are
CLOSE = 0.1  # a percentile of theirs is at most 0.02 off


def read_csv(path: Path, options: TraceOptions) -> TraceSet:
    """Read a table of traces: each column is one, or by `options.layout` each row.

    A time, a frame counter or a row number is left out, and said in the set's notes; a time whose
    name has a unit tells the rate. Inscopix's line of status is the set's curation. Files with the
    challenge's own names are at 100 Hz. Blank cells are NaN.
    """
    named = CHALLENGE.fullmatch(path.name)
    of_challenge = named is not None
    across = options.layout == LAYOUTS[0]
    table = read_numbers(path, RecordingError, of_challenge or None, rows_are_traces=across)
    said_hz = options.rate_hz or RATE_HZ
    if of_challenge and not math.isclose(said_hz, RATE_HZ, rel_tol=SAME_NOMINAL_RATE):
        raise RecordingError(
            f"{path}: by its name a file of the Spikefinder challenge, which are at {RATE_HZ:g} "
            f"Hz, --rate says {options.rate_hz:g}; leave --rate out, or rename a file of your own"
        )
    with table_faults(path, RecordingError):
        table, axes = _rows_of_traces(table) if across else without_axes(table)
        _check_units(table)
        rate_hz = RATE_HZ if of_challenge else None
        for axis in axes:
            rate_hz = axis.rate(options.rate_hz or rate_hz)
        if not across and options.layout is None and table.values.shape[1] > len(table.values):
            n_rows, n_columns = table.values.shape
            raise TableFault(
                f"expected more samples than traces, got {counted('row', n_rows)} of {n_columns} "
                "numbers; pass --layout traces-time if each row is a trace, time-traces if each "
                "column is one"
            )
    names = table.row_names if across else table.names
    traces = TraceSet.from_matrix(
        path, table.values, options.rate(path, rate_hz), LAYOUTS[not across], _distinct(names)
    )
    if options.layout is None and not any(table.names):
        refuse_contradiction(path, table.values, across=True)
    begin_s = [axis.first_s(traces.rate_hz) for axis in axes]
    remarks = [*table.remarks]
    if named and named["holds"] == "calcium" and not _is_normalised(table.values):
        remarks.append(
            f"by its name a file of the Spikefinder challenge, so taken as at {RATE_HZ:g} Hz and "
            "as it is, but its 5th and 80th percentile are not 0 and 1 as theirs are; rename a "
            "file of your own"
        )
    traces = replace(
        traces,
        notes=tuple(f"{path}: {remark}" for remark in remarks),
        first_s=next((first_s for first_s in begin_s if first_s is not None), None),
    )
    if not table.status:
        return traces
    curation = Curation(
        "the line below the names", tuple(word != REJECTED for word in table.status)
    )
    return replace(traces, curation=curation, obeys=traces.obeys | {"cells_only"})


def _is_normalised(values: np.ndarray) -> bool:
    """Whether the traces are, on the whole, as the challenge normalised its own."""
    known = values[np.isfinite(values)]
    if not len(known):
        return True
    found = np.percentile(known, [*NORMALISED])
    return bool(np.allclose(found, [*NORMALISED.values()], rtol=0, atol=CLOSE))


def _rows_of_traces(table: NumberTable) -> tuple[NumberTable, list[Axis]]:
    """The table without a column that numbers its rows, and the axis that stands above them."""
    if not table.row_names and len(table.values) > 1 and _numbers_rows(table.values):
        remark = "the first column numbers the rows and is none of the samples"
        table = replace(
            table,
            corner=table.names[0],
            names=table.names[1:],
            values=table.values[:, 1:],
            row_names=tuple(f"{number:g}" for number in table.values[:, 0]),
            remarks=(*table.remarks, remark),
        )
    axis = axis_of_names(table.corner, table.names)
    if axis is None:
        return table, []
    remark = f"the first line {axis.pace} and is the axis: no trace"
    return replace(table, remarks=(*table.remarks, remark)), [axis]


def _numbers_rows(values: np.ndarray) -> bool:
    """Whether the first of columns (R, C) numbers the rows, some of which may have been left out.

    With numbers left out, where whole ones stand before decimals.
    """
    first, others = values[:, 0], values[:, 1:]
    if counts_rows(first):
        return True
    rises = np.isfinite(first).all() and (np.diff(first) > 0).all() and not (first % 1).any()
    return bool(rises and len(first) >= LEAST_NUMBERED and (others % 1 > 0).any(axis=1).all())


def _check_units(table: NumberTable) -> None:
    """Refuse a table whose columns say that they hold a voltage or a current."""
    for name in table.names:
        if unit := electrical_unit(name):
            raise TableFault(
                f"expected fluorescence, column {shown(name)} is in {unit}; take it out"
            )


def _distinct(names: Sequence[str]) -> list[str]:
    """Names of columns: the number of one without a name, and of a repeated one its repetition."""
    distinct: dict[str, None] = {}
    for number, name in enumerate(names, start=1):
        repetition, name = 0, name or f"column {number}"
        candidate = name
        while candidate in distinct:
            repetition += 1
            candidate = f"{name}.{repetition}"
        distinct[candidate] = None
    return list(distinct)
