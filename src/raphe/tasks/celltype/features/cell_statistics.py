"""One cell in a few numbers, by which one unlike those of training can be told.

N spikes, T samples a window.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from raphe.core.sentences import number
from raphe.tasks.celltype.features.feature_table import WAVEFORM_FEATURES, with_unit
from raphe.tasks.celltype.features.firing import (
    firing_features,
    mains_locking,
    shortest_interval,
)
from raphe.tasks.celltype.features.noise_spectrum import BANDS_HZ, band_densities, slow_noise
from raphe.tasks.celltype.features.spike_shapes import mean_spike
from raphe.tasks.celltype.features.waveform_features import waveform_features
from raphe.tasks.celltype.stores.spike_set import BASELINE_MS
from raphe.tasks.celltype.stores.subsampling import evenly_spaced

SPIKES_OF_A_CELL = 500  # evenly spaced ones stand for all
SPIKE, NOISE, FIRING = GROUPS = ("spike", "noise", "firing")
AFTER_MS = 0.5  # the inward peak is over so long after it
NOTHING = 1e-6  # in any of the units; what is smaller is not told in digits
END_MS = 0.5  # of the window's end


@dataclass(frozen=True)
class Statistic:
    """One statistic; `{unit}` in its unit stands for that of the windows, such as pA."""

    name: str
    unit: str
    words: str
    group: str
    log: bool = False  # compared by its logarithm: it is positive, and its spread grows with it

    def column(self, unit: str) -> str:
        """Its name with the unit, for windows in `unit`: "noise_sd_pA"."""
        return with_unit(self.name, self.unit, unit)

    def shown(self, value: float, unit: str) -> str:
        """A value with its unit: "4.2 pA"; "–" for NaN."""
        return f"{number(value, least=NOTHING)} {self.unit.format(unit=unit)}".rstrip()

    def span(self, low: float, high: float, unit: str) -> str:
        """A range with its unit: "0.12 to 0.21 ms"."""
        return f"{number(low)} to {number(high)} {self.unit.format(unit=unit)}".rstrip()


def _band_words(low_hz: float, high_hz: float) -> str:
    return f"noise at {low_hz / 1000:g} to {high_hz / 1000:g} kHz"


IN_LOGARITHMS = (
    "trough_to_peak", "half_width", "amplitude", "peak_to_trough_ratio", "repolarization_slope",
)  # fmt: skip
WORDS = {  # where the name's own are not enough
    "udi": "upstroke–downstroke interval (UDI)",
    "trough_to_peak": "trough-to-peak time",
    "half_width": "half-width",
    "peak_to_trough_ratio": "peak-to-trough ratio",
    "asymmetry": "asymmetry of single spikes, median",  # the feature is the mean spike's
}
WAVEFORM = tuple(
    Statistic(
        f.name, f.unit, WORDS.get(f.name, f.name.replace("_", " ")), SPIKE, f.name in IN_LOGARITHMS
    )
    for f in WAVEFORM_FEATURES
)
LEVELS_AFTER = (
    Statistic("undershoot", "", "lowest level after the spike, of its size", SPIKE),
    Statistic("end_level", "", "level at the window's end, of the spike's size", SPIKE),
)
BASELINE = Statistic("baseline", "{unit}", "baseline", NOISE)
NOISE_SD = Statistic("noise_sd", "{unit}", "noise SD before the spike", NOISE, log=True)
SLOW_NOISE = Statistic("slow_noise", "{unit}", "noise slower than a window", NOISE, log=True)
BANDS = tuple(
    Statistic(f"noise_{low_hz}_to_{high_hz}_hz", "{unit}/√Hz", _band_words(low_hz, high_hz), NOISE,
              log=True)
    for low_hz, high_hz in BANDS_HZ
)  # fmt: skip
FIRING_RATE = Statistic("firing_rate", "Hz", "firing rate", FIRING, log=True)
ISI_CV = Statistic("isi_cv", "", "CV of the intervals between spikes", FIRING, log=True)
SHORTEST = Statistic(
    "shortest_interval", "ms", "interval that 5 % of the intervals stay below", FIRING, log=True
)
MAINS = Statistic(
    "mains_locking", "SD", "locking of the spikes to the mains (50 or 60 Hz) beyond chance", FIRING
)
STATISTICS = (
    *WAVEFORM, *LEVELS_AFTER, BASELINE, NOISE_SD, SLOW_NOISE, *BANDS, FIRING_RATE, ISI_CV, SHORTEST,
    MAINS,
)  # fmt: skip


def by_column(unit: str) -> dict[str, Statistic]:
    """Each statistic by the name that it has for windows in `unit`."""
    return {statistic.column(unit): statistic for statistic in STATISTICS}


def cell_statistics(
    windows: np.ndarray,
    rate_hz: float,
    unit: str = "pA",
    baseline_ms: float = BASELINE_MS,
    trains: Iterable[np.ndarray] = (),
    recorded_hz: float | None = None,
) -> dict[str, float]:
    """The statistics of one cell, from its spikes (N, T) and their times; NaN for what it lacks.

    Of the waveform's features and the baseline the median over spikes; the noise's SD before the
    spike: over the baseline, root mean square over spikes. Names end with the unit.

    Args:
        windows: (N, T), in `unit`.
        rate_hz: of the windows.
        baseline_ms: start of each window that is baseline, at most an eighth of it is taken; 0 for
            windows whose own zero it is, which then have no statistic of it.
        trains: the spikes' times in s, ascending, an array (n,) for each unbroken sweep; none
            where unknown.
        recorded_hz: rate of the recording that they were cut from, where it was another.
    """
    windows = np.asarray(windows[evenly_spaced(len(windows), SPIKES_OF_A_CELL)], np.float64)
    n_baseline = baseline_samples(windows.shape[1], rate_hz, baseline_ms)
    features = waveform_features(windows, rate_hz, 1000 * n_baseline / rate_hz)
    values = {statistic: _median(features[statistic.name]) for statistic in WAVEFORM}
    values |= _levels_after(mean_spike(windows, n_baseline), rate_hz)
    if n_baseline > 1:
        start = windows[:, :n_baseline]
        values[BASELINE] = _median(start.mean(axis=1))
        values[NOISE_SD] = float(np.sqrt(start.var(axis=1, ddof=1).mean()))
        values[SLOW_NOISE] = slow_noise(windows)
    values |= dict(zip(BANDS, band_densities(windows, rate_hz, recorded_hz).tolist(), strict=True))
    trains = list(trains)
    values[FIRING_RATE], values[ISI_CV] = firing_features(trains)
    values[SHORTEST] = 1000 * shortest_interval(trains)
    values[MAINS] = mains_locking(trains)
    return {statistic.column(unit): value for statistic, value in values.items()}


def baseline_samples(n_samples: int, rate_hz: float, baseline_ms: float) -> int:
    """How many samples of a window's start are baseline: at most an eighth of it."""
    return round(min(baseline_ms * rate_hz / 1000, n_samples / 8))


def _levels_after(spike: np.ndarray, rate_hz: float) -> dict[Statistic, float]:
    """Of a mean spike (T,) whose largest deflection is 1."""
    start = int(np.abs(spike).argmax()) + round(AFTER_MS * rate_hz / 1000)
    n_end = round(END_MS * rate_hz / 1000)
    if start >= len(spike) - n_end:
        return dict.fromkeys(LEVELS_AFTER, float("nan"))
    return dict(zip(LEVELS_AFTER, (spike[start:].min(), spike[-n_end:].mean()), strict=True))


def _median(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else float("nan")
