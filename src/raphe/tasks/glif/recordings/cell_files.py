"""Voltage and current of new cells from files, checked: units, rates, lengths.

The packages that read a format are loaded where a file of it is read: for an array they would take
longer than all the rest. B cells, N samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from raphe.core.abf.channels import Channel
from raphe.core.errors import RecordingError, SettingError
from raphe.core.neo.formats import is_of_other_rig
from raphe.core.recordings.arrays import load_array
from raphe.core.recordings.orientation import orientation_fault
from raphe.core.recordings.rates import check_rate
from raphe.core.recordings.recording import Recording
from raphe.core.sentences import counted, listed
from raphe.tasks.glif.recordings.cell_traces import CellTraces
from raphe.tasks.glif.recordings.columns import has_column, read_columns, si_factor
from raphe.tasks.glif.recordings.filled_up import without_zeros
from raphe.tasks.glif.recordings.named_arrays import holds_array, missing_array, read_named
from raphe.tasks.glif.recordings.plausible import (
    membrane_fault,
    missing_fault,
    require_current,
    require_relative,
    require_same_shape,
)
from raphe.tasks.glif.recordings.spike_cuts import cut_spikes

if TYPE_CHECKING:  # h5py is loaded where a file is read
    from raphe.core.nwb.contents import Contents

VOLTAGE_UNITS = ("V", "mV", "uV", "µV")
CURRENT_UNITS = ("A", "mA", "uA", "µA", "nA", "pA")
NWB, ABF, CSV, NPZ = ".nwb", ".abf", ".csv", ".npz"
NO_CURRENT = {
    CSV: f"no column in {', '.join(CURRENT_UNITS)}; name its unit in the header, as Current (pA), "
    "or its own file with --stimulus",
}


@dataclass(frozen=True, eq=False)
class Signal:
    """Where a voltage or a current is found.

    Args:
        source: an array of samples (N,) or (B, N), such an array's file (.npy), arrays by name
            (.npz), a table (.csv) or a recording (.nwb, .abf, another rig's); of a current None:
            the file of the voltage.
        unit: of an array, or of one in a table or an .npz that names none; a recording knows its
            own.
        channel: of a recording, a table or an .npz, its number or name.
        with_bias: of a current in NWB, with the bias current that the file states added.
        opened: of a voltage in NWB, what its file holds, so that it is opened once for all sweeps;
            None: it is opened for the sweep that is read.
    """

    source: Path | np.ndarray | None
    unit: str
    channel: int | str | None = None
    with_bias: bool = False
    opened: "Contents | None" = None

    @property
    def file(self) -> Path:
        """Of a signal that has a suffix."""
        assert isinstance(self.source, Path)
        return self.source

    @property
    def is_recording(self) -> bool:
        return self.suffix == NWB or self.is_unnumbered

    @property
    def is_unnumbered(self) -> bool:
        """Whether it is a recording that numbers no sweeps: ABF, or another rig's."""
        return self.suffix == ABF or self.is_of_other_rig

    @property
    def is_of_other_rig(self) -> bool:
        return isinstance(self.source, Path) and is_of_other_rig(self.source)

    @property
    def suffix(self) -> str:
        return self.source.suffix.lower() if isinstance(self.source, Path) else ""

    def if_in(self, unit: str) -> str:
        """What to do if a voltage's samples are in this unit, and not in the one that was taken."""
        said = f"if it is in {unit.replace('u', 'µ')}"
        if self.is_recording:
            return (
                f"{said}, the file states its unit or its conversion wrongly: correct that, or "
                f"save its samples as an array (.npy) and pass --unit {unit}"
            )
        if self.suffix in (CSV, NPZ):
            of = "column" if self.suffix == CSV else "array"
            return f"{said}, say so in its {of}'s name; of one without a unit, pass --unit {unit}"
        return f"{said}, pass --unit {unit}"

    @property
    def if_wrong(self) -> str:
        """What to do if the unit of a current's samples is another one than was taken."""
        if self.is_recording:
            wrong = "its unit or conversion in the file"
        else:
            of_name = "the unit in its column's name, or of one without a unit "
            wrong = f"{of_name if self.suffix == CSV else ''}--stimulus-unit"
        return f"correct {wrong}, or choose another channel or sweep"


def read_cell_traces(
    voltage: Signal,
    current: Signal,
    rate_hz: float | None,
    *,
    sweep: int | None = None,
    relative_to_v: float | None = None,
    cut: bool = False,
    may_rest: bool = False,
) -> CellTraces:
    """Read and check voltage and current.

    Args:
        voltage, current: where they are found; one current may serve several voltages, and an ABF
            file that measured none is read with its protocol's command.
        rate_hz: of arrays.
        sweep: of recordings, its number where the file numbers its sweeps (NWB), else its place
            from 0; None: the first.
        relative_to_v: a resting potential to add to a voltage that is relative to rest.
        cut: spikes out of a real recording, see `spike_cuts`.
        may_rest: whether the current may be 0 throughout.

    Raises:
        RecordingError: no file, no rate, lengths that differ, values that can be no membrane's.
        SettingError: a unit of neither.
    """
    for signal, quantity in ((voltage, "voltage"), (current, "current")):
        source = signal.source
        if isinstance(source, Path) and source.is_dir() and not signal.is_of_other_rig:
            raise RecordingError(f"{source}: expected the file of a {quantity}, got a folder")
    commanded = False
    if current.source is None:
        if _is_alone(voltage, current):
            if voltage.suffix == NPZ:
                raise RecordingError(missing_array(voltage.file, CURRENT_UNITS, "current"))
            raise RecordingError(
                f"{_name(voltage, 'voltage')}: expected the current that was injected, got "
                f"{NO_CURRENT.get(voltage.suffix, 'none; name it with --stimulus')}"
            )
        current = replace(current, source=voltage.source)
        commanded = is_commanded(voltage, current)
    if sweep is not None and not (voltage.is_recording or current.is_recording):
        raise SettingError(
            f"--sweep {sweep}: an array has no sweeps, nor has a table; leave it out"
        )
    if voltage.suffix == NWB and current.source == voltage.source:
        measured, injected, read_from, bias_a = _read_pair(voltage, current, sweep)
    else:
        bias_a = 0.0
        measured = _read(voltage, VOLTAGE_UNITS, "voltage", rate_hz, sweep)
        injected, read_from = _read_current(voltage, current, commanded, rate_hz, sweep)
    (voltage_v, voltage_hz), (current_a, current_hz) = measured, injected
    voltage_name, current_name = _name(voltage, "voltage"), _name(current, "current")
    which = f"{current_name}, {read_from}" if voltage.suffix == NWB and read_from else current_name
    if not np.isclose(voltage_hz, current_hz, rtol=1e-6):
        raise RecordingError(
            f"{current_name}: expected the voltage's rate of {voltage_hz:g} Hz, got "
            f"{current_hz:g} Hz"
        )
    require_same_shape(voltage_v, current_a, current_name)
    current_a = np.broadcast_to(current_a, voltage_v.shape)
    if relative_to_v is None:
        voltage_v, current_a, filled_up = without_zeros(voltage_v, current_a, voltage_hz)
        read_from = "; ".join(filter(None, (read_from, filled_up)))
    else:
        require_relative(voltage_v, voltage_name)
        voltage_v = voltage_v + relative_to_v
    require_current(current_a, which, current.if_wrong, may_rest)
    faults = {
        row: fault
        for row, trace in enumerate(voltage_v)
        if (fault := membrane_fault(trace, cut, voltage.if_in) or (cut and missing_fault(trace)))
    }
    if len(faults) == len(voltage_v):
        raise RecordingError(f"{voltage_name}: {faults[0]}")
    if cut:
        voltage_v = np.stack([cut_spikes(trace, voltage_hz) for trace in voltage_v])
    return CellTraces(
        voltage_v, current_a, voltage_hz, relative_to_v or 0.0, faults, read_from, cut, bias_a
    )


def read_voltage(
    voltage: Signal, rate_hz: float | None, sweep: int | None = None, is_relative: bool = False
) -> CellTraces:
    """The voltage alone, with a current of 0, to be looked at: its spikes may have their course.
    Raises as read_cell_traces."""
    voltage_v, rate_hz = _read(voltage, VOLTAGE_UNITS, "voltage", rate_hz, sweep)
    name = _name(voltage, "voltage")
    if is_relative:
        require_relative(voltage_v, name)
    elif all(faults := [membrane_fault(trace, True, voltage.if_in) for trace in voltage_v]):
        raise RecordingError(f"{name}: {faults[0]}")
    return CellTraces(voltage_v, np.zeros_like(voltage_v), rate_hz)


def holds_current(voltage: Signal) -> bool:
    """Whether the file of a voltage has a current, too; of NWB it is told as that is read."""
    if voltage.is_unnumbered:
        return any(channel.unit in CURRENT_UNITS for channel in _channels(voltage))
    if voltage.suffix == CSV:
        return has_column(voltage.file, CURRENT_UNITS)
    if voltage.suffix == NPZ:
        return holds_array(voltage.file, CURRENT_UNITS, "current")
    return voltage.suffix == NWB


def is_commanded(voltage: Signal, current: Signal) -> bool:
    """Whether a current that is looked for beside its voltage is the command of an ABF file."""
    return voltage.suffix == ABF and not holds_current(voltage)


def n_sweeps(voltage: Signal) -> int:
    """Of a recording that numbers none."""
    if voltage.is_of_other_rig:
        from raphe.core.neo.reader import describe_neo

        return max(len(signal.stretches) for signal in describe_neo(voltage.file).signals)
    from raphe.core.abf.reader import describe_abf

    return len(describe_abf(voltage.file).layout.sweeps)


def _channels(voltage: Signal) -> Sequence[Channel]:
    if voltage.is_of_other_rig:
        from raphe.core.neo.reader import describe_neo

        return describe_neo(voltage.file).channels
    from raphe.core.abf.reader import describe_abf

    return describe_abf(voltage.file).channels


def _is_alone(voltage: Signal, current: Signal) -> bool:
    """Whether a current can lie in another file only; of a recording that is told as it is read."""
    if voltage.suffix in (CSV, NPZ):
        return current.channel is None and not holds_current(voltage)
    return not voltage.is_recording


def _name(signal: Signal, quantity: str) -> str:
    """What an error calls a signal."""
    return str(signal.source) if isinstance(signal.source, Path) else quantity


def _read(
    signal: Signal, units: Sequence[str], quantity: str, rate_hz: float | None, sweep: int | None
) -> tuple[np.ndarray, float]:
    """float64 (B, N) in V or A, and their rate in Hz."""
    if signal.suffix == NWB:
        from raphe.core.nwb.pairs import read_sweep

        return _samples(read_sweep(signal.file, units[0], signal.channel, sweep), units)
    if signal.is_unnumbered:
        return _read_numbered(signal, units, quantity, sweep or 0)
    if signal.suffix == CSV:
        return read_columns(signal.file, units, quantity, signal.unit, signal.channel, rate_hz)
    name, samples, unit = _name(signal, quantity), signal.source, signal.unit
    if isinstance(samples, Path):
        if signal.suffix == NPZ:
            samples, rate_hz = read_named(samples, units, quantity, unit, signal.channel, rate_hz)
            unit = units[0]
        elif signal.suffix == ".npy":
            samples = load_array(samples, RecordingError)
        else:
            raise RecordingError(
                f"{name}: expected a {quantity} as an array (.npy), arrays by name (.npz), a table "
                "(.csv) or a recording (.nwb, .abf, another rig's)"
            )
    if rate_hz is None:
        told = ", nor does a number called rate_hz" if signal.suffix == NPZ else ""
        raise RecordingError(
            f"{name}: an array holds no sampling rate{told}; name it with --rate, in Hz"
        )
    rate_hz = check_rate(rate_hz, "--rate", RecordingError)
    return _checked(name, np.asarray(samples)) * si_factor(unit, units), rate_hz


def _checked(name: str, samples: np.ndarray) -> np.ndarray:
    """Float64 (B, N)."""
    if samples.ndim not in (1, 2) or not samples.size or samples.dtype.kind not in "fiu":
        raise RecordingError(
            f"{name}: expected numbers (samples,) or (cells, samples), got {samples.dtype} of "
            f"shape {samples.shape}"
        )
    if samples.ndim == 2 and samples.shape[0] > samples.shape[1]:
        raise RecordingError(
            f"{name}: expected (cells, samples), got more cells than samples, {samples.shape}; "
            "transpose it"
        )
    if fault := orientation_fault(np.atleast_2d(samples)):
        raise RecordingError(f"{name}: expected (cells, samples), but {fault}; transpose it")
    return np.atleast_2d(samples).astype(np.float64)


def _read_current(
    voltage: Signal, current: Signal, commanded: bool, rate_hz: float | None, sweep: int | None
) -> tuple[tuple[np.ndarray, float], str]:
    """As `_read`, and what it was read from where that must be said."""
    if not commanded:
        if voltage.suffix == ABF and current.source == voltage.source and current.channel is None:
            from raphe.tasks.glif.recordings.commanded import require_current_clamp

            require_current_clamp(voltage.file, VOLTAGE_UNITS)
        return _read(current, CURRENT_UNITS, "current", rate_hz, sweep), ""
    from raphe.tasks.glif.recordings.commanded import read_commanded

    return read_commanded(
        voltage.file, sweep or 0, CURRENT_UNITS, VOLTAGE_UNITS, voltage.channel, current.channel
    )


def _read_pair(
    voltage: Signal, current: Signal, sweep: int | None
) -> tuple[tuple[np.ndarray, float], tuple[np.ndarray, float], str, float]:
    """Both of one NWB file, which of its series they are, and the bias that is not added, in A."""
    from raphe.core.nwb.pairs import pair_of, read_pair

    which = voltage.channel, current.channel, sweep, current.with_bias
    opened = voltage.opened
    pair = read_pair(voltage.file, *which) if opened is None else pair_of(opened, *which)
    signals = _samples(pair.voltage, VOLTAGE_UNITS), _samples(pair.current, CURRENT_UNITS)
    return *signals, pair.label, pair.bias_a


def _samples(
    recording: Recording, units: Sequence[str], sweep: int = 0
) -> tuple[np.ndarray, float]:
    """One of its sweeps, float64 (1, N) in V or A, and its rate in Hz."""
    samples = recording.sweeps[sweep].read().astype(np.float64)[None]
    return samples * si_factor(recording.unit, units), recording.rate_hz


def _read_numbered(
    signal: Signal, units: Sequence[str], quantity: str, sweep: int
) -> tuple[np.ndarray, float]:
    recording = _open(signal, units, quantity)
    if not 0 <= sweep < len(recording.sweeps):
        raise RecordingError(
            f"{signal.source}: expected a sweep from 0 to {len(recording.sweeps) - 1}, got {sweep}"
        )
    return _samples(recording, units, sweep)


def _open(signal: Signal, units: Sequence[str], quantity: str) -> Recording:
    """The channel that was named; otherwise the only one in a unit that fits."""
    option = "--channel" if quantity == "voltage" else "--stimulus-channel"
    wanted = f"{signal.source}: expected one {quantity}, a channel in {', '.join(units)}"
    if signal.channel is not None:
        recording = _read_channel(signal, signal.channel)
        if recording.unit in units:
            return recording
        raise RecordingError(
            f"{wanted}, got {signal.channel} in {recording.unit or 'no unit'}; choose it with "
            f"{option}"
        )
    channels = _channels(signal)
    fitting = [channel for channel in channels if channel.unit in units]
    if len(fitting) == 1:
        return _read_channel(signal, fitting[0].index)
    if fitting:
        raise RecordingError(
            f"{wanted}, found {listed([str(channel) for channel in fitting])}; choose one with "
            f"{option}"
        )
    remedy = (
        "a recording under current clamp has one"
        if quantity == "voltage"
        else "name the current's own file with --stimulus"
    )
    raise RecordingError(
        f"{wanted}, found none among its {counted('channel', len(channels))}, "
        f"{listed([str(channel) for channel in channels])}; {remedy}"
    )


def _read_channel(signal: Signal, channel: int | str) -> Recording:
    if signal.is_of_other_rig:
        from raphe.core.neo.reader import read_neo

        return read_neo(signal.file, channel)
    from raphe.core.abf.reader import read_abf

    return read_abf(signal.file, channel)
