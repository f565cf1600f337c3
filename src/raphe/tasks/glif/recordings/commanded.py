"""The current that the protocol of an ABF file commanded, where the file measured none."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from raphe.core.abf.channels import choose_channel
from raphe.core.abf.command import read_command, waveform_outputs
from raphe.core.abf.reader import describe_abf
from raphe.core.errors import RecordingError
from raphe.tasks.glif.recordings.columns import si_factor


def read_commanded(
    path: Path,
    sweep: int,
    units: Sequence[str],
    voltage_units: Sequence[str],
    voltage: int | str | None = None,
    output: int | str | None = None,
) -> tuple[tuple[np.ndarray, float], str]:
    """Of a sweep, float64 (1, N) in A, and its rate in Hz; and what is to be told of it.

    Args:
        units: of currents.
        voltage_units: of voltages, of which `voltage` is one, by number or name; None: the only.
        output: of the protocol, by number or name; None: the one that drove that voltage.

    Raises:
        RecordingError: a protocol that cannot be read, or commands something else.
    """
    facts = describe_abf(path)
    voltages = [channel for channel in facts.channels if channel.unit in voltage_units]
    if voltage is not None or len(voltages) != 1:
        response = choose_channel(path, facts.channels, voltage, voltage_units[0])
    else:
        (response,) = voltages
    command = read_command(path, sweep, units, response.index, len(voltages) == 1, output)
    if command.unit not in units:
        raise RecordingError(
            f"{path}: expected a protocol that commands a current, got one in "
            f"{command.unit or 'no unit'}: it is no current clamp; name the current with --stimulus"
        )
    told = f"the current is what its protocol commanded at {command.output}; the file measured none"
    return (command.samples[None] * si_factor(command.unit, units), facts.rate_hz), told


def require_current_clamp(path: Path, voltage_units: Sequence[str]) -> None:
    """Refuse a file whose protocol commands a voltage, which is then no response of the cell.

    Raises RecordingError.
    """
    outputs = waveform_outputs(path)
    if outputs and all(output.unit in voltage_units for output in outputs):
        raise RecordingError(
            f"{path}: expected a recording under current clamp, got one whose protocol commands a "
            f"voltage, at {outputs[0]}; if it was current clamp all the same, name its current "
            "with --stimulus-channel"
        )
