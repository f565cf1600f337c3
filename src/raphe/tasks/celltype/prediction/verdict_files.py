"""What a folder of verdicts holds: a table, all as JSON, a page a cell, a page that lists them.

No file says where on this computer the recordings lie: they are named from the folder that was
given on, for the folder of verdicts is handed on.
"""

import json
import os
import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from raphe.core.bundles.answers import answered_by, origin
from raphe.core.bundles.bundle import CARD
from raphe.core.files.atomic import copy_file, write_file
from raphe.core.files.csv_text import csv_text
from raphe.core.files.left_out import Failure
from raphe.core.files.path import free_name
from raphe.core.sentences import printable
from raphe.tasks.celltype.verdicts.judge import Judge, JudgedCell
from raphe.tasks.celltype.verdicts.verdict import CellVerdict, IndexRow, counts, rounded

JSON_FILE, CSV_FILE, INDEX, CARD_PAGE = "verdicts.json", "verdicts.csv", "index.html", "card.html"
PAGES = "cells"
Key = TypeVar("Key", bound=Hashable)  # of an answer: the file that it is on, or its number


@dataclass(frozen=True)
class KeptAnswer:
    """A verdict that another process has left, as it judged it."""

    verdict: CellVerdict
    left_out: tuple[Failure, ...]  # windows of the cell that are no waveform
    page: Path | None = None  # its file
    thumbnail: str = ""


class VerdictFiles(Generic[Key]):
    """The files of a folder that is there. `add` writes a cell's page, `write` all others.

    Args:
        folder: where to.
        judge: who judges.
        pages: also a page a cell, and one that lists them all.
        given: the files and folders that were asked about.
    """

    def __init__(self, folder: Path, judge: Judge, pages: bool, given: Iterable[Path]) -> None:
        self.folder, self.judge = folder, judge
        self.answers: dict[Key, IndexRow | Failure] = {}
        self._answered = answered_by(judge.ensemble.bundle)
        above = {re.escape(f"{path.parent}{os.sep}") for path in given if path.parent.name}
        self._above = re.compile(rf"(?<![^\s'\"(])({'|'.join(above)})") if above else None
        self._pages = _Pages(folder, judge, origin(self._answered)) if pages else None

    @property
    def names(self) -> tuple[str, ...]:
        """Of the files, the pages of cells aside."""
        return (CSV_FILE, JSON_FILE, *((INDEX, CARD_PAGE) if self._pages else ()))

    @property
    def shown_first(self) -> str:
        """The name of the file to open first."""
        return INDEX if self._pages else CSV_FILE

    @property
    def verdicts(self) -> list[CellVerdict]:
        return [row.verdict for row in self._rows]

    @property
    def failures(self) -> list[Failure]:
        return [answer for answer in self.answers.values() if isinstance(answer, Failure)]

    @property
    def _rows(self) -> list[IndexRow]:
        return [answer for answer in self.answers.values() if isinstance(answer, IndexRow)]

    def add(self, key: Key, result: JudgedCell | Failure, page: str = "") -> None:
        """Take an answer, in the place of the one that has the same key.

        `page` is the name of the cell's (default: the one it had, or one after the cell's).
        """
        if isinstance(result, Failure):
            path = Path(printable(self._short(result.path)))  # its name may be no UTF-8
            self.answers[key] = Failure(path, self._short(result.message))
            return
        files = tuple(Path(self._short(path)) for path in result.verdict.files)
        judged = replace(result, verdict=replace(result.verdict, files=files))
        if self._pages is None:
            self.answers[key] = IndexRow(judged.verdict)
            return
        before = self.answers.get(key)
        page = page or (before.page if isinstance(before, IndexRow) else "")
        self.answers[key] = self._pages.add(judged, page, (row.page for row in self._rows))

    def take(self, key: Key, kept: "KeptAnswer") -> None:
        """Take an answer of another process, whose page lies elsewhere."""
        files = tuple(Path(self._short(path)) for path in kept.verdict.files)
        verdict = replace(kept.verdict, files=files)
        page = ""
        if self._pages is not None and kept.page is not None:
            page = self._pages.name(verdict, (row.page for row in self._rows))
            copy_file(kept.page, self.folder / page)
        self.answers[key] = IndexRow(verdict, page, kept.thumbnail)

    def write(self, n_asked: int) -> None:
        """Write what is there of `n_asked` cells."""
        judge, folder = self.judge, self.folder
        text = json.dumps(self._as_json(n_asked), indent=2, ensure_ascii=False, allow_nan=False)
        write_file(folder / JSON_FILE, text + "\n")
        write_file(folder / CSV_FILE, verdicts_csv(self.verdicts, judge))
        if self._pages:
            self._pages.write_index(self._rows, self.failures, n_asked)

    def _as_json(self, n_asked: int) -> dict[str, Any]:
        return {
            **self._answered,
            **beside_verdicts(self.judge),
            "counts": counts(self.verdicts, self.judge.ensemble.classes),
            "n_asked": n_asked,
            "cells": [verdict.as_json() for verdict in self.verdicts],
            "left_out": [
                {"file": str(failure.path), "reason": str(failure)} for failure in self.failures
            ],
        }

    def _short(self, text: object) -> str:
        """Paths in a text from what was given on, without the folders above it."""
        return str(text) if self._above is None else self._above.sub("", str(text))


class _Pages:
    """A page a cell as soon as it is judged, the index, the bundle's card."""

    def __init__(self, folder: Path, judge: Judge, made: str) -> None:
        # matplotlib takes most of a second to load, which those who want no pages do not wait for.
        from raphe.tasks.celltype.prediction import cell_page, index_page, page

        self._cell_page, self._index_page, self._page = cell_page, index_page, page
        self._folder, self._judge, self._made = folder, judge, made
        (folder / PAGES).mkdir(exist_ok=True)
        self._has_texts = False

    def add(self, judged: JudgedCell, page: str, taken: Iterable[str]) -> IndexRow:
        """Write a cell's page, over the one that it had."""
        page = page or self.name(judged.verdict, taken)
        write_file(self._folder / page, self._cell_page.cell_page(judged, self._judge, self._made))
        return self._index_page.row_of(judged, page)

    def name(self, verdict: CellVerdict, taken: Iterable[str]) -> str:
        """Of a cell's page, which none has that is taken."""
        names = {Path(other).name for other in taken}
        return f"{PAGES}/{free_name(verdict.cell_id, '.html', names)}"

    def write_index(
        self, rows: Sequence[IndexRow], failures: Sequence[Failure], n_asked: int
    ) -> None:
        page = self._index_page.index_page(rows, failures, n_asked, self._judge, self._made)
        write_file(self._folder / INDEX, page)
        if not self._has_texts:
            self._write_texts()
            self._has_texts = True

    def _write_texts(self) -> None:
        bundle, folder = self._judge.ensemble.bundle, self._folder
        card = bundle.file(CARD).read_text(encoding="utf-8")
        write_file(folder / CARD_PAGE, self._page.text_page(card, self._made))
        for name, (page_name, title) in self._page.other_texts(bundle).items():
            text = bundle.file(name).read_text(encoding="utf-8")
            write_file(folder / page_name, self._page.text_page(text, self._made, title))


def beside_verdicts(judge: Judge) -> dict[str, Any]:
    """What must be known beside every verdict of a bundle, as JSON values."""
    return {
        "note": judge.note,
        "promise": judge.promise,
        "calibration": judge.calibration,
        "least_probability_called": rounded(judge.decision.not_sure.threshold),
        "between_days": rounded(judge.ensemble.manifest["between_days"]),
    }


def verdicts_csv(verdicts: Sequence[CellVerdict], judge: Judge) -> str:
    """The same columns for all cells that a bundle judges, see `csv_row`."""
    rows = [csv_row(verdict, judge) for verdict in verdicts]
    header = rows[0] if rows else csv_row(_NOBODY, judge)
    return csv_text(header, (row.values() for row in rows))


def csv_row(verdict: CellVerdict, judge: Judge) -> dict[str, Any]:
    """A verdict by the columns of the table.

    Left out are those that the bundle can never fill: a prevalence, and what a cell recorded again
    would give, where it knows neither.
    """
    classes = judge.ensemble.classes
    agreeing, votes = verdict.agreement
    row: dict[str, Any] = {
        "cell_id": printable(verdict.cell_id),
        "verdict": verdict.verdict,
        "most_probable_class": verdict.leading,
    }
    for name in classes:
        row[f"probability_{name}"] = _share(verdict.probability.get(name))
        if judge.knows_days:
            low, high = (verdict.recorded_again or {}).get(name, (None, None))
            row[f"recorded_again_low_{name}"] = _share(low)
            row[f"recorded_again_high_{name}"] = _share(high)
    if judge.prevalence is not None:
        row |= {f"prevalence_{name}": _share(judge.prevalence[name]) for name in classes}
    return row | {
        "n_spikes": verdict.n_spikes,
        "enough_spikes": str(verdict.enough_spikes).lower(),
        "n_votes_agreeing": agreeing,
        "n_votes": votes,
        "duration_s": _number(verdict.duration_s),
        "firing_rate_hz": _number(verdict.firing_rate_hz),
        "unlike_training": "; ".join(verdict.unlike),
        "remarks": printable("; ".join(verdict.remarks)),
        "files": "; ".join(map(printable, verdict.files)),
    }


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


_NOBODY = CellVerdict("", (), "", 0, {}, None)
