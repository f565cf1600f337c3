"""Units of one quantity that differ by a power of ten, and what no amplifier gives in them."""

import math
import re

_POWER = {"f": -15, "p": -12, "n": -9, "µ": -6, "μ": -6, "u": -6, "m": -3, "": 0, "k": 3}
_QUANTITIES = ("A", "V")
_IN_NAME = re.compile(r"[(\[]\s*([^)\]]+?)\s*[)\]]|/\s*(\w+)$|[\s_]([a-zµμ][AV])$")
# No amplifier of a patch or an electrode gives more: 1 µA, 10 V. What is beyond was mistaken.
LIMITS = {"A": 1e-6, "V": 10.0}
# And what holds a spike comes to more than 0.1 pA, 0.1 µV, which are below any amplifier's noise.
LEAST_PEAKS = {"A": 1e-13, "V": 1e-7}


def unit_factor(unit: str, target_unit: str) -> float | None:
    """What to multiply a value in `unit` by to have it in `target_unit`; None if that cannot be.

    >>> unit_factor("nA", "pA")
    1000.0
    """
    if unit == target_unit:
        return 1.0
    source, target = _parse(unit), _parse(target_unit)
    if source is None or target is None or source[0] != target[0]:
        return None
    return float(f"1e{source[1] - target[1]}")


def electrical_unit(name: str) -> str | None:
    """The unit of a current or a voltage that a column's name ends in, None without one.

    >>> electrical_unit("Current (pA)"), electrical_unit("I_nA"), electrical_unit("cell A")
    ('pA', 'nA', None)
    """
    match = _IN_NAME.search(name.strip())
    unit = next(filter(None, match.groups()), "") if match else ""
    return unit if _parse(unit) else None


def peak_fault(peak: float, unit: str) -> str:
    """Why the largest size in recordings of spikes cannot be in this unit, "" where it can.

    Of a unit that is neither A nor V, as of normalised windows, nothing is known.

    >>> peak_fault(80.0, "uV"), peak_fault(8e-5, "uV"), peak_fault(8e10, "a.u.")
    ('', 'no spike is that small', '')
    """
    for quantity, least in LEAST_PEAKS.items():
        factor = unit_factor(unit, quantity)
        if factor is not None and peak * factor < least:
            return "no spike is that small"
    return "no amplifier gives more" if peak > amplifier_limit(unit) else ""


def amplifier_limit(unit: str) -> float:
    """What no sample in `unit` can come to, in this unit; infinity where it is neither A nor V.

    >>> amplifier_limit("pA"), amplifier_limit("counts")
    (1000000.0, inf)
    """
    for quantity, limit in LIMITS.items():
        factor = unit_factor(quantity, unit)
        if factor is not None:
            return limit * factor
    return math.inf


def _parse(unit: str) -> tuple[str, int] | None:
    prefix, quantity = unit[:-1], unit[-1:]
    return (quantity, _POWER[prefix]) if quantity in _QUANTITIES and prefix in _POWER else None
