"""What the protocol of an ABF file told the amplifier to do, where that was not measured.

pyabf knows epochs and waveforms; it does not apply a user list to them. A file does not say which
output drives which input: here the one of the same number does ("Cmd 1" with "IN 1"), or the only
one that has a waveform.

N samples.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyabf
from pyabf.stimulus import Stimulus

from raphe.core.abf.channels import Channel, choose_channel
from raphe.core.errors import RecordingError
from raphe.core.files.path import checked_path
from raphe.core.sentences import listed

FROM_FILE = 2  # a waveform that lies in a file of its own, which pyabf finds for output 0 alone


@dataclass(frozen=True, eq=False)
class Command:
    """float64 (N,) in `unit`, and the output that it was given at, as "Cmd 0"."""

    samples: np.ndarray
    unit: str
    output: str


def read_command(
    path: str | Path,
    sweep: int,
    units: Sequence[str],
    response: int = 0,
    is_alone: bool = True,
    output: str | int | None = None,
) -> Command:
    """What the protocol told the amplifier in a sweep.

    Args:
        sweep: its place from 0.
        units: of outputs that count, say "pA".
        response: index of the channel that was recorded under this command.
        is_alone: whether that is the only one of its kind.
        output: name or number of the output; None finds it.

    Raises RecordingError where the protocol does not say, as when the waveform lies in a file of
    its own or hangs on a user list, and where several outputs may be meant.
    """
    path = checked_path(path, "an ABF file")
    try:
        with warnings.catch_warnings():
            # a waveform that pyabf did not find is zeros and a warning
            warnings.simplefilter("error")
            abf = pyabf.ABF(str(path), cacheStimulusFiles=False)
            abf.setSweep(sweep)
            protocol = _Protocol(abf)
            chosen = protocol.chosen(path, units, response, is_alone, output)
            samples = protocol.waveform(chosen.index, sweep)
    except RecordingError:
        raise
    except Exception as error:  # of any kind, for any damage
        raise RecordingError(
            f"{path}: expected a protocol that gives the command of sweep {sweep}, got none that "
            f"can be read ({error}); give the current as a file of its own"
        ) from error
    return Command(samples, chosen.unit, chosen.name or f"output {chosen.index}")


def waveform_outputs(path: Path) -> list[Channel]:
    """The outputs at which a protocol has a waveform; none of one that cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            protocol = _Protocol(pyabf.ABF(str(path), loadData=False))
            return [each for each in protocol.outputs if protocol.has_waveform(each.index)]
    except Exception:  # of any kind, for any damage
        return []


class _Protocol:
    """The outputs of a file that pyabf opened."""

    def __init__(self, abf: pyabf.ABF) -> None:
        self._abf = abf
        if abf.abfVersion["major"] == 1:
            header = abf._headerV1
            names, units = header.sDACChannelName, header.sDACChannelUnit
            self._inputs, waves = header.nADCSamplingSeq, header
        else:
            waves, texts = abf._dacSection, abf._stringsSection._indexedStrings
            names = [texts[place] for place in waves.lDACChannelNameIndex]
            units = [texts[place] for place in waves.lDACChannelUnitsIndex]
            self._inputs = abf._adcSection.nADCNum
        self._enabled, self._sources = waves.nWaveformEnable, waves.nWaveformSource
        count = min(map(len, (names, units, self._enabled, self._sources)))
        self.outputs = [
            Channel(k, str(names[k]).strip(), str(units[k]).strip(), 1.0, 0.0) for k in range(count)
        ]

    def chosen(
        self,
        path: Path,
        units: Sequence[str],
        response: int,
        is_alone: bool,
        output: str | int | None,
    ) -> Channel:
        """The output that is meant."""
        if output is not None:
            return choose_channel(path, self.outputs, output, None, "--stimulus-channel")
        fitting = [each for each in self.outputs if each.unit in units]
        waving = [each for each in fitting if self.has_waveform(each.index)]
        of_input = [each for each in waving if each.index == self._inputs[response]]
        if of_input or (is_alone and len(waving) == 1):
            return (of_input or waving)[0]
        if is_alone and not waving:
            return (fitting or self.outputs)[0]
        which = listed([str(each) for each in waving]) or "none"
        raise RecordingError(
            f"{path}: expected a command for input {self._inputs[response]}, its protocol has a "
            f"waveform at {which}, and does not say what that drove; name that output "
            "with --stimulus-channel, or the current's own file with --stimulus"
        )

    def waveform(self, output: int, sweep: int) -> np.ndarray:
        """float64 (N,). Raises ValueError for one that pyabf would get wrong."""
        if self.has_waveform(output):
            if any(enabled == 1 for enabled in self._abf.userListEnable):
                varied = self._abf.userListParamToVaryName[0]
                raise ValueError(f"a user list varies {varied} from sweep to sweep")
            if self._sources[output] == FROM_FILE and output:
                raise ValueError("its waveform lies in another file")
        waveform = Stimulus(self._abf, output).stimulusWaveform(sweep)
        return np.asarray(waveform[: len(self._abf.sweepX)], np.float64)

    def has_waveform(self, output: int) -> bool:
        return bool(self._enabled[output]) and bool(self._sources[output])
