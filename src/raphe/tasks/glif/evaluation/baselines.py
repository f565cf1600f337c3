"""What a posterior must beat: a constant, least squares alone, and the published weights.

Each answers standardised quantities (B, P) of measured traces; a quantity that it says nothing of
is 0, the prior's mean.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from raphe.core.errors import SettingError
from raphe.tasks.glif.features.exponential_fit import fit_trace
from raphe.tasks.glif.features.least_squares import estimate_quantities
from raphe.tasks.glif.lstm_study.grid import in_si
from raphe.tasks.glif.lstm_study.network import LstmPublished
from raphe.tasks.glif.lstm_study.study_files import RATE_HZ, WEIGHTS
from raphe.tasks.glif.lstm_study.weights_import import read_lstm_glif
from raphe.tasks.glif.metrics.names import TARGETS
from raphe.tasks.glif.synthetic.prior_scaler import PriorScaler
from raphe.tasks.glif.synthetic.quantities import quantities
from raphe.tasks.glif.synthetic.simulated_experiments import Measured

Baseline = Callable[[Measured, PriorScaler], np.ndarray]
FED = 50_000  # samples that the published network sees
LEAST_V = 1e-4  # of a threshold


def baselines(published: str | Path | None) -> dict[str, Baseline]:
    """By name. Raises RapheError for weights that cannot be read."""
    methods: dict[str, Baseline] = {
        "constant": lambda measured, scaler: np.zeros((len(measured.traces), len(scaler.mean))),
        "exponential fit, first spike": exponential,
        "least squares, all stretches": least_squares,
    }
    if published is not None:
        methods["published weights"] = PublishedLstm(Path(published))
    return methods


def exponential(measured: Measured, scaler: PriorScaler) -> np.ndarray:
    """The fit until the first spike, see `exponential_fit`."""
    answers = np.zeros((len(measured.traces), len(scaler.mean)))
    for row, trace in zip(answers, measured.traces.astype(np.float64), strict=True):
        try:
            fit = fit_trace(1e-3 * trace[0], 1e-12 * trace[1], measured.rate_hz)
        except SettingError:
            continue
        values = {
            "capacitance": fit.capacitance_f,
            "resistance": fit.resistance_ohm,
            "rest": fit.rest_v,
            "threshold": max(fit.threshold_v, LEAST_V),
            "dead_time": fit.dead_time_s,
        }
        row[:] = _standardised(values, scaler)
    return answers


def least_squares(measured: Measured, scaler: PriorScaler) -> np.ndarray:
    """What the network begins from, see `least_squares`."""
    return estimate_quantities(measured.traces, measured.rate_hz, scaler).centre.astype(np.float64)


class PublishedLstm:
    """The published network, fed as it was: mV above rest at 200 kHz, 250 ms, NaN removed."""

    def __init__(self, folder: Path) -> None:
        self.net = LstmPublished()
        self.net.load_state_dict(read_lstm_glif(folder / WEIGHTS))

    def __call__(self, measured: Measured, scaler: PriorScaler) -> np.ndarray:
        answers = np.zeros((len(measured.traces), len(scaler.mean)))
        for row, trace in zip(answers, measured.traces, strict=True):
            scaled = self._answer(trace[0], measured.rate_hz)
            si = dict(zip(TARGETS, in_si(scaled), strict=True))
            values = {
                "capacitance": si["C"],
                "resistance": si["R_input"],
                "threshold": si["th_inf"],
            }
            row[:] = _standardised(values, scaler)
        return answers

    @torch.inference_mode()
    def _answer(self, voltage_mv: np.ndarray, rate_hz: float) -> np.ndarray:
        seen = (voltage_mv - voltage_mv[0])[np.isfinite(voltage_mv)]
        at = np.arange(min(FED, round(len(seen) * RATE_HZ / rate_hz))) * rate_hz / RATE_HZ
        fed = np.interp(at, np.arange(len(seen)), seen).astype(np.float32)
        return self.net(torch.from_numpy(fed)[None])[0].numpy()


def _standardised(values: dict[str, float | None], scaler: PriorScaler) -> np.ndarray:
    """Quantities in SI units, by name, as float64 (P,); those of None or that cannot be are 0."""
    numbers = scaler.values(np.zeros(len(scaler.mean)))  # of the prior's means
    names = [quantity.name for quantity in quantities(scaler.level)]
    for name, value in values.items():
        if value is not None and np.isfinite(value) and (value > 0 or name == "rest"):
            numbers[names.index(name)] = value
    return scaler.standardised(numbers)
