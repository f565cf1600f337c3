"""How alike two spike trains are. Spike times in s."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

BIN_S = 1e-3
SMOOTHED_S = 10e-3  # of Teeter et al. 2018
WINDOW_S = 4e-3  # of a coincidence, Jolivet et al. 2008
REACH = 6.0  # deviations of the Gaussian


def explained_variance(
    model_s: np.ndarray, truth_s: np.ndarray, duration_s: float, sigma_s: float = SMOOTHED_S
) -> float:
    """Share of the truth's variance that the model explains, both smoothed by a Gaussian.

    Spike times in s, float64 (n,) each and rising.

    (var(truth) + var(model) - var(truth - model)) / (var(truth) + var(model)), as Teeter et al.
    2018 have it: 1 for equal trains, 0 for unrelated ones. The truth is one noiseless train here,
    so that nothing is divided by its own reliability. NaN where neither has a spike.
    """
    model, truth = (smoothed(train_s, duration_s, sigma_s) for train_s in (model_s, truth_s))
    both = model.var() + truth.var()
    return float((both - (truth - model).var()) / both) if both else float("nan")


def smoothed(times_s: np.ndarray, duration_s: float, sigma_s: float) -> np.ndarray:
    """A spike train (n,) in bins of 1 ms, smoothed: float64 (bins,), in spikes a bin."""
    n_bins = int(np.ceil(duration_s / BIN_S))
    counts = np.bincount((np.asarray(times_s) / BIN_S).astype(int), minlength=n_bins)
    return gaussian_filter1d(
        counts[:n_bins].astype(float), sigma_s / BIN_S, mode="constant", truncate=REACH
    )


def coincidence(
    model_s: np.ndarray, truth_s: np.ndarray, duration_s: float, window_s: float = WINDOW_S
) -> float:
    """The coincidence factor Γ (Kistler et al. 1997, Jolivet et al. 2008) of two trains (n,).

    1 where every spike is met within the window, 0 on average for a Poisson train of the model's
    rate. NaN where neither has a spike, or the model's rate leaves no chance level.
    """
    n_model, n_truth = len(model_s), len(truth_s)
    expected = 2 * n_model / duration_s * window_s * n_truth
    left = 1 - 2 * n_model / duration_s * window_s
    if not n_model + n_truth or left <= 0:
        return float("nan")
    return float((_met(model_s, truth_s, window_s) - expected) / (0.5 * (n_model + n_truth)) / left)


def _met(model_s: np.ndarray, truth_s: np.ndarray, window_s: float) -> int:
    """True spikes with a model's within the window, each of which meets one at most."""
    met = at = 0
    for time_s in truth_s:
        while at < len(model_s) and model_s[at] < time_s - window_s:
            at += 1
        if at < len(model_s) and model_s[at] <= time_s + window_s:
            met += 1
            at += 1
    return met
