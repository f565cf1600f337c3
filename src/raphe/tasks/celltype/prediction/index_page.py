"""The page that lists all cells, a row each, and explains what the words mean."""

from collections.abc import Iterable, Sequence

import numpy as np

from raphe.core.files.left_out import Failure
from raphe.core.sentences import counted, number
from raphe.core.statistics.decision import NOT_SURE
from raphe.tasks.celltype.prediction.page import (
    READING,
    called,
    escaped,
    listing,
    note,
    other_texts,
    page,
    script,
    section,
)
from raphe.tasks.celltype.verdicts.judge import Judge, JudgedCell
from raphe.tasks.celltype.verdicts.verdict import (
    NO_SPIKES,
    RECORDED_AGAIN,
    UNLIKE_TRAINING,
    IndexRow,
    counts,
    counts_sentence,
    share,
    span,
)

THUMBNAIL = 96, 48  # px
MOST_POINTS = 64
# Of each column that can be sorted by: its name, and the way that is wanted first.
COLUMNS = (
    ("cell", "ascending"),
    ("verdict", "ascending"),
    ("most probable", "descending"),
    (f"if {RECORDED_AGAIN}", "descending"),
    ("spikes", "descending"),
    ("remarks", "descending"),
)


def row_of(judged: JudgedCell, page: str) -> IndexRow:
    """A cell's row in the list; `page` is its file."""
    return IndexRow(judged.verdict, page, _thumbnail(judged))


def index_page(
    rows: Sequence[IndexRow], failures: Iterable[Failure], n_asked: int, judge: Judge, made: str
) -> str:
    """The list of all cells; of `n_asked`, as many as there was time for."""
    verdicts, failures = [row.verdict for row in rows], list(failures)
    classes = judge.ensemble.classes
    of_each = "".join(
        f"<li><b>{n}</b> {called(name, judge)}</li>"
        for name, n in counts(verdicts, classes).items()
    )
    if failures:
        of_each += f"<li><b>{len(failures)}</b> {counted('file', len(failures))[2:]} left out</li>"
    head = "".join(
        f'<th scope="col" data-sort="{way}">{escaped(name)}</th>' for name, way in COLUMNS
    )
    body = [
        f"<h1>{escaped(counted('cell', len(rows)))}: {escaped(' or '.join(classes))}?</h1>",
        _interrupted(len(rows), len(failures), n_asked),
        f'<ul class="counts">{of_each}</ul>',
        note(judge.note),
        f'<table class="cells"><thead><tr><th scope="col"><span>mean spike</span></th>{head}</tr>'
        f"</thead>\n<tbody>\n{''.join(_row(row, judge) for row in rows)}</tbody></table>",
        section("Left out", listing(map(str, failures))),
        section("How to read this", *_reading(judge), name=READING),
    ]
    title = counts_sentence(verdicts, classes)
    return page(title, body, made, scripts=script("sort_table.js"))


def _interrupted(n_judged: int, n_failed: int, n_asked: int) -> str:
    if n_judged + n_failed >= n_asked:
        return ""
    return note(f"The call was interrupted: {n_judged} of {counted('cell', n_asked)} were judged.")


def _row(row: IndexRow, judge: Judge) -> str:
    verdict = row.verdict
    leading = verdict.leading
    probable, again, low = "", "", ""
    if leading:
        probable = escaped(f"{leading} {share(verdict.probability[leading])}")
        if verdict.recorded_again is not None:
            ends = verdict.recorded_again[leading]
            again, low = escaped(span(*ends)), f"{ends[0]:.4f}"
    remarks = (*verdict.unlike, *verdict.remarks)
    probability = f"{verdict.probability[leading]:.4f}" if leading else ""
    return (
        f"<tr><td>{row.thumbnail}</td>"
        f'<th scope="row"><a href="{escaped(row.page)}">{escaped(verdict.cell_id)}</a></th>'
        f'<td data-value="{escaped(verdict.verdict)}">{called(verdict.verdict, judge)}</td>'
        f'<td data-label="most probable" data-value="{probability}">{probable}</td>'
        f'<td data-label="if {RECORDED_AGAIN}" data-value="{low}">{again}</td>'
        f'<td class="number" data-label="spikes" data-value="{verdict.n_spikes}">'
        f"{verdict.n_spikes}</td>"
        f'<td data-value="{len(remarks)}">{listing(remarks)}</td></tr>\n'
    )


def _reading(judge: Judge) -> list[str]:
    classes = ", ".join(judge.ensemble.classes[:-1]) + f" or {judge.ensemble.classes[-1]}"
    threshold = judge.decision.not_sure.threshold
    probability = f"{'calibrated ' if judge.decision.calibrated else ''}probability"
    meanings = (
        f"A cell is called {classes} where the {probability} of that class is {threshold:.2f} or "
        f"more, and “{NOT_SURE}” where no class reaches that."
        if threshold > 0
        else f"Every cell with spikes is called by its most probable class, {classes}."
    )
    if judge.domain is not None:
        meanings += (
            f" It is “{UNLIKE_TRAINING}”, however large the probability, where the spike's shape, "
            "the noise or the firing is not that of the cells that the networks were trained on."
        )
    paragraphs = [
        f"{meanings} A recording in which nothing crosses the threshold has “{NO_SPIKES}”.",
        "“Most probable” names the class and its probability; those of the other classes are in "
        "the table (CSV).",
        *judge.footnotes,
    ]
    links = [
        f'<p><a href="{name}">{escaped(title)} of this bundle</a></p>'
        for name, title in other_texts(judge.ensemble.bundle).values()
    ]
    return [*(f"<p>{escaped(paragraph)}</p>" for paragraph in paragraphs), *links]


def _thumbnail(judged: JudgedCell) -> str:
    """The mean spike, as high as the picture is."""
    waveforms = judged.cell.waveforms
    if not len(waveforms):
        return ""
    mean = np.asarray(waveforms.mean(axis=0), np.float64)
    low, high = mean.min(), mean.max()
    points = np.linspace(0, len(mean) - 1, min(len(mean), MOST_POINTS)).round().astype(int)
    width, height = THUMBNAIL
    x = 2 + (width - 4) * points / max(len(mean) - 1, 1)
    y = 2 + (height - 4) * (high - mean[points]) / ((high - low) or 1)
    path = " ".join(f"{a:.0f},{b:.0f}" for a, b in zip(x, y, strict=True))
    unit = judged.verdict.unit
    words = (
        f"Mean of {counted('spike', len(waveforms))} of {judged.verdict.cell_id}, from "
        f"{number(low)} to {number(high)} {unit}"
    )
    return (
        f'<svg class="thumbnail" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escaped(words)}"><title>{escaped(words)}</title>'
        f'<polyline points="{path}" fill="none" stroke="#1a1a1a" stroke-width="1.5"/></svg>'
    )
