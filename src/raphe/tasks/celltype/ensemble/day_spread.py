"""How much another day's noise would move what an ensemble says of a cell.

Hardly any cell is recorded on two days, so no store can show it. What it does hold is the noise of
several days: behind the spikes of a validation cell, each taken as its mean spike times a factor,
noise of recordings of other days is put, and the networks are asked again. What else differs
between days, as the seal or the temperature, is not in it. n spikes of a cell, T samples.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from raphe.core.sentences import counted
from raphe.core.statistics.decision import Decision
from raphe.tasks.celltype.metrics.recorded_again import log_odds
from raphe.tasks.celltype.network.ensemble_forward import EnsembleForward
from raphe.tasks.celltype.stores.spike_set import Cell, SpikeSet
from raphe.tasks.celltype.stores.subsampling import evenly_spaced

N_CELLS = 40
N_DONORS = 6  # recordings whose noise is put behind the spikes of each cell
N_SPIKES = 40  # of each cell
FEWEST_SPIKES = 10  # of a cell, so that its mean spike is known
FEWEST_CELLS = 8
FEWEST_DONORS = 3
SIMULATED = 0.3  # of 300 simulated cells that were simulated again on another day
SEED = 14


def day_spread(
    networks: EnsembleForward,
    times: Sequence[int],
    decision: Decision,
    spikes: SpikeSet,
    rows: np.ndarray,
    firing: Tensor | None = None,
) -> dict[str, Any]:
    """The SD of a cell's log odds between days, for a manifest: `spread`, and `how` it was found.

    Args:
        networks: the members.
        times: how often each member counts, (M,).
        decision: how the ensemble's answers become a cell's probability.
        spikes: the store.
        rows: the validation spikes in it, ascending.
        firing: of each of its cells (cells, D), which stays as it is; None: none is looked at.
    """
    rng = np.random.default_rng(SEED)
    parts = _parts(spikes, rows, rng)
    variances, n_days = [], set()
    for index, (fitted, _) in parts.items():
        donors = [other for other in parts if _differ(spikes.cells[index], spikes.cells[other])]
        donors = rng.permutation(donors)[:N_DONORS].tolist()
        if len(donors) < FEWEST_DONORS:
            continue
        known = None if firing is None else firing[index].expand(len(fitted), -1)
        told = []
        for donor in donors:
            members = networks(_with_noise(fitted, parts[donor][1], rng), known)  # (M, n, C)
            told.append(decision.of_cell(members.numpy(), times))
        variances.append(log_odds(np.array(told)).var(axis=0, ddof=1))  # (C,)
        n_days |= {spikes.cells[donor].day or spikes.cells[donor].cell_id for donor in donors}
    if len(variances) < FEWEST_CELLS:
        return {
            "spread": SIMULATED,
            "how": (
                "not measured, because validation has too few cells; taken from simulated ones"
            ),
        }
    of_days = all(spikes.cells[index].day for index in parts)
    return {
        "spread": float(np.sqrt(np.mean(variances))),
        "how": (
            "measured by putting the noise of "
            f"{counted('day' if of_days else 'other recording', len(n_days))} behind the spikes of "
            f"{counted('validation cell', len(variances))}"
        ),
    }


def _parts(
    spikes: SpikeSet, rows: np.ndarray, rng: np.random.Generator
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Some cells' spikes without noise and their noise, each float64 (n, T), by the cell's index.

    Noise is what a mean spike times a factor leaves, made larger by what the mean took of it.
    """
    cell = np.asarray(spikes.cell[rows])
    indices, counts = np.unique(cell, return_counts=True)
    usable = indices[counts >= FEWEST_SPIKES]
    parts = {}
    for index in rng.permutation(usable)[:N_CELLS].tolist():
        of_cell = rows[cell == index]
        windows = spikes.read(of_cell[evenly_spaced(len(of_cell), N_SPIKES)]).astype(float)
        mean = windows.mean(axis=0)
        factor = windows @ mean / max(mean @ mean, np.finfo(float).tiny)  # (n,)
        fitted = factor[:, None] * mean
        n = len(windows)
        parts[index] = fitted, (windows - fitted) * np.sqrt(n / (n - 1))
    return parts


def _with_noise(fitted: np.ndarray, noise: np.ndarray, rng: np.random.Generator) -> Tensor:
    """Each spike (n, T) with one stretch of the noise (m, T), all of which are used alike."""
    order = np.resize(rng.permutation(len(noise)), len(fitted))
    return torch.from_numpy((fitted + noise[order]).astype(np.float32))


def _differ(cell: Cell, other: Cell) -> bool:
    """Whether they were recorded on two days; where days are unknown, whether they are two."""
    if cell.day and other.day:
        return cell.day != other.day
    return cell is not other
