"""What a verdict rests on, in words and numbers: for whichever page shows it."""

from dataclasses import dataclass, replace

import numpy as np

from raphe.core.sentences import counted, listed, number
from raphe.tasks.celltype.features.cell_statistics import Statistic, by_column
from raphe.tasks.celltype.metrics.enough_spikes import SAME_VERDICT
from raphe.tasks.celltype.verdicts.judge import Judge
from raphe.tasks.celltype.verdicts.remarks import SPEAKS_FOR
from raphe.tasks.celltype.verdicts.verdict import (
    RECORDED_AGAIN,
    CellVerdict,
    digits_below,
    share,
    span,
)

TYPICAL = 0.05, 0.95  # quantiles over the cells of training
FILES_NAMED = 3
ENOUGH = f"more would not change the answer in {100 * SAME_VERDICT:g} of 100 cases"


@dataclass(frozen=True)
class Measured:
    """A statistic of the cell beside its quantiles over the cells of training, by level."""

    statistic: Statistic
    value: float
    training: dict[float, float]  # {}: not known
    words: str

    @property
    def is_outside(self) -> bool:
        return bool(self.training) and not self.training[0.0] <= self.value <= self.training[1.0]

    def texts(self, unit: str) -> tuple[str, str, str]:
        """The cell's value, the range of training and the middle 90 % of it, "" where unknown."""
        shown, training = self.statistic.shown(self.value, unit), self.training
        if not training:
            return shown, "", ""
        low, high = (training[level] for level in TYPICAL)
        span = self.statistic.span
        return shown, span(training[0.0], training[1.0], unit), span(low, high, unit)


def sentence(verdict: CellVerdict, noun: str) -> str:
    """The verdict in a sentence that can stand alone; `noun` is what the judge judges by."""
    if not verdict.n_spikes:
        return f"There is no {noun} to judge by, so nothing can be said of this cell."
    stated = (
        f"Probability of {verdict.leading} {verdict.stated}, from {counted(noun, verdict.n_spikes)}"
    )
    stated += f"; {verdict.said_by('agrees', 'agree')}." if len(verdict.votes) > 1 else "."
    if verdict.called:
        return stated
    reason = "cells like it were not trained on" if verdict.unlike else "the evidence is too weak"
    return f"No class is called, as {reason}. {stated}"


def weighed(verdict: CellVerdict, judge: Judge) -> tuple[list[str], list[str]]:
    """What spoke for the most probable class, and what against calling it, a sentence each: what
    decides comes first."""
    for_it: list[str] = []
    against = [f"{_capital(text)}." for text in verdict.unlike]
    leading, probability = verdict.leading, verdict.probability[verdict.leading]
    threshold = judge.decision.not_sure.threshold
    if threshold > 0:
        again = None if verdict.recorded_again is None else verdict.recorded_again[leading]
        digits = digits_below(threshold, (probability, *(again or ())))
        called_from, is_reached = f"{threshold:.{digits}f}", probability >= threshold
        (for_it if is_reached else against).append(
            f"Its probability, {share(probability, digits)}, "
            f"{'reaches' if is_reached else 'is below'} the {called_from} from which on a "
            "class is called."
        )
        if again is not None:
            low, high = again
            stays = low >= threshold
            (for_it if stays else against).append(
                f"If the cell were {RECORDED_AGAIN}, its probability would be "
                f"{span(low, high, digits=digits)} in 95 % of cases, "
                + (
                    "all of it high enough to be called."
                    if stays
                    else "all of it too low to be called."
                    if high < threshold
                    else "part of it too low to be called."
                )
            )
    agree, n_votes = verdict.agreement
    (for_it if 2 * agree > n_votes else against).append(
        _capital(verdict.said_by(f"says {leading}", f"say {leading}, each asked alone")) + "."
    )
    others = [f"{vote.called} ({vote.label})" for vote in verdict.votes if vote.called != leading]
    if others:
        against.append(f"Other answers: {listed(others)}.")
    if verdict.enough_spikes:
        for_it.append(f"{counted(judge.noun, verdict.n_spikes)} are enough: {ENOUGH}.")
    for text in verdict.remarks:
        (for_it if text.startswith(SPEAKS_FOR) else against).append(f"{_capital(text)}.")
    if not verdict.unlike and judge.domain is not None and judge.domain["test"] is not None:
        if outside := _outside(verdict, judge):
            against.append(_not_far(outside))
        else:
            for_it.append(
                "What could be compared of its spikes, noise and firing is as in training."
            )
    return for_it, against


def _not_far(outside: list[str]) -> str:
    if len(outside) == 1:
        return (
            f"One statistic lies outside the range of training ({outside[0]}), but not so far that "
            "the cell is unlike those of training."
        )
    return (
        f"{len(outside)} statistics lie outside the range of training ({listed(outside)}), but "
        "together not so far that the cell is unlike those of training."
    )


def _outside(verdict: CellVerdict, judge: Judge) -> list[str]:
    """The statistics, in words, that lie outside the range of the cells of training."""
    return [measured.words for measured in measured_of(verdict, judge) if measured.is_outside]


def measured_of(verdict: CellVerdict, judge: Judge) -> list[Measured]:
    """What is known of the cell, each once: where its UDI is the trough-to-peak time, here and in
    training, one row says so."""
    named = by_column(verdict.unit)
    measured = {
        statistic.name: Measured(statistic, value, _quantiles(column, judge), statistic.words)
        for column, value in (verdict.statistics or {}).items()
        if value == value and (statistic := named[column])
    }
    udi, same = measured.get("udi"), measured.get("trough_to_peak")
    if udi and same and (udi.value, udi.training) == (same.value, same.training):
        measured["udi"] = replace(udi, words=f"{udi.words}, here the {same.words}")
        del measured["trough_to_peak"]
    return list(measured.values())


def _quantiles(column: str, judge: Judge) -> dict[float, float]:
    """Of a statistic over the cells of training, by level; none where they are not known."""
    if not judge.domain or column not in judge.domain["quantiles"]:
        return {}
    return dict(zip(judge.domain["levels"], judge.domain["quantiles"][column], strict=True))


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def evidence_words(leading: str, evidence: np.ndarray, n_classes: int) -> str:
    """What Grad-CAM (T,), drawn over the mean spike, shows."""
    words = (
        f"where in the window the networks found what speaks for {leading} (Grad-CAM, from 0, "
        "nothing, to 1, most)"
    )
    if evidence.any():
        return words
    other = "the others" if n_classes > 2 else "the other class"
    return (
        f"{words}. It found nothing here: {leading} is what remains where nothing speaks for "
        f"{other}"
    )


def facts_of(verdict: CellVerdict) -> list[list[str]]:
    """What is known of the recording, each with its name."""
    names = [path.name for path in verdict.files[:FILES_NAMED]]
    if len(verdict.files) > FILES_NAMED:
        names.append(f"{len(verdict.files) - FILES_NAMED} more")
    facts = [["file" if len(verdict.files) == 1 else "files", listed(names)]] if names else []
    if verdict.duration_s is not None:
        facts.append(["recorded", f"{number(verdict.duration_s)} s"])
    facts.append(["spikes", str(verdict.n_spikes)])
    if verdict.firing_rate_hz is not None:
        facts.append(["firing rate", f"{number(verdict.firing_rate_hz)} Hz"])
    dropped = [f"{n} for {what}" for what, n in (verdict.dropped or {}).items() if n]
    if dropped:
        facts.append(["crossings of the threshold that were left out", listed(dropped)])
    return facts
