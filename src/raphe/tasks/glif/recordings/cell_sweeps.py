"""Several sweeps of one cell from its files: voltage, the current of each, and their rate.

W sweeps, N samples of each.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from raphe.core.errors import RecordingError, SettingError
from raphe.core.sentences import counted
from raphe.core.sentences import number as in_words
from raphe.tasks.glif.recordings.cell_files import NWB, Signal, n_sweeps, read_cell_traces
from raphe.tasks.glif.recordings.cell_traces import LONGEST_GAP_S
from raphe.tasks.glif.recordings.plausible import CUT, require_current
from raphe.tasks.glif.recordings.spike_cuts import cut_longer

if TYPE_CHECKING:  # h5py is loaded where a file is read
    from raphe.core.nwb.contents import Contents

BEGINNING_S = 1e-3  # of a sweep, that is taken for its first voltage
MOST_JUNCTION_V = 0.05
LEAST_BIAS_PA = 1.0  # by which two differ
MOST_LONGER_S = 0.02
ONLY_NWB = "only an NWB file with voltage and current states the bias current of a sweep"


@dataclass(frozen=True, eq=False)
class CellSweeps:
    """Of one cell under one rate."""

    names: list[str]  # W
    voltages_v: list[np.ndarray]  # W × float64 (N,), absolute; NaN in dead time
    currents_a: list[np.ndarray]
    rate_hz: float
    left_out: dict[str, str]  # by name of a sweep, why it is not among them
    read_from: list[str]  # which series of an NWB file, or that a current is a command
    liquid_junction_v: float = 0.0  # that was subtracted from the voltages
    spikes_cut: bool = False  # out of a real recording
    longer_s: float = 0.0  # than to the trough, by which each dead time was cut

    def __len__(self) -> int:
        return len(self.names)

    def begins_v(self, i: int) -> float | None:
        """The voltage that a sweep begins with; None where that is missing."""
        beginning = self.voltages_v[i][: max(1, round(BEGINNING_S * self.rate_hz))]
        return float(beginning.mean()) if np.isfinite(beginning).all() else None


def read_cell_sweeps(
    voltage: Signal,
    current: Signal,
    rate_hz: float | None,
    *,
    numbers: Sequence[int] = (),
    every: bool = False,
    cut: bool = False,
    liquid_junction_v: float = 0.0,
    longer_s: float = 0.0,
) -> CellSweeps:
    """Read and check the sweeps of one cell.

    Args:
        voltage, current: where they are found. The rows of arrays and the columns of tables are
            sweeps.
        rate_hz: of arrays.
        numbers: of a recording's sweeps; none: all, but of an NWB file the first.
        every: take all sweeps of an NWB file whose rate is that of most; the others are left out.
        cut: spikes out of a real recording, see `spike_cuts`.
        liquid_junction_v: potential of the bath against the pipette's solution (Neher 1992,
            Methods in Enzymology 207:123), which is subtracted: the membrane's voltage is the
            recorded one less this.
        longer_s: by which each dead time is cut longer: a fast afterhyperpolarisation.

    Raises:
        RecordingError: no sweep that can be read, none with a current, or spikes that are not cut
            in any of them: without the sweeps that fire a fit would tell of no spike.
        SettingError: a unit of neither, a junction potential beyond 50 mV, or dead times cut
            longer by more than 20 ms.
    """
    if not 0 <= longer_s <= MOST_LONGER_S:
        raise SettingError(
            f"--cut-longer-ms: expected 0 to {1e3 * MOST_LONGER_S:g} ms, got {1e3 * longer_s:g} ms"
        )
    if not abs(liquid_junction_v) <= MOST_JUNCTION_V:
        raise SettingError(
            f"liquid junction potential: expected one within ±{1e3 * MOST_JUNCTION_V:g} mV, got "
            f"{1e3 * liquid_junction_v:g} mV"
        )
    wanted: Sequence[int | None] = list(dict.fromkeys(numbers)) or [None]
    if voltage.is_unnumbered and not numbers:
        wanted = range(n_sweeps(voltage))
    if voltage.suffix == NWB and current.source is None:
        voltage = replace(voltage, opened=_opened(voltage.file))
    if voltage.suffix == NWB and every:
        from raphe.core.nwb.pairs import sweep_numbers  # loads h5py

        wanted = sweep_numbers(voltage.opened or _opened(voltage.file), voltage.channel)
    if current.with_bias and (voltage.suffix != NWB or current.source is not None):
        raise SettingError(f"--add-bias: {ONLY_NWB}; leave it out")
    names, voltages, currents, read_from = [], [], [], []
    biases_a: list[float] = []
    left_out: dict[str, str] = {}
    rates: list[float] = []
    for number in wanted:
        try:
            traces = read_cell_traces(
                voltage, current, rate_hz, sweep=number, cut=cut, may_rest=True
            )
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
            recorded = traces.recorded(row)
            voltage_v, current_a = traces.voltage_v[row, recorded], traces.current_a[row, recorded]
            voltage_v = cut_longer(voltage_v, round(longer_s * traces.rate_hz))
            if fault := _fault(voltage_v, current_a, traces.rate_hz):
                left_out[name] = fault
                continue
            names.append(name)
            voltages.append(voltage_v - liquid_junction_v)
            currents.append(current_a)
            rates.append(traces.rate_hz)
            biases_a.append(traces.bias_a)
        if traces.read_from and traces.read_from not in read_from:
            read_from.append(traces.read_from)
    fire = [name for name, why in left_out.items() if why.endswith(CUT)]
    if fire and names:
        raise RecordingError(
            f"{voltage.source}: expected voltages without the spikes' own course (NaN there), got "
            f"it in {len(fire)} of {counted('sweep', len(names) + len(left_out))}, {fire[0]} among "
            f"them; {CUT}"
        )
    if not names:
        why = next(iter(left_out.values()))
        if why.startswith(f"{voltage.source}: ") and set(left_out.values()) == {why}:
            raise RecordingError(why)  # of the file, not of a sweep
        raise RecordingError(
            f"{voltage.source}: expected a sweep that can be fitted, got none of "
            f"{counted('sweep', len(left_out))}: {why}"
        )
    if every:
        of_most = Counter(np.round(rates, 3)).most_common(1)[0][0]
        kept = [i for i, rate in enumerate(rates) if round(rate, 3) == of_most]
        left_out |= {
            names[i]: f"its rate is {rates[i]:g} Hz, that of most {of_most:g} Hz; fit it by itself"
            for i in range(len(names))
            if i not in kept
        }
        names, rates = [names[i] for i in kept], [rates[i] for i in kept]
        voltages, currents = [voltages[i] for i in kept], [currents[i] for i in kept]
        biases_a = [biases_a[i] for i in kept]
    if len(set(np.round(rates, 3))) > 1:
        raise RecordingError(
            f"{voltage.source}: expected sweeps of one rate, got {min(rates):g} and "
            f"{max(rates):g} Hz; choose those of one with --sweep"
        )
    of = next((each for each in (current, voltage) if each.suffix), current)
    require_current(currents, str(of.file) if of.suffix else "current", of.if_wrong)
    read_from += _differing(biases_a)
    return CellSweeps(
        names, voltages, currents, rates[0], left_out, read_from, liquid_junction_v, cut, longer_s
    )


def _opened(path: Path) -> "Contents":
    from raphe.core.nwb.reader import open_contents  # loads h5py

    return open_contents(path)


def _differing(biases_a: Sequence[float]) -> list[str]:
    """What is to be told of bias currents that differ from sweep to sweep and are not added."""
    low, high = 1e12 * min(biases_a), 1e12 * max(biases_a)
    if high - low < LEAST_BIAS_PA:
        return []
    return [
        f"the bias currents of its sweeps differ, {in_words(low)} to {in_words(high)} pA, and are "
        "not added: where the stimuli lack them, as in files of MIES, rest and threshold come out "
        "wrong; pass --add-bias, or fit sweeps of one bias"
    ]


def _fault(voltage_v: np.ndarray, current_a: np.ndarray, rate_hz: float) -> str | None:
    """Why a sweep (N,) cannot be fitted."""
    if np.isinf(voltage_v).any():
        return f"infinite voltage at sample {int(np.isinf(voltage_v).argmax())}"
    if not np.isfinite(current_a).all():
        return f"the current is not finite at sample {int((~np.isfinite(current_a)).argmax())}"
    edges = np.flatnonzero(np.diff(np.isnan(voltage_v), prepend=False, append=False))
    longest_s = int((edges[1::2] - edges[::2]).max(initial=0)) / rate_hz
    if longest_s > LONGEST_GAP_S:
        return (
            f"{1e3 * longest_s:.0f} ms of its voltage are NaN in one stretch, longer than any dead "
            "time; cut it there"
        )
    return None
