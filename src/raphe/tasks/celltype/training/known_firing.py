"""How the cells of each store fire, for a network that looks at it: once a store, then by cell.

B spikes of a batch, D numbers of a cell's firing.
"""

import numpy as np
import torch
from torch import Tensor

from raphe.core.errors import SettingError
from raphe.core.firing.branch_scale import centre_and_scale
from raphe.core.statistics.splits import PARTS
from raphe.tasks.celltype.features.firing_inputs import DIMS, FEWEST_INTERVALS, firing_of_set
from raphe.tasks.celltype.network.firing_net import FiringNet
from raphe.tasks.celltype.stores.spike_set import SpikeSet
from raphe.tasks.celltype.training.data import CellTypeData


class KnownFiring:
    """Of the stores that were asked about, on the device that asks."""

    def __init__(self) -> None:
        self._of_store: dict[str, Tensor] = {}

    def of(self, spikes: SpikeSet, cell: Tensor) -> Tensor:
        """Of each spike's cell, by its index (B,) in the store: float32 (B, D), NaN if unknown."""
        known = self.of_set(spikes).to(cell.device)
        self._of_store[str(spikes.path)] = known
        return known[cell]

    def of_set(self, spikes: SpikeSet) -> Tensor:
        """Of all cells of a store: float32 (n_cells, D), NaN if unknown."""
        key = str(spikes.path)
        if key not in self._of_store:
            self._of_store[key] = torch.from_numpy(firing_of_set(spikes))
        return self._of_store[key]


def scale_by_training(net: FiringNet, data: CellTypeData, known_firing: KnownFiring) -> None:
    """Centre and scale a network's firing by the cells of the training part.

    Raises SettingError where the times of too few spikes are known for even one of them.
    """
    trained = data.spike_split.counts[:, PARTS.index("train")] > 0
    known = known_firing.of_set(data.original).cpu().numpy()[trained]
    if not np.isfinite(known).any():
        raise SettingError(
            f"model=with_firing: {data.original.path} knows {FEWEST_INTERVALS} intervals of no "
            "training cell, as of windows that were cut elsewhere; leave model=with_firing out, "
            "or cut spikes from recordings"
        )
    for name, values in zip(("mean", "scale"), centre_and_scale(known, DIMS), strict=True):
        getattr(net.firing, name).copy_(torch.tensor(values, dtype=torch.float32))
