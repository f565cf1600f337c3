"""When to say "not sure": what abstaining buys, and how often it must be done.

An item is decided where its largest probability, its confidence, is at least a threshold. What can
be promised of new items hangs on what is exchangeable with them: items, where new ones are drawn
from the same groups, else the groups (days, animals) that were held out whole. n items, U units.
"""

from dataclasses import dataclass, field
from typing import Annotated

import numpy as np

from raphe.core.ranges import Range, check_ranges
from raphe.core.sentences import counted

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
class HeldOut:
    """What the held-out items are exchangeable with, and so what can be promised of new ones."""

    item: str = "cell"
    unit: str = "cell"  # what was held out as a whole: an item, or its day or animal
    unit_of_item: np.ndarray | None = field(default=None, repr=False)  # (n,), None: each its own
    shared: str = ""  # what held-out items have in common with those trained on, as "day"
    shared_of_item: np.ndarray | None = field(default=None, repr=False)  # (n,), of which each is
    provided: str = ""  # what is not known of them and must be so, as "no network saw them"


@dataclass(frozen=True)
class NotSure:
    """Below `threshold` the largest probability is too small to call a class.

    With two classes this is the band from 1 - threshold to threshold.
    """

    threshold: float
    wanted_error: float
    promised_error: float  # the share of new items, of all, that are called wrong is at most this
    n_items: int  # it was chosen on
    n_decided: int
    n_wrong: int  # of the decided
    item: str = "cell"
    unit: str = "cell"
    n_units: int = 0  # what `unit` counts
    units_needed: int = 0  # to promise the wanted error
    shared: str = ""  # see HeldOut
    provided: str = ""  # see HeldOut
    wrong_share: float | None = None  # of all, weighted; None where each item counts once

    def decided(self, probability: np.ndarray) -> np.ndarray:
        """Which rows of (N, C) are called: bool (N,)."""
        return np.asarray(probability).max(axis=1) >= self.threshold

    @property
    def kept(self) -> bool:
        """Whether what is promised is what was wanted."""
        return self.promised_error <= self.wanted_error + 1e-9

    def statement(self) -> str:
        """What may be said of it, in the one sentence that stands wherever it is told."""
        items, units = f"{self.item}s", f"{self.unit}s"
        if not self.n_items:
            return f"nothing is promised about new {items}, as none were held out"
        grouped = self.unit != self.item
        if grouped:
            whose = f"the {items} of new {units}"
        elif self.shared:
            whose = f"new {items} of the {self.shared}s trained on"
        else:
            whose = f"new {items} like those held out"
        held_out = f"held-out {items}" + (f" of {counted(self.unit, self.n_units)}" * grouped)
        weighted = (
            ""
            if self.wrong_share is None
            else f"; weighted to these class frequencies, "
            f"{round(100 * self.wrong_share, 1):g} % of all"
        )
        promised = percent_at_most(self.promised_error)
        text = (
            f"on average at most {promised} of {whose} are called wrong ({self.n_decided} of "
            f"{self.n_items} {held_out} were called, {self.n_wrong} of them wrong{weighted})"
        )
        if self.provided:
            text += f", provided that {self.provided}"
        if not self.kept:
            wanted = percent_at_most(self.wanted_error)
            text += f"; promising {wanted} would take {self.units_needed} held-out {units}"
        if self.shared and not grouped:
            text += f"; nothing is promised for other {self.shared}s"
        return text


def percent_at_most(share: float) -> str:
    """A bound, and so rounded up: whole percents from ten on.

    >>> percent_at_most(1 / 19), percent_at_most(0.123), percent_at_most(0.0)
    ('5.3 %', '13 %', '0 %')
    """
    percent = 100 * share
    step = 1 if percent >= 10 else 10
    return f"{max(0.0, np.ceil(step * percent - 1e-6) / step):g} %"


def units_needed(wanted_error: float, largest_weight: float = 1.0) -> int:
    """The fewest units that can promise an error rate, all of them called right."""
    return int(np.ceil(largest_weight / wanted_error - 1e-9)) - 1


def choose_not_sure(
    confidence: np.ndarray,
    right: np.ndarray,
    wanted_error: ErrorRate = 0.05,
    held_out: HeldOut | None = None,
    weight: np.ndarray | None = None,
) -> NotSure:
    """The smallest threshold that keeps wrong verdicts as rare as wanted.

    Conformal risk control (Angelopoulos et al. 2022): the mean over units u of the share r_u of its
    items that are decided and wrong may be so large that (sum of r_u + 1) / (U + 1) is at most
    `wanted_error`. Then a new item of a new unit, exchangeable with those, is decided and wrong
    with a probability of at most `wanted_error`, whatever the network and the data and whatever
    the units' sizes (Lee et al. 2023 for intervals; Dunn et al. 2022). Where units are items this
    is the rule for single items; where they are days, items of one day may be as alike as they
    like. Binomial bounds on the error among the decided need three times as many items before they
    allow any verdict at all, and are not valid for a threshold that was chosen on the same items.

    With fewer than 1 / wanted_error - 1 units the mean of r_u itself is kept at `wanted_error`, and
    what holds, `promised_error`, is (U · wanted_error + 1) / (U + 1). Where units are groups, the
    rule for single items is kept as well, as the more careful of the two.

    Args:
        confidence: (n,) largest probability of items of groups that were not trained on.
        right: (n,) whether their verdict is right.
        held_out: what was held out; without it, each item is a unit of its own.
        weight: (n,) how much more frequent an item's kind is among new items than among these, as
            π(class) / share of the class here for a prevalence π. Then the rule is on weighted
            shares, with the largest weight in place of 1; the promise holds as far as the weights
            are the true ratios (the shares here are the held-out items' own).

    Raises:
        SettingError: for an error rate that is none.
    """
    check_ranges(choose_not_sure, locals())
    confidence, right = np.asarray(confidence, float), np.asarray(right, bool)
    held_out = held_out or HeldOut()
    n = len(right)
    is_weighted = weight is not None
    weight = np.asarray(weight, float) if is_weighted else np.ones(n)
    largest = float(weight.max(initial=1.0))
    rule = _threshold(confidence, right, wanted_error, weight, largest, n)
    n_units = n
    threshold, promised = rule
    if held_out.unit_of_item is not None:
        _, unit, size = np.unique(held_out.unit_of_item, return_inverse=True, return_counts=True)
        n_units = len(size)
        by_unit = weight / size[unit]
        of_units, promised = _threshold(confidence, right, wanted_error, by_unit, largest, n_units)
        threshold = max(threshold, of_units)
    decided = confidence >= threshold
    wrong_share = float(weight[decided & ~right].sum() / n) if is_weighted and n else None
    return NotSure(
        threshold,
        wanted_error,
        min(promised, 1.0),
        n_items=n,
        n_decided=int(decided.sum()),
        n_wrong=int((decided & ~right).sum()),
        item=held_out.item,
        unit=held_out.unit,
        n_units=n_units,
        units_needed=units_needed(wanted_error, largest),
        shared=held_out.shared,
        provided=held_out.provided,
        wrong_share=wrong_share,
    )


def _threshold(
    confidence: np.ndarray,
    right: np.ndarray,
    wanted_error: float,
    loss: np.ndarray,  # (n,) what an item adds to its unit's loss where it is decided and wrong
    largest: float,  # loss of a unit
    n_units: int,
) -> tuple[float, float]:
    """The smallest threshold that conformal risk control allows, and the error it promises."""
    allowed = wanted_error * (n_units + 1) - largest
    promised = wanted_error
    if allowed < -1e-9:
        allowed = wanted_error * n_units
        if (loss == 1).all():  # sums are whole
            allowed = np.floor(allowed + 1e-9)
        promised = (allowed + largest) / (n_units + 1)
    wrong = np.flatnonzero(~right)
    wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
    too_many = np.cumsum(loss[wrong]) > allowed + 1e-9
    if not too_many.any():
        return 0.0, promised
    return float(np.nextafter(confidence[wrong[too_many.argmax()]], np.inf)), promised
