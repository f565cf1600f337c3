"""Several sweeps of one cell from its files: voltage, the current of each, and their rate.

W sweeps, N samples of each.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from raphe.core.abf.reader import describe_abf, read_command
from raphe.core.errors import RecordingError
from raphe.core.sentences import counted
from raphe.tasks.glif.recordings.cell_files import (
    ABF,
    CURRENT_UNITS,
    Signal,
    holds_current,
    read_cell_traces,
)


@dataclass(frozen=True, eq=False)
class CellSweeps:
    """Of one cell under one rate."""

    names: list[str]  # W
    voltages_v: list[np.ndarray]  # W × float64 (N,), absolute; NaN in dead time
    currents_a: list[np.ndarray]
    rate_hz: float
    left_out: dict[str, str]  # by name of a sweep, why it is not among them
    read_from: list[str]  # of an NWB file which series

    def __len__(self) -> int:
        return len(self.names)


def read_cell_sweeps(
    voltage: Signal,
    current: Signal,
    rate_hz: float | None,
    *,
    numbers: Sequence[int] = (),
    cut: bool = False,
) -> CellSweeps:
    """Read and check the sweeps of one cell.

    Args:
        voltage, current: where they are found. The rows of arrays and the columns of tables are
            sweeps. An ABF file without a current is read with its protocol's command.
        rate_hz: of arrays.
        numbers: of a recording's sweeps; none: all of an ABF file, the first of an NWB file.
        cut: spikes out of a real recording, see `spike_cuts`.

    Raises:
        RecordingError: no sweep that can be read.
        SettingError: a unit of neither.
    """
    wanted: Sequence[int | None] = list(dict.fromkeys(numbers)) or [None]
    if voltage.suffix == ABF and not numbers:
        wanted = range(len(describe_abf(voltage.file).layout.sweeps))
    names, voltages, currents, read_from = [], [], [], []
    left_out: dict[str, str] = {}
    rates: list[float] = []
    for number in wanted:
        try:
            own, own_hz = _commanded(voltage, current, number, rate_hz)
            traces = read_cell_traces(voltage, own, own_hz, sweep=number, cut=cut)
        except RecordingError as error:
            if len(wanted) == 1:
                raise
            left_out[f"sweep {number}"] = str(error)
            continue
        for row in range(len(traces)):
            name = f"sweep {row if number is None else number}"
            if row in traces.faults:
                left_out[name] = traces.faults[row]
                continue
            names.append(name)
            voltages.append(traces.voltage_v[row])
            currents.append(traces.current_a[row])
            rates.append(traces.rate_hz)
        read_from += [traces.read_from] if traces.read_from else []
    if not names:
        raise RecordingError(
            f"{voltage.source}: expected a sweep that can be fitted, got none of "
            f"{counted('sweep', len(left_out))}: {next(iter(left_out.values()))}"
        )
    if len(set(np.round(rates, 3))) > 1:
        raise RecordingError(
            f"{voltage.source}: expected sweeps of one rate, got {min(rates):g} and "
            f"{max(rates):g} Hz; choose those of one with --sweep"
        )
    return CellSweeps(names, voltages, currents, rates[0], left_out, read_from)


def _commanded(
    voltage: Signal, current: Signal, number: int | None, rate_hz: float | None
) -> tuple[Signal, float | None]:
    """The current of a sweep: of an ABF file that measured none, what its protocol commanded."""
    if current.source is not None or voltage.suffix != ABF or holds_current(voltage):
        return current, rate_hz
    samples, unit = read_command(voltage.file, number or 0)
    if unit not in CURRENT_UNITS:
        raise RecordingError(
            f"{voltage.source}: expected a protocol that commands a current, got one in "
            f"{unit or 'no unit'}; it is no current clamp"
        )
    return replace(current, source=samples, unit=unit), describe_abf(voltage.file).rate_hz
