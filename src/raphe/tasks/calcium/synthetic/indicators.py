"""Kinds of calcium indicator, as ranges of what differs between them and between neurons.

Proteins bind calcium with a Hill exponent of 2 to 3 (Akerboom et al. 2012, Chen et al. 2013), less
where a neuron holds much of them. GCaMP6s rises over 0.1 to 0.2 s, and begins later.
"""

from dataclasses import dataclass

from raphe.core.errors import SettingError

Range = tuple[float, float]


@dataclass(frozen=True)
class Indicator:
    """Ranges of one kind, drawn evenly, in the logarithm where marked.

    Calcium rises and decays before it is bound: what is seen of one spike is that to the power of
    the cooperativity, and so shorter.

    Raises SettingError for a range that is none.
    """

    rise_s: Range  # log
    decay_s: Range  # log
    delay_s: Range  # from spike to rise
    cooperativity: Range  # Hill exponent
    share: float  # of the synthetic traces, relative to the other kinds'

    def __post_init__(self) -> None:
        for name in ("rise_s", "decay_s", "delay_s", "cooperativity"):
            require_range(name, getattr(self, name))
        if self.share < 0:
            raise SettingError(f"share: expected 0 or more, got {self.share}")


def require_range(name: str, value: Range) -> None:
    """Raise SettingError unless a range rises from 0 or more."""
    if not (len(value) == 2 and 0 <= value[0] <= value[1]):
        raise SettingError(f"{name}: expected a range [low, high] from 0 up, got {value}")


DYE = Indicator((0.003, 0.02), (0.25, 1.5), (0.0, 0.005), (1.0, 1.3), 0.35)  # as OGB-1
FAST = Indicator((0.02, 0.08), (0.4, 2.2), (0.0, 0.01), (1.5, 3.0), 0.325)  # GCaMP5, GCaMP6f
SLOW = Indicator((0.1, 0.25), (1.0, 2.5), (0.03, 0.09), (1.0, 2.0), 0.325)  # GCaMP6s
