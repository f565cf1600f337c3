"""What the table of cells tells before any training: classes that come with a day or laboratory.

n cells, G groups, C classes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from raphe.core.sentences import counted, listed
from raphe.core.statistics.permutation import SIGNIFICANT, PermutationTest
from raphe.tasks.celltype.audit.chance import p_of_table
from raphe.tasks.celltype.audit.plan import FEWEST_FOLDS, groups_of
from raphe.tasks.celltype.stores.spike_set import Cell
from raphe.tasks.celltype.stores.split import SplitKind

LOOKED_AT: tuple[SplitKind, ...] = ("source", "animal", "day")
SHARED = 0.5  # of the cells in a group with others, for days of one class to be no chance
NOUNS = {"source": "source (laboratory or rig)"}


@dataclass(frozen=True)
class Confounding:
    """Groups that tell the class."""

    kinds: tuple[SplitKind, ...]  # "day" and "animal" where the one is the other
    classes: Sequence[str]
    counts: np.ndarray  # int64 (G, C), cells
    test: PermutationTest

    @property
    def total(self) -> bool:
        """Whether each group holds one class."""
        return bool(((self.counts > 0).sum(axis=1) == 1).all())

    @property
    def can_be_split(self) -> bool:
        """Whether training, validation and test can each have groups of every class."""
        return bool(((self.counts > 0).sum(axis=0) >= FEWEST_FOLDS).all())

    @property
    def sentence(self) -> str:
        """What comes with what, in counts, and which split keeps it out of a score."""
        kind, n_groups = self.kinds[0], (self.counts > 0).sum(axis=0)
        noun = listed((NOUNS.get(kind, kind) for kind in self.kinds), "or")
        if self.total:
            of_class = listed(
                f"{counted(kind, int(n))} of {name} ({counted('cell', int(cells))})"
                for n, name, cells in zip(
                    n_groups, self.classes, self.counts.sum(axis=0), strict=True
                )
                if n
            )
            text = f"each {noun} holds one class: {of_class}"
        else:
            n_pure = int(((self.counts > 0).sum(axis=1) == 1).sum())
            text = (
                f"cells of one {noun} are of one class more often than by chance ({self.test}): "
                f"{n_pure} of {counted(kind, len(self.counts))} hold one class; {self._extremes()}"
            )
        text = f"{text}; what {kind}s differ in can pass for what classes differ in"
        if self.can_be_split:
            return f"{text}: use data.split={kind}, which tests on {kind}s that it did not train on"
        return (
            f"{text}, and no split of these cells can tell the two apart: record every class in "
            f"several {kind}s, or several classes in each"
        )

    def _extremes(self) -> str:
        """The groups that lean most to either side."""
        n = self.counts.sum(axis=1)
        order = np.lexsort((n, self.counts[:, 0] / n))
        low = self.counts[order[0]]
        high = self.counts[order[-1]]
        return (
            f"{low[0]} of {counted('cell', int(low.sum()))} in one are {self.classes[0]}, "
            f"{high[0]} of {high.sum()} in another"
        )


def confoundings(
    cells: Sequence[Cell], classes: Sequence[str], rng: np.random.Generator
) -> Iterator[Confounding]:
    """Where class and source, animal or day come together, the coarsest first.

    Of a table where they do not, one in 20 has any that is told: the tests share that error.
    """
    label = np.array([cell.label for cell in cells])
    of_kind: dict[tuple[int, ...], list[SplitKind]] = {}
    for kind in LOOKED_AT:
        groups = groups_of(cells, kind)
        if groups is not None and len(set(groups)) > 1:
            of_kind.setdefault(groups, []).append(kind)
    explained: list[tuple[int, ...]] = []  # coarser groups of one class each
    for groups, kinds in of_kind.items():
        if any(_lie_within(groups, coarser) for coarser in explained):
            continue
        group = np.array(groups)
        counts = np.zeros((group.max() + 1, len(classes)), np.int64)
        np.add.at(counts, (group, label), 1)
        confounding = Confounding(
            tuple(reversed(kinds)), classes, counts, p_of_table(group, label, rng)
        )
        n_shared = counts.sum(axis=1)[counts.sum(axis=1) > 1].sum()
        if confounding.total and n_shared >= SHARED * len(cells):
            explained.append(groups)
            yield confounding
        elif confounding.test.p <= SIGNIFICANT / len(of_kind):
            yield confounding


def _lie_within(groups: tuple[int, ...], coarser: tuple[int, ...]) -> bool:
    return len(set(zip(groups, coarser, strict=True))) == len(set(groups))
