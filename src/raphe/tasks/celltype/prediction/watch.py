"""Verdicts while recordings are made: on each file as it grows, and once more when it is whole."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from raphe.core.bundles.opened_file import Sighting, WatchedFolder
from raphe.core.files.folders import Listing
from raphe.core.files.left_out import Failure
from raphe.core.files.refusals import refusal
from raphe.core.sentences import counted, file_size
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
class Change:
    """A file that is new or changed: whole, as far as can be told, or growing."""

    path: Path
    stamp: Stamp
    is_whole: bool


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
class _Seen:
    """A file's stamp, and since when, by this process's own clock, it has not changed."""

    stamp: Stamp
    since_s: float


class FolderLooks:
    """What changed in a folder since the last look; nothing that a file or the folder does ends it.

    A file that changed is growing, one that did not for `settled_s` is whole. What is `done` as it
    is comes no more, and a folder that is not there is waited for.

    Args:
        folder: where the acquisition program writes.
        settled_s: how long an unchanged file waits.
        done: files that need no look as long as they are as they were.
        old_at_once: a file that is there at the first look may be old: it is taken for whole then,
            and not only once it has waited.
        clock: seconds that never run backwards.
    """

    def __init__(
        self,
        folder: Path,
        settled_s: float = SETTLED_S,
        done: Mapping[Path, Stamp] | None = None,
        old_at_once: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder, self.settled_s, self._clock = folder, settled_s, clock
        self.done = dict(done or {})
        self._old_at_once = old_at_once
        self._seen: dict[Path, _Seen] | None = None  # None: before the first look
        self._told: dict[Path, str] = {}  # what cannot be taken now, and the reason that was told
        self._gone = ""  # why the folder itself cannot be listed
        self._n_listed = 0

    def waiting(self) -> list[Path]:
        """The recordings that are there and not done as they are, nor told to be none."""
        paths = [path for path in find_recordings(self.folder).files if path not in self._told]
        return [path for path in paths if _stamp(path) not in (None, self.done.get(path))]

    def look(self) -> Iterator[Change | Failure | Notice]:
        """What one look at the folder brings; a failure is of what cannot be a recording."""
        listing = find_recordings(self.folder)
        yield from self._notices(listing)
        if self._gone:
            return
        yield from self._left_out(listing)
        is_first, self._seen = self._seen is None, self._seen or {}
        for path in listing.files:
            stamp = _stamp(path)
            if stamp is None:
                continue
            before, now_s = self._seen.get(path), self._clock()
            has_changed = before is None or before.stamp != stamp
            if has_changed:
                self._seen[path] = _Seen(stamp, now_s)
            if stamp == self.done.get(path):
                continue
            has_settled = now_s - self._seen[path].since_s >= self.settled_s
            if has_settled or (is_first and self._old_at_once):
                yield Change(path, stamp, is_whole=True)
            elif has_changed and not is_first:
                yield Change(path, stamp, is_whole=False)

    def is_done(self, path: Path, stamp: Stamp) -> None:
        """A file comes no more as it was then."""
        self.done[path] = stamp
        self._told.pop(path, None)

    def refused(self, path: Path) -> str | None:
        """Why the system does not let a whole file be opened, "" where that was told; else None.

        It is tried again at each look, while another program has locked it; one that is gone is
        told of no more.
        """
        error = _refused(path)
        if error is None:
            return None
        reason = refusal(error, path, "could not be opened, and is tried again")
        if isinstance(error, FileNotFoundError) or self._told.get(path) == reason:
            return ""
        self._told[path] = reason
        return reason

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

    def _left_out(self, listing: Listing) -> Iterator[Failure]:
        """What cannot be a recording, once for each reason; a file may vanish at any time."""
        reasons = {f.path: f.message for f in listing.left_out if os.path.lexists(f.path)}
        for path, reason in reasons.items():
            if self._told.get(path) != reason:
                yield Failure(path, reason)
        listed = set(listing.files)
        self._told = {path: why for path, why in self._told.items() if path in listed} | reasons


class Watch:
    """Looks at a folder again and again; nothing that a file or the folder does ends it.

    A file that changed since the last look is growing: of an .abf the samples there are so far are
    judged, as far as they can be read; anything that cannot is waited for. A file that did not
    change for `settled_s` is whole: it is judged once, and told to have failed if it cannot be
    read, but one that the system does not let be opened is tried again at each look. One that
    grows on after that is judged anew.

    Args:
        folder, settled_s, clock: see `FolderLooks`.
        judge, reading: who judges, and how files are read.
        judged: files that need no verdict as long as they are as they were.
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
        self.judge, self.reading = judge, reading
        self._looks = FolderLooks(Path(folder), settled_s, judged, clock=clock)

    def forever(self, every_s: float = EVERY_S) -> Iterator[News | Notice]:
        """All news, look after look, until interrupted."""
        while True:
            yield from self.look()
            time.sleep(every_s)

    def judge_again(self, path: Path) -> None:
        """Let a file be judged at the next look, as where its verdict could not be saved."""
        self._looks.done.pop(path, None)

    def waiting(self) -> list[Path]:
        """The recordings that are there and have no verdict as they are, nor a failure."""
        return self._looks.waiting()

    def look(self) -> Iterator[News | Notice]:
        """What one look at the folder brings."""
        for change in self._looks.look():
            if isinstance(change, Notice):
                yield change
            elif isinstance(change, Failure):
                yield News(change.path, change)
            elif change.is_whole:
                yield from self._judge_whole(change.path, change.stamp)
            elif change.path.suffix.lower() == ABF:
                yield from self._judge_growing(change.path, change.stamp)

    def _judge_whole(self, path: Path, stamp: Stamp) -> Iterator[News]:
        result = self._judge(path, self.reading)
        reason = self._looks.refused(path) if isinstance(result, Failure) else None
        if reason is None:
            self._looks.is_done(path, stamp)
            yield News(path, result, stamp)
        elif reason:
            yield News(path, Failure(path, reason), stamp, final=False)

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


class LiveFolder(WatchedFolder):
    """A folder for the page, which opens by itself what it is told of. By the rules of `Watch`, but
    what is there at first is whole, so that nobody waits for it.

    `growing` holds the files that were growing when they were last told of.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.growing: set[Path] = set()
        self._looks = FolderLooks(folder, old_at_once=True, clock=clock)

    def poll(self) -> list[Sighting]:
        changes = list(self._looks.look())
        failures = [change for change in changes if isinstance(change, Failure)]
        of_files = [change for change in changes if isinstance(change, Change)]
        of_files.sort(key=lambda change: change.stamp.changed_ns)
        told = [Sighting(failure.path, "not read", str(failure), 0) for failure in failures]
        return [*told, *filter(None, map(self._sighting, of_files))]

    def _sighting(self, change: Change) -> Sighting | None:
        path, n_bytes = change.path, change.stamp.size
        if not change.is_whole:
            if path.suffix.lower() != ABF:
                return None
            self.growing.add(path)
            return Sighting(path, "growing", f"still growing, {file_size(n_bytes)} so far", n_bytes)
        reason = self._looks.refused(path)
        if reason is not None:
            return Sighting(path, "not read", reason, n_bytes) if reason else None
        self.growing.discard(path)
        self._looks.is_done(path, change.stamp)
        return Sighting(path, "settled", f"finished, {file_size(n_bytes)}", n_bytes)


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
