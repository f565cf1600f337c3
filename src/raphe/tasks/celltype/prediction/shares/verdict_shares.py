"""Verdicts of several processes, each on its share of the cells, until one call joins them.

They lie in a hidden folder beside that of the verdicts, `.verdicts.shares`: of each share a file
with a line for each cell, as soon as it is judged, and the pages of its cells. A share that is
killed goes on with the next cell. A cell that could not be read leaves nothing: it is tried again.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO, Any

from raphe.core.errors import StoreError
from raphe.core.files.atomic import FolderBuilder, make_folder, reporting
from raphe.core.files.leavings import is_leaving, remove, sweep
from raphe.core.files.left_out import Failure
from raphe.core.files.path import refuse_inputs_within
from raphe.core.files.prepared import digest
from raphe.core.jobs.shares import Share, all_shares_held, share_held
from raphe.tasks.celltype.prediction.verdict_files import JSON_FILE, PAGES, KeptAnswer, VerdictFiles
from raphe.tasks.celltype.prediction.verdict_folder import own_names
from raphe.tasks.celltype.verdicts.cell_input import CellInput, Reading
from raphe.tasks.celltype.verdicts.judge import Judge, JudgedCell
from raphe.tasks.celltype.verdicts.verdict import CellVerdict, IndexRow
from raphe.version import __version__

LINES = ".jsonl"
WORDS = {  # of what all shares have in common
    "raphe": "raphe",
    "bundle": "bundle",
    "given": "INPUT",
    "prevalence": "--prevalence",
    "reading": "--channel or --unit",
    "units": "--units or --cell-column",
    "pages": "choice of --no-pages",
}


class VerdictShares:
    """What all shares of the verdicts in one folder have left.

    Args:
        out: the folder of verdicts to be.
        judge: who judges.
        reading: how files are read.
        given: the files and folders that were asked about.
        units: the table of cells and its column, as options name them.
        pages: also a page a cell.
        overwrite: drop what shares of other settings have left; else they are refused.
    """

    def __init__(
        self,
        out: Path,
        judge: Judge,
        reading: Reading,
        given: Iterable[Path],
        units: Sequence[object] = (),
        pages: bool = True,
        overwrite: bool = False,
    ) -> None:
        self.out, self.judge, self.reading, self.pages = out, judge, reading, pages
        self.given, self.overwrite = list(given), overwrite
        with reporting(out):
            place = Path(out).resolve()
        self.folder = place.with_name(f".{place.name}.shares")
        self._facts = {
            "raphe": __version__,
            "bundle": judge.ensemble.bundle.content_hash,
            "given": [str(path) for path in self.given],
            "prevalence": judge.prevalence,
            "reading": [reading.channel, reading.unit],
            "units": [str(unit) for unit in units],
            "pages": pages,
        }
        self._places: dict[str, tuple[Path, int]] = {}  # of a cell's line: file, byte

    def judge_share(
        self, cells: Sequence[CellInput], share: Share
    ) -> Iterator[JudgedCell | Failure]:
        """Judge those cells of a share that are not judged yet, and keep each answer as it comes.

        Raises StoreError where nothing could stand at `out` once all are joined, another process
        is at work on this share, or the disk takes no more.
        """
        inputs = [path for cell in cells for path in cell.paths]
        refuse_inputs_within(self.out, [self.judge.ensemble.bundle.path, *inputs])
        own = partial(own_names, self.judge.ensemble.bundle)
        with FolderBuilder(self.out, JSON_FILE, self.overwrite, own):
            pass  # told now, and not once all cells are judged
        make_folder(self.folder)
        with ExitStack() as stack:
            share_held(self.folder, share, stack)
            sweep(self.folder)
            self._find()
            missing = self.missing(cells, share)
            folder = make_folder(self.folder / share.name)
            files = VerdictFiles[str](folder, self.judge, self.pages, self.given)
            with reporting(self.folder):
                lines = stack.enter_context(self._opened(share))
            results = self.judge.judge_all(missing.values(), self.reading)
            for key, result in zip(missing, results, strict=True):
                files.add(key, result, f"{PAGES}/{key}.html")
                answer = files.answers.pop(key)
                if isinstance(result, JudgedCell) and isinstance(answer, IndexRow):
                    with reporting(self.folder):
                        _add_line(lines, _as_line(key, result, answer))
                yield result

    def missing(self, cells: Sequence[CellInput], share: Share) -> dict[str, CellInput]:
        """The cells of a share that have no answer yet, by their keys."""
        of_share = share.take(list(_keys(cells).items()))
        return {key: cell for key, cell in of_share if key not in self._places}

    def judge_all(
        self, cells: Sequence[CellInput], stack: ExitStack
    ) -> Iterator[JudgedCell | KeptAnswer | Failure]:
        """Every cell's answer in the cells' order: what shares have left, the others judged now.

        The shares are held for as long as the stack lasts. Raises StoreError where one is at work.
        """
        if self.folder.is_dir():
            all_shares_held(self.folder, stack)
            self._find()
        for key, cell in _keys(cells).items():
            kept = self._kept(key)
            if kept is None:
                yield from self.judge.judge_all([cell], self.reading)
            else:
                yield kept

    def drop(self) -> None:
        """Remove what the shares have left, once it is joined."""
        remove(self.folder)

    def _find(self) -> None:
        """Look for every line in the folder. Raises StoreError for those of other settings."""
        with reporting(self.folder, "read"):
            for path in sorted(self.folder.glob(f"*{LINES}")):
                if is_leaving(path):
                    continue
                with path.open("rb") as lines:
                    if not self._is_ours(path, lines.readline()):
                        continue
                    begin = lines.tell()
                    for line in lines:
                        if (values := _read(line)) is not None:
                            self._places[values["cell"]] = path, begin
                        begin += len(line)

    def _is_ours(self, path: Path, line: bytes) -> bool:
        """Whether a file's first line is that of these settings; False: of none, or dropped."""
        facts = _read(line)
        if facts is None or facts == self._facts:  # None: another process is just beginning it
            return facts is not None
        if not self.overwrite:
            different = (WORDS[name] for name in WORDS if facts.get(name) != self._facts[name])
            other = next(different, "raphe")
            raise StoreError(
                f"{path.parent}: holds shares of verdicts with another {other}; give the same, or "
                "pass --overwrite to drop them"
            )
        remove(path)
        remove(path.with_suffix(""))
        return False

    def _opened(self, share: Share) -> IO[bytes]:
        """The file of a share's lines, at its end; it begins with the settings."""
        file = (self.folder / f"{share.name}{LINES}").open("a+b")
        file.seek(0)
        whole = file.read().rpartition(b"\n")
        file.truncate(len(whole[0]) + len(whole[1]))
        if not whole[1]:
            _add_line(file, self._facts)
        return file

    def _kept(self, key: str) -> KeptAnswer | None:
        """The answer on a cell that a share has left; None where that is not whole."""
        if key not in self._places:
            return None
        path, begin = self._places[key]
        with reporting(path, "read"), path.open("rb") as lines:
            lines.seek(begin)
            values = _read(lines.readline())
        if values is None:
            return None
        page = self.folder / path.stem / values["page"] if values["page"] else None
        if page is not None and not page.is_file():
            return None
        left_out = (Failure(Path(file), reason) for file, reason in values["left_out"])
        verdict = CellVerdict.from_json(values["verdict"])
        return KeptAnswer(verdict, tuple(left_out), page, values["thumbnail"])


def _keys(cells: Iterable[CellInput]) -> dict[str, CellInput]:
    """Cells by what tells each from the others, and a file from what it was before."""
    keys: dict[str, CellInput] = {}
    for cell in cells:
        files = [(str(path), _seen(path)) for path in cell.paths]
        number = 0  # of several cells of one name in one file
        while (key := digest(cell.cell_id, files, number)) in keys:
            number += 1
        keys[key] = cell
    return keys


def _seen(path: Path) -> tuple[int, int]:
    """Size in bytes and time of change in ns; of what is gone 0, which judging it tells."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def _as_line(key: str, result: JudgedCell, row: IndexRow) -> dict[str, Any]:
    return {
        "cell": key,
        "verdict": result.verdict.with_all_digits(),
        "left_out": [(str(failure.path), failure.message) for failure in result.left_out],
        "page": row.page,
        "thumbnail": row.thumbnail,
    }


def _add_line(file: IO[bytes], values: Mapping[str, Any]) -> None:
    file.write(json.dumps(values).encode() + b"\n")
    file.flush()


def _read(line: bytes) -> dict[str, Any] | None:
    """A line's values; None for one that a killed process or a power cut has left half written."""
    try:
        values = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    return values if isinstance(values, dict) else None
