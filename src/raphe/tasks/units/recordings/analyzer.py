"""Units of a SortingAnalyzer of SpikeInterface, see `stored_analyzer`.

N units, T samples.
"""

from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.firing.histograms import firing
from raphe.core.sentences import counted
from raphe.tasks.units.recordings.quality import NOISE, quality_remarks
from raphe.tasks.units.recordings.stored_analyzer import StoredAnalyzer, open_analyzer
from raphe.tasks.units.recordings.unit_set import ReadUnits, UnitFacts, UnitSet, cleaned
from raphe.tasks.units.recordings.waveform_rate import waveform_rate

# Properties that tell of a unit's quality, as Phy's curation and Kilosort's come; the first counts.
QUALITY = ("quality", "group", "KSLabel")
PAUSE_S = 1000.0  # between two segments: no interval that is counted is as long


def read_analyzer(path: Path, rate_hz: float | None = None, label: str | None = None) -> ReadUnits:
    """The units of an analyzer but those that are noise.

    A unit's waveform is its template on the channel where that is largest. `label` is the property
    that holds each unit's class.

    Raises:
        RecordingError: what is missing, does not fit or cannot be read.
    """
    wanted = [*QUALITY, *([label] if label else [])]
    analyzer = open_analyzer(path, wanted)
    n = len(analyzer.unit_ids)
    rate_hz = waveform_rate(f"{path}: sampling_frequency", analyzer.rate_hz, rate_hz)
    assert rate_hz is not None  # it is stated
    _require_fitting(path, analyzer)
    words = {name: _words(path, name, analyzer.properties[name], n) for name in analyzer.properties}
    if label and label not in words:
        raise RecordingError(
            f"{path}: expected a property {label} of its units, found none; there are "
            f"{', '.join(analyzer.property_names) or 'none'}"
        )
    order = np.argsort(analyzer.unit_rows, kind="stable")
    times = analyzer.samples / rate_hz + _begins_s(analyzer, rate_hz)[analyzer.segments]
    counts = np.bincount(analyzer.unit_rows, minlength=n)
    trains = np.split(times[order], np.cumsum(counts)[:-1])
    waveforms, remarks = _waveforms(path, analyzer.templates, n)
    facts = [
        UnitFacts(unit_id, words[label][row] if label else "", n_spikes=len(trains[row]))
        for row, unit_id in enumerate(analyzer.unit_ids)
    ]
    quality = next((words[name] for name in QUALITY if name in words), [""] * n)
    kept = np.array([word.casefold() != NOISE for word in quality])
    if not kept.any():
        raise RecordingError(
            f"{path}: expected units that are no noise, got {counted('unit', n)}, all noise or "
            "none; look at the property quality"
        )
    units = UnitSet(facts, waveforms, *firing(trains), rate_hz).rows(kept)
    read = cleaned(units, str(path))
    remarks += quality_remarks("unit", analyzer.unit_ids, quality)
    return ReadUnits(read.units, read.left_out, [*remarks, *read.remarks])


def _require_fitting(path: Path, analyzer: StoredAnalyzer) -> None:
    rows, n = analyzer.unit_rows, len(analyzer.unit_ids)
    fits = len(rows) == len(analyzer.samples) == len(analyzer.segments)
    if not fits or (len(rows) and not 0 <= rows.min() <= rows.max() < n):
        raise RecordingError(
            f"{path}: expected each spike to belong to one of {counted('unit', n)}, got others; "
            "save the analyzer anew"
        )


def _begins_s(analyzer: StoredAnalyzer, rate_hz: float) -> np.ndarray:
    """When each segment begins, were they one behind the other with a pause between."""
    ends = np.zeros(int(analyzer.segments.max(initial=0)) + 1)
    np.maximum.at(ends, analyzer.segments, analyzer.samples / rate_hz)
    return np.concatenate([[0.0], np.cumsum(ends + PAUSE_S)[:-1]])


def _words(path: Path, name: str, values: np.ndarray, n: int) -> list[str]:
    """A property of one value a unit, as text; "" for a number that is none."""
    if values.shape != (n,):
        raise RecordingError(
            f"{path}: expected the property {name} to have one value for each of "
            f"{counted('unit', n)}, got {values.shape}; set it anew"
        )
    if values.dtype.kind == "f":
        return [f"{value:g}" if np.isfinite(value) else "" for value in values.tolist()]
    return [str(value).strip() for value in values.tolist()]


def _waveforms(path: Path, templates: np.ndarray | None, n: int) -> tuple[np.ndarray, list[str]]:
    """Of each unit on its largest channel, float32 (N, T), and what must be known of them."""
    if templates is None:
        return np.empty((n, 0), np.float32), [
            "there are no templates, so units are told by firing alone; to have them, compute "
            '["random_spikes", "templates"] in SpikeInterface'
        ]
    if templates.ndim != 3 or len(templates) != n or templates.dtype.kind not in "fiu":
        raise RecordingError(
            f"{path}: expected templates of {counted('unit', n)} × samples × channels, got "
            f"{templates.shape} {templates.dtype}; compute them anew"
        )
    largest = np.nan_to_num(np.ptp(templates, axis=1), nan=-1).argmax(axis=1)  # (N,)
    chosen = np.take_along_axis(templates, largest[:, None, None], axis=2)[:, :, 0]
    return chosen.astype(np.float32), []
