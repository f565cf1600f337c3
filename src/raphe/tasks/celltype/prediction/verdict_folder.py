"""Verdicts on disk: JSON, CSV and pages, each cell's as soon as it is known."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from raphe.core.files.atomic import reporting, write_file
from raphe.core.files.csv_text import csv_text
from raphe.tasks.celltype.prediction.judge import Judge, JudgedCell
from raphe.tasks.celltype.prediction.verdict import CellVerdict
from raphe.tasks.celltype.prediction.verdict_page import cell_page, index_page, page_name
from raphe.tasks.celltype.recordings.files import Failure
from raphe.version import __version__

JSON_FILE, CSV_FILE, INDEX = "verdicts.json", "verdicts.csv", "index.html"
PAGES = "cells"


class VerdictFolder:
    """A folder of verdicts; what an earlier call wrote there is replaced file by file.

    `add` writes the cell's page at once, `finish` the tables over all cells so far: also of a run
    that was interrupted.
    """

    def __init__(self, path: Path | str, judge: Judge, pages: bool = True) -> None:
        self.path, self.judge = Path(path), judge
        self.verdicts: list[CellVerdict] = []
        self.failures: list[Failure] = []
        self._with_pages = pages
        self._pages: dict[str, str] = {}
        with reporting(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            if pages:
                (self.path / PAGES).mkdir(exist_ok=True)

    @property
    def made_by(self) -> str:
        bundle = self.judge.ensemble.bundle
        return f"raphe {__version__}, bundle {bundle.path.name} ({bundle.content_hash[:12]})"

    @property
    def written(self) -> tuple[str, ...]:
        return (CSV_FILE, JSON_FILE, *([INDEX] if self._with_pages else []))

    def add(self, result: JudgedCell | Failure) -> None:
        if isinstance(result, Failure):
            self.failures.append(result)
            return
        verdict = result.verdict
        self.verdicts.append(verdict)
        if self._with_pages:
            name = self._free_name(verdict.cell_id)
            self._pages[verdict.cell_id] = f"{PAGES}/{name}"
            self._write(f"{PAGES}/{name}", self._page(result))

    def finish(self) -> None:
        self._write(JSON_FILE, json.dumps(self._as_json(), indent=2, ensure_ascii=False) + "\n")
        self._write(CSV_FILE, _as_csv(self.verdicts, self.judge.ensemble.classes))
        if self._with_pages:
            failures = [str(failure) for failure in self.failures]
            page = index_page(
                self.verdicts,
                self._pages,
                failures,
                self.judge.note,
                self.judge.footnotes,
                self.made_by,
            )
            self._write(INDEX, page)

    def _page(self, result: JudgedCell) -> str:
        # matplotlib takes most of a second to load, which those who want no pages do not wait for.
        from raphe.tasks.celltype.prediction.verdict_figure import verdict_figure

        cell, verdict = result.cell, result.verdict
        figure = None
        if verdict.n_spikes:
            evidence = self.judge.evidence(cell, verdict.leading)
            classes = self.judge.ensemble.classes
            wanted = classes[0] if len(classes) == 2 else verdict.leading
            figure = verdict_figure(cell, verdict, evidence, self.judge.cut, wanted)
        return cell_page(verdict, figure, self.judge.note, self.judge.footnotes, self.made_by)

    def _free_name(self, cell_id: str) -> str:
        name, number = page_name(cell_id), 2
        while f"{PAGES}/{name}" in self._pages.values():
            name, number = page_name(f"{cell_id}-{number}"), number + 1
        return name

    def _as_json(self) -> dict[str, Any]:
        bundle = self.judge.ensemble.bundle
        return {
            "raphe": __version__,
            "bundle": {"path": str(bundle.path), "content_hash": bundle.content_hash},
            "note": self.judge.note,
            "promise": self.judge.promise,
            "calibration": self.judge.calibration,
            "between_days": self.judge.ensemble.manifest["between_days"],
            "cells": [verdict.as_json() for verdict in self.verdicts],
            "left_out": [
                {"file": str(failure.path), "reason": str(failure)} for failure in self.failures
            ],
        }

    def _write(self, name: str, text: str) -> None:
        write_file(self.path / name, text)


def _as_csv(verdicts: Sequence[CellVerdict], classes: Sequence[str]) -> str:
    columns = [
        f"{what}_{name}" for name in classes for what in ("probability", "again_low", "again_high")
    ]
    prevalences = [f"prevalence_{name}" for name in classes]
    counts, texts = ("n_spikes", "enough", "n_agree", "n_members"), ("unlike", "remarks", "files")
    header = ["cell_id", "verdict", *columns, *prevalences, *counts, *texts]
    rows = []
    for verdict in verdicts:
        numbers: list[str] = []
        for name in classes:
            values = (verdict.probability.get(name), *((verdict.again or {}).get(name, ())))
            texts = ["" if value is None else f"{value:.6f}" for value in values]
            numbers += [*texts, "", ""][:3]
        numbers += [f"{(verdict.prevalence or {}).get(name, '')}" for name in classes]
        rows.append(
            [verdict.cell_id, verdict.verdict, *numbers, verdict.n_spikes,
             str(verdict.enough).lower(), *verdict.agreement,
             "; ".join(verdict.unlike), "; ".join(verdict.remarks),
             "; ".join(str(path) for path in verdict.files)]
        )  # fmt: skip
    return csv_text(header, rows)
