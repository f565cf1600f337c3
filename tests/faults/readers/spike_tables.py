"""Single spikes as CSV: 160 rows of time and current, with units in the header."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faults.reader import Reader
from raphe.tasks.celltype.spikes.cut_settings import UNIT, Cut
from raphe.tasks.celltype.stores.spike_csv import (
    check_step,
    in_s,
    in_unit,
    parse_columns,
    rising_columns,
)


def seeds(folder: Path) -> Sequence[Path]:
    cut = Cut()
    current = np.random.default_rng(0).normal(0, 30, cut.n_samples)
    time_s = np.arange(cut.n_samples) / cut.rate_hz
    files = []
    for unit, factor in (("pA", 1), ("nA", 1e-3)):
        rows = "".join(f"{t:.6f},{i * factor:.6f}\n" for t, i in zip(time_s, current, strict=True))
        files.append(folder / f"{unit}.csv")
        files[-1].write_text(f"Time (s),Current ({unit})\n{rows}")
    return files


def read(path: Path) -> int:
    columns, names = parse_columns(path.read_bytes())
    rising = rising_columns(columns)
    if len(columns) < 2 or len(rising) != 1:
        return columns.nbytes  # is counted, or asked about
    time = int(rising[0])
    check_step(in_s(columns[:, time], names), Cut().rate_hz)
    return columns.nbytes + in_unit(columns[:, 1 - time], names, UNIT).nbytes


READER = Reader(".csv", seeds, read, (ValueError,))
