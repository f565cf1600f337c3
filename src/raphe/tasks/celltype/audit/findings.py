"""What an audit says, in sentences: three answers to each question, the leak first.

A figure that is not shown to differ from chance is not shown to be chance: yes, no, or that it
cannot be told from so many cells.
"""

import math
from collections.abc import Iterator, Sequence

from raphe.core.sentences import counted, listed, number
from raphe.core.statistics.answers import Answer
from raphe.tasks.celltype.audit.audit import CHANCE, MARGIN, Audit, AuditRow
from raphe.tasks.celltype.audit.plan import NOISE, SHUFFLED, SPIKES
from raphe.tasks.celltype.metrics.cell_level import Headline
from raphe.tasks.celltype.stores.split import SPLITS

NEW = {
    "cell": "new cells",
    "day": "cells of new days",
    "animal": "cells of new animals",
    "source": "cells of a new source",
}


def findings(audit: Audit) -> list[str]:
    """Sentences, the most important first: copies, leaks, what the table tells, then the score."""
    noise, leaks = _of_noise(audit.of(NOISE))
    sentences = [
        *audit.copies,
        *([noise] if leaks else []),
        *(confounding.sentence for confounding in audit.confoundings),
        *_of_spikes(audit.of(SPIKES, *NEW), audit.of(NOISE, *NEW)),
        *_of_shuffles(audit.of(SHUFFLED)),
        *([noise] if noise and not leaks else []),
    ]
    return [sentence[:1].upper() + sentence[1:] + "." for sentence in sentences]


def _of_noise(rows: Sequence[AuditRow]) -> tuple[str, bool]:
    """Whether noise alone gives the class away, and whether it does by any split."""
    by_answer = _sorted_by_answer(rows)
    leaking, clean, open_ = (by_answer[answer] for answer in Answer)
    if not rows:
        return "", False
    if not leaking:
        parts = []
        if clean:
            parts.append(f"noise alone does not give the class away {_ways(clean)}")
        if open_:
            parts.append(
                f"whether noise alone gives the class away {_ways(open_)} {_cannot(open_)}"
            )
        return "; ".join(parts), False
    text = f"noise alone, without a spike, gives the class away {_ways(leaking)}"
    coarser = [row for row in rows if _rank(row) > max(map(_rank, leaking))]
    if not coarser and all(row.way.split == "spike" for row in leaking):
        return (
            f"{text}, which tests cells that were trained on: the network may recognise single "
            "cells; whether the recordings of the classes differ, a split by cell shows",
            True,
        )
    if not coarser:
        return (
            f"{text}: no split that was asked keeps it out of the score; the recordings of the "
            "classes differ in more than their spikes (rig, filter, day)",
            True,
        )
    text += f", so a score {_splits(leaking)} counts it; {_or_not(coarser)}"
    best = next((row for row in coarser if row.answer is Answer.NO), coarser[0])
    return f"{text}: use data.split={best.way.split}", True


def _or_not(rows: Sequence[AuditRow]) -> str:
    by_answer = _sorted_by_answer(rows)
    parts = []
    if clean := by_answer[Answer.NO]:
        parts.append(f"{_ways(clean)} it does not")
    if open_ := by_answer[Answer.CANNOT_TELL]:
        parts.append(f"{_ways(open_)} whether it does {_cannot(open_)}")
    return "; ".join(parts)


def _of_spikes(rows: Sequence[AuditRow], of_noise: Sequence[AuditRow]) -> Iterator[str]:
    by_answer = _sorted_by_answer(rows)
    leaking = {row.way.split for row in of_noise if row.answer is Answer.YES}
    parts = []
    if told := by_answer[Answer.YES]:
        by_noise = [row for row in told if row.way.split in leaking]
        doubt = f", which {_splits(by_noise)} noise alone may explain" if by_noise else ""
        parts.append(f"the classes are told apart in {_new(told)}{doubt}")
    if untold := by_answer[Answer.NO]:
        parts.append(f"the classes are not told apart in {_new(untold)}")
    if open_ := by_answer[Answer.CANNOT_TELL]:
        parts.append(f"whether the classes can be told apart in {_new(open_)} {_cannot(open_)}")
    if told and any(_rank(row) > max(map(_rank, told)) for row in (*untold, *open_)):
        coarser = next(row for row in rows if _rank(row) > max(map(_rank, told)))
        parts.append(
            f"what cells of one {coarser.way.split} have in common may be what is learnt "
            f"{_splits(told)}: believe data.split={coarser.way.split}"
        )
    if parts:
        yield "; ".join(parts)


def _of_shuffles(rows: Sequence[AuditRow]) -> Iterator[str]:
    for row in rows:
        shuffles = counted("shuffle", row.n_trainings)
        stated = f"{_stated_auroc(row.auroc)} over {shuffles}, {row.test}"
        if row.answer is Answer.YES:
            yield (
                f"labels shuffled over cells are still learnt when spikes are split ({stated}): "
                "the network recognises single cells, and data.split=spike tests it on cells that "
                "it has seen; use data.split=cell or a coarser one"
            )
        elif row.answer is Answer.NO:
            yield (
                f"labels shuffled over cells are not learnt when spikes are split ({stated}): the "
                "network does not recognise single cells"
            )
        else:
            yield (
                "whether the network recognises single cells when spikes are split "
                f"{_cannot(rows)} (labels shuffled over cells: {stated})"
            )


def _stated_auroc(auroc: Headline) -> str:
    """ "AUROC 0.92 (0.83–0.98)"."""
    if math.isnan(auroc.value):
        return "no AUROC"
    if math.isnan(auroc.low):
        return f"AUROC {auroc.value:.2f}"
    return f"AUROC {auroc.value:.2f} ({auroc.low:.2f}–{auroc.high:.2f})"


def _sorted_by_answer(rows: Sequence[AuditRow]) -> dict[Answer, list[AuditRow]]:
    return {answer: [row for row in rows if row.answer is answer] for answer in Answer}


def _rank(row: AuditRow) -> int:
    return SPLITS.index(row.way.split)


def _ways(rows: Sequence[AuditRow]) -> str:
    """ "by cell (AUROC 0.92 (0.83–0.98), p = 0.0001)"."""
    return listed(f"by {row.way.split} ({_told(row)})" for row in rows)


def _new(rows: Sequence[AuditRow]) -> str:
    return listed(f"{NEW[row.way.split]} ({_told(row)})" for row in rows)


def _told(row: AuditRow) -> str:
    """ "AUROC 0.92 (0.83–0.98), p < 0.001", of these 2 days only where so few are known."""
    _, _, only = row.auroc.interval.partition(", ")
    return f"{_stated_auroc(row.auroc)}, {row.test}{f', {only}' if only else ''}"


def _splits(rows: Sequence[AuditRow]) -> str:
    return f"by {listed((row.way.split for row in rows), 'or')}"


def _cannot(rows: Sequence[AuditRow]) -> str:
    """ "cannot be told from 60 cells of 4 days", and why where no score could have told it."""
    row = max(rows, key=lambda row: row.n_cells)
    of_groups = "" if row.noun == "cell" else f" of {counted(row.noun, row.n_groups)}"
    text = f"cannot be told from {counted('cell', row.n_cells)}{of_groups}"
    if all(math.isnan(row.auroc.value) for row in rows):
        return f"{text}, as each fold holds one class"
    if not any(row.test.can_tell for row in rows):
        smallest = min(row.test.smallest for row in rows if not math.isnan(row.test.smallest))
        return f"{text}, whose p is {number(smallest, 2)} at best"
    return text


def legend(rows: Sequence[AuditRow]) -> str:
    """What a no means, where there is one, and what p does."""
    p = (
        "p is how often labels exchanged at random, those of one day or animal together, give an "
        "AUROC as high."
    )
    if all(row.answer is not Answer.NO for row in rows):
        return f"{p} The AUROC compares only cells of one fold."
    return (
        "“Does not” and “not” mean that the AUROC, which compares only cells of one fold, is "
        f"surely below {CHANCE + MARGIN:.2f}. {p}"
    )
