"""A new bundle beside an older one, on test cells that neither was made with.

n cells, C classes, G groups.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import RapheError
from raphe.core.protocol import Comparison
from raphe.core.sentences import counted
from raphe.core.statistics.intervals import mean_difference
from raphe.tasks.celltype.ensemble.bundle_runtime import Ensemble
from raphe.tasks.celltype.ensemble.choice_cells import losses_of_truth
from raphe.tasks.celltype.features.firing_inputs import firing_of_set
from raphe.tasks.celltype.metrics.cell_level import group_cells
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.stores.spike_set import SpikeSet

FEWEST_CELLS, FEWEST_GROUPS = 8, 3
SAME = 1e-3  # in loss; less may be the rounding of a graph


@dataclass(frozen=True)
class JudgedCells:
    """The test cells of a new bundle, and what it said of them."""

    spikes: SpikeSet
    rows: np.ndarray  # of the test cells' spikes in it
    cell: np.ndarray  # (n,), index of each cell in the store
    label: np.ndarray  # (n,)
    probability: np.ndarray  # (n, C), calibrated

    def against(self, path: Path) -> Comparison:
        """Let the older bundle at `path` judge the same cells. Never raises RapheError."""
        try:
            return self._against(Ensemble.open(path))
        except RapheError as error:
            return Comparison(f"It could not be compared: {error}.", is_worse=False)

    def _against(self, older: Ensemble) -> Comparison:
        if reason := self._not_comparable(older):
            return Comparison(f"It was not compared with the new one: {reason}.", is_worse=False)
        seen = _seen(older.manifest)
        new_to_both = np.array(
            [self.spikes.cells[index].cell_id not in seen for index in self.cell], bool
        )
        cell, label = self.cell[new_to_both], self.label[new_to_both]
        if len(cell) < FEWEST_CELLS:
            told = counted("test cell", len(cell))
            return Comparison(
                f"It was not compared with the new one: only {told} of the new one "
                f"{'was' if len(cell) == 1 else 'were'} not used to make the older, and "
                f"{FEWEST_CELLS} are needed.",
                is_worse=False,
            )
        of_older = np.stack([self._says(older, index) for index in cell])
        return _compared(self.probability[new_to_both], of_older, label, self._groups(cell, label))

    def _not_comparable(self, older: Ensemble) -> str:
        manifest, spikes = older.manifest, self.spikes
        window = manifest["window"]
        if tuple(manifest["classes"]) != tuple(spikes.classes):
            return "its classes are others"
        ours = (spikes.n_samples, spikes.rate_hz, spikes.unit)
        if (window["n_samples"], window["rate_hz"], window["unit"]) != ours:
            return "its windows have another length, rate or unit"
        if "cells" not in manifest["training"]:
            return "which cells its networks were trained on is not known"
        if "chosen_on" not in manifest["training"]:
            return "by which cells its networks were chosen is not known"
        return ""

    def _says(self, older: Ensemble, index: int) -> np.ndarray:
        """Its probability of one cell, (C,)."""
        rows = self.rows[np.asarray(self.spikes.cell[self.rows]) == index]
        firing = self._firing[index] if older.sees_firing else None
        answers = older.predict(self.spikes.read(rows), firing).members
        return older.decision.of_cell(answers, [member.times for member in older.members])

    @cached_property
    def _firing(self) -> np.ndarray:
        return firing_of_set(self.spikes)

    def _groups(self, cell: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, str]:
        none = np.zeros((len(cell), len(self.spikes.classes)))
        groups = group_cells(Predictions(none, none, label, cell), self.spikes.cells)
        return groups.of_cell[cell], groups.noun


def _seen(manifest: Mapping[str, Any]) -> set[str]:
    """Ids of the cells that a bundle was trained or chosen on."""
    training = manifest["training"]
    return {*training["chosen_on"], *(cell for ids in training["cells"].values() for cell in ids)}


def _compared(
    new: np.ndarray, older: np.ndarray, label: np.ndarray, groups: tuple[np.ndarray, str]
) -> Comparison:
    """By their losses (n,) of the same cells, paired, over groups as wholes."""
    group, noun = groups
    losses = [_over_groups(losses_of_truth(said, label), group) for said in (new, older)]
    right = [int((said.argmax(axis=1) == label).sum()) for said in (new, older)]
    n_groups = len(losses[0])
    where = counted("cell", len(label))
    if noun != "cell":
        where += f" of {counted(noun, n_groups)}"
    text = (
        f"Of the same {where}, used to make neither of the two, the new one calls {right[0]} right "
        f"and the older {right[1]}"
    )
    difference = mean_difference(*losses)
    if n_groups < FEWEST_GROUPS:
        return Comparison(f"{text}; {n_groups} {noun}s cannot tell which is better.", False)
    if np.abs(losses[0] - losses[1]).max() < SAME or np.isnan(difference.low):
        return Comparison(f"{text}; their losses are the same.", False)
    text += (
        f"; its loss minus the older's is {difference.value:+.3f} (95 % interval "
        f"{difference.low:+.3f} to {difference.high:+.3f})"
    ).replace("-", "−")
    if difference.low > 0:
        return Comparison(f"{text}: it is worse.", is_worse=True)
    verdict = "it is better" if difference.high < 0 else "which is better cannot be told"
    return Comparison(f"{text}: {verdict}.", is_worse=False)


def _over_groups(loss: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Mean loss of each group, (G,)."""
    numbers = np.unique(group, return_inverse=True)[1]
    return np.bincount(numbers, loss) / np.bincount(numbers)
