"""How a cell is decided on: pool its spikes' probabilities, calibrate, call or abstain.

M members, N spikes of a cell, n cells, C classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from raphe.core.errors import SettingError
from raphe.core.sentences import counted, listed
from raphe.core.statistics.abstention import HeldOut, NotSure, choose_not_sure
from raphe.core.statistics.calibration import (
    FEWEST_ITEMS,
    Calibration,
    Method,
    fit_calibration,
    items_wanted,
)
from raphe.core.statistics.cell_probability import Pooling, cell_probability
from raphe.core.statistics.clusters import Clusters
from raphe.core.statistics.figure_interval import CELL, Levels, interval_of, over_what
from raphe.core.statistics.linear_figures import weighted_precision
from raphe.core.statistics.prevalence import log_ratio, shares_in_words

NOT_SURE = "not sure"  # the verdict on a cell that no class is called of


@dataclass(frozen=True)
class Mix:
    """How frequent each class is where something holds that is said of cells."""

    share: tuple[float, ...]  # (C,)
    source: str  # where it is so: "as among the 30 validation cells"

    def words(self, classes: Sequence[str]) -> str:
        return f"where cells are {shares_in_words(self.share, classes)}, {self.source}"


GIVEN = "the prevalence given"  # the source of a Mix that somebody named


@dataclass(frozen=True)
class ValidationCells:
    """What a decision was settled on, kept so that it can be for another mix of classes."""

    pooled: tuple[tuple[float, ...], ...]  # (n, C), not calibrated
    label: tuple[int, ...]  # (n,)
    unit_of_cell: tuple[int, ...] | None = None  # (n,), see HeldOut
    shared_of_cell: tuple[int, ...] | None = None  # (n,)

    @classmethod
    def of(cls, pooled: np.ndarray, label: np.ndarray, held_out: HeldOut) -> "ValidationCells":
        return cls(
            tuple(map(tuple, np.asarray(pooled, float).tolist())),
            tuple(np.asarray(label).tolist()),
            *(
                None if numbers is None else tuple(np.asarray(numbers).tolist())
                for numbers in (held_out.unit_of_item, held_out.shared_of_item)
            ),
        )

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "ValidationCells":
        return cls(
            tuple(map(tuple, facts["pooled"])),
            tuple(facts["label"]),
            *(
                None if facts[name] is None else tuple(facts[name])
                for name in ("unit_of_cell", "shared_of_cell")
            ),
        )

    @property
    def mix(self) -> Mix:
        n = len(self.label)
        counts = np.bincount(self.label, minlength=len(self.pooled[0]))
        return Mix(tuple((counts / n).tolist()), f"as among the {counted('validation cell', n)}")


@dataclass(frozen=True)
class Decision:
    """Settled once on validation cells and stored with the ensemble."""

    pooling: Pooling
    method: Method | Literal["none"]
    calibration: Calibration
    not_sure: NotSure
    mix: Mix | None = None  # None: not known
    validation: ValidationCells | None = None

    @classmethod
    def fit(
        cls,
        pooled: np.ndarray,
        label: np.ndarray,
        pooling: Pooling,
        method: Method,
        wanted_error: float,
        held_out: HeldOut | None = None,
        trained_mix: Mix | None = None,
    ) -> "Decision":
        """Fit on cells that no member was trained on.

        With too few of them the probabilities stay as they are; the "not sure" band needs no
        calibration. Only Platt's offsets learn how frequent the classes are among these cells: a
        temperature, like none, leaves the probabilities for the mix that was trained on.

        Args:
            pooled: each cell's probability, pooled as `pooling` says, (n, C).
            label: class of each cell, (n,).
            pooling, method: see `cell_probability` and `fit_calibration`.
            wanted_error: share of cells that may be called wrong.
            held_out: days or animals that the cells were held out with, see `held_out_units`.
            trained_mix: that of what the members were trained on, None where it is not known.
        """
        held_out = held_out or HeldOut()
        validation = ValidationCells.of(pooled, label, held_out)
        if items_wanted(len(label)):
            used: Method | Literal["none"] = "none"
            calibration = Calibration()
        else:
            used, calibration = method, fit_calibration(pooled, label, method)
        mix = validation.mix if used == "platt" else trained_mix
        not_sure = _band(calibration(pooled), label, wanted_error, held_out)
        return cls(pooling, used, calibration, not_sure, mix, validation)

    @classmethod
    def without_held_out_cells(
        cls,
        pooling: Pooling,
        wanted_error: float,
        trained_mix: Mix | None = None,
    ) -> "Decision":
        """Probabilities stay as they are, and every cell is called."""
        not_sure = NotSure(0.0, wanted_error, 1.0, 0, 0, 0)
        return cls(pooling, "none", Calibration(), not_sure, trained_mix)

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "Decision":
        slope, offset = facts["calibration"]["slope"], tuple(facts["calibration"]["offset"])
        mix, validation = facts["mix"], facts["validation"]
        return cls(
            facts["pooling"],
            facts["calibrated_by"],
            Calibration(slope, offset),
            NotSure(**facts["not_sure"]),
            mix and Mix(tuple(mix["share"]), mix["source"]),
            validation and ValidationCells.from_facts(validation),
        )

    def facts(self) -> dict[str, Any]:
        """JSON values, which `from_facts` reads."""
        return {
            "pooling": self.pooling,
            "calibrated_by": self.method,
            "calibration": asdict(self.calibration),
            "not_sure": asdict(self.not_sure),
            "mix": self.mix and asdict(self.mix),
            "validation": self.validation and asdict(self.validation),
        }

    @property
    def calibrated(self) -> bool:
        return self.method != "none"

    def calibration_statement(self) -> str:
        """How the probabilities came to be, or what they lack; the one clause for it."""
        n = self.not_sure.n_items
        if self.calibrated:
            return f"calibrated by {self.method} on {counted('validation cell', n)}"
        if not n:
            return "not calibrated, because no cell was held out"
        return (
            f"not calibrated: {counted('validation cell', n)} {'is' if n == 1 else 'are'} too few, "
            f"{items_wanted(n)} more {'is' if items_wanted(n) == 1 else 'are'} needed"
        )

    def mix_statement(self, classes: Sequence[str]) -> str:
        """For which mix of the classes probabilities and promise hold: a sentence."""
        promise, of_validation = "", self.validation and self.validation.mix
        if self.validation is not None and self.mix != of_validation and not self._is_given:
            promise = f"; the promised error rate holds {self.validation.mix.words(classes)}"
        if self.mix is None:
            return (
                "How frequent the classes were in training is not known, so it is not known either "
                f"for which mix of cells the probabilities hold{promise}."
            )
        both = " and the promised error rate" if self.validation is not None and not promise else ""
        can_be_given = not self._is_given and (
            self.validation is None or all(self.validation.mix.share)
        )
        elsewhere = "; for another mix, give its prevalence" if can_be_given else ""
        return f"Probabilities{both} hold {self.mix.words(classes)}{promise}{elsewhere}."

    @property
    def _is_given(self) -> bool:
        return self.mix is not None and self.mix.source == GIVEN

    def predictive_values(self, classes: Sequence[str]) -> str:
        """How often a called class is the right one, at a prevalence that was given: a sentence.

        Of the validation cells, weighted to it; "" where none are known, or no prevalence is given.
        """
        if self.validation is None or self.mix is None or not self._is_given:
            return ""
        cells = self.validation
        label, calibrated = np.array(cells.label), self.calibration(np.array(cells.pooled))
        weight = (np.array(self.mix.share) / cells.mix.share)[label]
        decided, predicted = self.not_sure.decided(calibrated), calibrated.argmax(axis=1)
        levels, of_classes, over = self._levels(label), [], ""
        for number, name in enumerate(classes):
            called = decided & (predicted == number)
            if not called.any():
                of_classes.append(f"none were called {name}")
                continue
            figure = weighted_precision(name, label, number, called, weight)
            interval = interval_of(figure, levels)
            over = over or over_what(figure, interval, CELL, levels)
            of_classes.append(
                f"of the {int(called.sum())} called {name}, {100 * figure.value:.0f} % are "
                f"({100 * interval.low:.0f}–{100 * interval.high:.0f} %)"
            )
        text = f"Among the validation cells, weighted to that mix, {listed(of_classes)}"
        return f"{text}; the 95 % intervals are over {over}." if levels else f"{text}."

    def _levels(self, label: np.ndarray) -> Levels:
        """By what the validation cells come together: copies, and days, animals or sources."""
        cells, rule = self.validation, self.not_sure
        assert cells is not None
        of_levels = {rule.unit: cells.unit_of_cell, rule.shared: cells.shared_of_cell}
        return {
            noun: Clusters.of(np.array(numbers), label)
            for noun, numbers in of_levels.items()
            if numbers is not None
        }

    def at_prevalence(self, prevalence: Sequence[float]) -> "Decision":
        """The decision where classes are so frequent (C,), each cell of a class being as before.

        Probabilities follow Bayes' rule. Other cells then are called, so the threshold is chosen
        anew, on the validation cells weighted to the prevalence, and so is what is promised.

        Raises:
            SettingError: what the probabilities hold for is not known, or a class has no
                validation cell.
        """
        if self.mix is None:
            raise SettingError(
                "prevalence: how frequent the classes were in training is not known of this "
                f"bundle; export it with {FEWEST_ITEMS} validation cells or more and "
                "evaluate.calibration=platt, or leave the prevalence out"
            )
        cells = self.validation
        if cells is not None and not all(cells.mix.share):
            raise SettingError(
                "prevalence: a class has no validation cell, so nothing can be said of how often "
                "it is called wrong; leave the prevalence out"
            )
        calibration = self.calibration.shifted(log_ratio(prevalence, self.mix.share))
        mix = Mix(tuple(prevalence), GIVEN)
        if cells is None:
            return replace(self, calibration=calibration, mix=mix)
        label = np.array(cells.label)
        units = None if cells.unit_of_cell is None else np.array(cells.unit_of_cell)
        band = self.not_sure
        held_out = HeldOut(band.item, band.unit, units, band.shared, provided=band.provided)
        weight = (np.asarray(prevalence) / cells.mix.share)[label]
        calibrated = calibration(np.array(cells.pooled))
        not_sure = _band(calibrated, label, band.wanted_error, held_out, weight)
        return replace(self, calibration=calibration, not_sure=not_sure, mix=mix)

    def of_cell(self, members: np.ndarray, times: Sequence[int]) -> np.ndarray:
        """One cell's calibrated probability (C,).

        Args:
            members: what each member says of each of the cell's spikes, (M, N, C).
            times: how often each member counts, (M,).
        """
        pooled = cell_probability(np.repeat(members, times, axis=0), self.pooling)
        return self.calibration(pooled[None])[0]


def _band(
    calibrated: np.ndarray,
    label: np.ndarray,
    wanted_error: float,
    held_out: HeldOut,
    weight: np.ndarray | None = None,
) -> NotSure:
    right = calibrated.argmax(axis=1) == label
    return choose_not_sure(calibrated.max(axis=1), right, wanted_error, held_out, weight)
