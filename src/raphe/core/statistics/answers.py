"""What an interval says of a claim: yes, no, or that it cannot be told.

"Not shown" is not "is not". A wide interval, or none at all, answers neither way, and a sentence
that reads `estimate.low > value` turns both into a no.
"""

import math
from enum import Enum

from raphe.core.metric_names import Estimate


class Answer(Enum):
    """What may be said of a claim."""

    YES = "yes"
    NO = "no"
    CANNOT_TELL = "cannot tell"


def above(estimate: Estimate, value: float, margin: float) -> Answer:
    """Whether a figure lies above a value.

    YES where its whole interval does. NO where its whole interval lies below `value + margin`, as
    no interval excludes that a figure is the least bit above. CANNOT_TELL otherwise, and wherever
    an end is NaN. An interval that lies wholly between the two is a YES: the difference is there,
    if small.

    Args:
        estimate: of the figure.
        value: such as the figure of chance.
        margin: the least difference from it that would matter, in the figure's own unit, ≥ 0.
    """
    assert margin >= 0, f"expected a margin of 0 or more, got {margin}"
    if math.isnan(estimate.low) or math.isnan(estimate.high):
        return Answer.CANNOT_TELL
    if estimate.low > value:
        return Answer.YES
    return Answer.NO if estimate.high < value + margin else Answer.CANNOT_TELL
