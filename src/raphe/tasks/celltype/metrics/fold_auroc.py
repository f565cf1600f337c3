"""AUROC of cells that several networks scored, each network those of its own fold.

Pooled over folds, cells of one class are compared with cells of another that another network
scored. A fold leaves its own class out of training a little, so its network leans to the other:
where nothing can be told apart the pooled AUROC lies below 0.5, the more so the fewer groups there
are (Parker, Günter & Bedo 2007; Airola et al. 2011). Pairs of one fold have one network and no such
lean.

n cells, C classes, F folds, G groups, D features.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from raphe.core.sentences import counted
from raphe.tasks.celltype.metrics.predictions import Predictions

N_DRAWS = 400  # the mean AUROC then has a standard error of about 0.01
N_FEATURES = 8
MOST_LEFT_OUT = 0.5  # of the cells of a class; with fewer the rest speak for all


@dataclass(frozen=True)
class FoldComparison:
    """The AUROC of a cross-validation's cells, within folds and by chance; of more than two classes
    the mean over the classes, each against the rest."""

    within: float
    stands_for_all: bool  # whether folds with both hold most cells of each class
    n_folds: int  # with both
    n_cells: int  # of these folds
    chance: "ChanceLevel"  # pooled over folds
    n_classes: int

    @classmethod
    def of(
        cls, cells: Predictions, fold: np.ndarray, group: np.ndarray, rng: np.random.Generator
    ) -> "FoldComparison":
        """Of n cells, the fold (n,) and the day, animal or own number (n,) of each."""
        n_classes = cells.n_classes
        areas, chances = [], []
        for index in range(1 if n_classes == 2 else n_classes):
            positive = cells.label == index
            areas.append(auroc_within_folds(cells.probability[:, index], positive, fold))
            chances.append(chance_pooled_over_folds(positive, fold, group, rng))
        return cls(
            float(np.mean([area.value for area in areas])),
            all(area.stands_for_all for area in areas),
            max(area.n_folds for area in areas),
            max(area.n_cells for area in areas),
            ChanceLevel(
                float(np.mean([chance.auroc for chance in chances])),
                float(np.mean([chance.balanced_accuracy for chance in chances])),
            ),
            n_classes,
        )

    def sentence(self) -> str:
        """What a reader of the pooled figures must know."""
        name = "AUROC" if self.n_classes == 2 else "macro AUROC"
        if self.stands_for_all:
            return (
                f"Each fold has a network of its own, so the {name} of cells compares only cells "
                f"of the same fold: it is {self.within:.3f}, from {counted('cell', self.n_cells)} "
                f"in {counted('fold', self.n_folds)} that hold more than one class."
            )
        within = "" if np.isnan(self.within) else f" ({name} within folds {self.within:.3f})"
        held = (
            "No fold holds more than one class"
            if not self.n_folds
            else f"Only {counted('cell', self.n_cells)} are in folds of more than one class{within}"
        )
        said = f"{held}: the {name} of cells compares cells that different networks scored."
        if np.isnan(self.chance.auroc):
            return said
        if self.chance.auroc >= 0.495:
            return f"{said} With this many folds that lowers it by less than 0.01."
        return (
            f"{said} That lowers it: without any difference between the classes a plain classifier "
            f"(nearest class mean) has {self.chance.auroc:.2f} in these folds, not 0.50, and a "
            f"balanced accuracy of {self.chance.balanced_accuracy:.2f}."
        )


@dataclass(frozen=True)
class FoldAuroc:
    """AUROC over the pairs of one fold each, and what it rests on."""

    value: float  # NaN where no fold holds both
    n_folds: int  # that hold both
    n_cells: int  # of these folds
    share: float  # of the cells of the class of which fewer are in such folds

    @property
    def stands_for_all(self) -> bool:
        """Whether such folds hold most cells of either class."""
        return self.share >= 1 - MOST_LEFT_OUT


def auroc_within_folds(score: np.ndarray, positive: np.ndarray, fold: np.ndarray) -> FoldAuroc:
    """Share of pairs of a positive and a negative of one fold that are ranked right, a tie half.

    Args:
        score: (n,) the larger, the more it speaks for a positive.
        positive: bool (n,)
        fold: of each cell, (n,).
    """
    positive = np.asarray(positive, dtype=bool)
    wins = pairs = n_folds = n_cells = 0
    held = np.zeros(2)  # negatives and positives in folds with both
    for number in np.unique(fold):
        here = fold == number
        n_positive = int(positive[here].sum())
        n_negative = int(here.sum()) - n_positive
        if not n_positive or not n_negative:
            continue
        ranks = rankdata(score[here])[positive[here]].sum()
        wins += ranks - n_positive * (n_positive + 1) / 2
        pairs += n_positive * n_negative
        n_folds, n_cells = n_folds + 1, n_cells + int(here.sum())
        held += n_negative, n_positive
    of_class = np.array([(~positive).sum(), positive.sum()])
    share = float((held / of_class).min()) if of_class.all() else 0.0
    return FoldAuroc(wins / pairs if pairs else float("nan"), n_folds, n_cells, share)


@dataclass(frozen=True)
class ChanceLevel:
    """What a classifier gets, pooled over folds, from features that mean nothing."""

    auroc: float
    balanced_accuracy: float


def chance_pooled_over_folds(
    positive: np.ndarray, fold: np.ndarray, group: np.ndarray, rng: np.random.Generator
) -> ChanceLevel:
    """The chance level of these very folds, by simulation.

    The nearest class mean over normal features without a meaning, half of whose variance the cells
    of a group share; each fold is scored by the means of all others. Another classifier leans by
    another amount, but the same way. NaN where a fold holds all cells of a class.

    Args:
        positive: bool (n,)
        fold: of each cell, (n,).
        group: of each cell, (n,): its day or animal, or a number of its own.
    """
    positive = np.asarray(positive, dtype=bool)
    groups = np.unique(group, return_inverse=True)[1]
    folds = np.unique(fold, return_inverse=True)[1]
    in_fold = np.eye(folds.max() + 1)[folds].T  # (F, n)
    n_trained = [member.sum() - in_fold @ member for member in (~positive, positive)]
    if min(map(np.min, n_trained)) == 0:
        return ChanceLevel(float("nan"), float("nan"))
    areas, balanced = [], []
    for _ in range(N_DRAWS):
        shared = rng.normal(size=(groups.max() + 1, N_FEATURES))
        feature = shared[groups] + rng.normal(size=(len(groups), N_FEATURES))  # (n, D)
        negative_mean, positive_mean = (
            ((feature * member[:, None]).sum(axis=0) - in_fold @ (feature * member[:, None]))
            / n[:, None]
            for member, n in zip((~positive, positive), n_trained, strict=True)
        )  # (F, D) each
        difference = (positive_mean - negative_mean)[folds]
        middle = (positive_mean + negative_mean)[folds] / 2
        score = ((feature - middle) * difference).sum(axis=1)
        areas.append(_auroc(score, positive))
        balanced.append(((score > 0)[positive].mean() + (score <= 0)[~positive].mean()) / 2)
    return ChanceLevel(float(np.mean(areas)), float(np.mean(balanced)))


def _auroc(score: np.ndarray, positive: np.ndarray) -> float:
    return auroc_within_folds(score, positive, np.zeros(len(score))).value
