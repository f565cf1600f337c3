"""Verdicts on disk: in a folder that appears whole, or in one that grows while a rig is watched."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from raphe.core.bundles.bundle import Bundle
from raphe.core.errors import StoreError
from raphe.core.files.atomic import FolderBuilder, make_folder, reporting, write_file
from raphe.core.files.folders import foreign_entries
from raphe.core.files.leavings import LOCK
from raphe.core.files.left_out import Failure
from raphe.core.files.locks import locked
from raphe.core.files.path import refuse_inputs_within, require_utf_8
from raphe.core.files.prepared import digest
from raphe.tasks.celltype.prediction.verdict_files import (
    CARD_PAGE,
    CSV_FILE,
    INDEX,
    JSON_FILE,
    PAGES,
    KeptAnswer,
    VerdictFiles,
)
from raphe.tasks.celltype.prediction.watch import Stamp
from raphe.tasks.celltype.verdicts.cell_input import CellInput
from raphe.tasks.celltype.verdicts.judge import Judge, JudgedCell
from raphe.tasks.celltype.verdicts.verdict import CellVerdict, IndexRow

STATE = "watched.json"  # which files were judged, as they were then
STATE_FORMAT = 1
NOT_READ = "could not be read; choose another --out"
WORDS = {  # of what one folder has in common
    "format": "format",
    "bundle": "bundle",
    "folder": "folder",
    "prevalence": "--prevalence",
    "reading": "--channel or --unit",
    "pages": "choice of --no-pages",
}


class VerdictFolder:
    """A folder of verdicts on cells, filled as a context by `add`; it is there when that ends.

    A call that is interrupted keeps what it has done, but replaces nothing by a part of it, and
    leaves no part on a disk that is full.

    Args:
        path: where to.
        judge: who judges.
        cells: that are asked for.
        given: the files and folders that they were found in.
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
        given: Iterable[Path],
        pages: bool = True,
        overwrite: bool = False,
    ) -> None:
        self.n_asked = len(cells := list(cells))
        bundle = judge.ensemble.bundle
        inputs = [file for cell in cells for file in cell.paths]
        refuse_inputs_within(Path(path), [bundle.path, *inputs])
        self._builder = FolderBuilder(path, JSON_FILE, overwrite, partial(own_names, bundle))
        self.path = Path(path)
        self._replaces = (self._builder.path / JSON_FILE).exists()
        self.is_kept = False  # whether what was added stands at the path
        self.files: VerdictFiles[int] = VerdictFiles(self._builder.folder, judge, pages, given)

    def __enter__(self) -> "VerdictFolder":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None or (self.files.verdicts and self._keeps_a_part(kind)):
                self.files.write(self.n_asked)
                self._builder.commit()
                self.is_kept = True
        finally:
            self._builder.__exit__()

    def _keeps_a_part(self, kind: type[BaseException]) -> bool:
        """Not where the disk took no more: with room the same command is to work."""
        return not self._replaces and not issubclass(kind, StoreError | OSError)

    def add(self, result: JudgedCell | KeptAnswer | Failure) -> None:
        if isinstance(result, KeptAnswer):
            self.files.take(len(self.files.answers), result)
        else:
            self.files.add(len(self.files.answers), result)


class WatchedFolder:
    """A folder of verdicts that is written anew with each, while recordings are made.

    The same folder goes on where it was: what was judged and has not changed since is not judged
    again.

    Args:
        path: where to.
        judge: who judges.
        watched: the folder of the recordings.
        reading: how they are read: JSON values.
        pages: also a page a cell, and one that lists them all.

    Raises:
        StoreError: `path` holds something else, or verdicts of another bundle, folder or reading.
        SettingError: it lies where it would be watched, or holds the bundle.
    """

    def __init__(
        self,
        path: Path | str,
        judge: Judge,
        watched: Path,
        reading: Mapping[str, Any],
        pages: bool = True,
    ) -> None:
        self.path, self.watched = Path(path), watched
        bundle = judge.ensemble.bundle
        require_utf_8(self.path)
        refuse_inputs_within(self.path, [bundle.path, watched])
        self._facts = {
            "format": STATE_FORMAT,
            "bundle": bundle.content_hash,
            "folder": digest(str(watched.resolve())),  # not itself: the verdicts are handed on
            "prevalence": judge.prevalence,
            "reading": dict(reading),
            "pages": pages,
        }
        state = self._read_state()
        make_folder(self.path)
        self.files: VerdictFiles[Path] = VerdictFiles(self.path, judge, pages, [watched])
        self.judged: dict[Path, Stamp] = {}
        try:
            for name, values in state.items():
                self._restore(watched / name, values)
        except (KeyError, TypeError, AttributeError):
            raise StoreError(f"{self.path / STATE}: {NOT_READ}") from None

    @contextmanager
    def held(self) -> Iterator[None]:
        """While this process is the only one to fill it. Raises StoreError where another is."""
        busy = (
            f"{self.path}: another watch is filling this folder; end that one, or choose another "
            "--out"
        )
        with locked(self.path / LOCK, busy):
            yield

    def add(self, path: Path, stamp: Stamp | None, result: JudgedCell | Failure) -> None:
        """Take the answer on a file as it was at `stamp`, and write all files.

        Without a stamp it is no file that could be judged, and a later call looks at it anew.
        Raises StoreError.
        """
        self.files.add(path, result)
        if stamp is not None:
            self.judged[path] = stamp
        self.files.write(len(self.files.answers))
        state = {
            path.relative_to(self.watched).as_posix(): self._state_of(path, stamp)
            for path, stamp in self.judged.items()
        }
        text = json.dumps({**self._facts, "files": state}, ensure_ascii=False, allow_nan=False)
        write_file(self.path / STATE, text + "\n")

    def _restore(self, path: Path, values: Mapping[str, Any]) -> None:
        """Take the answer on a file as `_state_of` gave it. Raises KeyError, TypeError or as JSON
        of another kind does."""
        stamp = Stamp(values["size"], values["changed_ns"])
        answer: IndexRow | Failure
        if "left_out" in values:
            answer = Failure(Path(values["file"]), values["left_out"])
        else:
            page = values["page"]
            if page and Path(page).parent != Path(PAGES):
                raise KeyError(page)  # never written outside of the folder
            verdict = CellVerdict.from_json(values["verdict"])
            answer = IndexRow(verdict, page, values["thumbnail"])
        self.judged[path], self.files.answers[path] = stamp, answer

    @property
    def results(self) -> dict[Path, CellVerdict | Failure]:
        """Verdicts and failures so far, also of earlier calls, by the files."""
        return {
            path: answer if isinstance(answer, Failure) else answer.verdict
            for path, answer in self.files.answers.items()
        }

    def _state_of(self, path: Path, stamp: Stamp) -> dict[str, Any]:
        answer = self.files.answers[path]
        seen = {"size": stamp.size, "changed_ns": stamp.changed_ns}
        if isinstance(answer, Failure):
            return {**seen, "file": str(answer.path), "left_out": answer.message}
        return {
            **seen,
            "verdict": answer.verdict.as_json(),
            "page": answer.page,
            "thumbnail": answer.thumbnail,
        }

    def _read_state(self) -> dict[str, dict[str, Any]]:
        """By the names of files; {} for a folder that is not there or empty."""
        with reporting(self.path, "read"):
            if not self.path.exists() or not foreign_entries(self.path):
                return {}
        file = self.path / STATE
        elsewhere = "choose another --out"
        if not file.is_file():
            raise StoreError(
                f"{self.path}: exists and holds no {STATE}, so no watch goes on there; {elsewhere}"
            )
        try:
            state = json.loads(file.read_bytes())
            files = state.pop("files")
            other = next((name for name, fact in self._facts.items() if state[name] != fact), None)
        except (OSError, ValueError, KeyError, AttributeError):
            raise StoreError(f"{file}: {NOT_READ}") from None
        if other is not None:
            raise StoreError(
                f"{self.path}: holds verdicts of a watch with another {WORDS[other]}; {elsewhere}"
            )
        return files


def own_names(bundle: Bundle, path: Path) -> set[str]:
    """What `predict` wrote in a folder to be replaced. Raises StoreError where it is another's."""
    try:
        verdicts = json.loads((path / JSON_FILE).read_text(encoding="utf-8"))
        is_ours = isinstance(verdicts, dict) and bool(verdicts["bundle"]["content_hash"])
    except (OSError, ValueError, KeyError, TypeError):
        is_ours = False
    if not is_ours:
        raise StoreError(
            f"{path}: its {JSON_FILE} names no bundle, so raphe did not write it and does not "
            "replace it; choose another place"
        )
    # Texts of another bundle's have the same names: a methods paragraph beside the card.
    pages = {f"{Path(name).stem.lower()}.html" for name in bundle.manifest["files"]}
    of_cells = {f"{PAGES}/{page.name}" for page in (path / PAGES).glob("*.html")}
    return {CSV_FILE, JSON_FILE, INDEX, CARD_PAGE, STATE, *pages, *of_cells}
