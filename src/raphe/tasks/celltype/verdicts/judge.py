"""Where a verdict is made: from a cell's spikes, with a bundle and without torch.

`Judge.judge` asks every network of the ensemble about every spike, pools what they say to one
calibrated probability, and names a class, or none where the cell is unlike those of training or the
evidence is too weak.

M members (networks), N spikes, T samples a window, C classes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.files.left_out import Failure
from raphe.core.sentences import counted, number, whole
from raphe.core.statistics.decision import GIVEN, NOT_SURE
from raphe.core.statistics.prevalence import full_prevalence, shares_in_words
from raphe.tasks.celltype.ensemble.bundle_runtime import FIRING_INPUT, Ensemble
from raphe.tasks.celltype.features.cell_statistics import baseline_samples, cell_statistics
from raphe.tasks.celltype.features.firing import firing_features
from raphe.tasks.celltype.features.firing_inputs import firing_inputs, n_intervals
from raphe.tasks.celltype.features.training_domain import not_compared, unlike_training
from raphe.tasks.celltype.metrics.enough_spikes import enough_for_cell, spikes_wanted
from raphe.tasks.celltype.metrics.recorded_again import CONFIDENCE, interval_again, resampled
from raphe.tasks.celltype.network.evidence import Explainer
from raphe.tasks.celltype.spikes.cut_settings import Cut, GivenWindows
from raphe.tasks.celltype.stores.spike_set import BASELINE_MS
from raphe.tasks.celltype.stores.subsampling import evenly_spaced
from raphe.tasks.celltype.verdicts.cell_input import CellInput, CellSpikes, Reading
from raphe.tasks.celltype.verdicts.remarks import (
    FIRING_KEPT,
    beside_threshold,
    fewer_windows,
    firing_seen,
    firing_unseen,
    remarks_on,
    too_few,
)
from raphe.tasks.celltype.verdicts.verdict import (
    NO_SPIKES,
    RECORDED_AGAIN,
    UNLIKE_TRAINING,
    CellVerdict,
    Vote,
)

SPIKES_EXPLAINED = 50
NOT_JUDGED = (
    "whether it is like the cells of training was not judged: the bundle knows none of these"
)


@dataclass(frozen=True)
class JudgedCell:
    """A cell with its verdict; `cell` holds its spikes, for a picture."""

    cell: CellSpikes
    verdict: CellVerdict

    @property
    def left_out(self) -> tuple[Failure, ...]:
        """Windows of the cell that are no waveform."""
        return self.cell.left_out


class Judge:
    """Calls cells with one ensemble. Raises BundleError."""

    def __init__(
        self, bundle: Path | str, threads: int | None = None, content_hash: str | None = None
    ) -> None:
        self.ensemble = Ensemble.open(bundle, threads, content_hash)
        self.cut = self.ensemble.cut
        self.decision = self.ensemble.decision

    def at_prevalence(self, shares: Mapping[str, float] | None) -> "Judge":
        """A judge of cells of which these are the shares of the classes; None: as it is.

        Raises SettingError where they are no shares, or the bundle does not tell what its
        probabilities hold for.
        """
        if shares is None:
            return self
        prevalence = full_prevalence(shares, self.ensemble.classes)
        there = copy(self)
        there.decision = self.decision.at_prevalence(prevalence)
        return there

    def with_cut(self, cut: Cut | GivenWindows) -> "Judge":
        """A judge of spikes that a person let be cut otherwise: at another threshold."""
        there = copy(self)
        there.cut = cut
        return there

    @property
    def calibration(self) -> str:
        """How probabilities came to be, and for which mix of the classes they hold: sentences."""
        statement = self.decision.calibration_statement()
        classes = self.ensemble.classes
        mix = self.decision.mix_statement(classes), self.decision.predictive_values(classes)
        return " ".join(filter(None, (f"{statement[0].upper()}{statement[1:]}.", *mix)))

    @property
    def note(self) -> str:
        """The sentence of the training data that stands beside every verdict, or ""."""
        note: str = self.ensemble.manifest["note"]
        return note

    @property
    def promise(self) -> str:
        """How many new cells are called wrong at most, and of which cells: a sentence."""
        return self.decision.not_sure.statement()

    @property
    def tested(self) -> tuple[str, str] | None:
        """What came of the same rule on test cells, which no choice used: in few words, a share of
        all cells as the promise is, and what they mean. None where there were none, or the rule is
        one for another mix of classes.
        """
        test = self.ensemble.manifest.get("figures", {}).get("test")
        if test is None or self.given_prevalence:
            return None
        n, n_wrong = test["n_cells"], test["n_called_wrong"]
        words = f"{whole(n_wrong)} of {whole(n)} called wrong"
        meaning = (
            f"of {counted('test cell', n)}, which no choice used, {whole(test['n_called'])} were "
            f"called and {whole(n_wrong)} of these wrongly"
        )
        not_sure = self.decision.not_sure
        if not_sure.n_items and n_wrong > not_sure.promised_error * n:
            words += ", more than promised"
            meaning += (
                f": {number(100 * n_wrong / n, 2)} % of all, more than promised; where the test "
                "cells say otherwise than the promise, believe those"
            )
        return words, meaning

    @property
    def prevalence(self) -> dict[str, float] | None:
        """Of the classes where probabilities hold; None where that is not known."""
        mix = self.decision.mix
        return None if mix is None else self._named(np.array(mix.share))

    @property
    def given_prevalence(self) -> str:
        """The shares of the classes that were given in place of the bundle's, in words, or ""."""
        mix = self.decision.mix
        if mix is None or mix.source != GIVEN:
            return ""
        return shares_in_words(mix.share, self.ensemble.classes)

    @property
    def prevalence_sentence(self) -> str:
        """What was given of the classes' shares, or "": it may be what decides the class."""
        if not self.given_prevalence:
            return ""
        return (
            f"The probability and the verdict assume that cells are {self.given_prevalence}, the "
            "prevalence given."
        )

    @property
    def knows_days(self) -> bool:
        """Whether the bundle knows how much days differ."""
        return self.ensemble.manifest["between_days"] is not None

    @property
    def noun(self) -> str:
        """What its cells are judged by."""
        return "window" if isinstance(self.cut, GivenWindows) else "spike"

    @property
    def footnotes(self) -> tuple[str, ...]:
        """What the words beside a verdict mean, a paragraph each."""
        between_days = self.ensemble.manifest["between_days"]
        if between_days is None:
            again = "How far a verdict would move if the cell were recorded again is not known."
        else:
            again = (
                f"“{RECORDED_AGAIN.capitalize()}”: where the probability would lie, in "
                f"{100 * CONFIDENCE:g} % of cases, if the cell were recorded again for as long, on "
                f"the same or another day. How far days differ: {between_days['how']}. Tested on "
                "simulated recordings only."
            )
            again += f" {FIRING_KEPT}" if self.ensemble.sees_firing else ""
        tested = f" Tested: {self.tested[1]}." if self.tested else ""
        return again, f"Promise: {self.promise}.{tested}", self.calibration

    def judge_all(
        self, cells: Iterable[CellInput], reading: Reading
    ) -> Iterator[JudgedCell | Failure]:
        """Read and judge one cell after the other; one that cannot be read stops no other."""
        for cell in cells:
            try:
                yield self.judge(cell.read(reading))
            except Exception as error:  # one bad file stops no other
                yield Failure.of(cell.paths[0], error)

    def judge(self, cell: CellSpikes) -> JudgedCell:
        """The verdict on one cell."""
        if not len(cell):
            return JudgedCell(cell, self._without_spikes(cell))
        firing = firing_inputs(cell.trains) if self.ensemble.sees_firing else None  # (D,)
        members = self.ensemble.predict(cell.waveforms, firing).members  # (M, N, C)
        probability = self.decision.of_cell(members, self._times)  # (C,), calibrated
        resamples = resampled(self.decision, members, self._times) if len(cell) > 1 else None
        enough = resamples is not None and enough_for_cell(
            probability, resamples, len(cell), self.decision.not_sure
        )
        more = 0 if enough else spikes_wanted(self.decision, members, self._times)
        statistics = self.statistics(cell)
        unlike = self.unlike(cell, statistics)
        verdict = CellVerdict(
            cell_id=cell.cell_id,
            files=cell.paths,
            verdict=self.called(probability, unlike),
            n_spikes=len(cell),
            prevalence=self.prevalence,
            probability=self._named(probability),
            recorded_again=self._recorded_again(probability, resamples, len(cell)),
            enough_spikes=enough,
            more_spikes=more,
            votes=self._votes(members),
            unlike=tuple(unlike),
            remarks=(
                *self._remarks(cell, enough, more, statistics),
                *self._of_firing(cell, firing, probability),
            ),
            statistics=statistics,
            unit=self.cut.unit,
            duration_s=cell.duration_s,
            firing_rate_hz=_firing_rate(cell),
            dropped=cell.dropped,
        )
        return JudgedCell(cell, verdict)

    def statistics(self, cell: CellSpikes) -> dict[str, float]:
        """What a cell with spikes is compared with training by, see `cell_statistics`."""
        rate_hz, unit = self.cut.rate_hz, self.cut.unit
        return cell_statistics(
            cell.waveforms, rate_hz, unit, self._baseline_ms, cell.trains, cell.recorded_hz
        )

    def unlike(self, cell: CellSpikes, statistics: Mapping[str, float]) -> list[str]:
        """In what a cell of these statistics is unlike those of training, a sentence each.

        None where it is not known what they were like.
        """
        if self.domain is None:
            return []
        n_baseline = baseline_samples(self.cut.n_samples, self.cut.rate_hz, self._baseline_ms)
        return unlike_training(statistics, cell.waveforms, n_baseline, self.domain)

    def called(self, probability: np.ndarray, unlike: Sequence[str]) -> str:
        """The class of the largest probability (C,), unless none may be called."""
        if unlike:
            return UNLIKE_TRAINING
        if not self.decision.not_sure.decided(probability[None])[0]:
            return NOT_SURE
        return self.ensemble.classes[int(probability.argmax())]

    def evidence(self, cell: CellSpikes, leading: str) -> np.ndarray:
        """Grad-CAM for a class, the mean over some spikes and all members: (T,), 0 to 1."""
        rows = evenly_spaced(len(cell), SPIKES_EXPLAINED)
        label = self.ensemble.classes.index(leading)
        total = np.zeros(cell.waveforms.shape[1])
        for member in self.ensemble.members:
            explainer = Explainer.from_state(
                self.ensemble.state(member), member.columns, self.cut.rate_hz
            )
            total += member.times * explainer.grad_cam(cell.waveforms[rows], label).mean(axis=0)
        return total / sum(self._times)

    @property
    def _times(self) -> list[int]:
        return [member.times for member in self.ensemble.members]

    @property
    def _baseline_ms(self) -> float:
        return float(self.ensemble.manifest["window"].get("baseline_ms", BASELINE_MS))

    @property
    def domain(self) -> dict[str, Any] | None:
        """What the cells of training are like, see `training_domain`; None: nothing is known."""
        domain: dict[str, Any] | None = self.ensemble.manifest["training"]["domain"]
        return domain

    def _recorded_again(
        self, probability: np.ndarray, resamples: np.ndarray | None, n_spikes: int
    ) -> dict[str, tuple[float, float]] | None:
        """Ends of each class's probability if the cell were recorded again; None of one spike, and
        where the bundle does not know how much days differ."""
        between_days = self.ensemble.manifest["between_days"]
        if resamples is None or between_days is None:
            return None
        ends = interval_again(probability, resamples, n_spikes, between_days["spread"])
        return dict(zip(self.ensemble.classes, map(tuple, ends.tolist()), strict=True))

    def _remarks(
        self, cell: CellSpikes, enough: bool, more: int | None, statistics: Mapping[str, float]
    ) -> tuple[str, ...]:
        return (
            *([] if enough else self._on_number(len(cell), more)),
            *cell.remarks,
            *remarks_on(cell.waveforms, cell.time_s, self.cut.unit),
            *beside_threshold(cell.waveforms, self.cut, cut_before=cell.pre_ms is None),
            *_of_recordings(cell),
            *([NOT_JUDGED] if self.domain is None else not_compared(statistics, self.domain)),
        )

    def _of_firing(
        self, cell: CellSpikes, firing: np.ndarray | None, probability: np.ndarray
    ) -> tuple[str, ...]:
        """What networks that look at firing (D,) saw of it, and how much it weighed."""
        if firing is None:
            return ()
        n = n_intervals(cell.trains)
        if not np.isfinite(firing).any():
            return (firing_unseen(n, self.ensemble.manifest[FIRING_INPUT]["fewest_intervals"]),)
        alone = self.decision.of_cell(
            self.ensemble.predict(cell.waveforms).members, self._times
        )  # (C,)
        leading = int(probability.argmax())
        named = self.ensemble.classes[leading]
        return (firing_seen(n, named, float(probability[leading]), float(alone[leading])),)

    def _on_number(self, n_spikes: int, more: int | None) -> tuple[str, ...]:
        """What is to be said of too few spikes; nothing of windows of which one makes a unit."""
        if not isinstance(self.cut, GivenWindows):
            return (too_few(n_spikes, more),)
        training = self.ensemble.manifest["training"]
        n_cells = sum(map(len, training.get("cells", {}).values()))
        usual = training.get("n_spikes", 0) / n_cells if n_cells else 0  # 0: not known
        return (fewer_windows(n_spikes, usual),) if usual >= 1.5 else ()

    def _votes(self, members: np.ndarray) -> tuple[Vote, ...]:
        """What each network would say alone, of (M, N, C)."""
        return tuple(
            Vote(
                member.label,
                member.kernel,
                member.times,
                self._named(self.decision.of_cell(spikes[None], [1])),
            )
            for member, spikes in zip(self.ensemble.members, members, strict=True)
        )

    def _named(self, probability: np.ndarray) -> dict[str, float]:
        """(C,) by the names of the classes."""
        return dict(zip(self.ensemble.classes, probability.tolist(), strict=True))

    def _without_spikes(self, cell: CellSpikes) -> CellVerdict:
        crossings = sum(cell.dropped.values())
        reasons = list(cell.remarks)
        if crossings and not cell.n_by_hand:
            reasons.append(
                f"{counted('crossing', crossings)} of the threshold, none with a whole and sound "
                "window: artefacts"
            )
        elif not cell.n_by_hand:
            is_moved = self.cut != self.ensemble.cut
            remedy = "move it towards 0" if is_moved else "look at its unit, polarity and seal"
            reasons.append(f"the trace never crosses the threshold: {remedy}")
        return CellVerdict(
            cell_id=cell.cell_id,
            files=cell.paths,
            verdict=NO_SPIKES,
            n_spikes=0,
            prevalence=self.prevalence,
            probability={},
            recorded_again=None,
            remarks=(*reasons, *_of_recordings(cell)),
            unit=self.cut.unit,
            duration_s=cell.duration_s,
            dropped=cell.dropped,
        )


def _of_recordings(cell: CellSpikes) -> tuple[str, ...]:
    return tuple(remark for recording in cell.recordings for remark in recording.remarks)


def _firing_rate(cell: CellSpikes) -> float | None:
    rate_hz, _ = firing_features(cell.trains)
    return rate_hz if np.isfinite(rate_hz) else None
