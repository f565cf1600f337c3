"""What tuned, untouched and simple classifiers say of labelled units that they did not see.

N units, C classes of the bundle, K of them with labels.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from raphe.core.statistics.figure_interval import CELL
from raphe.core.statistics.folds import assign_folds
from raphe.core.statistics.intervals import Difference
from raphe.tasks.units.metrics.verdicts import (
    BALANCED,
    Groups,
    Scored,
    Verdicts,
    balanced_difference,
    scores,
)
from raphe.tasks.units.training.simple_classifiers import (
    EXTRA,
    KERNEL,
    LOGISTIC,
    NEAREST,
    fit_simple,
)
from raphe.tasks.units.tuning.anchored import Head
from raphe.tasks.units.tuning.selection import Material

MOST_ONE_BY_ONE = 20  # groups: more are left out ten parts at a time, …
PARTS, REPEATS = 10, 3  # … dealt out so often
SIMPLE = (LOGISTIC, KERNEL, EXTRA, NEAREST)  # boosted trees do not part a dozen units
UNTOUCHED, TUNED = "bundle as it is", "tuned"


@dataclass(frozen=True)
class LeftOut:
    """Of units that were left out: what each method says, and what was chosen without them."""

    probability: np.ndarray  # (N, C), tuned, the mean over repeats
    fold: np.ndarray  # int (N,), of the first repeat
    members: list[Head]  # tuned, of its folds
    chosen: Counter[str]  # how often, over all folds and repeats
    methods: Mapping[str, Verdicts]  # among the classes with labels, by name
    classes: tuple[str, ...]  # these
    groups: Groups

    @property
    def how(self) -> str:
        """As "one animal at a time", "a tenth of the cells at a time, 3 times"."""
        one_by_one = len(self.members) == self.n_groups
        if one_by_one:
            return f"one {self.groups.noun} at a time"
        return f"a tenth of the {self.groups.noun}s at a time, {REPEATS} times"

    @property
    def n_groups(self) -> int:
        of_unit = self.groups.of_unit
        return len(self.fold) if of_unit is None else len(np.unique(of_unit))

    def balanced(self, method: str) -> Scored:
        of_method = scores(self.methods[method], self.classes, self.groups)
        return next(figure for figure in of_method if figure.name == BALANCED)

    def gain(self, method: str = TUNED) -> Difference:
        """How much better than the bundle as it is, on the same units."""
        first, second = self.methods[method], self.methods[UNTOUCHED]
        return balanced_difference(first, second, self.classes, self.groups)

    @property
    def best_simple(self) -> str:
        return max(SIMPLE, key=lambda name: self.balanced(name).estimate.value)


def left_out(
    material: Material,
    classes: tuple[str, ...],
    groups: Groups,
    simple: Sequence[str] = SIMPLE,
) -> LeftOut:
    """Leave groups out, tune on the others, choice and all, and call them."""
    n, group = len(material.label), material.group
    n_groups = len(np.unique(group))
    one_by_one = n_groups <= MOST_ONE_BY_ONE
    probability = np.zeros((n, len(classes)))
    members: list[Head] = []
    chosen: Counter[str] = Counter()
    folds = [
        assign_folds(group, material.label, "all" if one_by_one else PARTS, seed, groups.noun)
        for seed in range(1 if one_by_one else REPEATS)
    ]
    for fold in folds:
        for number in range(int(fold.max()) + 1):
            tested = np.flatnonzero(fold == number)
            freedom, head = material.tuned(np.flatnonzero(fold != number))
            said = head.probability(material.log_p[tested], material.inputs[tested])
            probability[tested] += said / len(folds)
            chosen[freedom.name] += 1
            if fold is folds[0]:
                members.append(head)
    known, label = np.unique(material.label, return_inverse=True)
    said_by = {UNTOUCHED: np.exp(material.log_p)[:, known], TUNED: probability[:, known]}
    said_by |= {name: _simple(name, material, label, folds[0]) for name in simple}
    verdicts = {
        name: Verdicts(said / said.sum(axis=1, keepdims=True), label, np.zeros(n, np.int64))
        for name, said in said_by.items()
    }
    of_known = tuple(classes[index] for index in known)
    return LeftOut(probability, folds[0], members, chosen, verdicts, of_known, groups)


def _simple(name: str, material: Material, label: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """What a simple classifier says of units left out, (N, K)."""
    n_classes = int(label.max()) + 1
    said = np.zeros((len(label), n_classes))
    for number in range(int(fold.max()) + 1):
        tested, trained = fold == number, fold != number
        if len(np.unique(label[trained])) == 1:
            said[tested, label[trained][0]] = 1
            continue
        fitted = fit_simple(
            name, material.inputs[trained], label[trained], material.dims, n_classes
        )
        said[tested] = fitted.probability(material.inputs[tested])
    return said


def groups_of(names: Mapping[str, list[str]], label: np.ndarray) -> Groups:
    """By what labelled units are left out together: the first noun that is known of all and of
    which each class has two or more, else each by itself."""
    for noun, of_units in names.items():
        if not all(of_units):
            continue
        row = np.unique(of_units, return_inverse=True)[1]
        if all(len(np.unique(row[label == index])) > 1 for index in np.unique(label)):
            return Groups(noun, row)
    return Groups(CELL)
