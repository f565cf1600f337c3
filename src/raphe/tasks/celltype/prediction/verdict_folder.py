"""Verdicts on disk: JSON, CSV and pages, in a folder that appears whole."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from raphe.core.bundles.answers import answered_by, origin
from raphe.core.bundles.bundle import CARD, Bundle
from raphe.core.errors import StoreError
from raphe.core.files.atomic import FolderBuilder, write_file
from raphe.core.files.left_out import Failure
from raphe.core.files.path import refuse_inputs_within
from raphe.tasks.celltype.prediction.cell_input import CellInput
from raphe.tasks.celltype.prediction.judge import Judge, JudgedCell
from raphe.tasks.celltype.prediction.verdict import CellVerdict, counts, rounded
from raphe.tasks.celltype.prediction.verdict_table import verdicts_csv

JSON_FILE, CSV_FILE, INDEX, CARD_PAGE = "verdicts.json", "verdicts.csv", "index.html", "card.html"
PAGES = "cells"


class VerdictFolder:
    """A folder of verdicts on cells, filled as a context by `add`; it is there when that ends.

    A call that is interrupted keeps what it has done, but replaces nothing by a part of it.

    Args:
        path: where to.
        judge: who judges.
        cells: that are asked for.
        pages: also a page a cell, and one that lists them all.
        overwrite: replace verdicts that stand at `path`, the whole folder.

    Raises:
        StoreError: something that may not be replaced stands at `path`.
        SettingError: it holds a file that is to be read, or the bundle.
    """

    def __init__(
        self,
        path: Path | str,
        judge: Judge,
        cells: Iterable[CellInput],
        pages: bool = True,
        overwrite: bool = False,
    ) -> None:
        self.judge = judge
        self.n_asked = len(cells := list(cells))
        bundle = judge.ensemble.bundle
        inputs = [file for cell in cells for file in cell.paths]
        refuse_inputs_within(Path(path), [bundle.path, *inputs])
        if overwrite:
            _require_verdicts_alone(Path(path), bundle)
        self._builder = FolderBuilder(path, JSON_FILE, overwrite)
        self.path, self._folder = Path(path), self._builder.folder
        self._replaces = (self._builder.path / JSON_FILE).exists()
        self.is_kept = False  # whether what was added stands at the path
        self.verdicts: list[CellVerdict] = []
        self.failures: list[Failure] = []
        self._answered = answered_by(bundle)
        self._pages = _Pages(self._folder, judge, origin(self._answered)) if pages else None

    def __enter__(self) -> "VerdictFolder":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None or (self.verdicts and not self._replaces):
                self._finish()
        finally:
            self._builder.__exit__()

    @property
    def files(self) -> tuple[str, ...]:
        """The names of what it holds, the pages of cells aside."""
        return (CSV_FILE, JSON_FILE, *((INDEX, CARD_PAGE) if self._pages else ()))

    @property
    def shown_first(self) -> Path:
        """The file to open first."""
        return self.path / (INDEX if self._pages else CSV_FILE)

    def add(self, result: JudgedCell | Failure) -> None:
        if isinstance(result, Failure):
            self.failures.append(result)
            return
        if self._pages:
            self._pages.add(result)
        self.verdicts.append(result.verdict)  # it has its page

    def _finish(self) -> None:
        judge, folder = self.judge, self._folder
        text = json.dumps(self._as_json(), indent=2, ensure_ascii=False, allow_nan=False)
        write_file(folder / JSON_FILE, text + "\n")
        write_file(folder / CSV_FILE, verdicts_csv(self.verdicts, judge))
        if self._pages:
            self._pages.finish(self.failures, self.n_asked)
        self._builder.commit()
        self.is_kept = True

    def _as_json(self) -> dict[str, Any]:
        judge = self.judge
        return {
            **self._answered,
            "note": judge.note,
            "promise": judge.promise,
            "calibration": judge.calibration,
            "least_probability_called": rounded(judge.decision.not_sure.threshold),
            "between_days": rounded(judge.ensemble.manifest["between_days"]),
            "counts": counts(self.verdicts, judge.ensemble.classes),
            "n_asked": self.n_asked,
            "cells": [verdict.as_json() for verdict in self.verdicts],
            "left_out": [
                {"file": str(failure.path), "reason": str(failure)} for failure in self.failures
            ],
        }


def _require_verdicts_alone(path: Path, bundle: Bundle) -> None:
    """Raise StoreError where a folder to be replaced holds what `predict` did not write."""
    if not path.is_dir() or not (path / JSON_FILE).is_file():
        return  # as FolderBuilder has it
    try:
        verdicts = json.loads((path / JSON_FILE).read_text(encoding="utf-8"))
        is_ours = isinstance(verdicts, dict) and bool(verdicts["bundle"]["content_hash"])
    except (OSError, ValueError, KeyError, TypeError):
        is_ours = False
    if not is_ours:
        raise StoreError(
            f"{path}: its {JSON_FILE} names no bundle, so raphe did not write it and does not "
            "replace it; choose another --out"
        )
    # Texts of another bundle's have the same names: a methods paragraph beside the card.
    pages = {f"{Path(name).stem.lower()}.html" for name in bundle.manifest["files"]}
    names = {CSV_FILE, JSON_FILE, INDEX, CARD_PAGE, PAGES, *pages}
    foreign = [entry for entry in path.iterdir() if entry.name not in names]
    if (path / PAGES).is_dir():
        foreign += [entry for entry in (path / PAGES).iterdir() if entry.suffix != ".html"]
    if foreign:
        raise StoreError(
            f"{path}: holds {min(foreign).relative_to(path)}, which raphe did not write, and would "
            "be replaced as a whole; move it away, or choose another --out"
        )


class _Pages:
    """A page a cell as soon as it is judged, then the index and the bundle's card."""

    def __init__(self, folder: Path, judge: Judge, made: str) -> None:
        # matplotlib takes most of a second to load, which those who want no pages do not wait for.
        from raphe.tasks.celltype.prediction import cell_page, index_page, page

        self._cell_page, self._index_page, self._page = cell_page, index_page, page
        self._folder, self._judge, self._made = folder, judge, made
        self._rows: list[Any] = []
        self._names: set[str] = set()
        (folder / PAGES).mkdir()

    def add(self, judged: JudgedCell) -> None:
        name = self._free_name(judged.verdict.cell_id)
        page = self._cell_page.cell_page(judged, self._judge, self._made)
        write_file(self._folder / PAGES / name, page)
        self._rows.append(self._index_page.IndexRow.of(judged, f"{PAGES}/{name}"))

    def finish(self, failures: Iterable[Failure], n_asked: int) -> None:
        page = self._index_page.index_page(self._rows, failures, n_asked, self._judge, self._made)
        write_file(self._folder / INDEX, page)
        bundle, folder = self._judge.ensemble.bundle, self._folder
        card = bundle.file(CARD).read_text(encoding="utf-8")
        write_file(folder / CARD_PAGE, self._page.text_page(card, self._made))
        for name, (page_name, title) in self._page.other_texts(bundle).items():
            text = bundle.file(name).read_text(encoding="utf-8")
            write_file(folder / page_name, self._page.text_page(text, self._made, title))

    def _free_name(self, cell_id: str) -> str:
        """A file name that any file system takes, and no other page of the folder has."""
        safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in cell_id)
        name, number = f"{safe}.html", 2
        while name.casefold() in self._names:  # a file system may not tell a from A
            name, number = f"{safe}-{number}.html", number + 1
        self._names.add(name.casefold())
        return name
