"""One figure of the "LSTM GLIF" study, and what it comes to when it is computed."""

from raphe.core.claims import Claim
from raphe.core.statistics.intervals import Estimate

STUDY = "LSTM GLIF study"


def finding(quantity: str, theirs: str, ours: str, why: str, value: float | None = None) -> Claim:
    """A claim of the study; `value` is the figure of `ours`, which has no interval."""
    exact = None if value is None else Estimate(value, float("nan"), float("nan"))
    return Claim(STUDY, quantity, theirs, ours, why, ours_value=exact)
