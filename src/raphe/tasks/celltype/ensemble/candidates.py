"""A sweep's finished networks, side by side on the same spikes.

M members, n spikes, D numbers of a cell's firing, C classes.
"""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from raphe.core.bundles import onnx_graph
from raphe.core.files.checkpoint import load_module
from raphe.core.progress import progress
from raphe.core.protocol import TrainedRun
from raphe.core.statistics.cell_probability import Pooling, cell_probability
from raphe.tasks.celltype.ensemble.bundle_runtime import EnsembleGraph
from raphe.tasks.celltype.features.firing_inputs import firing_of_set
from raphe.tasks.celltype.network.ensemble_forward import EnsembleForward
from raphe.tasks.celltype.network.firing_net import FiringNet
from raphe.tasks.celltype.network.net import CellTypeNet
from raphe.tasks.celltype.stores.spike_set import SpikeSet
from raphe.tasks.celltype.training.module import CellTypeModule

AGREEMENT = 1e-5  # between the graph and torch
TOLD = ("kernel", "n_samples", "rate_hz", "classes")  # by every checkpoint of ours


@dataclass(frozen=True)
class Candidate:
    """A trained network that may become a member."""

    label: str  # what tells it from the others
    origin: str  # "run 3f2a…", "SHA-256 9c1e…"
    kernel: int
    net: CellTypeNet

    @classmethod
    def of_run(cls, run: TrainedRun) -> "Candidate":
        module = load_module(CellTypeModule, run.checkpoint, str(run), needed=TOLD)
        kernel = module.hparams.kernel
        others = [word for word in run.label.split() if not word.startswith("model.kernel=")]
        label = " ".join([f"k={kernel}", *others])
        return cls(label, f"run {run.run_id}", kernel, module.net.eval())

    @property
    def sees_firing(self) -> bool:
        """Whether it looks at how a cell fires, beside its spikes."""
        return isinstance(self.net, FiringNet)

    @property
    def diverged(self) -> bool:
        """Whether a weight is NaN or infinite."""
        return not all(value.isfinite().all() for value in self.net.state_dict().values())


@dataclass(frozen=True)
class CandidatePredictions:
    """What each of M candidates says of a set of cells, spike by spike."""

    probability: np.ndarray  # float32 (M, n, C), the spikes of a cell side by side
    first: np.ndarray  # (n_cells,), where each cell's spikes begin
    cell: np.ndarray  # (n_cells,), index of the cell in its store, ascending
    label: np.ndarray  # (n_cells,)

    @classmethod
    def of(
        cls,
        networks: EnsembleForward,
        batches: Iterable,
        name: str,
        firing: Tensor | None = None,
    ) -> "CandidatePredictions":
        """Ask networks about batches of (current (B, T) in pA, label (B,), cell (B,)).

        Args:
            name: of the cells, for the progress bar.
            firing: of each cell of the store (cells, D), NaN where unknown; None: of none.
        """
        parts = []
        for current, label, cell in progress(batches, f"{name} cells"):
            probability = networks(current, None if firing is None else firing[cell])
            parts.append((probability.numpy(), label.numpy(), cell.numpy()))
        members, labels, cells_of = zip(*parts, strict=True)
        label, cell = np.concatenate(labels), np.concatenate(cells_of)
        order = np.argsort(cell, kind="stable")
        cells, first = np.unique(cell[order], return_index=True)
        probability = np.concatenate(members, axis=1)[:, order]
        return cls(probability, first, cells, label[order][first])

    @property
    def n_spikes(self) -> int:
        return self.probability.shape[1]

    @cached_property
    def of_cells(self) -> np.ndarray:
        """Each candidate's mean over the spikes of each cell, which sums to 1 over the classes:
        float64 (M, n_cells, C)."""
        totals = np.add.reduceat(self.probability, self.first, axis=1, dtype=np.float64)
        return totals / np.maximum(totals.sum(axis=2, keepdims=True), np.finfo(float).tiny)

    def pooled(self, times: np.ndarray, how: Pooling) -> np.ndarray:
        """Each cell's probability (n_cells, C), pooled over its spikes and the members.

        Args:
            times: how often each candidate stands in the ensemble, (M,).
            how: see `cell_probability`.
        """
        members = np.repeat(np.arange(len(times)), times)
        ends = [*self.first[1:], self.n_spikes]
        return np.stack(
            [
                cell_probability(self.probability[members, start:end], how)
                for start, end in zip(self.first, ends, strict=True)
            ]
        )


def firing_seen_by(candidates: Sequence[Candidate], spikes: SpikeSet) -> Tensor | None:
    """How each cell of a store fires (cells, D), where a network looks at it; None where none."""
    if not any(candidate.sees_firing for candidate in candidates):
        return None
    return torch.from_numpy(firing_of_set(spikes))


def require_agreement(
    graph: EnsembleGraph,
    candidates: Sequence[Candidate],
    windows: Tensor,
    as_published: bool = False,
    firing: Tensor | None = None,
) -> None:
    """Refuse a graph that does not give what torch gives, in float64, for windows (N, T) of cells
    that fire so (N, D), None where nothing is known of it."""
    known = None if firing is None else firing.numpy()
    predictions = graph.predict(windows.numpy(), known).members
    for candidate, probability in zip(candidates, predictions, strict=True):
        net = deepcopy(candidate.net).double()
        answer = net.probabilities if as_published else net.class_probability
        seen = {} if firing is None or not candidate.sees_firing else {"firing": firing.double()}
        with torch.inference_mode():
            expected = answer(net(windows.double(), **seen)).numpy()
        whose = f"{candidate.label} ({candidate.origin})"
        onnx_graph.require_agreement(probability, expected, AGREEMENT, whose, "a probability")
