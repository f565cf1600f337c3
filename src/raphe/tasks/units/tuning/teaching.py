"""Which unit to label next: what its label would teach, and no two units that teach the same.

A label teaches where the tuned bundle is unsure: by the entropy of what it says, 1 where all
classes are as likely. It teaches little where a unit like it has a label, or comes earlier in the
list: by the distance between their features. Units that are unlike all that was trained on come
last: they may be no cells, and few are like them. M units without a label, N with one, C classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import entr

from raphe.core.statistics.calibration import Calibration
from raphe.tasks.units.tuning.anchored import Head
from raphe.tasks.units.tuning.selection import Material


@dataclass(frozen=True)
class Teaching:
    """Of units without a label, in the order in which to label them, (M,) each."""

    order: np.ndarray  # int, their rows
    probability: np.ndarray  # (M, C), in this order, as what follows
    entropy: np.ndarray  # of the probability, 0 to 1
    disagreement: np.ndarray  # of it, what members owe to their not saying the same
    novelty: np.ndarray  # 0 of a unit that is there already, 1 as far as usual from those labelled
    worth: np.ndarray  # entropy times novelty


def teaching(
    material: Material,
    head: Head,
    members: Sequence[Head],
    calibration: Calibration,
    is_unlike: np.ndarray,
) -> Teaching:
    """Put the units without a label in order, greedily: each is new beside all before it.

    Args:
        members: tuned without a part of the units each.
        is_unlike: bool (M,), units that are to come last.
    """
    log_p, inputs = material.other_log_p, material.other_inputs
    n_classes = log_p.shape[1]
    probability = calibration(head.probability(log_p, inputs))
    of_members = [calibration(member.probability(log_p, inputs)) for member in members]
    entropy = entr(probability).sum(axis=1) / np.log(n_classes)
    together = entr(np.mean(of_members, axis=0)).sum(axis=1)
    alone = np.mean([entr(said).sum(axis=1) for said in of_members], axis=0)
    disagreement = np.maximum(together - alone, 0) / np.log(n_classes)
    scaling = material.scaling(np.arange(len(material.label)))
    features = scaling.features(log_p, inputs)
    labelled = scaling.features(material.log_p, material.inputs)
    nearest = np.min([np.linalg.norm(features - row, axis=1) for row in labelled], axis=0)
    usual = max(float(np.median(nearest)), 1e-9)
    order, novelty, worth = [], [], []
    left = np.ones(len(features), bool)
    for _ in range(len(features)):
        new = np.minimum(nearest / usual, 1)
        row = int(np.argmax(np.where(left, entropy * new - 2 * is_unlike, -np.inf)))
        order.append(row)
        novelty.append(new[row])
        worth.append(entropy[row] * new[row])
        left[row] = False
        nearest = np.minimum(nearest, np.linalg.norm(features - features[row], axis=1))
    place = np.array(order, int)
    return Teaching(
        place,
        probability[place],
        entropy[place],
        disagreement[place],
        np.array(novelty),
        np.array(worth),
    )
