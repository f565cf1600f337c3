"""Which windows are no waveform: those of units without spikes, of gaps and of broken exports."""

import numpy as np


def waveform_faults(windows: np.ndarray) -> list[str]:
    """Why each window (n, T) is no waveform, as the rest of a sentence; "" of one that is."""
    is_finite = np.isfinite(windows).all(axis=1)
    is_flat = (windows == windows[:, :1]).all(axis=1)
    is_zero = is_flat & (windows[:, 0] == 0)
    return np.select(
        [~is_finite, is_zero, is_flat],
        ["holds NaN or infinity", "is zero throughout", "is one value throughout"],
        "",
    ).tolist()
