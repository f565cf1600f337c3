"""Sensitivity at a specificity as Keras counts it, for comparison with the papers' figures.

Keras pools the outputs of n spikes as 2 n answers to "is it this class?" and tries 200 thresholds
from 0 to 1 in steps of 1/199; an answer above the threshold, not at it, is a yes. Both classes
count as positives, so this is a figure of both together, not of the first. No torch, and not in
torchmetrics. (Source: keras/src/metrics/confusion_metrics.py and its documentation.)
"""

import numpy as np

KERAS_SPECIFICITY = 0.50  # of the papers' figures
N_THRESHOLDS = 200  # the default of tf.keras.metrics.SensitivityAtSpecificity
THRESHOLDS = np.arange(N_THRESHOLDS) / (N_THRESHOLDS - 1)


def count_outputs(sigmoid: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Count the outputs (n, 2) by the least threshold that they do not exceed: int64 (2, 200).

    The first row has the outputs of the other class, the second those of the spike's own class,
    which `label`, int64 (n,), names. Counts of several blocks of spikes add up.
    """
    is_own_class = np.eye(2, dtype=np.int64)[label]  # (n, 2)
    place = np.searchsorted(THRESHOLDS, np.nan_to_num(sigmoid, nan=1.0))
    counts = np.bincount((N_THRESHOLDS * is_own_class + place).ravel(), minlength=2 * N_THRESHOLDS)
    return counts.reshape(2, N_THRESHOLDS)


def sensitivity_of_counts(counts: np.ndarray, specificity: float = KERAS_SPECIFICITY) -> float:
    """The largest share of own outputs above a threshold whose specificity is at least this.

    Of counts (2, 200) as `count_outputs` makes them.
    """
    at_or_below = counts.cumsum(axis=1) / counts.sum(axis=1, keepdims=True)
    true_negative_rate, miss_rate = at_or_below
    # No output lies above the last threshold, 1, so at least that one is allowed.
    return float(1 - miss_rate[true_negative_rate >= specificity].min())


def keras_sensitivity(
    sigmoid: np.ndarray, label: np.ndarray, specificity: float = KERAS_SPECIFICITY
) -> float:
    """What tf.keras.metrics.SensitivityAtSpecificity gives for outputs (n, 2), labels (n,)."""
    return sensitivity_of_counts(count_outputs(sigmoid, label), specificity)
