"""When to say "not sure": what abstaining buys, and how often it must be done.

An item is decided where its largest probability, its confidence, is at least a threshold.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from raphe.core.ranges import Range, check_ranges

ErrorRate = Annotated[
    float,
    Range(0, 1, "neither", noun="a share", also="as 0.05", remedy="no network can promise 0"),
]


@dataclass(frozen=True)
class RiskCoverage:
    """The share of items decided, from the most confident on, and the share of those wrong."""

    coverage: np.ndarray  # ascending to 1; items of equal confidence are decided together
    risk: np.ndarray
    threshold: np.ndarray  # the confidence of the last one decided

    @property
    def area(self) -> float:
        """AURC (Geifman et al. 2019): the mean risk over all coverages, 0 at best."""
        return float(np.sum(self.risk * np.diff(self.coverage, prepend=0)))


def risk_coverage(confidence: np.ndarray, right: np.ndarray) -> RiskCoverage:
    """Of items' confidences (N,) and whether each verdict is right (N,)."""
    confidence, right = np.asarray(confidence, float), np.asarray(right, bool)
    order = np.argsort(-confidence, kind="stable")
    descending = confidence[order]
    last = np.flatnonzero(np.append(np.diff(descending) != 0, True))  # of each run of ties
    n_decided = last + 1
    n_wrong = np.cumsum(~right[order])[last]
    return RiskCoverage(n_decided / len(right), n_wrong / n_decided, descending[last])


@dataclass(frozen=True)
class NotSure:
    """Below `threshold` the largest probability is too small to call a class.

    With two classes this is the band from 1 - threshold to threshold.
    """

    threshold: float
    wanted_error: float
    n_items: int  # it was chosen on
    n_decided: int
    n_wrong: int  # of the decided
    guaranteed: bool

    def decided(self, probability: np.ndarray) -> np.ndarray:
        """Which rows of (N, C) are called: bool (N,)."""
        return np.asarray(probability).max(axis=1) >= self.threshold

    def statement(self, items: str = "cells") -> str:
        """What may be said of it, in a sentence."""
        seen = (
            f"{self.n_decided} of {self.n_items} held-out {items} were called, "
            f"{self.n_wrong} of them wrong"
        )
        if self.guaranteed:
            return (
                f"of new {items} like those held out, at most {100 * self.wanted_error:g} % are "
                f"called wrong on average ({seen})"
            )
        return (
            f"nothing can be promised ({seen}): that at most {100 * self.wanted_error:g} % of new "
            f"{items} are called wrong needs {items_needed(self.wanted_error)} held out"
        )


def items_needed(wanted_error: float) -> int:
    """The fewest items that can promise an error rate, all of them called right."""
    return int(np.ceil(1 / wanted_error - 1e-9)) - 1


def choose_not_sure(
    confidence: np.ndarray, right: np.ndarray, wanted_error: ErrorRate = 0.05
) -> NotSure:
    """The smallest threshold that keeps wrong verdicts as rare as wanted.

    Conformal risk control (Angelopoulos et al. 2022): among n held-out items at most
    wanted_error · (n + 1) - 1 may be decided wrong. Then a new item, exchangeable with them, is
    decided and wrong with a probability of at most `wanted_error`, whatever the network and the
    data and however few the items. Binomial bounds on the error among the decided need three times
    as many items before they allow any verdict at all, and are not valid for a threshold that was
    chosen on the same items.

    With too few items for any promise, the threshold allows the same share of wrong verdicts among
    the held-out ones, and `guaranteed` is False.

    Args:
        confidence: (n,) largest probability of items of groups that were not trained on.
        right: (n,) whether their verdict is right.

    Raises:
        SettingError: for an error rate that is none.
    """
    check_ranges(choose_not_sure, locals())
    confidence, right = np.asarray(confidence, float), np.asarray(right, bool)
    n = len(right)
    allowed = int(np.floor(wanted_error * (n + 1) - 1 + 1e-9))
    guaranteed = allowed >= 0
    if not guaranteed:
        allowed = int(np.floor(wanted_error * n))
    wrong = np.sort(confidence[~right])[::-1]
    threshold = float(np.nextafter(wrong[allowed], np.inf)) if allowed < len(wrong) else 0.0
    decided = confidence >= threshold
    return NotSure(
        threshold, wanted_error, n, int(decided.sum()), int((decided & ~right).sum()), guaranteed
    )
