"""What an audit says, in sentences: three answers to each question, the leak first.

A figure that is not shown to differ from chance is not shown to be chance: yes, no, or that it
cannot be told from so many cells.
"""

import math
from collections.abc import Iterator, Sequence

from raphe.core.audit.asked import CHANCE, MARGIN, Audit, AuditRow
from raphe.core.audit.words import Words
from raphe.core.sentences import counted, listed, number
from raphe.core.statistics.answers import Answer
from raphe.core.statistics.figure_interval import Headline


def findings(audit: Audit) -> list[str]:
    """Sentences, the most important first: copies, leaks, what the table tells, then the score."""
    words = audit.words
    noise, leaks = _of_control(audit.of(words.control), words)
    sentences = [
        *audit.copies,
        *([noise] if leaks else []),
        *(confounding.sentence for confounding in audit.confoundings),
        *_of_items(audit.of(words.whole, *words.new), audit.of(words.control, *words.new), words),
        *_of_shuffles(audit),
        *([noise] if noise and not leaks else []),
    ]
    return [sentence[:1].upper() + sentence[1:] + "." for sentence in sentences]


def _of_control(rows: Sequence[AuditRow], words: Words) -> tuple[str, bool]:
    """Whether noise alone gives the class away, and whether it does by any split."""
    item, alone = words.item, words.alone
    by_answer = _sorted_by_answer(rows)
    leaking, clean, open_ = (by_answer[answer] for answer in Answer)
    if not rows:
        return "", False
    if not leaking:
        parts = []
        if clean:
            parts.append(f"{alone} does not give the class away {_ways(clean)}")
        if open_:
            parts.append(
                f"whether {alone} gives the class away {_ways(open_)} {_cannot(open_, item)}"
            )
        return "; ".join(parts), False
    text = f"{words.alone_told} gives the class away {_ways(leaking)}"
    coarser = _coarser(rows, leaking, words)
    if not coarser and all(row.way.split == words.within for row in leaking):
        return (
            f"{text}, which tests {item}s that were trained on: the network may recognise single "
            f"{item}s; whether the recordings of the classes differ, a split by {item} shows",
            True,
        )
    if not coarser:
        return (
            f"{text}: no split that was asked keeps it out of the score; {words.differ}",
            True,
        )
    text += f", so a score {_splits(leaking)} counts it; {_or_not(coarser, item)}"
    best = next((row for row in coarser if row.answer is Answer.NO), coarser[0])
    return f"{text}: use data.split={best.way.split}", True


def _or_not(rows: Sequence[AuditRow], item: str) -> str:
    by_answer = _sorted_by_answer(rows)
    parts = []
    if clean := by_answer[Answer.NO]:
        parts.append(f"{_ways(clean)} it does not")
    if open_ := by_answer[Answer.CANNOT_TELL]:
        parts.append(f"{_ways(open_)} whether it does {_cannot(open_, item)}")
    return "; ".join(parts)


def _of_items(
    rows: Sequence[AuditRow], of_control: Sequence[AuditRow], words: Words
) -> Iterator[str]:
    by_answer = _sorted_by_answer(rows)
    parts = []
    if told := by_answer[Answer.YES]:
        doubt = _doubt(told, of_control, words)
        parts.append(f"the classes are told apart in {_new(told, words)}{doubt}")
    if untold := by_answer[Answer.NO]:
        parts.append(f"the classes are not told apart in {_new(untold, words)}")
    if open_ := by_answer[Answer.CANNOT_TELL]:
        cannot = _cannot(open_, words.item)
        parts.append(f"whether the classes can be told apart in {_new(open_, words)} {cannot}")
    if told and _coarser([*untold, *open_], told, words):
        coarser = _coarser(rows, told, words)[0]
        parts.append(
            f"what {words.item}s of one {coarser.way.split} have in common may be what is learnt "
            f"{_splits(told)}: believe data.split={coarser.way.split}"
        )
    if parts:
        yield "; ".join(parts)


def _doubt(told: Sequence[AuditRow], of_control: Sequence[AuditRow], words: Words) -> str:
    """Which of the scores the control explains, all of it or a part."""
    leaking = {row.way.split: row.auroc for row in of_control if row.answer is Answer.YES}
    explained = [row for row in told if row.way.split in leaking]
    if not explained:
        return ""
    if all(leaking[row.way.split].high < row.auroc.low for row in explained):
        return f", of which {_splits(explained)} {words.alone} may explain a part"
    return f", which {_splits(explained)} {words.alone} may explain"


def _of_shuffles(audit: Audit) -> Iterator[str]:
    for trained_on, shuffle in audit.words.shuffles.items():
        for row in audit.of(trained_on):
            shuffles = counted("shuffle", row.n_trainings)
            stated = f"{_stated_auroc(row.auroc)} over {shuffles}, {row.test}"
            said = {
                Answer.YES: shuffle.yes,
                Answer.NO: shuffle.no,
                Answer.CANNOT_TELL: shuffle.open,
            }[row.answer]
            yield said.format(stated=stated, cannot=_cannot([row], audit.words.item))


def _stated_auroc(auroc: Headline) -> str:
    """ "AUROC 0.92 (0.83–0.98)"."""
    if math.isnan(auroc.value):
        return "no AUROC"
    if math.isnan(auroc.low):
        return f"AUROC {auroc.value:.2f}"
    return f"AUROC {auroc.value:.2f} ({auroc.low:.2f}–{auroc.high:.2f})"


def _sorted_by_answer(rows: Sequence[AuditRow]) -> dict[Answer, list[AuditRow]]:
    return {answer: [row for row in rows if row.answer is answer] for answer in Answer}


def _coarser(rows: Sequence[AuditRow], than: Sequence[AuditRow], words: Words) -> list[AuditRow]:
    """Those split more coarsely than any of the others."""
    coarsest = max(words.splits.index(row.way.split) for row in than)
    return [row for row in rows if words.splits.index(row.way.split) > coarsest]


def _ways(rows: Sequence[AuditRow]) -> str:
    """ "by cell (AUROC 0.92 (0.83–0.98), p = 0.0001)"."""
    return listed(f"by {row.way.split} ({_told(row)})" for row in rows)


def _new(rows: Sequence[AuditRow], words: Words) -> str:
    return listed(f"{words.new[row.way.split]} ({_told(row)})" for row in rows)


def _told(row: AuditRow) -> str:
    """ "AUROC 0.92 (0.83–0.98), p < 0.001", of these 2 days only where so few are known."""
    _, _, only = row.auroc.interval.partition(", ")
    return f"{_stated_auroc(row.auroc)}, {row.test}{f', {only}' if only else ''}"


def _splits(rows: Sequence[AuditRow]) -> str:
    return f"by {listed((row.way.split for row in rows), 'or')}"


def _cannot(rows: Sequence[AuditRow], item: str) -> str:
    """ "cannot be told from 60 cells of 4 days", and why where no score could have told it."""
    row = max(rows, key=lambda row: row.n_cells)
    of_groups = "" if row.noun == item else f" of {counted(row.noun, row.n_groups)}"
    text = f"cannot be told from {counted(item, row.n_cells)}{of_groups}"
    if all(math.isnan(row.auroc.value) for row in rows):
        return f"{text}, as each fold holds one class"
    if not any(row.test.can_tell for row in rows):
        smallest = min(row.test.smallest for row in rows if not math.isnan(row.test.smallest))
        return f"{text}, whose p is {number(smallest, 2)} at best"
    return text


def legend(audit: Audit) -> str:
    """What a no means, where there is one, and what p does."""
    p = (
        f"p is how often labels exchanged at random, those of one {audit.words.together} together, "
        "give an AUROC as high."
    )
    if all(row.answer is not Answer.NO for row in audit.rows):
        return f"{p} The AUROC compares only {audit.words.item}s of one fold."
    return (
        f"“Does not” and “not” mean that the AUROC, which compares only {audit.words.item}s of one "
        f"fold, is surely below {CHANCE + MARGIN:.2f}. {p}"
    )
