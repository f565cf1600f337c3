"""A bundle of no task that fills the page: `python -m serve.toy_predictor [FOLDER]` in tests/
serves it.

A file is text: numbers with spaces, or "bad" (an error), "slow" (takes SLOW_S), "defect", "big",
"two" (two items), "current" (needs a second file), "crowded" (two marks are too many at once),
"silent" (not judged without a mark). A mark is a number above the threshold.
"""

import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from raphe.core.bundles.bundle import CARD, Bundle, BundleWriter
from raphe.core.bundles.fields import Field, read_fields
from raphe.core.bundles.manifest import BundleKind
from raphe.core.bundles.opened_file import (
    Changes,
    HandLabel,
    LabelTable,
    OpenedFile,
    Sighting,
    Taken,
    WatchedFolder,
)
from raphe.core.bundles.predictor import BundlePredictor
from raphe.core.bundles.view import Fact, Line, Marks, Need, Plot, Table, Take, View
from raphe.core.errors import RecordingError, SettingError
from raphe.core.files.csv_text import csv_rows, csv_text

KIND = BundleKind("toy/page", (CARD,), (), {})
SUFFIXES = (".txt", ".npy", ".zip")
CURRENT = Need("current", "This is a voltage: give the current that was injected.", (".txt",))
SLOW_S = 1.0
PLAIN = [1.0, 2.0, 9.0, 1.0, 8.0, 1.0, 9.5, 2.0]


def wait() -> None:
    """What a slow file does."""
    time.sleep(SLOW_S)


class ToyFile(OpenedFile):
    def __init__(self, text: str, name: str, beside: Mapping[str, Path]) -> None:
        words = text.split()
        numbers = [float(word) for word in words if word.replace(".", "").isdigit()] or PLAIN
        self._y = numbers * (1000 if "long" in words else 1)
        self._words, self._name, self._beside = words, name, dict(beside)
        self.held = 10**9 if "big" in words else len(text)

    @property
    def _items(self) -> tuple[str, ...]:
        return ("first", "second") if "two" in self._words else ("first",)

    def view(self, item: str | None, changes: Changes) -> View:
        if "slow" in self._words:
            wait()
        item = self._checked(item)
        if "current" in self._words and not self._beside:
            return View(item, self._items, self._name, "", "nothing", (), need=CURRENT)
        plot = self.plot("trace", item, changes, (0, len(self._y)), 1000)
        n = sum(plot.marks.accepted) if plot.marks else 9
        is_sure = n > 2
        return View(
            item,
            self._items,
            f"{self._name}: {item}",
            "many" if is_sure else "not sure",
            "called" if is_sure else "unsure",
            (f"{n} peaks were found.", "A sentence with <b>HTML</b> in it."),
            "A <toy>.",
            (Fact("Peaks", str(n), "above the threshold", warns=not is_sure),),
            (plot,),
            (Table("Numbers", ("name", "value"), (("mean", "3"), ("max", "9")), (1,), "A table."),),
            (Take("verdict.csv", "Verdict as CSV"), Take("defect", "A defect")),
            uncertainty=None if "silent" in self._words and n == 0 else 1 / (1 + n),
            row={"file": self._name, "item": item, "peaks": str(n), "note": "=1+1"},
        )

    def plot(
        self, name: str, item: str | None, changes: Changes, span: tuple[float, float], points: int
    ) -> Plot:
        self._checked(item)
        if name != "trace":
            raise SettingError("plot: expected trace")
        threshold = 5.0 if changes.threshold is None else changes.threshold
        x = [i for i in range(len(self._y)) if span[0] <= i <= span[1]]
        peaks = [i for i in x if self._y[i] > threshold]
        marks = Marks(
            "peak", peaks, peaks, [self._y[i] for i in peaks],
            [i not in changes.rejected for i in peaks],
        )  # fmt: skip
        line = Line(
            "trace",
            "data",
            x[:: 1 + len(x) // points],
            [self._y[i] for i in x][:: 1 + len(x) // points],
        )
        caption = "Numbers as they were sent."
        if "crowded" in self._words and len(peaks) > 1:
            marks, threshold, caption = None, None, "Marked where fewer are in view: zoom in."
        return Plot(
            "trace", "Trace", caption, "Number", "Value (pA)",
            (0, len(self._y)), (line,), marks, threshold, has_detail=True,
        )  # fmt: skip

    def take(self, name: str, item: str | None, changes: Changes) -> Taken:
        if name == "defect":
            raise RuntimeError("a defect")
        if name != "verdict.csv":
            raise SettingError("take: expected verdict.csv")
        view = self.view(item, changes)
        return Taken('verdict é".csv', "text/csv", csv_text(view.row, [view.row.values()]).encode())

    @property
    def n_bytes(self) -> int:
        return self.held

    def _checked(self, item: str | None) -> str:
        if item is None:
            return self._items[0]
        if item not in self._items:
            raise SettingError(f"item: expected {self._items}")
        return item


class ToyFolder(WatchedFolder):
    def __init__(self, folder: Path) -> None:
        self._folder, self._seen = folder, {}

    def poll(self) -> Sequence[Sighting]:
        new = []
        for path in sorted(self._folder.rglob("*.txt"), key=lambda path: path.stat().st_mtime_ns):
            text = path.read_text()
            if self._seen.get(path) != text:
                self._seen[path] = text
                state = "growing" if "growing" in text else "settled"
                new.append(Sighting(path, state, f"{state}: {len(text)} letters", len(text)))
        return new


class Toy(BundlePredictor):
    TITLE = "Peaks of <toys>"
    SUFFIXES = SUFFIXES
    FILE_FIELDS = (Field("sweep", "whole", "its number", option="--sweep"),)

    def example(self) -> dict:
        return {}

    def open_file(
        self, path: Path, name: str, values: Mapping[str, object], beside: Mapping[str, Path]
    ) -> ToyFile:
        read_fields(values, self.FILE_FIELDS)
        file = next(iter(sorted(path.rglob("*.txt")))) if path.is_dir() else path
        text = file.read_bytes().decode(errors="replace")
        words = text.split()
        if "slow" in words:
            wait()
        if "defect" in words:
            raise RuntimeError("a defect")
        if "memory" in words:
            raise MemoryError
        if "bad" in words or any("bad" in p.read_text() for p in beside.values()):
            raise RecordingError(f"{file}: expected numbers, got bad; pass --sweep")
        return ToyFile(text, name, beside)

    def watch(self, folder: Path, values: Mapping[str, object]) -> ToyFolder:
        return ToyFolder(folder)

    @property
    def labels(self) -> tuple[str, ...]:
        return ("many", "few")

    def label_table(self, existing: Path | None = None) -> "ToyLabels":
        return ToyLabels(existing)


class ToyLabels(LabelTable):
    def __init__(self, existing: Path | None) -> None:
        try:
            rows = csv_rows(existing) if existing else ()
            self._rows = {(row["file"], row.get("item", "")): row for row in rows}
        except (ValueError, KeyError) as error:
            raise RecordingError(f"{existing}: is no table ({error})") from None

    def of(self, file: str, item: str | None) -> HandLabel:
        row = self._rows.get((file, item or ""), {"label": "", "note": ""})
        return HandLabel(file, row["label"], row["note"], item)

    def say(self, hand: HandLabel) -> None:
        said = {"label": hand.label, "note": hand.note, "item": hand.item}
        row = self._rows.setdefault(
            (hand.file, hand.item or ""), {"file": hand.file, "label": "", "note": ""}
        )
        row |= {name: x for name, x in said.items() if x is not None}

    @property
    def contents(self) -> bytes:
        names = ["file", "label", "note", "item"]
        if not any(item for _, item in self._rows):
            names.remove("item")
        rows = ([row.get(name) for name in names] for row in self._rows.values())
        return csv_text(names, rows).encode()


def toy_bundle(folder: Path) -> Bundle:
    with BundleWriter(folder) as writer:
        facts = {"note": "A <toy>.", "classes": ["many", "few"]}
        return writer.finish(KIND, {CARD: b"# A card"}, facts)


if __name__ == "__main__":
    from raphe.serve import server
    from raphe.serve.limits import Limits

    with tempfile.TemporaryDirectory() as place:
        bundle = toy_bundle(Path(place, "bundle"))
        server.load_predictor = lambda path, threads, content_hash: Toy(bundle)
        watched = Path(sys.argv[1]) if len(sys.argv) > 1 else None
        server.serve(bundle.path, "127.0.0.1", 8000, Limits(at_once=4), folder=watched)
