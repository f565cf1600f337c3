"""Files that can be had of one cell's verdict in the page: table, JSON, a page to print, a text."""

import json
import textwrap
from typing import Any

from raphe.core.bundles.answers import answered_by, origin
from raphe.core.bundles.opened_file import Taken
from raphe.core.bundles.view import Take
from raphe.core.errors import SettingError
from raphe.core.files.csv_text import csv_text
from raphe.core.files.path import free_name
from raphe.core.sentences import counted, listed, number, typographic
from raphe.tasks.celltype.prediction.changed_cell import UNMEASURED, ChangedCell
from raphe.tasks.celltype.prediction.verdict_files import beside_verdicts, csv_row
from raphe.tasks.celltype.verdicts.verdict import RECORDED_AGAIN, share, span
from raphe.tasks.celltype.verdicts.weighing import sentence, weighed
from raphe.version import __version__

CSV, JSON, PDF, METHODS = "csv", "json", "pdf", "methods"
TAKES = (
    Take(CSV, "Verdict (CSV)"),
    Take(JSON, "Everything (JSON)"),
    Take(PDF, "Page to print (PDF)"),
    Take(METHODS, "Sentence for a methods section"),
)
PAGE_IN, MARGIN_IN = (8.27, 11.69), 0.5  # A4; a longer text makes it longer
LINE_WIDTH, LINE_IN = 124, 0.12  # characters, and height on the page, of a line
CAPTION_LINES = 8


def taken(name: str, changed: ChangedCell) -> Taken:
    """One of TAKES. Raises SettingError for another name."""
    stem = changed.every.cell_id
    if name == CSV:
        return _text(stem, ".csv", "text/csv; charset=utf-8", verdict_csv(changed))
    if name == JSON:
        contents = json.dumps(verdict_json(changed), indent=2, ensure_ascii=False, allow_nan=False)
        return _text(stem, ".json", "application/json", contents + "\n")
    if name == METHODS:
        text = textwrap.fill(methods_sentence(changed), 100) + "\n"
        return _text(f"{stem} methods", ".txt", "text/plain; charset=utf-8", text)
    if name == PDF:
        return Taken(free_name(stem, ".pdf", ()), "application/pdf", verdict_pdf(changed))
    raise SettingError(f"name: expected one of {listed(t.name for t in TAKES)}, got {name!r}")


def verdict_csv(changed: ChangedCell) -> str:
    """The columns of verdicts.csv, what a person changed, and what must be known beside it."""
    row = csv_row(changed.verdict, changed.judge)
    row["prevalence_given"] = changed.judge.given_prevalence
    row["changed_by_hand"] = "; ".join(changed.by_hand)
    beside = beside_verdicts(changed.judge) | _promised(changed)
    row |= {name: beside[name] for name in ("least_probability_called", "promise", "note")}
    row["content_hash"] = changed.judge.ensemble.bundle.content_hash
    return csv_text(row, [row.values()])


def verdict_json(changed: ChangedCell) -> dict[str, Any]:
    """As verdicts.json has it of one cell, and what a person changed."""
    judge, cut = changed.judge, changed.cut_here
    return {
        **answered_by(judge.ensemble.bundle),
        **beside_verdicts(judge),
        **_promised(changed),
        "cell": changed.verdict.as_json(),
        "changed_by_hand": {
            "sentences": list(changed.by_hand),
            "threshold": cut and cut.threshold_pa,
            "threshold_of_bundle": changed.held.threshold,
            "unit": changed.cut.unit,
            "n_spikes_cut": len(changed.every),
            "spikes_left_out": sorted(changed.changes.rejected),  # of these, counted from 0
        },
    }


def _promised(changed: ChangedCell) -> dict[str, str]:
    """The promise where a person changed something, of which it was not measured."""
    return {"promise": f"{changed.judge.promise}. {UNMEASURED}."} if changed.by_hand else {}


def methods_sentence(changed: ChangedCell) -> str:
    """How this cell was judged, for a paper: in the past tense, with n, bundle and version."""
    verdict, judge, cut = changed.verdict, changed.judge, changed.cut_here
    bundle = judge.ensemble.bundle
    spikes = counted(judge.noun, verdict.n_spikes)
    if cut is None:
        spikes += ", cut beforehand"
    else:
        at = (
            "a downward" if cut.polarity == "down" else "an upward" if cut.polarity == "up" else "a"
        )
        level = (
            f"{typographic(f'{cut.threshold_pa:g}')} {cut.unit}"
            if cut.threshold_pa is not None
            else f"{cut.mad_factor:g} median absolute deviations"
        )
        spikes += f", cut at {at} crossing of {level}"
        if verdict.duration_s is not None:
            spikes += f" from a recording of {number(verdict.duration_s)} s"
    by = (
        f"raphe {__version__} and the ensemble “{bundle.path.resolve().name}” (content hash "
        f"{bundle.content_hash[:12]}, {counted('network', len(judge.ensemble.members))})"
    )
    if not verdict.n_spikes:
        text = f"Cell {verdict.cell_id} ({spikes}) could not be judged by {by}."
    else:
        leading = verdict.leading
        probability = share(verdict.probability[leading])
        kind = "a calibrated" if judge.decision.calibrated else "an uncalibrated"
        again = ""
        if verdict.recorded_again is not None:
            ends = span(*verdict.recorded_again[leading])
            again = f" (95 % predictive interval if the cell were {RECORDED_AGAIN}: {ends})"
        answer = (
            f"classified as {verdict.verdict}, with {kind} probability of {probability}{again}"
            if verdict.called
            else f"left undecided ({verdict.verdict}); its most probable class was {leading}, with "
            f"{kind} probability of {probability}{again}"
        )
        text = f"Cell {verdict.cell_id} ({spikes}) was {answer}, by {by}."
    if changed.by_hand:
        changes = listed(changed.by_hand)
        text += f" {changes[0].upper()}{changes[1:]}."
    if judge.prevalence_sentence and verdict.n_spikes:
        text += f" {judge.prevalence_sentence}"
    if verdict.n_spikes and judge.decision.not_sure.n_items:
        text += f" By this rule, {judge.promise}."
        if judge.tested:
            text += f" {judge.tested[1][0].upper()}{judge.tested[1][1:]}."
        if changed.by_hand:
            text += f" {UNMEASURED}."
    return f"{text} {judge.note}".strip()


def verdict_pdf(changed: ChangedCell) -> bytes:
    """A page to print: the figure, its caption, what spoke for and against the verdict."""
    from raphe.core.figure_style import (
        SMALL_PT,
        PaperFigure,
        figure_pdf,
        house_style,
        lay_out_within,
    )
    from raphe.tasks.celltype.prediction.verdict_figure import FIGURE_IN, draw_panels

    verdict = changed.verdict
    below = _below_caption(changed)
    figure_in = FIGURE_IN if verdict.n_spikes else FIGURE_IN / 2
    text_in = LINE_IN * (len(below) + CAPTION_LINES)
    height_in = max(PAGE_IN[1], figure_in + text_in + 2 * MARGIN_IN)

    def draw() -> PaperFigure:
        with house_style():
            figure = PaperFigure(PAGE_IN[0], height_in)
            heights_in = figure_in, height_in - figure_in - 2 * MARGIN_IN
            top, bottom = figure.subfigures(2, 1, squeeze=False, height_ratios=heights_in).ravel()
            wide, high = MARGIN_IN / PAGE_IN[0], MARGIN_IN / height_in
            lay_out_within(figure, (wide, high, 1 - 2 * wide, 1 - 2 * high))
            top.suptitle(f"{verdict.cell_id}: {verdict.verdict}", x=0, ha="left", weight="bold")
            caption = draw_panels(top, changed.judged, changed.judge)
            lines = [*textwrap.wrap(caption, LINE_WIDTH), "", *below]
            bottom.text(0, 0.98, "\n".join(lines), va="top", fontsize=SMALL_PT, linespacing=1.35)
        return figure

    return figure_pdf(draw)


def _below_caption(changed: ChangedCell) -> list[str]:
    """What stands on a page to print below the figure and its caption, in lines."""
    verdict, judge = changed.verdict, changed.judge
    lines = textwrap.wrap(sentence(verdict, judge.noun), LINE_WIDTH)
    if judge.prevalence_sentence and verdict.n_spikes:
        lines += textwrap.wrap(judge.prevalence_sentence, LINE_WIDTH)
    if changed.by_hand and verdict.n_spikes:
        lines += textwrap.wrap(f"{UNMEASURED}.", LINE_WIDTH)
    for_it, against = weighed(verdict, judge) if verdict.n_spikes else ([], list(verdict.remarks))
    for title, texts in (("For it:", for_it), ("Against it, or to be looked at:", against)):
        if texts:
            lines += ["", title]
        for text in texts:
            lines += textwrap.wrap(f"– {text}", LINE_WIDTH, subsequent_indent="   ")
    beside = (judge.note, *judge.footnotes, origin(answered_by(judge.ensemble.bundle)))
    for text in filter(None, beside):
        lines += ["", *textwrap.wrap(text, LINE_WIDTH)]
    return lines


def _text(stem: str, suffix: str, media_type: str, contents: str) -> Taken:
    return Taken(free_name(stem, suffix, ()), media_type, contents.encode())
