"""Intervals and autocorrelogram in numbers: how regular, how bursty, how refractory.

N cells, B bins of intervals, H bins of half an autocorrelogram; bins are of 1 ms.
"""

import numpy as np

ISI_FEATURES = (
    "mean", "sd", "cv", "mode", "mode_share", "below_2_ms", "below_6_ms", "6_to_20_ms",
    "20_to_50_ms", "entropy", "q05", "q10", "q25", "q50", "q75", "q90", "spread", "log_mean",
    "log_sd",
)  # fmt: skip
ACG_FEATURES = (
    "bursts", "refractory", "rise", "peak_lag", "peak", "first_tenth",
)  # fmt: skip
QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9)
NOTHING = 1e-9


def interval_features(isi: np.ndarray) -> np.ndarray:
    """Features (N, 19) of the intervals (N, B) that are in the bins, in ms; NaN stays NaN."""
    known = np.isfinite(isi).all(axis=1)
    features = np.full((len(isi), len(ISI_FEATURES)), np.nan)
    shares = isi[known] / isi[known].sum(axis=1, keepdims=True)  # (n, B)
    at_ms = np.arange(isi.shape[1]) + 0.5
    mean = shares @ at_ms
    sd = np.sqrt(np.maximum(shares @ at_ms**2 - mean**2, 0))
    log_mean = shares @ np.log(at_ms)
    log_sd = np.sqrt(np.maximum(shares @ np.log(at_ms) ** 2 - log_mean**2, 0))
    summed = shares.cumsum(axis=1)
    q05, q10, q25, q50, q75, q90 = ((summed < share).sum(axis=1) for share in QUANTILES)
    columns = [
        mean, sd, sd / mean, shares.argmax(axis=1), shares.max(axis=1),
        *(shares[:, begin:end].sum(axis=1) for begin, end in ((0, 2), (0, 6), (6, 20), (20, 50))),
        -(shares * np.log(shares + NOTHING)).sum(axis=1),
        q05, q10, q25, q50, q75, q90, (q75 - q25) / (q50 + 1), log_mean, log_sd,
    ]  # fmt: skip
    features[known] = np.stack(columns, axis=1)
    return features


def acg_features(half: np.ndarray) -> np.ndarray:
    """Features (N, 6) of half an autocorrelogram (N, H) without the bin at 0; NaN stays NaN.

    Rates are relative to those from the middle of the half on, as only these ratios are the same
    for counts and for spikes/s.
    """
    known = np.isfinite(half).all(axis=1)
    features = np.full((len(half), len(ACG_FEATURES)), np.nan)
    rates = half[known]
    late = rates[:, half.shape[1] // 2 :].mean(axis=1) + NOTHING
    largest = np.maximum(rates.max(axis=1), NOTHING)
    total = np.maximum(rates.sum(axis=1), NOTHING)
    columns = [
        np.log1p(rates[:, 1:6].mean(axis=1) / late),
        np.log1p(rates[:, :2].mean(axis=1) / late),
        np.log1p(rates[:, 5:15].mean(axis=1) / late),
        rates.argmax(axis=1),
        np.log1p(largest / late),
        (rates.cumsum(axis=1) < 0.1 * total[:, None]).sum(axis=1),
    ]
    features[known] = np.stack(columns, axis=1)
    return features
