"""Stores of simulated voltages with the configurations behind them, and the files drawn of them.

The study's files are many times the same trace: each different one is stored once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import StoreError
from raphe.core.files.store import StoreWriter, open_store
from raphe.tasks.glif.lstm_study.grid import grid
from raphe.tasks.glif.lstm_study.study import (
    CAVEAT,
    TESTED_ON,
    TRAINED_ON,
    Study,
    different,
    responses,
)

KIND = "glif/grid"


@dataclass(frozen=True)
class VoltageStore:
    """An opened store; voltages stay on disk. F files, R different traces, N samples."""

    path: Path
    voltage_v: np.ndarray  # float32 (R, N), memory-mapped, NaN in dead time
    parameters: np.ndarray  # float64 (F, 5) in SI units, columns as grid.TARGETS
    part: np.ndarray  # str (F,): train, val or test
    trace: np.ndarray  # int64 (F,): the row of the voltage
    spikes: np.ndarray  # int64 (R,)
    rate_hz: float
    fed: int
    rheobase_a: float
    content_hash: str
    note: str

    def rows(self, part: str) -> np.ndarray:
        """The files of a part, int64."""
        return np.flatnonzero(self.part == part)

    def fed_mv(self, file: int) -> np.ndarray:
        """What the network sees of a file: float32 (n,), in mV, without dead time."""
        voltage = np.asarray(self.voltage_v[self.trace[file]])
        return 1e3 * voltage[~np.isnan(voltage)][: self.fed]


def write_study(path: Path | str, study: Study, overwrite: bool = False) -> Path:
    """Simulate a study into a store. Returns its path. Raises StoreError."""
    _, which = different(grid())
    n_different = int(which.max()) + 1
    first = {TRAINED_ON: 0, TESTED_ON: n_different}
    files = [
        {**file, "trace": first[file["stimulus"]] + which[file["configuration"]]}
        for file in study.files()
    ]
    traces = []
    with StoreWriter(path, {"voltage": ((study.simulated,), "float32")}, overwrite) as out:
        for stimulus in (TRAINED_ON, TESTED_ON):
            for voltage, counts in _as_float32(responses(study, stimulus)):
                out.append(voltage=voltage)
                traces += [{"stimulus": stimulus, "spikes": n} for n in counts.tolist()]
        facts = {"kind": KIND, "unit": "V", "study": asdict(study), "note": CAVEAT}
        return out.finish(facts, {"files": files, "traces": traces})


def open_voltages(path: Path | str) -> VoltageStore:
    """Open a store that `write_study` made. Raises StoreError."""
    store = open_store(path)
    if store.manifest["kind"] != KIND:
        raise StoreError(f"{path}: expected a store of {KIND}, got {store.manifest['kind']}")
    study: Mapping[str, Any] = store.manifest["study"]
    files, traces = store.tables["files"], store.tables["traces"]
    configuration = np.array([int(file["configuration"]) for file in files])
    return VoltageStore(
        Path(path),
        store.arrays["voltage"],
        grid()[configuration],
        np.array([file["part"] for file in files]),
        np.array([int(file["trace"]) for file in files]),
        np.array([int(trace["spikes"]) for trace in traces]),
        study["rate_hz"],
        study["fed"],
        study["rheobase_a"],
        store.content_hash,
        store.manifest.get("note", ""),
    )


def _as_float32(chunks: Iterable[tuple[np.ndarray, np.ndarray]]) -> Any:
    for voltage, counts in chunks:
        yield voltage.astype(np.float32), counts
