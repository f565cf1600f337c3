"""How strong the noise of a recording is where no spike is near."""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from raphe.tasks.celltype.spikes.cutting import CHUNK_SAMPLES
from raphe.tasks.celltype.spikes.resampling import ResampledSweep
from raphe.tasks.celltype.synthetic.noise_stretches import count_places


def noise_level(
    sweeps: Sequence[ResampledSweep], stretches: Sequence[np.ndarray], n_mask: int
) -> float:
    """Root of the mean variance of all pieces of `n_mask` samples that the stretches hold.

    `stretches` has those of each sweep, (n, 2), as `quiet_stretches` finds them.
    """
    total, n_pieces = 0.0, 0
    for sweep, found in zip(sweeps, stretches, strict=True):
        held = count_places(found, n_mask)
        nth = np.arange(held.sum()) - np.repeat(np.cumsum(held) - held, held)  # in its stretch
        first = np.repeat(found[:, 0], held) + n_mask * nth
        n_pieces += len(first)
        # Read by the chunk: to open the file takes longer than to read a stretch.
        chunks = np.arange(CHUNK_SAMPLES, sweep.n_samples, CHUNK_SAMPLES)
        for together in np.split(first, np.searchsorted(first, chunks)):
            if len(together):
                start = int(together[0])
                samples = sweep.read(start, int(together[-1]) + n_mask)
                pieces = sliding_window_view(samples, n_mask)[together - start]
                total += float(pieces.var(axis=1, dtype=np.float64).sum())
    return float(np.sqrt(total / n_pieces))
