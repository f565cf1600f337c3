"""A recording as a page shows it: the trace's envelope, and each spike as it was sampled.

N spikes, T samples a window, n stretches.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from raphe.core.recordings.recording import CHUNK, Recording
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
    low: np.ndarray  # float32 (n,), NaN where a sample is missing
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
            np.minimum.reduceat(self.low, firsts),
            np.maximum.reduceat(self.high, firsts),
        )


def cell_envelopes(cell: CellSpikes, cut: Cut, n_stretches: int = STRETCHES) -> list[Envelope]:
    """Of every sweep of a cell's recordings, which follow one another, in the cut's unit.

    About `n_stretches` in all, one at least a sweep.
    """
    begun_s, envelopes = 0.0, []
    n_samples = sum(recording.n_samples for recording in cell.recordings)
    for recording in cell.recordings:
        share = max(1, n_stretches * recording.n_samples // n_samples)
        scale = recording_scale(recording, cut)
        envelopes += sweep_envelopes(recording, share, scale, begun_s)
        last = recording.sweeps[-1]
        begun_s += last.start_s + last.n_samples / recording.rate_hz
    return envelopes


def sweep_envelopes(
    recording: Recording, n_stretches: int, scale: float = 1.0, begun_s: float = 0.0
) -> Iterator[Envelope]:
    """Of each sweep, read in chunks; about `n_stretches` in all, one at least a sweep.

    Args:
        scale: what values are multiplied by, to another unit.
        begun_s: when the recording begins.
    """
    size = max(1, -(-recording.n_samples // n_stretches))
    per_chunk = max(1, CHUNK // size) * size
    for sweep in recording.sweeps:
        lows, highs = [], []
        for _, samples in sweep.chunks(per_chunk):
            firsts = np.arange(0, len(samples), size)
            lows.append(np.minimum.reduceat(samples, firsts) * scale)
            highs.append(np.maximum.reduceat(samples, firsts) * scale)
        low, high = np.concatenate(lows), np.concatenate(highs)
        if scale < 0:
            low, high = high, low
        yield Envelope(begun_s + sweep.start_s, size / recording.rate_hz, low, high)


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
