"""How noisy a trace is, in the measure by which the field compares recordings.

T frames.
"""

import numpy as np


def standardised_noise(trace: np.ndarray, rate_hz: float) -> float:
    """Noise of ΔF/F (T,) as a fraction, in %/√Hz: median |step from frame to frame| / √rate.

    Alike for a slow and a fast microscope (Rupprecht et al. 2021); transients hardly count, being
    few. A frame that is NaN has no step. NaN where there is none at all; of a trace in another unit
    it is in 100 of that.
    """
    steps = np.abs(np.diff(trace))
    known = steps[~np.isnan(steps)]
    return float(100 * np.median(known) / np.sqrt(rate_hz)) if len(known) else np.nan
