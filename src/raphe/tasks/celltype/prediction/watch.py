"""Verdicts while recordings are made: on each file as it grows, and once more when it is whole."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from raphe.core.files.folders import Listing
from raphe.core.files.left_out import Failure
from raphe.core.files.refusals import refusal
from raphe.core.sentences import counted
from raphe.tasks.celltype.recordings.files import find_recordings
from raphe.tasks.celltype.verdicts.cell_input import Reading
from raphe.tasks.celltype.verdicts.find_cells import find_cells
from raphe.tasks.celltype.verdicts.judge import Judge, JudgedCell

EVERY_S = 3.0
SETTLED_S = 10.0  # without a change: the acquisition program is done with the file
ABF = ".abf"  # the one format of which an unfinished file can be read


@dataclass(frozen=True)
class Stamp:
    """A file as it was at one look. Its time is compared with itself alone: the clock of the rig,
    or of a share, may be hours off."""

    size: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> "Stamp":
        status = path.stat()
        return cls(status.st_size, status.st_mtime_ns)


@dataclass(frozen=True)
class News:
    """A verdict or a failure about one file; not `final` while the file grows or is locked."""

    path: Path
    result: JudgedCell | Failure
    stamp: Stamp | None = None  # None: what cannot be a recording, as a link to nothing
    final: bool = True


@dataclass(frozen=True)
class Notice:
    """What became of the folder itself: a sentence."""

    text: str


@dataclass(frozen=True)
class _Sighting:
    """A file's stamp, and since when, by this process's own clock, it has not changed."""

    stamp: Stamp
    since_s: float


class Watch:
    """Looks at a folder again and again; nothing that a file or the folder does ends it.

    A file that changed since the last look is growing: of an .abf the samples there are so far are
    judged, as far as they can be read; anything that cannot is waited for. A file that did not
    change for `settled_s` is whole: it is judged once, and told to have failed if it cannot be
    read, but one that the system does not let be opened is tried again at each look. One that
    grows on after that is judged anew. A folder that is not there is waited for.

    Args:
        folder: where the acquisition program writes.
        judge, reading: who judges, and how files are read.
        settled_s: how long an unchanged file waits.
        judged: files that need no verdict as long as they are as they were.
        clock: seconds that never run backwards.
    """

    def __init__(
        self,
        folder: Path | str,
        judge: Judge,
        reading: Reading,
        settled_s: float = SETTLED_S,
        judged: Mapping[Path, Stamp] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder, self.judge, self.reading = Path(folder), judge, reading
        self.settled_s, self._clock = settled_s, clock
        self._judged = dict(judged or {})
        self._seen: dict[Path, _Sighting] | None = None  # None: before the first look
        self._told: dict[Path, str] = {}  # what cannot be taken now, and the reason that was told
        self._gone = ""  # why the folder itself cannot be listed
        self._n_listed = 0

    def forever(self, every_s: float = EVERY_S) -> Iterator[News | Notice]:
        """All news, look after look, until interrupted."""
        while True:
            yield from self.look()
            time.sleep(every_s)

    def judge_again(self, path: Path) -> None:
        """Let a file be judged at the next look, as where its verdict could not be saved."""
        self._judged.pop(path, None)

    def waiting(self) -> list[Path]:
        """The recordings that are there and have no verdict as they are, nor a failure."""
        paths = [path for path in find_recordings(self.folder).files if path not in self._told]
        return [path for path in paths if _stamp(path) not in (None, self._judged.get(path))]

    def look(self) -> Iterator[News | Notice]:
        """What one look at the folder brings."""
        listing = find_recordings(self.folder)
        yield from self._notices(listing)
        if self._gone:
            return
        yield from self._left_out(listing)
        # A file that was there before the first look may be old: it is judged once, when settled.
        is_first, self._seen = self._seen is None, self._seen or {}
        for path in listing.files:
            stamp = _stamp(path)
            if stamp is None:
                continue
            before, now_s = self._seen.get(path), self._clock()
            has_changed = before is None or before.stamp != stamp
            if has_changed:
                self._seen[path] = _Sighting(stamp, now_s)
            if stamp == self._judged.get(path):
                continue
            if now_s - self._seen[path].since_s >= self.settled_s:
                yield from self._judge_whole(path, stamp)
            elif has_changed and not is_first and path.suffix.lower() == ABF:
                yield from self._judge_growing(path, stamp)

    def _notices(self, listing: Listing) -> Iterator[Notice]:
        """That the folder cannot be listed, is there again, or has lost all that it held."""
        of_folder = [str(f) for f in listing.left_out if f.path == self.folder]
        gone = of_folder[0] if of_folder else ""
        if gone and not self._gone:
            yield Notice(f"{gone}; waiting for it")
        elif self._gone and not gone:
            yield Notice(f"{self.folder}: is there again")
        elif self._n_listed and not listing.files and not gone:
            lost = counted("recording", self._n_listed)
            yield Notice(f"{self.folder}: held {lost} and is empty now; is its disk connected?")
        self._gone = gone
        if not gone:
            self._n_listed = len(listing.files)

    def _left_out(self, listing: Listing) -> Iterator[News]:
        """What cannot be a recording, once for each reason; a file may vanish at any time."""
        reasons = {f.path: f.message for f in listing.left_out if os.path.lexists(f.path)}
        for path, reason in reasons.items():
            if self._told.get(path) != reason:
                yield News(path, Failure(path, reason))
        listed = set(listing.files)
        self._told = {path: why for path, why in self._told.items() if path in listed} | reasons

    def _judge_whole(self, path: Path, stamp: Stamp) -> Iterator[News]:
        result = self._judge(path, self.reading)
        refused = _refused(path) if isinstance(result, Failure) else None
        if isinstance(refused, FileNotFoundError):
            return
        if refused is not None:
            reason = refusal(refused, path, "could not be opened, and is tried again")
            if self._told.get(path) != reason:
                self._told[path] = reason
                yield News(path, Failure(path, reason), stamp, final=False)
            return
        self._told.pop(path, None)
        self._judged[path] = stamp
        yield News(path, result, stamp)

    def _judge_growing(self, path: Path, stamp: Stamp) -> Iterator[News]:
        result = self._judge(path, replace(self.reading, growing=True))
        if isinstance(result, JudgedCell):  # else half-written: waited for
            yield News(path, result, stamp, final=False)

    def _judge(self, path: Path, reading: Reading) -> JudgedCell | Failure:
        try:
            cells, failures = find_cells([path])
            return failures[0] if failures else self.judge.judge(cells[0].read(reading))
        except Exception as error:  # one bad file ends no watch
            return Failure.of(path, error)


def _stamp(path: Path) -> Stamp | None:
    """None of a file that is gone since it was listed."""
    try:
        return Stamp.of(path)
    except OSError:
        return None


def _refused(path: Path) -> OSError | None:
    """What the system says to whoever opens a file, as where another program has locked it."""
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        return error
    return None
