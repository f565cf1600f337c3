"""A bundle of posteriors as Python uses it: voltage and current in, draws of parameters out.

B cells, N samples.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raphe.core.bundles.predictor import BundlePredictor
from raphe.core.errors import SettingError
from raphe.tasks.glif.ensemble.bundle import PosteriorBundle
from raphe.tasks.glif.prediction.inference import infer_cells, inferable
from raphe.tasks.glif.prediction.posterior import Posterior
from raphe.tasks.glif.recordings.cell_files import Signal, read_cell_traces
from raphe.tasks.glif.synthetic.quantities import REST

SAMPLES, SEED = 1000, 42


@dataclass(frozen=True, eq=False)
class PosteriorPrediction:
    """Posteriors of the cells that can be inferred."""

    posteriors: list[Posterior]
    left_out: dict[str, str]  # by name, why a cell has none


class PosteriorPredictor(BundlePredictor):
    """An opened bundle, to predict with. `threads` of None is one a core. Raises BundleError."""

    def __init__(self, path: Path | str, threads: int | None = None) -> None:
        self._bundle = PosteriorBundle.open(path, threads)
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
        sweep: int = 0,
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
            rate_hz: samples a second, where the file does not hold it.
            voltage_unit, current_unit: of arrays, "mV" or "pA" say.
            voltage_channel, current_channel: of recordings, by name or number.
            sweep: of recordings.
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
        typical_rest_v = float(self._bundle.scaler.mean[REST])
        cells = read_cell_traces(
            Signal(_source(voltage), voltage_unit, voltage_channel),
            Signal(_source(current), current_unit, current_channel),
            rate_hz,
            sweep=sweep,
            relative_to_v=typical_rest_v if relative_to_rest else None,
            cut=cut_spikes,
        )
        rows, faults = inferable(cells, self._bundle)
        posteriors = list(infer_cells(cells, rows, self._bundle, n_samples, seed))
        return PosteriorPrediction(posteriors, {f"cell {row}": why for row, why in faults.items()})


def _source(samples: Path | str | np.ndarray | None) -> Path | np.ndarray | None:
    return Path(samples) if isinstance(samples, str) else samples


load = PosteriorPredictor  # by which name raphe.load_bundle finds it
