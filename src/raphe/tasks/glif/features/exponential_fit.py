"""The baseline any electrophysiologist would try: an exponential fitted to the voltage before the
first spike, and the voltage at that spike.

V = rest + R (current, low-pass filtered with the time constant RC): for each time constant the
best R and rest follow by linear least squares, the time constant by search. T samples.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.signal import lfilter

from raphe.core.errors import SettingError

TAU_S = (0.5e-3, 1.0)  # where the time constant is looked for
GRID = 25  # of time constants, before the search between two of them
FEWEST = 20  # samples before the first spike


@dataclass(frozen=True)
class FittedTrace:
    """What the voltage until the first spike says; SI units."""

    capacitance_f: float
    resistance_ohm: float
    rest_v: float
    threshold_v: float  # above rest; where no spike comes only what it is above
    dead_time_s: float | None  # None where no spike comes
    rms_v: float  # of the residuals


def fit_trace(voltage_v: np.ndarray, current_a: np.ndarray, rate_hz: float) -> FittedTrace:
    """Fit one trace (T,) of absolute voltage, NaN in dead time, under a current (T,).

    Raises SettingError where there is too little before the first spike, or no current moves it.
    """
    spiked = np.isnan(voltage_v)
    end = int(spiked.argmax()) if spiked.any() else len(voltage_v)
    voltage, current = voltage_v[:end], current_a[:end]
    if end < FEWEST or not np.ptp(current) > 0:
        raise SettingError(
            f"trace: expected {FEWEST} samples and a change of current before the first spike, got "
            f"{end} samples; take a trace that begins with a test pulse"
        )

    mean = voltage.mean()
    centred = voltage - mean
    variance = float(centred @ centred) / end

    def residual(log_tau: float) -> tuple[float, tuple[float, float]]:
        """Mean square, and resistance and rest: a straight line through voltage over filter."""
        filtered = _filtered(current, np.exp(log_tau), rate_hz)
        middle = filtered.mean()
        filtered -= middle
        spread = float(filtered @ filtered) / end
        slope = float(filtered @ centred) / end / spread
        return max(variance - slope**2 * spread, 0.0), (slope, mean - slope * middle)

    shortest, longest = np.log(TAU_S)
    places = np.linspace(shortest, longest, GRID)
    best = int(np.argmin([residual(place)[0] for place in places]))
    around = places[max(best - 1, 0)], places[min(best + 1, GRID - 1)]
    least = minimize_scalar(lambda x: residual(x)[0], bounds=around, method="bounded")
    error, (resistance, rest) = residual(least.x)
    return FittedTrace(
        float(np.exp(least.x) / resistance),
        float(resistance),
        float(rest),
        float(voltage.max() - rest),
        _dead_time_s(spiked, rate_hz),
        float(np.sqrt(error)),
    )


def _filtered(current: np.ndarray, tau_s: float, rate_hz: float) -> np.ndarray:
    """A membrane's answer to a current that acts on each sample's step, per ohm."""
    share = 1 / (rate_hz * tau_s)
    return lfilter([share], [1, share - 1], current)


def _dead_time_s(spiked: np.ndarray, rate_hz: float) -> float | None:
    """The length of the first gap; none where it does not end."""
    if not spiked.any():
        return None
    after = spiked[int(spiked.argmax()) :]
    return None if after.all() else float((~after).argmax() / rate_hz)
