"""How units are called, settled on what networks said of units that they did not see."""

import numpy as np

from raphe.core.statistics.abstention import HeldOut
from raphe.core.statistics.calibration import Method
from raphe.core.statistics.decision import Decision, Mix
from raphe.tasks.units.training.data import UnitData

PROVIDED = "a classifier of all folds errs no more often than those of one fold did"


def settled(
    probability: np.ndarray, data: UnitData, calibration: Method, error_rate: float
) -> Decision:
    """Calibration and "not sure" band of probabilities (N, C) of units by networks of other folds.

    Split by animal or session the promise is for new ones; split by unit for new units of those
    that were trained on, where they are known.
    """
    groups, label = data.groups, data.label
    if data.split in ("animal", "session"):
        group = np.unique(data.store.names_of(data.split), return_inverse=True)[1]
        held_out = HeldOut(unit=data.split, unit_of_item=group, provided=PROVIDED)
    elif groups.of_unit is not None:
        held_out = HeldOut(shared=groups.noun, shared_of_item=groups.of_unit, provided=PROVIDED)
    else:
        held_out = HeldOut(provided=PROVIDED)
    n = len(data.store.classes)
    mix = Mix(tuple([1 / n] * n), "each class weighing alike in training")
    return Decision.fit(probability, label, "mean", calibration, error_rate, held_out, mix)
