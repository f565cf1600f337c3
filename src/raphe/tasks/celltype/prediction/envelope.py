"""A long trace as a picture needs it: the lowest and highest sample of each of a few stretches."""

from dataclasses import dataclass

import numpy as np

from raphe.core.recordings.recording import CHUNK, Recording


@dataclass(frozen=True)
class Envelope:
    """Of each stretch, NaN where a sweep ends; each array (n,)."""

    time_s: np.ndarray  # of its beginning, sweeps one after the other on the recording's clock
    low: np.ndarray  # in the recording's unit
    high: np.ndarray


def envelope(recording: Recording, n_stretches: int) -> Envelope:
    """Walk through a recording in chunks; about `n_stretches` in all, one at least a sweep."""
    size = max(1, -(-recording.n_samples // n_stretches))
    per_chunk = max(1, CHUNK // size) * size
    time_s, low, high = [], [], []
    for sweep in recording.sweeps:
        for start, samples in sweep.chunks(per_chunk):
            firsts = np.arange(0, len(samples), size)
            time_s.append(sweep.start_s + (start + firsts) / recording.rate_hz)
            low.append(np.minimum.reduceat(samples, firsts))
            high.append(np.maximum.reduceat(samples, firsts))
        for values in (time_s, low, high):  # a gap in the picture
            values.append([np.nan])
    return Envelope(*(np.concatenate(values) for values in (time_s, low, high)))
