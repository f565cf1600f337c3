"""A bundle of posteriors as Python uses it: voltage and current in, draws of parameters out.

B cells, N samples.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.bundles.fields import Field, read_fields
from raphe.core.bundles.opened_file import Changes, OpenedFile
from raphe.core.bundles.predictor import BundlePredictor, json_values, require_at_most
from raphe.core.bundles.view import Need
from raphe.core.errors import RecordingError, SettingError
from raphe.core.sentences import printable
from raphe.tasks.glif.ensemble.bundle import PosteriorBundle
from raphe.tasks.glif.prediction.inference import ONE_AT_A_TIME, infer_cells, inferable
from raphe.tasks.glif.prediction.posterior import Posterior
from raphe.tasks.glif.recordings.cell_files import (
    Signal,
    holds_current,
    read_cell_traces,
    read_voltage,
)
from raphe.tasks.glif.recordings.cell_traces import CellTraces
from raphe.tasks.glif.synthetic.quantities import REST

SAMPLES, SEED = 1000, 42
MOST_SAMPLES = 2**21  # of one call from elsewhere: 105 s at 20 kHz
MOST_CELLS, MOST_SHOWN_SAMPLES = 64, 2**24  # of a file in the page
UNITS = (
    Field("voltage_unit", "text", "V (if left out) or mV", option="--unit"),
    Field("current_unit", "text", "A (if left out), nA or pA", option="--stimulus-unit"),
)
BOTH = (
    Field(
        "relative_to_rest",
        "flag",
        "whether the voltage is, as AllenSDK's GlifNeuron gives it",
        option="--relative-to-rest",
    ),
    Field("cut_spikes", "flag", "out of a real recording", option="--cut-spikes"),
)
NEEDED = Need(
    "current",
    "This file holds a voltage alone: send the current that was injected, as many samples at the "
    "same rate.",
    (".npy", ".npz", ".csv", ".abf", ".nwb"),
)


@dataclass(frozen=True, eq=False)
class PosteriorPrediction:
    """Posteriors of the cells that can be inferred."""

    posteriors: list[Posterior]  # of each cell that could be inferred
    left_out: dict[str, str]  # by name, why a cell has none


class PosteriorPredictor(BundlePredictor):
    """An opened bundle, to predict with. `threads` of None: all it may use. Raises BundleError."""

    TITLE = "Neuron parameters from voltage and current"
    FIELDS = (
        Field("voltage", "gaps", "of one cell, null in dead time", needed=True),
        Field("current", "numbers", "that was injected", needed=True, option="--stimulus"),
        Field("rate_hz", "number", "sampling rate in Hz", needed=True, option="--rate"),
        *UNITS,
        *BOTH,
    )
    PREPARES = (
        "fit and simulation are loaded, and after an installation compiled in a minute or two"
    )
    SUFFIXES = (".abf", ".nwb", ".npy", ".npz", ".csv")
    FILE_FIELDS = (
        Field(
            "rate_hz",
            "number",
            "sampling rate in Hz, where the file does not hold it",
            option="--rate",
        ),
        *UNITS,
        Field("voltage_channel", "text", "its name or number", option="--channel"),
        Field("current_channel", "text", "its name or number", option="--stimulus-channel"),
        Field("sweep", "whole", "its number in the file, else from 0", option="--sweep"),
        *BOTH,
    )
    ANSWER = {  # noqa: RUF012
        "parameters": "of each quantity the median and intervals, in SI and in lab units",
        "neuron_config": "the neuron of the medians as AllenSDK's GlifNeuron reads it",
        "unlike": "what no simulated trace has, a sentence each",
        "misfits_mv": "by name how far the median neuron is off the trace, in mV; at level 1 alone",
        "begin_s": "of the stretch that was read",
        "length_s": "of that stretch",
        "n_draws": "of the posterior that medians and intervals are of",
        "note": "what must be known beside every answer, or nothing",
    }

    def __init__(
        self, path: Path | str, threads: int | None = None, content_hash: str | None = None
    ) -> None:
        self._bundle = PosteriorBundle.open(path, threads, content_hash)
        super().__init__(self._bundle.bundle)

    def predict(
        self,
        voltage: Path | str | np.ndarray,
        current: Path | str | np.ndarray | None = None,
        rate_hz: float | None = None,
        *,
        voltage_unit: str = "V",
        current_unit: str = "A",
        voltage_channel: int | str | None = None,
        current_channel: int | str | None = None,
        sweep: int | None = None,
        relative_to_rest: bool = False,
        cut_spikes: bool = False,
        n_samples: int = SAMPLES,
        seed: int = SEED,
    ) -> PosteriorPrediction:
        """The posterior of every cell; all of them are held in memory.

        Args:
            voltage: an array (B, N), or (N,) of one cell, absolute, NaN in dead time; or a file.
            current: that was injected, likewise, one for each cell or for all; None: in the same
                recording as the voltage.
            rate_hz: sampling rate, where the file does not hold it.
            voltage_unit, current_unit: of arrays, "mV" or "pA" say.
            voltage_channel, current_channel: of recordings, by name or number.
            sweep: of recordings, its number where the file numbers its sweeps (NWB), else its
                place from 0; None: the first.
            relative_to_rest: whether the voltage is, as AllenSDK's GlifNeuron gives it.
            cut_spikes: out of a real recording, from their threshold to the trough behind.
            n_samples: draws of each posterior.
            seed: of the draws.

        Raises:
            RecordingError: what cannot be read, what can be no membrane's, or no cell that can be
                inferred.
            SettingError: no draws, or a unit that is none.
        """
        if n_samples < 1:
            raise SettingError(f"n_samples: expected 1 or more, got {n_samples}")
        cells = read_cell_traces(
            Signal(_source(voltage, "voltage"), voltage_unit, voltage_channel),
            Signal(_source(current, "current"), current_unit, current_channel),
            rate_hz,
            sweep=sweep,
            relative_to_v=self._typical_rest_v if relative_to_rest else None,
            cut=cut_spikes,
        )
        rows, faults = inferable(cells, self._bundle)
        posteriors = list(infer_cells(cells, rows, self._bundle, n_samples, seed))
        return PosteriorPrediction(posteriors, {f"cell {row}": why for row, why in faults.items()})

    def prepare(self) -> None:
        """See BundlePredictor: the page simulates, too."""
        from raphe.tasks.glif.prediction.opened_cells import OpenedCells  # and matplotlib

        given = read_fields(self.example(), self.FIELDS)
        voltage, current = Signal(given["voltage"], "V"), Signal(given["current"], "A")
        cells = read_cell_traces(voltage, current, given["rate_hz"])
        OpenedCells(self._bundle, cells, "", SAMPLES, SEED).view(None, Changes())

    def example(self) -> dict[str, Any]:
        """A step of current and one of voltage, 0.3 s in all: of no cell."""
        step = [0.0] * 2000 + [1.0] * 2000 + [0.0] * 2000
        return {
            "voltage": [-0.07 + 0.01 * on for on in step],
            "current": [5e-11 * on for on in step],
            "rate_hz": 20_000.0,
        }

    def answer(self, values: Mapping[str, object]) -> dict[str, Any]:
        """Parameters of one cell as JSON has them. Raises RapheError."""
        given = read_fields(values, self.FIELDS)
        require_at_most(MOST_SAMPLES, len(given["voltage"]), "voltage", "samples")
        return self._answer(given)

    def answer_file(self, path: Path, values: Mapping[str, object]) -> dict[str, Any]:
        """Parameters of a recording's cell as JSON has them. Raises RapheError."""
        return self._answer({"voltage": path, **read_fields(values, self.FILE_FIELDS)})

    def open_file(
        self, path: Path, name: str, values: Mapping[str, object], beside: Mapping[str, Path]
    ) -> OpenedFile:
        """See BundlePredictor: cells with their posteriors; `beside` the current, where the file
        holds a voltage alone."""
        from raphe.tasks.glif.prediction.opened_cells import OpenedCells, VoltageAlone

        given = read_fields(values, self.FILE_FIELDS)
        voltage = Signal(path, given.get("voltage_unit", "V"), given.get("voltage_channel"))
        current = Signal(
            beside.get(NEEDED.role), given.get("current_unit", "A"), given.get("current_channel")
        )
        rate_hz, sweep = given.get("rate_hz"), given.get("sweep")
        name = printable(name)
        if current.source is None and not holds_current(voltage):
            alone = read_voltage(voltage, rate_hz, sweep, given.get("relative_to_rest", False))
            _require_bearable(alone)
            return VoltageAlone(alone, name, NEEDED)
        cells = read_cell_traces(
            voltage,
            current,
            rate_hz,
            sweep=sweep,
            relative_to_v=self._typical_rest_v if given.get("relative_to_rest") else None,
            cut=given.get("cut_spikes", False),
        )
        _require_bearable(cells)
        return OpenedCells(self._bundle, cells, name, SAMPLES, SEED)

    @property
    def _typical_rest_v(self) -> float:
        return float(self._bundle.scaler.mean[REST])

    def _answer(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        with ONE_AT_A_TIME:
            prediction = self.predict(**arguments)
        (posterior,) = prediction.posteriors
        answer = {
            "parameters": posterior.parameter_values(),
            "neuron_config": posterior.neuron_config(not arguments.get("relative_to_rest", False)),
            "n_draws": len(posterior.samples),
            "note": self.manifest.get("note", ""),
        }
        answer |= vars(posterior)
        shown: dict[str, Any] = json_values({name: answer[name] for name in self.ANSWER})
        return shown


def _require_bearable(cells: CellTraces) -> None:
    """Refuse what would keep a server busy. Raises RecordingError."""
    require_at_most(MOST_CELLS, len(cells), "voltage", "cells")
    require_at_most(MOST_SHOWN_SAMPLES, cells.voltage_v.size, "voltage", "samples")


def _source(samples: Any, quantity: str) -> Path | np.ndarray | None:
    """A path, or numbers as an array; what is masked is missing. Raises RecordingError."""
    if samples is None or isinstance(samples, str | Path):
        return Path(samples) if isinstance(samples, str) else samples
    if isinstance(samples, np.ma.MaskedArray):
        return np.where(np.ma.getmaskarray(samples), np.nan, samples.data)
    try:
        return np.asarray(samples)
    except ValueError as error:  # lists of several lengths
        raise RecordingError(
            f"{quantity}: expected numbers (samples,) or (cells, samples), got sweeps of several "
            "lengths; give them one by one, or fill voltage and current up with NaN"
        ) from error


load = PosteriorPredictor  # by which name raphe.load_bundle finds it
