"""Kinds of calcium indicator, as ranges of what differs between them and between neurons.

Proteins bind calcium with a Hill exponent of 2 to 3 (Akerboom et al. 2012, Chen et al. 2013), less
where a neuron holds much of them. GCaMP6s rises over 0.1 to 0.2 s, and begins later. What jGCaMP8f,
8m and 8s show of one spike halves within 0.07, 0.14 and 0.31 s (Zhang et al. 2023).
"""

from dataclasses import dataclass
from typing import Annotated

from raphe.core.ranges import NotNegative, Numbers, Range, check_ranges

Span = Annotated[tuple[float, float], Numbers("a range [low, high]", Range(0), n=2, rising=True)]


@dataclass(frozen=True)
class Indicator:
    """Ranges of one kind, drawn evenly, in the logarithm where marked.

    Calcium rises and decays before it is bound: what is seen of one spike is that to the power of
    the cooperativity, and so shorter.

    Raises SettingError for a range that is none.
    """

    rise_s: Span  # log
    decay_s: Span  # log
    delay_s: Span  # from spike to rise
    cooperativity: Span  # Hill exponent
    share: NotNegative  # of the synthetic traces, relative to the other kinds'

    def __post_init__(self) -> None:
        check_ranges(Indicator, vars(self))


DYE = Indicator((0.003, 0.02), (0.25, 1.5), (0.0, 0.005), (1.0, 1.3), 0.25)  # as OGB-1
SWIFT = Indicator((0.003, 0.03), (0.1, 0.9), (0.0, 0.005), (1.0, 2.2), 0.25)  # jGCaMP8, XCaMP
FAST = Indicator((0.02, 0.08), (0.4, 2.2), (0.0, 0.01), (1.5, 3.0), 0.25)  # GCaMP5, GCaMP6f
SLOW = Indicator((0.1, 0.25), (1.0, 2.5), (0.03, 0.09), (1.0, 2.0), 0.25)  # GCaMP6s
