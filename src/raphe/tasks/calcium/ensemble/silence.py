"""Whether a rate tells of any spike, or of nothing but what noise looks like.

T samples at 100 Hz.
"""

import numpy as np
from scipy.ndimage import uniform_filter1d

from raphe.tasks.calcium.recordings.sampling import RATE_HZ

EVENT_S = 0.5  # as long as what one spike shows is spread over, at most
FEWEST_SPIKES = 0.3  # in so long, of an event; in noise networks expect 0.2 at most


def has_event(rate_per_s: np.ndarray) -> bool:
    """Whether anywhere in a rate (T,) half a second holds what could be a spike.

    Where it does not, nothing stands out of the noise. What little a network then expects is what
    neurons that seem silent fire on average, and not what this one does.
    """
    expected = uniform_filter1d(rate_per_s, round(EVENT_S * RATE_HZ), mode="constant") * EVENT_S
    return bool(expected.max(initial=0.0) >= FEWEST_SPIKES)
