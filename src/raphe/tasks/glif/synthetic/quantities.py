"""What can be known of a neuron from its voltage and current, and how each is measured.

Of a level's parameters the resting potential is absolute: in every fitted cell the leak pulls to
rest, El = 0, and rest is El_reference. The threshold is the effective one, coefficient times
th_inf. Positive ones are compared as logarithms. P quantities, B neurons.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from raphe.tasks.glif.neurons.models import (
    WITH_CURRENTS,
    WITH_RESET_RULE,
    WITH_VOLTAGE_THRESHOLD,
    Neurons,
)

PLAIN_A = 1e-11  # currents far below are compared as they are, far above as logarithms


@dataclass(frozen=True)
class QuantityScale:
    """A monotone map of SI values to the numbers that are learnt, and back."""

    forward: Callable[[np.ndarray], np.ndarray]
    backward: Callable[[np.ndarray], np.ndarray]


LOG = QuantityScale(np.log, np.exp)
PLAIN = QuantityScale(np.asarray, np.asarray)
SIGNED = QuantityScale(lambda x: np.arcsinh(x / PLAIN_A), lambda y: PLAIN_A * np.sinh(y))


@dataclass(frozen=True)
class Quantity:
    """One of a neuron's quantities."""

    name: str
    scale: QuantityScale
    lab_unit: str
    in_lab: float  # lab units in an SI unit
    field: str  # of Neurons; "" for the rest, which no simulation needs
    slot: int | None = None  # of the afterspike currents

    @property
    def noun(self) -> str:
        """For people.

        >>> quantities(1)[DEAD_TIME].noun, quantities(4)[-1].noun
        ('dead time', 'afterspike decay 2')
        """
        words = self.name.replace("asc_amp", "afterspike current").replace("_", " ")
        return words.replace("asc tau", "afterspike decay")

    @property
    def label(self) -> str:
        """Of an axis.

        >>> quantities(1)[RESISTANCE].label, quantities(4)[-1].label
        ('Resistance (MΩ)', 'Afterspike decay 2 (ms)')
        """
        words = self.noun.capitalize()
        return f"{words} ({self.lab_unit.replace('MOhm', 'MΩ')})" if self.lab_unit else words


ALL_LEVELS = (
    Quantity("capacitance", LOG, "pF", 1e12, "capacitance_f"),
    Quantity("resistance", LOG, "MOhm", 1e-6, "resistance_ohm"),
    Quantity("rest", PLAIN, "mV", 1e3, ""),
    Quantity("threshold", LOG, "mV", 1e3, "threshold_v"),
    Quantity("dead_time", LOG, "ms", 1e3, "dead_time_s"),
)
CAPACITANCE, RESISTANCE, REST, THRESHOLD, DEAD_TIME = range(len(ALL_LEVELS))  # at every level
SUBTHRESHOLD = ("capacitance", "resistance", "rest")  # what a trace without spikes tells, too
RESET_RULE = (
    Quantity("reset_slope", PLAIN, "", 1.0, "reset_slope"),
    Quantity("reset_offset", PLAIN, "mV", 1e3, "reset_offset_v"),
    Quantity("spike_jump", LOG, "mV", 1e3, "spike_jump_v"),
    Quantity("spike_decay", LOG, "1/s", 1.0, "spike_decay_per_s"),
)
AFTERSPIKE_CURRENTS = tuple(
    Quantity(f"{name}_{slot + 1}", scale, unit, in_lab, field, slot)
    for slot in (0, 1)
    for name, scale, unit, in_lab, field in (
        ("asc_amp", SIGNED, "pA", 1e12, "asc_amp_a"),
        ("asc_tau", LOG, "ms", 1e3, "asc_tau_s"),
    )
)
VOLTAGE_THRESHOLD = (
    Quantity("voltage_gain", PLAIN, "1/s", 1.0, "voltage_gain_per_s"),
    Quantity("voltage_decay", LOG, "1/s", 1.0, "voltage_decay_per_s"),
)
EVERY_QUANTITY = (*ALL_LEVELS, *RESET_RULE, *AFTERSPIKE_CURRENTS, *VOLTAGE_THRESHOLD)


def quantities(level: int) -> tuple[Quantity, ...]:
    """Those of a level, in a fixed order."""
    return (
        *ALL_LEVELS,
        *(RESET_RULE if level in WITH_RESET_RULE else ()),
        *(AFTERSPIKE_CURRENTS if level in WITH_CURRENTS else ()),
        *(VOLTAGE_THRESHOLD if level in WITH_VOLTAGE_THRESHOLD else ()),
    )


def values_of(neurons: Neurons, rest_v: np.ndarray) -> np.ndarray:
    """Every quantity of neurons with these resting potentials (B,): float64 (B, P), SI units."""
    columns = []
    for quantity in quantities(neurons.level):
        if quantity.field:
            value = getattr(neurons, quantity.field)
        else:
            value = np.broadcast_to(rest_v, len(neurons))
        columns.append(value if quantity.slot is None else value[:, quantity.slot])
    return np.stack(columns, axis=1)


def neurons_of(level: int, values: np.ndarray) -> tuple[Neurons, np.ndarray]:
    """Neurons of quantities (B, P) in SI units, and their resting potentials (B,) in V.

    Raises SettingError for values that no neuron can have.
    """
    fields: dict[str, np.ndarray] = {}
    rest_v = np.zeros(len(values))
    for quantity, column in zip(quantities(level), np.asarray(values).T, strict=True):
        if not quantity.field:
            rest_v = column
        elif quantity.slot is None:
            fields[quantity.field] = column
        else:
            currents = fields.setdefault(quantity.field, np.zeros((len(values), 2)))
            currents[:, quantity.slot] = column
    return Neurons(level, **fields), rest_v


def scaled(level: int, values: np.ndarray) -> np.ndarray:
    """Quantities (…, P) in SI units on the scales that are learnt, (…, P)."""
    return _through(level, values, lambda scale: scale.forward)


def in_si(level: int, numbers: np.ndarray) -> np.ndarray:
    """The inverse of `scaled`."""
    return _through(level, numbers, lambda scale: scale.backward)


def _through(
    level: int,
    values: np.ndarray,
    way: Callable[[QuantityScale], Callable[[np.ndarray], np.ndarray]],
) -> np.ndarray:
    maps = [way(quantity.scale) for quantity in quantities(level)]
    values = np.asarray(values, np.float64)
    return np.stack([each(values[..., i]) for i, each in enumerate(maps)], axis=-1)
