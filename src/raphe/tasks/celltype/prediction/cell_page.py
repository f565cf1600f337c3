"""One cell's verdict as a page: the recording to look through, what spoke for it and against it."""

import json
from dataclasses import dataclass, replace

from raphe.core.figure_style import class_colour
from raphe.core.sentences import counted, listed, number
from raphe.tasks.celltype.features.cell_statistics import (
    BANDS,
    FIRING,
    NOISE,
    SPIKE,
    Statistic,
    by_column,
)
from raphe.tasks.celltype.metrics.enough_spikes import SAME_VERDICT
from raphe.tasks.celltype.prediction.judge import Judge, JudgedCell
from raphe.tasks.celltype.prediction.page import (
    called,
    escaped,
    listing,
    note,
    page,
    script,
    section,
    svg,
)
from raphe.tasks.celltype.prediction.trace_view import cell_envelopes, trace_data
from raphe.tasks.celltype.prediction.verdict import (
    RECORDED_AGAIN,
    CellVerdict,
    digits_below,
    share,
    span,
)
from raphe.tasks.celltype.prediction.verdict_figure import (
    Picture,
    recording_picture,
    spike_pictures,
)
from raphe.tasks.celltype.spikes.cut_settings import Cut

PARTS = {SPIKE: "Spike", NOISE: "Noise and baseline", FIRING: "Firing"}
TYPICAL = 0.05, 0.95  # quantiles over the cells of training
FILES_NAMED = 3


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


def cell_page(judged: JudgedCell, judge: Judge, made: str) -> str:
    """The page of one cell, which stands one folder below the list of all."""
    verdict = judged.verdict
    shown, data = _recording(judged, judge)
    pictures = spike_pictures(judged, judge) if verdict.n_spikes else []
    panels = "".join(
        f"<section><h3>{escaped(picture.title)}</h3>{_figure(picture, f'panel{place}')}</section>"
        for place, picture in enumerate(pictures)
    )
    body = [
        f"<h1>{escaped(verdict.cell_id)}: {called(verdict.verdict, judge)}</h1>",
        f"<p>{escaped(sentence(verdict))}</p>",
        note(judge.note),
        "" if verdict.n_spikes else section("Remarks", listing(verdict.remarks)),
        _weighed(verdict, judge) if verdict.n_spikes else "",
        section("Recording" if data else "Peaks of the spikes", shown),
        section("Spikes and votes", f'<div class="panels">{panels}</div>') if panels else "",
        section("Probabilities", _probabilities(verdict)) if verdict.n_spikes else "",
        section("Measured", _statistics(verdict, judge)),
        section("The recording in numbers", _facts(verdict)),
        section("What the words mean", *(f"<p>{escaped(text)}</p>" for text in judge.footnotes)),
    ]
    scripts = f"{data}{script('trace.js')}" if data else ""
    return page(f"{verdict.cell_id}: {verdict.verdict}", body, made, to="../", scripts=scripts)


def sentence(verdict: CellVerdict) -> str:
    """The verdict in a sentence that can stand alone."""
    if not verdict.n_spikes:
        return "No spike was found, so nothing can be said of this cell."
    stated = (
        f"Probability of {verdict.leading} {verdict.stated}, from "
        f"{counted('spike', verdict.n_spikes)}"
    )
    stated += f"; {verdict.said_by('agrees', 'agree')}." if len(verdict.votes) > 1 else "."
    if verdict.called:
        return stated
    reason = "cells like it were not trained on" if verdict.unlike else "the evidence is too weak"
    return f"No class is called, as {reason}. {stated}"


def weighed(verdict: CellVerdict, judge: Judge) -> tuple[list[str], list[str]]:
    """What spoke for the most probable class, and what against calling it, a sentence each."""
    for_it: list[str] = []
    against: list[str] = []
    leading, probability = verdict.leading, verdict.probability[verdict.leading]
    agree, n_votes = verdict.agreement
    (for_it if 2 * agree > n_votes else against).append(
        _capital(verdict.said_by(f"says {leading}", f"say {leading}, each asked alone")) + "."
    )
    others = [f"{vote.called} ({vote.label})" for vote in verdict.votes if vote.called != leading]
    if others:
        against.append(f"Other answers: {listed(others)}.")
    threshold = judge.decision.not_sure.threshold
    if threshold > 0:
        again = verdict.recorded_again and verdict.recorded_again[leading]
        digits = digits_below(threshold, (probability, *(again or ())))
        is_reached = probability >= threshold
        (for_it if is_reached else against).append(
            f"Its probability, {share(probability, digits)}, "
            f"{'reaches' if is_reached else 'is below'} the {threshold:.{digits}f} from which on a "
            "class is called."
        )
        if again is not None:
            low, high = again
            stays = low >= threshold
            (for_it if stays else against).append(
                f"If the cell were {RECORDED_AGAIN}, its probability would be "
                f"{span(low, high, digits=digits)} in 95 % of cases, "
                + ("enough to be called throughout." if stays else "not enough throughout.")
            )
    if verdict.enough_spikes:
        for_it.append(
            f"{counted('spike', verdict.n_spikes)} are enough: more would leave the verdict as it "
            f"is in {100 * SAME_VERDICT:g} of 100 cases."
        )
    against += [f"{_capital(text)}." for text in (*verdict.unlike, *verdict.remarks)]
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


def _weighed(verdict: CellVerdict, judge: Judge) -> str:
    for_it, against = weighed(verdict, judge)
    columns = (
        f"<div><h3>For {escaped(verdict.leading)}</h3>{listing(for_it) or '<p>Nothing.</p>'}</div>"
        f"<div><h3>Against, or to be looked at</h3>{listing(against) or '<p>Nothing.</p>'}</div>"
    )
    return section("What spoke for it and against it", f'<div class="weighed">{columns}</div>')


def _recording(judged: JudgedCell, judge: Judge) -> tuple[str, str]:
    """The recording's picture, and what the script needs to put itself in its place."""
    cell, cut = judged.cell, judge.cut
    if not cell.recordings or not isinstance(cut, Cut):
        picture = recording_picture(judged, judge) if len(cell) else None
        return (f'<div class="wide">{_figure(picture, "recording")}</div>' if picture else ""), ""
    sweeps = cell_envelopes(cell, cut)
    picture = recording_picture(judged, judge, sweeps)
    leading = judged.verdict.leading
    colour = class_colour(judge.ensemble.classes.index(leading) if leading else 0)
    shown = (
        f'<div class="trace" data-colour="{colour}" data-quantity="current ({escaped(cut.unit)})">'
        f'<div class="wide">{svg(picture.figure, "recording", picture.title, picture.caption)}'
        f'</div></div><p><small class="caption">{escaped(picture.caption)}</small></p>'
    )
    values = json.dumps(trace_data(cell, cut, sweeps), allow_nan=False, separators=(",", ":"))
    return shown, f'<script type="application/json" id="trace-data">{values}</script>\n'


def _figure(picture: Picture, name: str) -> str:
    drawn = svg(picture.figure, name, picture.title, picture.caption)
    return f"<figure>{drawn}<figcaption>{escaped(picture.caption)}</figcaption></figure>"


def _probabilities(verdict: CellVerdict) -> str:
    heads = ["class", "probability"]
    rows = []
    for name, value in sorted(verdict.probability.items(), key=lambda item: -item[1]):
        row = [name, share(value)]
        if verdict.recorded_again is not None:
            row.append(span(*verdict.recorded_again[name]))
        rows.append(row)
    if verdict.recorded_again is not None:
        heads.append(f"if {RECORDED_AGAIN}, in 95 % of cases")
    return _table(heads, rows)


def _statistics(verdict: CellVerdict, judge: Judge) -> str:
    """Each statistic beside the cells of training, those outside their range in bold."""
    rows = {
        measured.statistic: _statistic(measured, verdict.unit)
        for measured in _measured(verdict, judge)
    }
    if not rows:
        return ""
    parts = "".join(
        f'<tr class="group"><th colspan="4">{title}</th></tr>{"".join(of_group)}'
        for group, title in PARTS.items()
        if (of_group := [rows[s] for s in rows if s.group == group and s not in BANDS])
    )
    bands = "".join(rows[statistic] for statistic in rows if statistic in BANDS)
    n_cells = f" ({counted('cell', judge.domain['n_cells'])})" if judge.domain else ""
    heads = ["", "this cell", f"in training{n_cells}", "middle 90 % of these"]
    head = "".join(f'<th scope="col">{escaped(text)}</th>' for text in heads)
    table = (
        '<div class="scroll"><table class="measured"><thead><tr>{}</tr></thead><tbody>{}</tbody>'
        "</table></div>"
    )
    text = table.format(head, parts)
    if bands:
        summary = "<summary>Noise by frequency</summary>"
        text += f"<details>{summary}{table.format(head, bands)}</details>"
    return text


def _statistic(measured: Measured, unit: str) -> str:
    statistic, training = measured.statistic, measured.training
    spans = ["", ""]
    if training:
        spans = [
            statistic.span(training[0.0], training[1.0], unit),
            statistic.span(*(training[level] for level in TYPICAL), unit),
        ]
    cells = "".join(
        f'<td data-label="{label}">{escaped(span)}</td>'
        for label, span in zip(("in training", "middle 90 %"), spans, strict=True)
    )
    shown = escaped(statistic.shown(measured.value, unit))
    row = ' class="outside"' if measured.is_outside else ""
    outside = ", outside" if measured.is_outside else ""
    words = escaped(measured.words)
    return (
        f'<tr{row}><th scope="row">{words}</th><td data-label="this cell">{shown}{outside}</td>'
        f"{cells}</tr>"
    )


def _outside(verdict: CellVerdict, judge: Judge) -> list[str]:
    """The statistics, in words, that lie outside the range of the cells of training."""
    return [measured.words for measured in _measured(verdict, judge) if measured.is_outside]


def _measured(verdict: CellVerdict, judge: Judge) -> list[Measured]:
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


def _facts(verdict: CellVerdict) -> str:
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
    return _table([], facts)


def _table(heads: list[str], rows: list[list[str]]) -> str:
    head = "".join(f'<th scope="col">{escaped(text)}</th>' for text in heads)
    body = "".join(
        f'<tr><th scope="row">{escaped(name)}</th>'
        f"{''.join(f'<td>{escaped(text)}</td>' for text in row)}</tr>"
        for name, *row in rows
    )
    return (
        f"<table>{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"
    )
