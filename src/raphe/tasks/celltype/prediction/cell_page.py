"""One cell's verdict as a page: the recording to look through, what spoke for it and against it."""

import json

from raphe.core.figure_style import class_colour
from raphe.core.sentences import counted
from raphe.tasks.celltype.features.cell_statistics import (
    BANDS,
    FIRING,
    NOISE,
    SPIKE,
)
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
from raphe.tasks.celltype.prediction.verdict_figure import (
    Picture,
    recording_picture,
    spike_pictures,
)
from raphe.tasks.celltype.spikes.cut_settings import Cut
from raphe.tasks.celltype.verdicts.judge import Judge, JudgedCell
from raphe.tasks.celltype.verdicts.verdict import (
    RECORDED_AGAIN,
    CellVerdict,
    share,
    span,
)
from raphe.tasks.celltype.verdicts.weighing import (
    Measured,
    facts_of,
    measured_of,
    sentence,
    weighed,
)

PARTS = {SPIKE: "Spike", NOISE: "Noise and baseline", FIRING: "Firing"}


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
        f"<p>{escaped(sentence(verdict, judge.noun))}</p>",
        note(judge.note),
        "" if verdict.n_spikes else section("Remarks", listing(verdict.remarks)),
        _weighed(verdict, judge) if verdict.n_spikes else "",
        section("Recording" if data else "Peaks of the spikes", shown),
        section("Spikes and votes", f'<div class="panels">{panels}</div>') if panels else "",
        section("Probabilities", _probabilities(verdict)) if verdict.n_spikes else "",
        section("Measured", _statistics(verdict, judge)),
        section("The recording in numbers", _table([], facts_of(verdict))),
        section("What the words mean", *(f"<p>{escaped(text)}</p>" for text in judge.footnotes)),
    ]
    scripts = f"{data}{script('trace.js')}" if data else ""
    return page(f"{verdict.cell_id}: {verdict.verdict}", body, made, to="../", scripts=scripts)


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
        for measured in measured_of(verdict, judge)
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
    shown, *spans = measured.texts(unit)
    cells = "".join(
        f'<td data-label="{label}">{escaped(span)}</td>'
        for label, span in zip(("in training", "middle 90 %"), spans, strict=True)
    )
    row = ' class="outside"' if measured.is_outside else ""
    outside = ", outside" if measured.is_outside else ""
    words = escaped(measured.words)
    return (
        f'<tr{row}><th scope="row">{words}</th><td data-label="this cell">{escaped(shown)}{outside}'
        f"</td>{cells}</tr>"
    )


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
