"""A recording as a page shows it: the trace's envelope, and each spike as it was sampled.

N spikes, T samples a window, n stretches.
"""

import base64
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from raphe.core.recordings.recording import CHUNK, Trace
from raphe.tasks.celltype.spikes.cut_settings import Cut
from raphe.tasks.celltype.spikes.cutting import recording_scale
from raphe.tasks.celltype.stores.subsampling import evenly_spaced
from raphe.tasks.celltype.verdicts.cell_input import CellSpikes

# What a page holds of a recording, however long: 4 and 2 bytes each, a third more as text.
STRETCHES = 16_384
SAMPLES_OF_SPIKES = 48_000
LARGEST = 2**15 - 1  # of the whole numbers that values are written as
MISSING = -LARGEST - 1


@dataclass(frozen=True)
class Envelope:
    """The lowest and highest sample of each of n equal stretches of an unbroken sweep."""

    start_s: float
    step_s: float  # of a stretch; the last may be shorter
    low: np.ndarray  # float32 (n,) of the samples there are, NaN where all are missing
    high: np.ndarray

    @property
    def time_s(self) -> np.ndarray:
        """When each stretch begins: (n,)."""
        return self.start_s + self.step_s * np.arange(len(self.low))

    def coarser(self, n_stretches: int) -> "Envelope":
        """The same in at most so many stretches."""
        times = -(-len(self.low) // max(1, n_stretches))
        firsts = np.arange(0, len(self.low), times)
        return Envelope(
            self.start_s,
            times * self.step_s,
            np.fmin.reduceat(self.low, firsts),
            np.fmax.reduceat(self.high, firsts),
        )


def cell_envelopes(cell: CellSpikes, cut: Cut, n_stretches: int = STRETCHES) -> list[Envelope]:
    """Of every sweep of a cell's recordings, which follow one another, in the cut's unit.

    About `n_stretches` in all, one at least a sweep.
    """
    n_samples = sum(recording.n_samples for recording in cell.recordings)
    size = max(1, -(-n_samples // n_stretches))
    per_chunk = max(1, CHUNK // size) * size
    envelopes: list[Envelope] = []
    for placed in _placed_sweeps(cell, cut):
        chunks = placed.trace.chunks(per_chunk)
        parts = [envelope(samples, size, placed.scale) for _, samples in chunks]
        low, high = map(np.concatenate, zip(*parts, strict=True))
        envelopes.append(Envelope(placed.start_s, size / placed.rate_hz, low, high))
    return envelopes


def seen_from(
    cell: CellSpikes, cut: Cut, sweeps: Sequence[Envelope], span: tuple[float, float], points: int
) -> list[Envelope]:
    """What lies between two times, in about `points` stretches: of one sample each where it is
    short enough, whose low is their high.

    Args:
        sweeps: the whole of every sweep, as `cell_envelopes` gives it; stretches that need no finer
            ones are made of these.
    """
    parts = []
    for placed, whole in zip(_placed_sweeps(cell, cut), sweeps, strict=True):
        first = max(0, math.floor((span[0] - placed.start_s) * placed.rate_hz))
        last = min(
            placed.trace.n_samples, math.ceil((span[1] - placed.start_s) * placed.rate_hz) + 1
        )
        if first < last:
            parts.append((placed, whole, first, last))
    size = max(1, -(-sum(last - first for *_, first, last in parts) // max(1, points)))
    return [_part(placed, whole, first, last, size) for placed, whole, first, last in parts]


@dataclass(frozen=True)
class _PlacedSweep:
    """A sweep where it stands among those of the cell's recordings, which follow one another."""

    trace: Trace
    start_s: float
    rate_hz: float
    scale: float  # to the cut's unit


def _placed_sweeps(cell: CellSpikes, cut: Cut) -> Iterator[_PlacedSweep]:
    begun_s = 0.0
    for recording in cell.recordings:
        scale = recording_scale(recording, cut)
        for trace in recording.sweeps:
            yield _PlacedSweep(trace, begun_s + trace.start_s, recording.rate_hz, scale)
        last = recording.sweeps[-1]
        begun_s += last.start_s + last.n_samples / recording.rate_hz


def _part(placed: _PlacedSweep, whole: Envelope, first: int, last: int, size: int) -> Envelope:
    """Samples [first, last) of a sweep in stretches of `size`."""
    of_whole = round(whole.step_s * placed.rate_hz)  # samples in a stretch of the whole
    if size >= 2 * of_whole:
        start, stop = first // of_whole, -(-last // of_whole)
        part = Envelope(
            whole.start_s + start * whole.step_s,
            whole.step_s,
            whole.low[start:stop],
            whole.high[start:stop],
        )
        return part.coarser(-(-(last - first) // size))
    low, high = envelope(placed.trace.read(first, last), size, placed.scale)
    return Envelope(placed.start_s + first / placed.rate_hz, size / placed.rate_hz, low, high)


def envelope(samples: np.ndarray, size: int, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest of each `size` samples (N,) times `scale`, NaN left out: each
    (n,)."""
    firsts = np.arange(0, len(samples), size)
    low = np.fmin.reduceat(samples, firsts) * scale
    high = np.fmax.reduceat(samples, firsts) * scale
    return (high, low) if scale < 0 else (low, high)


def trace_data(cell: CellSpikes, cut: Cut, sweeps: list[Envelope]) -> dict[str, Any]:
    """What the page's script draws, as JSON values: see trace.js.

    Spikes are those drawn as they were sampled; of more than fit, evenly spaced ones.
    """
    values = np.concatenate([side for sweep in sweeps for side in (sweep.low, sweep.high)])
    finite = np.abs(values[np.isfinite(values)])
    size = float(max(finite.max(initial=0.0), np.abs(cell.waveforms).max(initial=0.0)))
    per_unit = LARGEST / size if size else 1.0
    rows = evenly_spaced(len(cell), max(1, SAMPLES_OF_SPIKES // cut.n_samples))
    return {
        "unit": cut.unit,
        "perUnit": per_unit,
        "threshold": cut.threshold_pa,
        "sweeps": [
            {
                "start": sweep.start_s,
                "step": sweep.step_s,
                "low": _packed(sweep.low * per_unit),
                "high": _packed(sweep.high * per_unit),
            }
            for sweep in sweeps
        ],
        "times": [round(time, 5) for time in cell.time_s.tolist()],
        "drawn": rows.tolist(),
        "spikes": _packed(cell.waveforms[rows].ravel() * per_unit),
        "spikeSamples": cut.n_samples,
        "before": cut.n_before,
        "rate": cut.rate_hz,
    }


def _packed(values: np.ndarray) -> str:
    """Whole numbers of 16 bits, low byte first, in base 64; MISSING for what is not finite."""
    whole = np.where(np.isfinite(values), np.nan_to_num(values), MISSING).round().astype("<i2")
    return base64.b64encode(whole.tobytes()).decode()
