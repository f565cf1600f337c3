"""Generalised leaky integrate-and-fire (GLIF) neurons of one level, side by side, in SI units.

Teeter et al. 2018, Nature Communications 9:709. Voltages are relative to the cell's rest
(`El_reference` of its configuration). B neurons, two afterspike currents.

| level | adds |
| --- | --- |
| 1 | leaky integrate and fire |
| 2 | 1 with a reset that depends on the voltage, and a threshold that a spike raises |
| 3 | 1 with afterspike currents |
| 4 | 2 with afterspike currents |
| 5 | 4 with a threshold that follows the voltage |
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from raphe.core.errors import SettingError

REFERENCE = (
    "Teeter C, Iyer R, Menon V, et al. (2018) Generalized leaky integrate-and-fire models classify "
    "multiple neuron types. Nat Commun 9:709"
)
LEVELS = (1, 2, 3, 4, 5)
WITH_CURRENTS, WITH_RESET_RULE, WITH_VOLTAGE_THRESHOLD = (3, 4, 5), (2, 4, 5), (5,)
# name: (unit, factor to it), as an error names a value
SHOWN = {"_f": ("pF", 1e12), "_ohm": ("MOhm", 1e-6), "_v": ("mV", 1e3), "_s": ("ms", 1e3)}
CURRENTS = ("asc_amp_a", "asc_tau_s", "asc_kept", "init_asc_a")


@dataclass(frozen=True, eq=False)
class Neurons:
    """Parameters of B neurons: float64 (B,) each, (B, 2) of the afterspike currents.

    Fields may be given as scalars. Those that a level does not have are 0 there.

    Raises:
        SettingError: a value that no neuron can have, named with its unit.
    """

    level: int
    capacitance_f: Any
    resistance_ohm: Any
    threshold_v: Any  # effective: coeff_th_inf × th_inf
    dead_time_s: Any  # after a spike nothing is integrated
    leak_v: Any = 0.0  # El: where the leak pulls to
    init_voltage_v: Any = 0.0
    init_threshold_v: Any = None  # None: the threshold
    reset_slope: Any = 0.0  # V after a spike = slope × V before it + offset
    reset_offset_v: Any = 0.0
    spike_jump_v: Any = 0.0  # of the threshold
    spike_decay_per_s: Any = 0.0
    voltage_gain_per_s: Any = 0.0  # dv/dt = gain × (V - El) - decay × v
    voltage_decay_per_s: Any = 0.0
    asc_amp_a: Any = 0.0
    asc_tau_s: Any = 1.0
    asc_kept: Any = 1.0  # r: share of an afterspike current that outlives the next spike
    init_asc_a: Any = 0.0

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise SettingError(f"level: expected a GLIF level from 1 to 5, got {self.level}")
        if self.init_threshold_v is None:
            object.__setattr__(self, "init_threshold_v", self.threshold_v)
        n = max(len(np.atleast_1d(getattr(self, name))) for name in _names() - set(CURRENTS))
        for name in _names():
            shape = (n, 2) if name in CURRENTS else (n,)
            values = np.array(np.broadcast_to(np.asarray(getattr(self, name), np.float64), shape))
            object.__setattr__(self, name, values)
        self._refuse_impossible()

    def __len__(self) -> int:
        return len(self.capacitance_f)

    def __getitem__(self, rows: Any) -> "Neurons":
        """The neurons of these rows, a slice or an array."""
        rows = np.arange(len(self))[rows].reshape(-1)
        return Neurons(self.level, **{name: getattr(self, name)[rows] for name in _names()})

    @property
    def membrane_tau_s(self) -> np.ndarray:
        """Membrane time constant (B,)."""
        return self.capacitance_f * self.resistance_ohm

    @property
    def has_currents(self) -> bool:
        return self.level in WITH_CURRENTS

    @property
    def has_reset_rule(self) -> bool:
        return self.level in WITH_RESET_RULE

    @property
    def has_voltage_threshold(self) -> bool:
        return self.level in WITH_VOLTAGE_THRESHOLD

    def cut_samples(self, dt_s: float) -> np.ndarray:
        """The dead time in whole samples, int64 (B,)."""
        return np.rint(self.dead_time_s / dt_s).astype(np.int64)

    def check_step(self, dt_s: float) -> None:
        """Raise SettingError where Euler's forward step of dt_s is longer than the membrane's
        time constant: it would not relax but swing."""
        if not (np.isfinite(dt_s) and dt_s > 0):
            raise SettingError(f"dt_s: expected a positive time in s, got {dt_s}")
        if (bad := np.flatnonzero(dt_s > self.membrane_tau_s)).size:
            row, tau_ms = int(bad[0]), 1e3 * self.membrane_tau_s[bad[0]]
            raise SettingError(
                f"neuron {row}: expected a step below its membrane time constant of {tau_ms:.4g} "
                f"ms, got dt = {1e3 * dt_s:.4g} ms; sample faster, or correct C "
                f"({1e12 * self.capacitance_f[row]:.4g} pF) and R "
                f"({1e-6 * self.resistance_ohm[row]:.4g} MOhm)"
            )

    def _refuse_impossible(self) -> None:
        for name in _names():
            _require(name, getattr(self, name), np.isfinite, "a finite value")
        for name in ("capacitance_f", "resistance_ohm", "asc_tau_s"):
            _require(name, getattr(self, name), lambda x: x > 0, "a positive value")
        for name in ("dead_time_s", "spike_decay_per_s", "voltage_decay_per_s"):
            _require(name, getattr(self, name), lambda x: x >= 0, "0 or more")
        if not self.has_reset_rule:
            _require("threshold_v", self.threshold_v, lambda x: x >= 0, "one above the reset, 0 mV")


def _names() -> set[str]:
    return {field.name for field in fields(Neurons)} - {"level"}


def _require(name: str, values: np.ndarray, holds: Any, expected: str) -> None:
    bad = np.flatnonzero(~holds(values).reshape(len(values), -1).all(axis=1))
    if not bad.size:
        return
    unit, factor = next(
        (shown for end, shown in SHOWN.items() if name.endswith(end) and "per_s" not in name),
        ("/s", 1.0) if name.endswith("per_s") else ("A", 1.0) if name.endswith("_a") else ("", 1.0),
    )
    value = values[bad[0]].ravel() * factor
    got = " and ".join(f"{number:.6g} {unit}".strip() for number in value)
    raise SettingError(f"neuron {bad[0]}, {name}: expected {expected}, got {got}")
