"""How much later a dataset's spikes lie than a network trained on synthetic traces expects them.

Clocks of microscope and electrode differ from laboratory to laboratory, and no trace tells by how
much. Datasets with known spikes are brought to one timing before they are trained on.
"""

from collections.abc import Sequence

import numpy as np

from raphe.tasks.calcium.recordings.sampling import binned

LONGEST_DELAY = 16  # samples


def delay(expected: Sequence[np.ndarray], spikes: Sequence[np.ndarray]) -> int:
    """The delay in samples at which a dataset's recordings (T,) correlate best with their spikes.

    Positive where the spikes lie later. The nearest to 0 of several; 0 where there is no spike.
    """
    delays = sorted(range(-LONGEST_DELAY, LONGEST_DELAY + 1), key=abs)
    scores = [
        np.nan_to_num(
            np.mean([_correlation(a, b, by) for a, b in zip(expected, spikes, strict=True)])
        )
        for by in delays
    ]
    return delays[int(np.argmax(scores))]


def moved(spikes: np.ndarray, by: int) -> np.ndarray:
    """Spikes or rates (…, T), moved `by` samples later: (…, T); what enters is 0."""
    out = np.zeros_like(spikes)
    n = spikes.shape[-1]
    if abs(by) < n:
        out[..., max(by, 0) : n + min(by, 0)] = spikes[..., max(-by, 0) : n - max(by, 0)]
    return out


def _correlation(expected: np.ndarray, spikes: np.ndarray, by: int) -> float:
    a, b = binned(moved(expected, by), spikes)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
