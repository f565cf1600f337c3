"""Where samples are missing between times that jitter, as a computer's clock gives them.

One that comes late is followed by one on time; behind a missing one all come late.
"""

import numpy as np

LONG = 1.5  # usual steps from which on a sample may be missing
BESIDE = 25  # samples before and after, whose medians are compared
STAYS = 0.5  # of a step, by which those behind are late


def missing_after(times: np.ndarray, step: float) -> np.ndarray:
    """After which of times (N,), as a rule a `step` apart, samples are missing: int (K,)."""
    off = times - step * np.arange(len(times))  # from an even clock
    long = np.flatnonzero(np.diff(times) >= LONG * step)
    stays = [
        np.median(off[at + 1 : at + 1 + BESIDE]) - np.median(off[max(at + 1 - BESIDE, 0) : at + 1])
        for at in long.tolist()
    ]
    return long[np.array(stays) > STAYS * step] if len(long) else long
