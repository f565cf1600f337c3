"""A mean spike in numbers that need no sampling rate: samples, shares, and slopes between them.

What CellExplorer (Petersen et al. 2021) and C4 (Beau et al. 2025) measure, in relative units.
N units, T samples.
"""

import numpy as np

FEATURES = (
    "trough", "peak_after", "peak_before", "peak_to_trough", "asymmetry", "trough_to_peak",
    "peak_to_trough_before", "half_width", "peak_half_width", "steepest_fall", "steepest_rise",
    "fall_before_trough", "rise_after_trough", "mean_after", "mean_end", "energy",
)  # fmt: skip
END_SHARE = 0.2  # of the samples that are the waveform's end
NOTHING = 1e-9


def waveform_features(shapes: np.ndarray) -> np.ndarray:
    """Features (N, 16) of waveforms (N, T) scaled to ±1, the spike pointing down; NaN stays NaN.

    Widths and times are in samples; a width ends where the window does.
    """
    features = np.full((len(shapes), len(FEATURES)), np.nan)
    for row in np.flatnonzero(np.isfinite(shapes).all(axis=1)):
        features[row] = _of_one(shapes[row])
    return features


def _of_one(shape: np.ndarray) -> list[float]:
    trough = int(shape.argmin())
    after = trough + int(shape[trough:].argmax())
    before = int(shape[: trough + 1].argmax())
    depth, height, height_before = shape[trough], shape[after], shape[before]
    slope = np.diff(shape)
    fall, rise = int(slope.argmin()), int(slope.argmax())
    end = max(1, round(END_SHARE * len(shape)))
    return [
        depth,
        height,
        height_before,
        height / max(abs(depth), NOTHING),
        (height_before - height) / (abs(height_before) + abs(height) + NOTHING),
        after - trough,
        trough - before,
        _width(-shape, trough),
        _width(shape, after),
        slope[fall],
        slope[rise],
        fall - trough,
        rise - trough,
        shape[trough:].mean(),
        shape[-end:].mean(),
        (shape**2).mean(),
    ]


def _width(shape: np.ndarray, peak: int) -> float:
    """Samples around a peak that are above its half, between samples by straight lines."""
    half = shape[peak] / 2
    low = shape < half
    left, right = np.flatnonzero(low[:peak]), peak + np.flatnonzero(low[peak:])
    begin, end = 0.0, len(shape) - 1.0
    if len(left):
        at = left[-1]
        begin = at + (half - shape[at]) / (shape[at + 1] - shape[at])
    if len(right):
        at = right[0]
        end = at - (half - shape[at]) / (shape[at - 1] - shape[at])
    return float(end - begin)
