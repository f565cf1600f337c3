"""A cell of an opened file as the page shows it: the verdict, what it rests on, and the numbers."""

from collections.abc import Iterable, Sequence
from itertools import chain

from raphe.core.bundles.view import Fact, Plot, Table, Tone, View
from raphe.core.sentences import counted, number, whole
from raphe.core.statistics.abstention import percent_at_most
from raphe.core.statistics.decision import NOT_SURE
from raphe.tasks.celltype.features.cell_statistics import BANDS
from raphe.tasks.celltype.prediction.cell_plots import recording_plot, spikes_plot, votes_plot
from raphe.tasks.celltype.prediction.cell_takes import TAKES
from raphe.tasks.celltype.prediction.changed_cell import UNMEASURED, ChangedCell
from raphe.tasks.celltype.spikes.cut_settings import GivenWindows
from raphe.tasks.celltype.verdicts.judge import Judge
from raphe.tasks.celltype.verdicts.remarks import roughly_more, settled_by
from raphe.tasks.celltype.verdicts.verdict import (
    RECORDED_AGAIN,
    UNLIKE_TRAINING,
    CellVerdict,
    digits_below,
    share,
    span,
)
from raphe.tasks.celltype.verdicts.weighing import (
    ENOUGH,
    Measured,
    measured_of,
    sentence,
    weighed,
)

TONES: dict[str, Tone] = {NOT_SURE: "unsure", UNLIKE_TRAINING: "unlike"}
MEANING = {"SER": "serotonergic", "NSER": "not serotonergic"}  # of the classes that have a name
GROWING = "The file is still growing: this is what its samples so far say."


def view_of(changed: ChangedCell, items: Sequence[str], growing: bool) -> View:
    """All that the page shows of a cell of a file with these items."""
    verdict, judge = changed.verdict, changed.judge
    tone: Tone = "called" if verdict.called else TONES.get(verdict.verdict, "nothing")
    return View(
        item=changed.every.cell_id,
        items=items,
        title=changed.held.cell.cell_id,
        headline=verdict.verdict,
        tone=tone,
        sentences=[*([GROWING] if growing else ()), *_sentences(changed)],
        note=judge.note,
        facts=facts(changed),
        plots=_plots(changed),
        tables=[*_probabilities(verdict), *_measured(verdict, judge)],
        takes=TAKES,
        progress=_progress(verdict, judge),
        uncertainty=uncertainty(verdict, judge),
        doubt=_doubt(verdict, judge),
        row=row(changed),
    )


def facts(changed: ChangedCell) -> list[Fact]:
    """The numbers that a verdict is read by, each with what it means."""
    verdict, judge = changed.verdict, changed.judge
    of_verdict = _of_probability(verdict, judge) if verdict.n_spikes else []
    dropped = [f"{n} for {what}" for what, n in (verdict.dropped or {}).items() if n]
    left_out = f"crossings of the threshold that were left out: {', '.join(dropped)}"
    of_recording = [
        Fact(f"{judge.noun.capitalize()}s", whole(verdict.n_spikes), left_out if dropped else "")
    ]
    if verdict.n_spikes and not isinstance(judge.cut, GivenWindows):  # one may make a unit
        of_recording.append(_enough(verdict))
    if verdict.firing_rate_hz is not None:
        meaning = "1 over the mean interval between spikes of a sweep: time without spikes before "
        meaning += "the first, after the last and between sweeps does not count"
        if changed.cell.n_by_hand:
            meaning += "; an interval reaches over spikes that were left out by hand"
        of_recording.append(Fact("Firing rate", f"{number(verdict.firing_rate_hz)} Hz", meaning))
    if verdict.duration_s is not None:
        of_recording.append(Fact("Recorded", f"{number(verdict.duration_s)} s"))
    return [*of_verdict, *of_recording, *(_promise(changed) if verdict.n_spikes else ())]


def uncertainty(verdict: CellVerdict, judge: Judge) -> float | None:
    """0 where the verdict is certain, 1 of a cell unlike those of training; None where nothing was
    judged. It orders cells, and is no probability: above 0.5 are those whose spikes are not enough,
    in either half by what follows.

    How far the most probable class's probability is from 1, on the way to chance. Where it is known
    how far days differ, the mean of that and of how far the low end is from 1 if the cell were
    recorded again: below chance, too, one cell is less certain than another. Of a single spike that
    end may lie anywhere, so it is taken as 0.
    """
    if not verdict.n_spikes:
        return None
    if verdict.unlike:
        return 1.0
    leading, again = verdict.leading, verdict.recorded_again
    chance = 1 / len(verdict.probability)
    now = (1 - verdict.probability[leading]) / (1 - chance)
    if isinstance(judge.cut, GivenWindows):  # of which one may make a unit
        return now
    if judge.knows_days:
        least = 0.0 if again is None else again[leading][0]
        now = (now + 1 - least) / 2
    return now / 2 if verdict.enough_spikes else (1 + now) / 2


def _doubt(verdict: CellVerdict, judge: Judge) -> str:
    """Why a cell comes early among those to be checked, where its verdict does not say it."""
    counts = verdict.n_spikes and not verdict.unlike and not isinstance(judge.cut, GivenWindows)
    return f"not enough {judge.noun}s" if counts and not verdict.enough_spikes else ""


def row(changed: ChangedCell) -> dict[str, str]:
    """The cell in the table of all, by columns which all cells of a bundle have."""
    verdict = changed.verdict
    says = bool(verdict.leading) and not verdict.unlike  # else its probability is of no cell
    leading = verdict.leading if says else ""
    ends = (verdict.recorded_again or {}).get(leading)
    digits = _digits(verdict, changed.judge)
    low, high = (share(end, digits) for end in ends) if ends else ("", "")
    enough = {"enough spikes": _enough_words(verdict) if verdict.n_spikes else ""}
    return {
        "cell": verdict.cell_id,
        "file": ", ".join(path.name for path in verdict.files),
        "verdict": verdict.verdict,
        "most probable class": leading,
        "probability": share(verdict.probability[leading], digits) if leading else "",
        f"low if {RECORDED_AGAIN}": low,
        f"high if {RECORDED_AGAIN}": high,
        f"{changed.judge.noun}s": str(verdict.n_spikes),
        **({} if isinstance(changed.cut, GivenWindows) else enough),
        "firing rate (Hz)": _plain(verdict.firing_rate_hz),
        "recorded (s)": _plain(verdict.duration_s),
        "prevalence given": changed.judge.given_prevalence,
        "changed by hand": "; ".join(changed.by_hand),
        "remarks": "; ".join(dict.fromkeys((*verdict.unlike, *verdict.remarks))),
    }


def _sentences(changed: ChangedCell) -> list[str]:
    verdict, judge = changed.verdict, changed.judge
    if not verdict.n_spikes:
        remarks = (f"{text[0].upper()}{text[1:]}." for text in verdict.remarks)
        return [sentence(verdict, judge.noun), *remarks]
    for_it, against = weighed(verdict, judge)
    for_it = [f"For {verdict.leading}: {text}" for text in for_it]
    against = [f"Against it: {text}" for text in against]
    what_decides_first = (for_it, against) if verdict.called else (against, for_it)
    beside = [judge.prevalence_sentence, f"{UNMEASURED}." if changed.by_hand else ""]
    return [sentence(verdict, judge.noun), *filter(None, beside), *chain(*what_decides_first)]


def _plots(changed: ChangedCell) -> list[Plot]:
    plots = [recording_plot(changed)]
    if changed.verdict.n_spikes:
        plots.append(spikes_plot(changed))
    if len(changed.verdict.votes) > 1:
        plots.append(votes_plot(changed))
    return plots


def _of_probability(verdict: CellVerdict, judge: Judge) -> list[Fact]:
    leading, again = verdict.leading, verdict.recorded_again
    probability, threshold = verdict.probability[leading], judge.decision.not_sure.threshold
    digits = _digits(verdict, judge)
    value, meaning = share(probability, digits), ""
    if again is not None:
        value += f" ({span(*again[leading], digits=digits)})"
        meaning = (
            f"in brackets, where it would lie in 95 % of cases if the cell were {RECORDED_AGAIN}"
        )
    if leading in MEANING:
        meaning = f"{leading}: {MEANING[leading]}" + (f"; {meaning}" if meaning else "")
    calibrated = "calibrated" if judge.decision.calibrated else "not calibrated"
    found = [Fact(f"Probability of {leading}, {calibrated}", value, meaning)]
    if threshold > 0:
        called_from, words = f"{threshold:.{digits}f}", "below it the answer is “not sure”"
        found.append(Fact("Called from", called_from, words, warns=probability < threshold))
    return found


def _digits(verdict: CellVerdict, judge: Judge) -> int:
    """Of the leading class's probability and its ends, so that none seems to reach the rule's."""
    if not verdict.leading:
        return 2
    ends = (verdict.recorded_again or {}).get(verdict.leading, ())
    threshold = judge.decision.not_sure.threshold
    return digits_below(threshold, (verdict.probability[verdict.leading], *ends))


def _enough(verdict: CellVerdict) -> Fact:
    if verdict.enough_spikes:
        likeness = "whether the cell is like those of training is tested apart"
        return Fact("Enough spikes", "yes", f"{ENOUGH}; {likeness}")
    meaning = f"{settled_by(verdict.more_spikes)}; enough: {ENOUGH}"
    return Fact("Enough spikes", _enough_words(verdict), meaning, warns=True)


def _enough_words(verdict: CellVerdict) -> str:
    if verdict.enough_spikes:
        return "yes"
    more = verdict.more_spikes
    return "no" if more is None else f"no, {roughly_more(more)}"


def _progress(verdict: CellVerdict, judge: Judge) -> str:
    spikes = counted(judge.noun, verdict.n_spikes)
    if not verdict.n_spikes:
        return f"no {judge.noun} yet"
    if verdict.enough_spikes:
        if verdict.unlike:
            return f"{spikes}, enough for a class, were the cell like those of training"
        return f"{spikes}, enough" + (
            " for the class" if verdict.called else ": more would hardly settle it"
        )
    return f"{spikes}, not yet enough; {settled_by(verdict.more_spikes)}"


def _promise(changed: ChangedCell) -> list[Fact]:
    judge, decision = changed.judge, changed.judge.decision
    value = f"at most {percent_at_most(decision.not_sure.promised_error)} called wrong"
    is_changed = bool(changed.by_hand)
    promise = f"{judge.promise}. {UNMEASURED}" if is_changed else judge.promise
    if not decision.not_sure.n_items:
        value, promise, is_changed = "none", judge.promise, False
    calibrated = decision.method if decision.calibrated else "no"
    return [
        Fact("Promise", value, promise, warns=is_changed),
        *([Fact("Tested", *judge.tested)] if judge.tested else ()),
        Fact("Calibrated", calibrated, judge.calibration),
    ]


def _probabilities(verdict: CellVerdict) -> list[Table]:
    if not verdict.n_spikes:
        return []
    columns, again = ["class", "probability"], verdict.recorded_again
    if again is not None:
        columns.append(f"if {RECORDED_AGAIN}, in 95 % of cases")
    by_size = sorted(verdict.probability.items(), key=lambda item: -item[1])
    rows = [
        [name, share(value), *([span(*again[name])] if again is not None else [])]
        for name, value in by_size
    ]
    meanings = (f"{name}: {MEANING[name]}" for name in verdict.probability if name in MEANING)
    return [Table("Probabilities", columns, rows, caption="; ".join(meanings))]


def _measured(verdict: CellVerdict, judge: Judge) -> list[Table]:
    measured = measured_of(verdict, judge)
    n_cells = f" ({counted('cell', judge.domain['n_cells'])})" if judge.domain else ""
    columns = ["", "this cell", f"in training{n_cells}", "middle 90 % of these"]
    bands = [of_cell for of_cell in measured if of_cell.statistic in BANDS]
    others = [of_cell for of_cell in measured if of_cell.statistic not in BANDS]
    titles = {"Measured": others, "Noise by frequency": bands}
    return [_table(title, columns, rows, verdict.unit) for title, rows in titles.items() if rows]


def _table(title: str, columns: Sequence[str], rows: Iterable[Measured], unit: str) -> Table:
    rows = list(rows)
    outside = [place for place, of_cell in enumerate(rows) if of_cell.is_outside]
    caption = "Marked: outside the range of the cells of training." if outside else ""
    texts = [[of_cell.words, *of_cell.texts(unit)] for of_cell in rows]
    return Table(title, columns, texts, outside, caption)


def _plain(value: float | None) -> str:
    """A number for a table, which a program may read, too."""
    return "" if value is None else f"{value:.4g}"
