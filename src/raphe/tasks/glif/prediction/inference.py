"""Posteriors of cells from their traces, a block of cells at a time.

B cells.
"""

from collections.abc import Iterator
from itertools import groupby
from threading import Lock

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.progress import progress
from raphe.tasks.glif.ensemble.bundle import PosteriorBundle
from raphe.tasks.glif.prediction.network_input import cell_faults, network_input
from raphe.tasks.glif.prediction.posterior import Posterior
from raphe.tasks.glif.recordings.cell_traces import CellTraces
from raphe.tasks.glif.recordings.clipping import clipping_sentences
from raphe.tasks.glif.recordings.current_sign import sign_sentences
from raphe.tasks.glif.synthetic.quantities import REST

AT_ONCE = 64  # cells
ONE_AT_A_TIME = Lock()  # some of numba's thread pools end the process when two calls meet


def inferable(cells: CellTraces, bundle: PosteriorBundle) -> tuple[list[int], dict[int, str]]:
    """Rows of the cells that can be inferred, and of the others the reason.

    Raises RecordingError where there is none.
    """
    faults = cell_faults(cells, bundle.least_samples)
    rows = [row for row in range(len(cells)) if row not in faults]
    if not rows:
        raise RecordingError(f"expected a cell that can be inferred, got none: {faults[0]}")
    return rows, faults


def infer_cells(
    cells: CellTraces, rows: list[int], bundle: PosteriorBundle, n_samples: int, seed: int
) -> Iterator[Posterior]:
    """The posterior of the cell in each of these rows, n_samples draws each."""
    rng = np.random.default_rng(seed)
    for block in progress(_blocks(cells, rows), "Inferring"):
        recorded = cells.recorded(block[0])
        block_cells = CellTraces(
            cells.voltage_v[block, recorded], cells.current_a[block, recorded], cells.rate_hz
        )
        traces, rate_hz, begins_s = network_input(block_cells, bundle.longest_s)
        begins_s += recorded.start / cells.rate_hz
        draws = bundle.infer(traces, rate_hz, n_samples, rng)
        lasts = round(traces.shape[2] / rate_hz * cells.rate_hz)
        for i, row in enumerate(block):
            begin = round(float(begins_s[i]) * cells.rate_hz)
            read = slice(begin, min(begin + lasts, recorded.stop))
            stretch = cells.voltage_v[row, read], cells.current_a[row, read]
            samples = draws.samples[:, i]
            samples[:, REST] -= cells.rest_added_v
            yield Posterior(
                f"cell {row}",
                bundle.level,
                samples,
                draws.unlike[i]
                + clipping_sentences(*stretch)
                + sign_sentences(*stretch, cells.rate_hz),
                float(begins_s[i]),
                (read.stop - begin) / cells.rate_hz,
                draws.misfits_mv[i],
            )


def _blocks(cells: CellTraces, rows: list[int]) -> list[list[int]]:
    """Rows to be inferred at once, whose cells were recorded over the same samples."""
    blocks = []
    for _, alike in groupby(rows, lambda row: str(cells.recorded(row))):
        of_one_span = list(alike)
        blocks += [of_one_span[i : i + AT_ONCE] for i in range(0, len(of_one_span), AT_ONCE)]
    return blocks
