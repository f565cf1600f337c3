"""GLIF neurons driven by a current: voltages and spikes of a whole batch at once.

B neurons, N samples. float64 gives AllenSDK's own spikes; float32 is faster, and a spike may fall
into another sample (see `equal_spikes`).
"""

from dataclasses import dataclass

import numpy as np

from raphe.core.errors import SettingError
from raphe.tasks.glif.neurons.coefficients import coefficients
from raphe.tasks.glif.neurons.kernel import simulate_blocks
from raphe.tasks.glif.neurons.models import Neurons

SIMULATED_HZ = 20_000.0  # the rate at which the Allen Institute fitted its models
PRECISIONS = ("float64", "float32")


@dataclass(frozen=True, eq=False)
class SpikeTrain:
    """Of one neuron: which samples fire, and where voltage and threshold cross. (S,) each."""

    index: np.ndarray  # int64
    time_s: np.ndarray  # interpolated; index × dt plus the crossing's place in the step
    voltage_v: np.ndarray  # interpolated, one step behind the crossing as AllenSDK has it
    threshold_v: np.ndarray


@dataclass(frozen=True, eq=False)
class Response:
    """What neurons did. NaN in their dead time, and for ever where one has stopped."""

    dt_s: float
    voltage_v: np.ndarray  # (B, N), relative to rest
    spikes: list[SpikeTrain]  # B
    stopped_at: np.ndarray  # int64 (B,): where a neuron stuck above its threshold, or -1
    threshold_v: np.ndarray | None = None  # (B, N), as the currents only with `record_all`
    asc_a: np.ndarray | None = None  # (B, N, 2)

    @property
    def spike_count(self) -> np.ndarray:
        """int64 (B,)."""
        return np.array([len(train.index) for train in self.spikes], dtype=np.int64)


def simulate(
    neurons: Neurons,
    current_a: np.ndarray,
    dt_s: float,
    *,
    precision: str = "float64",
    record_all: bool = False,
    may_stop: bool = False,
    out: np.ndarray | None = None,
) -> Response:
    """Drive neurons with a current.

    Args:
        neurons: B of them.
        current_a: in A, (N,) for all or (B, N) for each; sample n acts on the step to voltage n.
        dt_s: of a step.
        precision: "float64" or "float32", of all arithmetic.
        record_all: also threshold and afterspike currents.
        may_stop: let a neuron whose reset lies above its threshold stop, as AllenSDK does.
        out: (B, N) to write the voltage into, of any float type.

    Raises:
        SettingError: a step longer than a membrane's time constant, a current that is not finite
            or has another shape, or a neuron that stops where none may.
    """
    if precision not in PRECISIONS:
        raise SettingError(f"precision: expected {' or '.join(PRECISIONS)}, got {precision}")
    neurons.check_step(dt_s)
    current = _checked(current_a, len(neurons)).astype(precision, copy=False)
    shape = (len(neurons), current.shape[1])
    voltage = np.empty(shape, precision) if out is None else out
    assert voltage.shape == shape, f"out: {voltage.shape} is not {shape}"
    record = (np.empty(shape, precision), np.empty((*shape, 2), precision)) if record_all else None
    # Only pages that spikes are written to are ever resident.
    n_most = shape[1] // (int(neurons.cut_samples(dt_s).min()) + 1) + 1
    index, moments = np.empty((shape[0], n_most), np.int64), np.empty((3, shape[0], n_most))
    counts, stopped = np.zeros(shape[0], np.int64), np.full(shape[0], -1)
    step = coefficients(neurons, dt_s).astype(precision)
    rules = (neurons.has_currents, neurons.has_reset_rule, neurons.has_voltage_threshold)
    levels = tuple(1 if present else None for present in rules)
    simulate_blocks(current, step, dt_s, levels, voltage, record, (index, moments), counts, stopped)
    if not may_stop:
        _refuse_stop(neurons, stopped, index, counts, dt_s)
    spikes = [
        SpikeTrain(index[b, :n].copy(), *(each[b, :n].copy() for each in moments))
        for b, n in enumerate(counts.tolist())
    ]
    return Response(dt_s, voltage, spikes, stopped, *(record or (None, None)))


def equal_spikes(reference: Response, other: Response) -> tuple[float, int]:
    """How well another precision does: the share of the reference's spikes that fall into the
    same sample there, and the largest shift in samples between spikes of one number.

    Neurons with another count of spikes have no shift; of their spikes those with the same index
    count as equal.
    """
    n_equal = n_all = 0
    shift = 0
    for train, theirs in zip(reference.spikes, other.spikes, strict=True):
        n_all += max(len(train.index), len(theirs.index))
        n_equal += len(np.intersect1d(train.index, theirs.index))
        if len(train.index) == len(theirs.index) > 0:
            shift = max(shift, int(np.abs(train.index - theirs.index).max()))
    return (n_equal / n_all if n_all else 1.0), shift


def _checked(current_a: np.ndarray, n_neurons: int) -> np.ndarray:
    """(1 or B, N) float64."""
    current = np.atleast_2d(np.asarray(current_a, dtype=np.float64))
    if current.ndim != 2 or current.shape[0] not in (1, n_neurons) or not current.shape[1]:
        raise SettingError(
            f"current: expected (N,) or ({n_neurons}, N) samples, got {np.shape(current_a)}"
        )
    if not np.isfinite(current).all():
        row, n = np.argwhere(~np.isfinite(current))[0]
        raise SettingError(
            f"current: expected finite values in A, got {current[row, n]} at sample {n}"
        )
    return current


def _refuse_stop(
    neurons: Neurons, stopped: np.ndarray, index: np.ndarray, counts: np.ndarray, dt_s: float
) -> None:
    if not (stopped >= 0).any():
        return
    b = int(np.flatnonzero(stopped >= 0)[0])
    at_ms = 1e3 * dt_s * index[b, counts[b] - 1]
    raise SettingError(
        f"neuron {b}: its reset lies above its threshold after the spike at {at_ms:.4g} ms: V × "
        f"{neurons.reset_slope[b]:.4g} + {1e3 * neurons.reset_offset_v[b]:.4g} mV with a threshold "
        f"of {1e3 * neurons.threshold_v[b]:.4g} mV; lower the reset, or pass may_stop=True to let "
        "it stop as AllenSDK does"
    )
