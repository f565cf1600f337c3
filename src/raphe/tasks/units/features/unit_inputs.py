"""What classifiers see of a unit: one row of numbers, a block for each branch.

The same function makes it for training and for new units. N units, D numbers, T samples, B bins of
intervals, H bins of half an autocorrelogram.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from scipy.signal import resample_poly

from raphe.core.errors import RecordingError
from raphe.core.firing.features import (
    ACG_FEATURES,
    ISI_FEATURES,
    acg_features,
    interval_features,
)
from raphe.core.firing.histograms import edge_names, log_binned, log_edges
from raphe.core.recordings.rates import rate_ratio, same_rate
from raphe.tasks.units.features.waveform_features import FEATURES, waveform_features
from raphe.tasks.units.recordings.unit_set import BRANCHES, WORDS, UnitSet
from raphe.tasks.units.recordings.window import Window, brought

TO_ONE = 1e-3  # by which a sum may miss 1


@dataclass(frozen=True)
class Layout:
    """Of the units that a classifier was trained on; 0 for what none of them had."""

    n_samples: int
    isi_bins: int
    acg_bins: int
    rate_hz: float | None
    peak_sample: int  # where waveforms, else their mean, are farthest from 0, see Window
    inverted: bool  # the mean of all waveforms points up where it is farthest from 0
    isi_to_one: bool  # intervals of each unit sum to 1: how many were longer is not known
    level: float | None = None  # see Window; older bundles do not tell
    up: bool | None = None

    @classmethod
    def of(cls, units: UnitSet) -> "Layout":
        shapes = _scaled(units.waveforms[units.present[:, 0]])
        mean = shapes.mean(axis=0) if shapes.size else np.zeros(1)
        peak = int(np.abs(mean).argmax())
        window = Window.of(shapes)
        sums = units.isi[units.present[:, 1]].sum(axis=1)
        return cls(
            units.waveforms.shape[1],
            units.isi.shape[1],
            units.acg.shape[1],
            units.rate_hz,
            peak if window.place is None else window.place,
            bool(mean[peak] > 0),
            bool((np.abs(sums - 1) < TO_ONE).all()),
            window.level,
            window.up,
        )

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "Layout":
        return cls(**facts)

    def facts(self) -> dict[str, Any]:
        """JSON values, which `from_facts` reads."""
        return asdict(self)

    @property
    def dims(self) -> tuple[int, int, int]:
        """How many numbers each branch has, 0 for one that there is not."""
        edges = len(log_edges(self.isi_bins)) - 1 if self.isi_bins else 0
        half = self.acg_bins // 2
        return (
            self.n_samples + len(FEATURES) if self.n_samples else 0,
            edges + 1 + len(ISI_FEATURES) if self.isi_bins else 0,
            len(log_edges(half)) - 1 + len(ACG_FEATURES) if half else 0,
        )

    @property
    def window(self) -> Window:
        """How training's spikes lie in it."""
        return Window(self.peak_sample, self.level, self.up)

    @property
    def branches(self) -> list[str]:
        return [name for name, n in zip(BRANCHES, self.dims, strict=True) if n]

    @property
    def names(self) -> list[str]:
        """Of the D numbers."""
        samples = [f"waveform_{n}" for n in range(self.n_samples)]
        isi = edge_names("isi", self.isi_bins)
        acg = edge_names("acg", self.acg_bins // 2)
        of_branches = (
            [*samples, *FEATURES],
            [*isi, "isi_log_share", *(f"isi_{name}" for name in ISI_FEATURES)],
            [*acg, *(f"acg_{name}" for name in ACG_FEATURES)],
        )
        return [
            name for names, n in zip(of_branches, self.dims, strict=True) for name in names if n
        ]


def unit_inputs(units: UnitSet, layout: Layout) -> np.ndarray:
    """One row of D numbers a unit, float64 (N, D), NaN in the block of a branch that is missing.

    Raises:
        RecordingError: waveforms of another length at a rate that is not known, or fewer bins.
    """
    return told_inputs(units, layout)[0]


def told_inputs(units: UnitSet, layout: Layout) -> tuple[np.ndarray, list[str]]:
    """The same, and a sentence on each thing that was done to all waveforms, see `brought`."""
    blocks, told = [], list[str]()
    if layout.n_samples:
        waveforms, told = _as_in(units, layout)
        shapes = _scaled(waveforms) * (-1 if layout.inverted else 1)
        blocks.append(np.hstack([shapes, waveform_features(shapes)]))
    if layout.isi_bins:
        isi = _cut(units.isi, layout.isi_bins, "isi")
        total = isi.sum(axis=1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            binned = np.sqrt(log_binned(isi / total))
            isi = np.where(total > 0, isi, np.nan)  # all are longer: nothing is known
            share = np.where(total > 0, 1, np.nan) if layout.isi_to_one else total
            blocks.append(np.hstack([binned, np.log1p(share), interval_features(isi)]))
    if half_bins := layout.acg_bins // 2:
        middle = units.acg.shape[1] // 2
        half = _cut(units.acg[:, middle + 1 :], half_bins, "acg")
        with np.errstate(invalid="ignore", divide="ignore"):
            largest = half.max(axis=1, keepdims=True)
            half = np.where(largest > 0, half, np.nan)
            blocks.append(np.hstack([log_binned(half / largest, mean=True), acg_features(half)]))
    return _whole_blocks(blocks), told


def rate_taken(rate_hz: float | None, layout: Layout) -> list[str]:
    """What is taken for granted of waveforms at a rate, None where it is not known, as a sentence.

    >>> layout = Layout(40, 0, 0, 30_000.0, 12, False, False)
    >>> rate_taken(30_000.0, layout)
    []
    """
    if not layout.n_samples or (rate_hz and layout.rate_hz):
        return []
    if layout.rate_hz:
        return [
            "the sampling rate of these waveforms is not known and taken to be the "
            f"{layout.rate_hz:g} Hz of the bundle's: say it with --rate-hz, a wrong one "
            "makes every spike too narrow or too wide"
        ]
    return [
        "the sampling rate of the bundle's own units is not known, so that waveforms are compared "
        "sample by sample"
    ]


def _whole_blocks(blocks: list[np.ndarray]) -> np.ndarray:
    """A block with a number that is missing is missing."""
    for block in blocks:
        block[~np.isfinite(block).all(axis=1)] = np.nan
    return np.hstack(blocks)


def _scaled(waveforms: np.ndarray) -> np.ndarray:
    """To ±1 at the farthest from 0: float64 (N, T)."""
    waveforms = np.asarray(waveforms, np.float64)
    if not waveforms.size:
        return waveforms
    with np.errstate(invalid="ignore", divide="ignore"):
        return waveforms / np.abs(waveforms).max(axis=1, keepdims=True)


def _as_in(units: UnitSet, layout: Layout) -> tuple[np.ndarray, list[str]]:
    """Waveforms (N, T) as those of training: where rates differ resampled, the spike at the same
    sample, as a sorting's window has it or where another length has it elsewhere; and what was
    done to all of them beside resampling.
    """
    waveforms = np.asarray(units.waveforms, np.float64)
    if not waveforms.shape[1]:
        return np.full((len(units), layout.n_samples), np.nan), []
    own_hz, wanted_hz = units.rate_hz, layout.rate_hz
    if own_hz and wanted_hz and not same_rate(own_hz, wanted_hz):
        waveforms = _resampled(waveforms, rate_ratio(wanted_hz, own_hz))
    if waveforms.shape[1] != layout.n_samples:
        if not (own_hz and wanted_hz):
            which = "the bundle's units" if own_hz else "these units"
            raise RecordingError(
                f"waveforms: expected {layout.n_samples} samples as in training, got "
                f"{waveforms.shape[1]}, and the sampling rate of {which} is not known; cut the "
                "same stretch at the same rate, or say the rate with --rate-hz"
            )
        waveforms = _cut_alike(waveforms, layout)
    waveforms, told = brought(waveforms, layout.window)
    alike = [f"waveforms were {what}, to lie as those of training" for what in told]
    return waveforms, [*alike, *rate_taken(own_hz, layout)]


def _resampled(waveforms: np.ndarray, ratio: Fraction) -> np.ndarray:
    edge = np.nan_to_num(waveforms[:, :1])
    resampled = resample_poly(
        np.nan_to_num(waveforms) - edge, ratio.numerator, ratio.denominator, axis=1
    )
    return np.where(np.isfinite(waveforms).all(axis=1, keepdims=True), resampled + edge, np.nan)


def _cut_alike(waveforms: np.ndarray, layout: Layout) -> np.ndarray:
    """Windows (N, T) with the spike where training's mean has it, edges repeated."""
    known = np.isfinite(waveforms).all(axis=1)
    cut = np.full((len(waveforms), layout.n_samples), np.nan)
    peak = np.abs(np.nan_to_num(waveforms)).argmax(axis=1)
    at = np.arange(layout.n_samples) - layout.peak_sample
    rows = np.clip(peak[:, None] + at, 0, waveforms.shape[1] - 1)
    cut[known] = np.take_along_axis(waveforms, rows, axis=1)[known]
    return cut


def _cut(histogram: np.ndarray, n_bins: int, branch: str) -> np.ndarray:
    histogram = np.asarray(histogram, np.float64)
    if not histogram.shape[1]:
        return np.full((len(histogram), n_bins), np.nan)
    if histogram.shape[1] < n_bins:
        raise RecordingError(
            f"{WORDS[branch]}: expected {n_bins} bins of 1 ms or more as in training, got "
            f"{histogram.shape[1]}; compute them over as long a time"
        )
    return histogram[:, :n_bins]
