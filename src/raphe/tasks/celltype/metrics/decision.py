"""How a cell is decided on: pool its spikes' probabilities, calibrate, call or abstain.

M members, N spikes of a cell, n cells, C classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from raphe.core.statistics.abstention import HeldOut, NotSure, choose_not_sure
from raphe.core.statistics.calibration import Calibration, Method, fit_calibration
from raphe.tasks.celltype.metrics.cell_probability import Pooling, cell_probability

NOT_SURE = "not sure"  # the verdict on a cell that no class is called of


@dataclass(frozen=True)
class Decision:
    """Settled once on validation cells and stored with the ensemble."""

    pooling: Pooling
    method: Method | Literal["none"]
    calibration: Calibration
    not_sure: NotSure

    @classmethod
    def fit(
        cls,
        pooled: np.ndarray,
        label: np.ndarray,
        pooling: Pooling,
        method: Method,
        wanted_error: float,
        held_out: HeldOut | None = None,
    ) -> "Decision":
        """Fit on cells that no member was trained on.

        Args:
            pooled: each cell's probability, pooled as `pooling` says, (n, C).
            label: class of each cell, (n,).
            pooling, method: see `cell_probability` and `fit_calibration`.
            wanted_error: share of cells that may be called wrong.
            held_out: days or animals that the cells were held out with, see `held_out_units`.
        """
        calibration = fit_calibration(pooled, label, method)
        calibrated = calibration(pooled)
        right = calibrated.argmax(axis=1) == label
        not_sure = choose_not_sure(calibrated.max(axis=1), right, wanted_error, held_out)
        return cls(pooling, method, calibration, not_sure)

    @classmethod
    def without_held_out_cells(cls, pooling: Pooling, wanted_error: float) -> "Decision":
        """Probabilities stay as they are, and every cell is called."""
        return cls(pooling, "none", Calibration(), NotSure(0.0, wanted_error, 1.0, 0, 0, 0))

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "Decision":
        slope, offset = facts["calibration"]["slope"], tuple(facts["calibration"]["offset"])
        return cls(
            facts["pooling"],
            facts["calibrated_by"],
            Calibration(slope, offset),
            NotSure(**facts["not_sure"]),
        )

    def facts(self) -> dict[str, Any]:
        """JSON values, which `from_facts` reads."""
        return {
            "pooling": self.pooling,
            "calibrated_by": self.method,
            "calibration": asdict(self.calibration),
            "not_sure": asdict(self.not_sure),
        }

    def of_cell(self, members: np.ndarray, times: Sequence[int]) -> np.ndarray:
        """One cell's calibrated probability (C,).

        Args:
            members: what each member says of each of the cell's spikes, (M, N, C).
            times: how often each member counts, (M,).
        """
        pooled = cell_probability(np.repeat(members, times, axis=0), self.pooling)
        return self.calibration(pooled[None])[0]
