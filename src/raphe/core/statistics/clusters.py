"""How far a figure may be off where its items come in groups: cells of one day, spikes of one cell.

Every figure here is linearised: item i moves it by its influence d_i, and the items of one group
move it together. The variance is that of whole groups, as a leave-one-group-out jackknife has it
(CR3 of Bell & McCaffrey 2002). For proportions this is the cluster-robust variance of survey
statistics, for the AUROC that of Obuchowski (1997). How well so many groups tell it, the degrees of
freedom of t, follows from their sizes and from how alike their items are (Imbens & Kolesár 2016).

n items, G groups.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Variance:
    """Of a figure, over groups."""

    value: float
    degrees_of_freedom: float


@dataclass(frozen=True)
class Clusters:
    """Which items belong together, and of which groups there are only so many."""

    group: np.ndarray  # int64 (n,), from 0
    stratum: np.ndarray  # (G,): groups of different strata, as of different classes, do not mix

    @classmethod
    def of(cls, group: np.ndarray, label: np.ndarray | None = None) -> "Clusters":
        """Groups (n,) of any names; strata by the labels (n,) where each group holds one label,
        and each label is that of several groups."""
        names, numbered = np.unique(group, return_inverse=True)
        if label is None:
            return cls(numbered, np.zeros(len(names), np.int64))
        lowest, highest = np.full(len(names), np.inf), np.full(len(names), -np.inf)
        np.minimum.at(lowest, numbered, label)
        np.maximum.at(highest, numbered, label)
        of_one_label = (lowest == highest).all() and np.unique(lowest, return_counts=True)[
            1
        ].min() > 1
        return cls(numbered, lowest if of_one_label else np.zeros(len(names), np.int64))

    @property
    def n(self) -> int:
        return len(self.stratum)

    def n_with(self, part: np.ndarray) -> int:
        """How many groups hold items of a part, bool (n,)."""
        return len(np.unique(self.group[part]))

    def variance(self, influence: np.ndarray, weight: np.ndarray) -> Variance:
        """Of a figure whose value the items move by `influence` (n,).

        Args:
            weight: (n,) of each item in the figure, 0 for items that have no part in it.

        A stratum of one group tells nothing of its variance: NaN.
        """
        stratum = self.stratum[self.group]
        strata = np.unique(stratum[weight > 0])
        if min(self.n_with((stratum == s) & (weight > 0)) for s in strata) == 1:
            return Variance(float("nan"), 0.0)
        values, freedoms = np.array(
            [
                self._of_stratum(influence[here], weight[here], self.group[here])
                for here in (stratum == s for s in strata)
            ]
        ).T
        if not values.sum():
            return Variance(0.0, float(freedoms.min()))
        # Welch & Satterthwaite.
        return Variance(
            float(values.sum()), float(values.sum() ** 2 / (values**2 / freedoms).sum())
        )

    def _of_stratum(
        self, influence: np.ndarray, weight: np.ndarray, group: np.ndarray
    ) -> tuple[float, float]:
        """Variance and degrees of freedom."""
        weight = weight / weight.sum()
        residual = influence - weight * influence.sum()
        share = np.bincount(group, weight)
        has_part = share > 0
        share, moved = share[has_part], np.bincount(group, residual)[has_part]
        squares = np.bincount(group, weight**2)[has_part]
        n_groups = len(share)
        value = (n_groups - 1) / n_groups * ((moved / (1 - share)) ** 2).sum()
        together = (share**2).sum() / squares.sum() - 1  # more items a group than one
        alike = 0.0
        if together > 0 and (of_items := (residual**2).sum()):
            alike = float(np.clip((value / of_items - 1) / together, 0, 1))
        variances = (1 - alike) * squares + alike * share**2
        return float(value), float(variances.sum() ** 2 / (variances**2).sum() - 1)
