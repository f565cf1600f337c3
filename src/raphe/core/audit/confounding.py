"""What the table of items tells before any training: classes that come with a day or laboratory.

n items (cells or units), G groups, C classes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from raphe.core.audit.chance import p_of_table
from raphe.core.sentences import counted, listed
from raphe.core.statistics.permutation import SIGNIFICANT, PermutationTest

SHARED = 0.5  # of the items in a group with others, for days of one class to be no chance


@dataclass(frozen=True)
class Confounding:
    """Groups that tell the class."""

    kinds: tuple[str, ...]  # "day" and "animal" where the one is the other
    classes: Sequence[str]
    counts: np.ndarray  # int64 (G, C), cells
    test: PermutationTest
    fewest: int  # groups of each class that a split needs
    item: str = "cell"
    named: Mapping[str, str] = field(default_factory=dict)  # longer nouns of kinds

    @property
    def total(self) -> bool:
        """Whether each group holds one class."""
        return bool(((self.counts > 0).sum(axis=1) == 1).all())

    @property
    def can_be_split(self) -> bool:
        """Whether training, validation and test can each have groups of every class."""
        return bool(((self.counts > 0).sum(axis=0) >= self.fewest).all())

    @property
    def fact(self) -> str:
        """What comes with what, in counts."""
        kind, n_groups = self.kinds[0], (self.counts > 0).sum(axis=0)
        noun = listed((self.named.get(kind, kind) for kind in self.kinds), "or")
        if self.total:
            of_class = listed(
                f"{counted(kind, int(n))} of {name} ({counted(self.item, int(n_items))})"
                for n, name, n_items in zip(
                    n_groups, self.classes, self.counts.sum(axis=0), strict=True
                )
                if n
            )
            return f"each {noun} holds one class: {of_class}"
        n_pure = int(((self.counts > 0).sum(axis=1) == 1).sum())
        hold = "holds" if n_pure == 1 else "hold"
        return (
            f"{self.item}s of one {noun} are of one class more often than by chance ({self.test}): "
            f"{n_pure} of {counted(kind, len(self.counts))} {hold} one class; {self._extremes()}"
        )

    @property
    def statement(self) -> str:
        """The fact, and what may come of it."""
        return f"{self.fact}; what {self.kinds[0]}s differ in can pass for what classes differ in"

    @property
    def sentence(self) -> str:
        """The statement, and which split keeps it out of a score."""
        kind = self.kinds[0]
        if self.can_be_split:
            return (
                f"{self.statement}: use data.split={kind}, which tests on {kind}s that it did not "
                "train on"
            )
        return (
            f"{self.statement}, and no split of these {self.item}s can tell the two apart: record "
            f"every class in several {kind}s, or several classes in each"
        )

    def _extremes(self) -> str:
        """The groups that lean most to either side."""
        n = self.counts.sum(axis=1)
        order = np.lexsort((n, self.counts[:, 0] / n))
        low = self.counts[order[0]]
        high = self.counts[order[-1]]
        return (
            f"{low[0]} of {counted(self.item, int(low.sum()))} in one are {self.classes[0]}, "
            f"{high[0]} of {high.sum()} in another"
        )


def confoundings(
    label: np.ndarray,
    groups_by: Mapping[str, tuple[int, ...] | None],
    classes: Sequence[str],
    fewest: int,
    rng: np.random.Generator,
    item: str = "cell",
    named: Mapping[str, str] | None = None,
) -> Iterator[Confounding]:
    """Where class and source, animal or day come together, the coarsest first.

    Of a table where they do not, one in 20 has any that is told: the tests share that error.

    Args:
        label: int (n,), the class of each item.
        groups_by: the group of each item by kind, the coarsest kind first; None: not known.
        fewest: groups of each class that a split into parts needs.
        item: what is counted, "cell" or "unit".
        named: longer nouns of kinds.
    """
    of_kind: dict[tuple[int, ...], list[str]] = {}
    for kind, groups in groups_by.items():
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
            tuple(reversed(kinds)),
            classes,
            counts,
            p_of_table(group, label, rng),
            fewest,
            item,
            named or {},
        )
        n_shared = counts.sum(axis=1)[counts.sum(axis=1) > 1].sum()
        if confounding.total and n_shared >= SHARED * len(label):
            explained.append(groups)
            yield confounding
        elif confounding.test.p <= SIGNIFICANT / len(of_kind):
            yield confounding


def numbered(names: Sequence[str]) -> tuple[int, ...] | None:
    """Names as numbers in the order of their first; None where one is "", not known.

    >>> numbered(["b", "a", "b"]), numbered(["a", ""])
    ((0, 1, 0), None)
    """
    if not all(names):
        return None
    first = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return tuple(first[name] for name in names)


def _lie_within(groups: tuple[int, ...], coarser: tuple[int, ...]) -> bool:
    return len(set(zip(groups, coarser, strict=True))) == len(set(groups))
