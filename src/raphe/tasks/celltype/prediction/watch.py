"""Verdicts while recordings are made: on each file as it grows, and once more when it is whole."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from raphe.core.errors import RapheError
from raphe.core.files.left_out import Failure
from raphe.tasks.celltype.prediction.cell_input import Reading
from raphe.tasks.celltype.prediction.find_cells import find_cells
from raphe.tasks.celltype.prediction.judge import Judge, JudgedCell
from raphe.tasks.celltype.recordings.files import find_recordings

EVERY_S = 3.0
SETTLED_S = 10.0  # without a change: the acquisition program is done with the file
ABF = ".abf"  # the one format of which an unfinished file can be read


@dataclass(frozen=True)
class Seen:
    """A file as it was at one look."""

    size: int
    changed: float  # time of its last change, s since the epoch


@dataclass(frozen=True)
class News:
    """A verdict or a failure about one file; not `final` while the file still grows."""

    path: Path
    result: JudgedCell | Failure
    final: bool


class Watch:
    """Looks at a folder again and again.

    A file that changed since the last look is growing: of an .abf the samples there are so far are
    judged, as far as they can be read; anything that cannot is waited for. A file that did not
    change for `settled_s` is whole: it is judged once, and told to have failed if it cannot be
    read. One that grows on after that is judged anew.
    """

    def __init__(
        self,
        folder: Path | str,
        judge: Judge,
        reading: Reading,
        settled_s: float = SETTLED_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder, self.judge, self.reading = Path(folder), judge, reading
        self.settled_s, self._clock = settled_s, clock
        self._seen: dict[Path, Seen] = {}
        self._done: dict[Path, Seen] = {}  # as they were when judged as whole

    def forever(self, every_s: float = EVERY_S) -> Iterator[News]:
        """All news, look after look, until interrupted."""
        while True:
            yield from self.look()
            time.sleep(every_s)

    def look(self) -> Iterator[News]:
        """What one look at the folder brings."""
        for path in self._files():
            try:
                stat = path.stat()
            except OSError:  # gone since it was listed
                continue
            now, before = Seen(stat.st_size, stat.st_mtime), self._seen.get(path)
            self._seen[path] = now
            if now == self._done.get(path):
                continue
            if self._clock() - now.changed >= self.settled_s:
                self._done[path] = now
                yield self._judge_whole(path)
            elif now != before and path.suffix.lower() == ABF:
                yield from self._judge_growing(path)

    def _files(self) -> list[Path]:
        return find_recordings(self.folder).files

    def _judge_whole(self, path: Path) -> News:
        try:
            (cell,), _ = find_cells([path])
            result: JudgedCell | Failure = self.judge.judge(cell.read(self.reading))
        except (RapheError, OSError) as error:
            result = Failure(path, str(error))
        return News(path, result, final=True)

    def _judge_growing(self, path: Path) -> Iterator[News]:
        reading = Reading(self.reading.cut, self.reading.channel, self.reading.unit, growing=True)
        try:
            (cell,), _ = find_cells([path])
            judged = self.judge.judge(cell.read(reading))
        except (RapheError, OSError):
            return  # half-written: waited for
        yield News(path, judged, final=False)
