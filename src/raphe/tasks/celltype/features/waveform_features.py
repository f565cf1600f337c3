"""Features of spike windows; `WAVEFORM_FEATURES` says what each one is.

Each window is read through a cubic spline at 200 kHz or more; extrema are refined by a parabola and
crossings by a line. N windows, T samples a window, F features.
"""

from dataclasses import dataclass

import numpy as np

from raphe.core.errors import SettingError
from raphe.tasks.celltype.features.feature_table import WAVEFORM_FEATURES
from raphe.tasks.celltype.features.landmarks import (
    dip,
    highest_after,
    highest_before,
    lowest,
    slopes,
    spline_matrix,
)
from raphe.tasks.celltype.stores.spike_set import BASELINE_MS

NAMES = tuple(feature.name for feature in WAVEFORM_FEATURES)
RECOVERY_MS = 0.7  # SpikeInterface's default
SHORTEST_FIT_MS = 0.1  # of a regression line
FEWEST_SAMPLES = 4
WINDOWS_AT_ONCE = 1024  # 7 MB of spline at 160 samples

REASONS = (
    "",
    "the window holds NaN or infinity",
    "the window has no trough below baseline, or ends with it",
    "the window has no peak above baseline after the trough, or ends with it",
    "the trough's flank begins before the window or goes on after it",
    "the return to baseline takes less than 0.1 ms or goes on after the window",
    "less than 0.1 ms of the window is left after the peak",
)
NOT_FINITE, NO_TROUGH, NO_PEAK, NO_FLANK, NO_RETURN, NO_RECOVERY = range(1, len(REASONS))

Missing = tuple[np.ndarray, int]  # where a feature does not exist (N,), and the reason


@dataclass(frozen=True)
class WaveformFeatures:
    """The features of windows, and why one does not exist."""

    values: np.ndarray  # float64 (N, F), NaN where a feature does not exist
    reason: np.ndarray  # uint8 (N, F), index into REASONS

    def __getitem__(self, name: str) -> np.ndarray:
        """A feature's values by its name: float64 (N,), in the unit of `WAVEFORM_FEATURES`."""
        return self.values[:, NAMES.index(name)]

    def reasons(self, row: int) -> dict[str, str]:
        """The features that a window lacks, and the reason of each."""
        codes = zip(NAMES, self.reason[row].tolist(), strict=True)
        return {name: REASONS[code] for name, code in codes if code}


def waveform_features(
    windows: np.ndarray, rate_hz: float, baseline_ms: float = BASELINE_MS
) -> WaveformFeatures:
    """Measure windows (N, T), single spikes or means, whose trough is their inward peak.

    Baseline is the mean of the first `baseline_ms`; with 0 it is the windows' own zero. Slopes
    are per ms and amplitudes in the unit of the windows. Raises SettingError for windows too short.
    """
    windows = np.asarray(windows)
    n_samples, n_baseline = windows.shape[1], round(baseline_ms * rate_hz / 1000)
    if n_samples < FEWEST_SAMPLES or not 0 <= n_baseline < n_samples:
        raise SettingError(
            f"features of {n_samples} samples at {rate_hz:g} Hz: expected {FEWEST_SAMPLES} samples "
            f"or more, and more than the baseline of {baseline_ms:g} ms; cut longer windows"
        )
    starts = range(0, max(len(windows), 1), WINDOWS_AT_ONCE)
    blocks = [
        _measure_block(windows[start : start + WINDOWS_AT_ONCE], rate_hz, n_baseline)
        for start in starts
    ]
    return WaveformFeatures(*(np.concatenate(arrays) for arrays in zip(*blocks, strict=True)))


def _measure_block(
    windows: np.ndarray, rate_hz: float, n_baseline: int
) -> tuple[np.ndarray, np.ndarray]:
    """Values and reasons, both (N, F)."""
    finite = np.isfinite(windows).all(axis=1)
    windows = np.where(finite[:, None], windows, 0.0)
    if n_baseline:
        windows = windows - windows[:, :n_baseline].mean(axis=1, keepdims=True)
    matrix, step_ms = spline_matrix(windows.shape[1], rate_hz)
    measured = _measure(windows @ matrix, step_ms)  # of (N, L)
    values = np.stack([measured[name][0] for name in NAMES], axis=1)
    reason = np.zeros(values.shape, np.uint8)
    for column, name in enumerate(NAMES):
        for missing, code in (*measured[name][1], (~finite, NOT_FINITE)):
            reason[missing, column] = code
    values[reason > 0] = np.nan
    return values, reason


def _measure(fine: np.ndarray, step_ms: float) -> dict[str, tuple[np.ndarray, list[Missing]]]:
    """Each feature of splines (N, L), and where it does not exist; the last reason counts."""
    trough = lowest(fine)
    peak = highest_after(fine, trough.index)
    upward = fine.max(axis=1) > -fine.min(axis=1)
    turned = np.where(upward[:, None], -fine, fine)  # the largest deflection down
    upstroke = lowest(turned)
    downstroke = highest_after(turned, upstroke.index)
    before = np.maximum(highest_before(fine, trough.index), 0)
    fall, rise = dip(fine, trough.index, trough.value / 2)
    _, back = dip(fine, trough.index, np.zeros(len(fine)))
    to_end = np.minimum(peak.index + round(RECOVERY_MS / step_ms), fine.shape[1])
    to_baseline = np.floor(np.nan_to_num(back)).astype(int) + 1
    shortest = round(SHORTEST_FIT_MS / step_ms)

    no_trough = (~trough.inside | (trough.value >= 0), NO_TROUGH)
    no_peak = (~peak.inside | (peak.value <= 0), NO_PEAK)
    no_upstroke = (~upstroke.inside | (upstroke.value >= 0), NO_TROUGH)
    no_downstroke = (~downstroke.inside | (downstroke.value <= 0), NO_PEAK)
    no_flank = (np.isnan(fall + rise), NO_FLANK)
    no_return = (np.isnan(back) | (to_baseline - trough.index < shortest), NO_RETURN)
    no_recovery = (to_end - peak.index < shortest, NO_RECOVERY)
    with np.errstate(divide="ignore", invalid="ignore"):  # where there is no trough or no peak
        ratio = peak.value / -trough.value
        asymmetry = (peak.value - before) / (peak.value + before)
    return {
        "udi": ((downstroke.place - upstroke.place) * step_ms, [no_downstroke, no_upstroke]),
        "trough_to_peak": ((peak.place - trough.place) * step_ms, [no_peak, no_trough]),
        "half_width": ((rise - fall) * step_ms, [no_flank, no_trough]),
        "amplitude": (-trough.value, [no_trough]),
        "repolarization_slope": (
            slopes(fine, trough.index, to_baseline) / step_ms,
            [no_return, no_trough],
        ),
        "recovery_slope": (
            slopes(fine, peak.index, to_end) / step_ms,
            [no_recovery, no_peak, no_trough],
        ),
        "peak_to_trough_ratio": (ratio, [no_peak, no_trough]),
        "asymmetry": (asymmetry, [no_peak, no_trough]),
    }
