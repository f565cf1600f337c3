"""What an inferred neuron does under the current that the data were taken with.

B neurons, N samples, P quantities.
"""

from dataclasses import dataclass, replace

import numpy as np

from raphe.core.errors import SettingError
from raphe.tasks.glif.metrics.spike_trains import coincidence, explained_variance
from raphe.tasks.glif.neurons.models import Neurons
from raphe.tasks.glif.neurons.simulation import SIMULATED_HZ, Response, simulate
from raphe.tasks.glif.synthetic.quantities import CAPACITANCE, RESISTANCE, neurons_of, scaled

NEAR_SPIKE_S = 5e-3  # a voltage so near a spike of either is not compared
LEAST_TAU_STEPS = 2.0  # a membrane faster than that cannot be simulated


@dataclass(frozen=True, eq=False)
class Agreement:
    """Of B pairs of neurons, the true one and the inferred; float64 (B,)."""

    rms_mv: np.ndarray  # of the voltages where neither is near a spike; NaN where nowhere
    count_error: np.ndarray  # inferred spikes less true ones
    explained: np.ndarray  # variance of the spike train at 10 ms; NaN where neither fires
    coincidence: np.ndarray  # Γ at 4 ms


def agreement(
    level: int, truth: np.ndarray, inferred: np.ndarray, current_a: np.ndarray
) -> Agreement:
    """Simulate the neurons of quantities (B, P) in SI units under currents (B, N), and compare.

    A membrane too fast to be simulated is slowed, see `possible`.
    """
    pairs = [respond(level, values, current_a) for values in (truth, inferred)]
    times = [[spikes.time_s for spikes in response.spikes] for response, _ in pairs]
    duration_s = current_a.shape[1] / SIMULATED_HZ
    scores = np.array(
        [
            (
                _rms_mv(pairs, b),
                len(times[1][b]) - len(times[0][b]),
                explained_variance(times[1][b], times[0][b], duration_s),
                coincidence(times[1][b], times[0][b], duration_s),
            )
            for b in range(len(truth))
        ]
    )
    return Agreement(*scores.T)


def respond(level: int, values: np.ndarray, current_a: np.ndarray) -> tuple[Response, np.ndarray]:
    """What neurons of quantities (B, P) do under currents (B, N), and their rests (B,) in V."""
    neurons, rest_v = neurons_of(level, possible(level, values))
    return simulate(neurons, current_a, 1 / SIMULATED_HZ, may_stop=True), rest_v


@dataclass(frozen=True, eq=False)
class MedianResponse:
    """What the neuron with a posterior's medians does under the current of a whole recording."""

    voltage_v: np.ndarray  # float64 (N,) at the recording's rate, NaN in dead time
    spike_times_s: np.ndarray


def median_neuron(level: int, samples: np.ndarray, pull_v: float = 0.0) -> tuple[Neurons, float]:
    """The neuron of the medians of draws (S, P), and its rest in V.

    A constant current that pulls the membrane above rest by `pull_v` is a leak that does so.
    """
    neurons, rest_v = neurons_of(level, possible(level, np.median(samples, axis=0)[None]))
    return replace(neurons, leak_v=pull_v), float(rest_v[0])


def median_response(
    level: int,
    samples: np.ndarray,
    current_a: np.ndarray,
    rate_hz: float,
    *,
    pull_v: float = 0.0,
    begin_v: float | None = None,
) -> MedianResponse:
    """Simulate the medians of draws (S, P) under a current (N,).

    Args:
        level: of the draws.
        samples: the draws.
        current_a: that was injected.
        rate_hz: of the current.
        pull_v: see `median_neuron`.
        begin_v: absolute voltage that the membrane begins at; None: its rest.
    """
    time_s = np.arange(len(current_a)) / rate_hz
    fine_s = np.arange(max(1, round(len(current_a) / rate_hz * SIMULATED_HZ))) / SIMULATED_HZ
    neuron, rest_v = median_neuron(level, samples, pull_v)
    if begin_v is not None:
        neuron = replace(neuron, init_voltage_v=begin_v - rest_v)
    fine_a = np.interp(fine_s, time_s, current_a)[None]
    response = simulate(neuron, fine_a, 1 / SIMULATED_HZ, may_stop=True)
    places = np.minimum((time_s * SIMULATED_HZ).round().astype(int), len(fine_s) - 1)
    times_s = np.maximum(response.spikes[0].time_s, 0.0)  # a first sample above its threshold
    return MedianResponse(response.voltage_v[0][places] + rest_v, times_s)


def possible(level: int, values: np.ndarray) -> np.ndarray:
    """Quantities (B, P) whose membranes are slow enough to be simulated: else C is raised."""
    if not np.isfinite(scaled(level, values)).all():
        raise SettingError("quantities: expected finite values, got some that are not")
    values = np.array(values)
    least_f = LEAST_TAU_STEPS / SIMULATED_HZ / values[:, RESISTANCE]
    values[:, CAPACITANCE] = np.maximum(values[:, CAPACITANCE], least_f)
    return values


def _rms_mv(pairs: list[tuple[Response, np.ndarray]], b: int) -> float:
    voltages = [1e3 * (response.voltage_v[b] + rest_v[b]) for response, rest_v in pairs]
    far = np.ones(len(voltages[0]), bool)
    reach = round(NEAR_SPIKE_S * SIMULATED_HZ)
    for voltage, (response, _) in zip(voltages, pairs, strict=True):
        far &= np.isfinite(voltage)
        for n in response.spikes[b].index:
            far[max(0, n - reach) : n + reach] = False
    error = (voltages[1] - voltages[0])[far]
    return float(np.sqrt(np.mean(error**2))) if len(error) else float("nan")
