"""raphe's own layout of units: a folder of arrays and a table.

FOLDER/waveforms.npy   (N, T) the mean spike of each unit on its largest channel
FOLDER/isi.npy         (N, B) share of its intervals in bins of 1 ms from 0 on
FOLDER/acg.npy         (N, A) autocorrelogram in bins of 1 ms around 0, A odd
FOLDER/units.csv       a row a unit, in the arrays' order; columns as below, all but one may be
                       left out

One of the arrays is enough. N units.
"""

from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.recordings.arrays import load_array
from raphe.core.recordings.rates import check_rate
from raphe.core.sentences import counted
from raphe.core.tables.words import Row, Table, read_table
from raphe.tasks.units.recordings.unit_set import (
    UNKNOWN_FOLD,
    ReadUnits,
    UnitFacts,
    UnitSet,
    cleaned,
)

TABLE = "units.csv"
FILES = {"waveform": "waveforms.npy", "isi": "isi.npy", "acg": "acg.npy"}
UNIT_COLUMNS = ("unit_id", "unit", "cluster_id", "id")
LABEL = "label"  # the column
ANIMAL_COLUMNS = ("animal", "subject", "mouse", "rat")
ISI_SLACK = 1e-3  # above 1 in sum, by rounding


def is_unit_folder(path: Path) -> bool:
    """Whether a folder holds units in this layout."""
    return (path / TABLE).is_file() and any((path / file).is_file() for file in FILES.values())


def read_unit_folder(
    path: Path, rate_hz: float | None = None, label: str | None = None
) -> ReadUnits:
    """The units of a folder; `rate_hz` is that of the waveforms, where it is known.

    `label` is the column that holds each unit's class, by default `label`.

    Raises:
        RecordingError: what is missing, does not fit or cannot be.
    """
    if rate_hz is not None:
        rate_hz = check_rate(rate_hz, "--rate-hz", RecordingError)
    facts = _facts(path / TABLE, label)
    arrays = {name: _array(path / file, len(facts)) for name, file in FILES.items()}
    if not any(array.shape[1] for array in arrays.values()):
        raise RecordingError(
            f"{path}: expected {', '.join(FILES.values())} or one of them, found none; put the "
            "arrays beside units.csv"
        )
    n_acg = arrays["acg"].shape[1]
    if n_acg and not n_acg % 2:
        raise RecordingError(
            f"{path / FILES['acg']}: expected an odd number of bins around 0, got {n_acg}; add the "
            "bin at 0, or take one end away"
        )
    with np.errstate(invalid="ignore"):
        sums = np.nan_to_num(arrays["isi"]).sum(axis=1)
    if (sums > 1 + ISI_SLACK).any():
        row = int(sums.argmax())
        raise RecordingError(
            f"{path / FILES['isi']}: expected shares of each unit's intervals, which sum to 1 at "
            f"most, got {sums[row]:g} of row {row} (counted from 0); divide the counts of each "
            "unit by the number of its intervals"
        )
    units = UnitSet(facts, arrays["waveform"], arrays["isi"], arrays["acg"], rate_hz)
    return cleaned(units, str(path))


def _facts(path: Path, label: str | None) -> list[UnitFacts]:
    table = read_table(path, RecordingError)
    if label and label not in table:
        raise RecordingError(
            f"{path}: expected a column {label}, found none; there are {table.columns_in_words}"
        )
    if not table.rows:
        raise RecordingError(f"{path}: expected a row for each unit, got none")
    facts = [_row(table, row, number, label or LABEL) for number, row in enumerate(table.rows)]
    lines: dict[str, int] = {}
    for row, fact in zip(table.rows, facts, strict=True):
        if fact.unit_id in lines:
            raise RecordingError(
                f"{path}, line {row.line}: unit {fact.unit_id} stands in line "
                f"{lines[fact.unit_id]} already; give each unit an id of its own, or a column "
                "session beside the ids"
            )
        lines[fact.unit_id] = row.line
    return facts


def _row(table: Table, row: Row, number: int, label: str) -> UnitFacts:
    unit_id = next((row.get(name) for name in UNIT_COLUMNS if row.get(name)), "")
    session = row.get("session")
    fold = row.get("fold")
    if fold and not (fold.removeprefix("-").isdecimal() and int(fold) >= UNKNOWN_FOLD):
        raise RecordingError(
            f"{table.path}, line {row.line}: expected fold to be a whole number from 0 up, or −1 "
            f"for none, got {fold!r}"
        )
    return UnitFacts(
        unit_id="/".join(filter(None, (session, unit_id))) if unit_id else str(number),
        label=row.get(label),
        animal=next((row.get(name) for name in ANIMAL_COLUMNS if row.get(name)), ""),
        session=session,
        fold=int(fold) if fold else UNKNOWN_FOLD,
        n_spikes=int(row.get("n_spikes")) if row.get("n_spikes").isdecimal() else None,
    )


def _array(path: Path, n: int) -> np.ndarray:
    if not path.is_file():
        return np.empty((n, 0), np.float32)
    array = load_array(path, RecordingError)
    if array.dtype.kind not in "fiu" or array.ndim != 2:
        raise RecordingError(
            f"{path}: expected numbers, a row a unit, got {array.shape} {array.dtype}; of several "
            "channels take the largest"
        )
    if len(array) != n:
        turned = "; it seems to be turned: np.save(file, np.load(file).T)" * (array.shape[1] == n)
        raise RecordingError(
            f"{path}: has {counted('row', len(array))}, but {path.with_name(TABLE)} has "
            f"{counted('unit', n)}; expected one for each, in the same order{turned}"
        )
    with np.errstate(over="ignore"):  # what becomes infinite is taken as missing
        return array.astype(np.float32)
