"""Files that people have open in the page, by ids that nobody can guess or list.

All of it is used from the server's event loop; what takes long is done in threads (work.py), for
one file one thing at a time. A file waits for itself alone: whoever asks of another is answered.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from raphe.core.bundles.opened_file import Changes, OpenedFile
from raphe.core.bundles.view import Need, View
from raphe.core.errors import RapheError, StoreError
from raphe.core.files.scratch import Scratch
from raphe.core.sentences import file_size
from raphe.serve.bodies import NO_ROOM
from raphe.serve.files.opening import NO_CHANGES, Sent
from raphe.serve.limits import Limits
from raphe.serve.refusal import Refusal
from raphe.serve.work import ENDING, Work

Answer = TypeVar("Answer")
MOST_WAITING = 8  # requests for one file
MOST_NAMES = 20_000  # of files that are not held any more, for labels that a person gave them
NUMBER_BYTES = 64  # of one of a set
UNKNOWN = "this file is not held here any more; open it again"
BUSY = "this file is still busy with what was asked before"
DROPPED = (
    "What was changed here by hand was dropped, as the file now holds other events than those it "
    "was changed on."
)
SHARED = "This includes what was changed by hand; all who have this folder's page open share it."
MarksAt = dict[tuple[str, int], tuple[float, float | None]]  # where they lie, by plot and number


def new_id() -> str:
    """128 bits that nobody guesses."""
    return secrets.token_urlsafe(16)


@dataclass(eq=False)
class HeldFile:
    """A file that was sent, or one of a watched folder, and what a person decided about it."""

    id: str
    name: str  # as its sender calls it, or its path in the folder
    sent: Sent | None = None  # while it may still be read
    reopen: Callable[[], OpenedFile] | None = None  # of a watched folder's
    opened: OpenedFile | None = None
    items: tuple[str, ...] = ()
    part: str | None = None  # see OpenedFile
    rows: dict[str, Mapping[str, str]] = field(default_factory=dict)  # of the table, by item
    changes: dict[str, Changes] = field(default_factory=dict)  # by item
    changed_marks: dict[str, MarksAt] = field(default_factory=dict)  # by item that has changes
    dropped: set[str] = field(default_factory=set)  # items whose changes fitted no longer
    generation: int = 0  # of what is opened, which a newer file may replace
    need: Need | None = None  # of a second file
    n_bytes: int = 0  # of memory and disk, as they are counted
    used_s: float = field(default_factory=time.monotonic)
    n_waiting: int = 0
    is_gone: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def changes_of(self, item: str | None) -> Changes:
        first = self.items[0] if self.items else ""
        return self.changes.get(first if item is None else item, NO_CHANGES)

    def look(self, opened: OpenedFile, item: str | None, changes: Changes | None = None) -> View:
        """A view, whose changes (None: those of before) and row are kept.

        Changes of before that the file refuses are dropped, and the view says so.
        """
        kept = self.changes_of(item) if changes is None else changes
        try:
            view = opened.view(item, kept)
        except RapheError:
            if changes is not None or kept == NO_CHANGES:
                raise
            view, kept = opened.view(item, NO_CHANGES), NO_CHANGES
            self._drop(view.item)
        if changes is not None:
            self.changes[view.item] = changes
            self.changed_marks[view.item] = _marks_at(view)
            self.dropped.discard(view.item)
        self.has_shown(opened, view)
        return self.told(view, kept)

    def fit(self, opened: OpenedFile, view: View) -> View:
        """The first view of what has become of a file: changes are dropped where the marks they
        were made on are no longer the same, as where another recording took the file's name."""
        for item, marks in list(self.changed_marks.items()):
            try:
                new = opened.view(item, self.changes[item])
                fits = marks.items() <= _marks_at(new).items()
            except RapheError:
                fits = False
            if not fits:
                self._drop(item)
            elif item == view.item:
                view = new
        self.rows = {}
        self.has_shown(opened, view)
        return self.told(view, self.changes_of(view.item))

    def told(self, view: View, changes: Changes) -> View:
        """The view with what became of changes, and that those of the folder are everyone's."""
        words = [DROPPED] if view.item in self.dropped else []
        if self.reopen is not None and changes != NO_CHANGES:
            words.append(SHARED)
        return replace(view, sentences=(*view.sentences, *words)) if words else view

    def _drop(self, item: str) -> None:
        self.changes.pop(item, None)
        self.changed_marks.pop(item, None)
        self.dropped.add(item)

    def has_shown(self, opened: OpenedFile, view: View) -> None:
        """Keep what later requests need of a view."""
        self.need, self.items, self.part = view.need, tuple(view.items), opened.part
        self.rows[view.item] = dict(view.row)

    @property
    def labelled(self) -> list[tuple[str | None, str | None]]:
        """The items that have a label, None where there is but one, and what each is called in the
        table of labels."""
        return [(item, item) for item in self.items] if len(self.items) > 1 else [(None, self.part)]

    @property
    def is_in_use(self) -> bool:
        return self.lock.locked() or self.n_waiting > 0


class HeldFiles:
    """What is held, within the limits: whatever was not asked for longest gives way."""

    def __init__(self, limits: Limits, work: Work) -> None:
        self._limits, self._work = limits, work
        self._files: dict[str, HeldFile] = {}
        self._names: dict[str, tuple[str, str | None]] = {}  # by id, also of files that gave way
        self._scratch: Scratch | None = None

    def new_folder(self) -> Path:
        """For what is sent. Raises Refusal where none can be made."""
        try:
            if self._scratch is None:
                self._scratch = Scratch()
            folder = self._scratch.folder / secrets.token_hex(8)
            folder.mkdir(mode=0o700)
        except (OSError, StoreError):
            raise Refusal(507, NO_ROOM) from None
        return folder

    def add(self, held: HeldFile) -> None:
        """Hold a file, or what has become of one that is held."""
        self._files[held.id] = held
        self._names[held.id] = held.name, held.part
        if len(self._names) > MOST_NAMES:
            del self._names[next(iter(self._names))]
        self.has_opened(held)

    def require_room(self, n_bytes: int) -> None:
        """Raises Refusal for a file that takes more memory and disk than all may."""
        if n_bytes > self._limits.held_bytes:
            raise Refusal(
                413,
                f"this file takes {file_size(n_bytes)} to hold, more than the "
                f"{file_size(self._limits.held_bytes)} that all may; use `raphe predict`",
            )

    def has_opened(self, held: HeldFile) -> None:
        """Count what a file holds now, and let others give way to it."""
        held.n_bytes = 0 if held.opened is None else held.opened.n_bytes
        held.n_bytes += 0 if held.sent is None else held.sent.n_bytes
        held.n_bytes += sum(NUMBER_BYTES * len(given.rejected) for given in held.changes.values())
        held.used_s = time.monotonic()
        self.give_way()

    def get(self, file_id: str) -> HeldFile:
        """Raises Refusal for an id that is none, or none any more."""
        held = self._files.get(file_id)
        if held is None:
            raise Refusal(404, UNKNOWN)
        held.used_s = time.monotonic()
        return held

    def name_of(self, file_id: str) -> tuple[str, str | None]:
        """And what its one item is called; also of a file that gave way to others.

        Raises Refusal.
        """
        if file_id not in self._names:
            raise Refusal(404, UNKNOWN)
        return self._names[file_id]

    def remove(self, file_id: str) -> None:
        """Forget a file; what is being done with it is done to its end. Raises Refusal."""
        self._give_up(self.get(file_id))
        self._names.pop(file_id, None)

    def _give_up(self, held: HeldFile) -> None:
        del self._files[held.id]
        held.is_gone = True
        self._let_go(held)

    def _let_go(self, held: HeldFile) -> None:
        """Free what a file held that is gone, once nobody uses it any more."""
        if not held.is_gone or held.is_in_use:
            return
        held.opened = None
        if held.sent is not None:
            held.sent.remove()
            held.sent = None

    async def ask(self, held: HeldFile, make: Callable[[OpenedFile], Answer]) -> Answer:
        """What `make` gives of the opened file, in a thread, after whoever asked of it before.

        Raises Refusal.
        """
        await self._acquire(held)
        loop, is_submitted, generation = asyncio.get_running_loop(), False, held.generation

        def release() -> None:
            with suppress(RuntimeError):  # the server has ended meanwhile
                loop.call_soon_threadsafe(self._release, held)

        try:
            if held.is_gone:
                raise Refusal(404, UNKNOWN)
            with self._work.admitted():
                is_submitted = True
                answer, opened = await self._work.answer(lambda: _made(held, make), release)
        finally:
            if not is_submitted:
                self._release(held)
        is_newest = generation == held.generation
        if is_newest and not held.is_gone and opened is not held.opened:
            held.opened = opened
            self.has_opened(held)
        return answer

    @asynccontextmanager
    async def replacing(self, held: HeldFile) -> AsyncIterator[None]:
        """Put something else in place of what is opened, once nobody uses that. Raises Refusal."""
        await self._acquire(held)
        try:
            if held.is_gone:
                raise Refusal(404, UNKNOWN)
            held.generation += 1
            yield
        finally:
            self._release(held)

    async def replace(
        self, held: HeldFile, opened: OpenedFile | None, view: View | None
    ) -> View | None:
        """Hold what has become of a file of the folder; its view, with the changes that fit it."""
        await held.lock.acquire()
        try:
            if held.is_gone:
                return None
            if opened is not None and view is not None:
                if held.changed_marks:  # else nothing is to be computed
                    view = await asyncio.to_thread(held.fit, opened, view)
                else:
                    view = held.fit(opened, view)
            held.opened, held.generation = opened, held.generation + 1
            if opened is None:
                held.rows = {}
            if not held.is_gone:
                self.has_opened(held)
            return view
        finally:
            self._release(held)

    async def _acquire(self, held: HeldFile) -> None:
        with self.using(held):
            try:
                await asyncio.wait_for(held.lock.acquire(), self._limits.answer_s)
            except asyncio.TimeoutError:
                raise Refusal(504, BUSY) from None
            except asyncio.CancelledError:
                raise Refusal(503, ENDING) from None

    @contextmanager
    def using(self, held: HeldFile) -> Iterator[None]:
        """Keep what lies on the disk of a file. Raises Refusal where too many do."""
        if held.n_waiting >= MOST_WAITING:
            raise Refusal(503, BUSY)
        held.n_waiting += 1
        try:
            yield
        finally:
            held.n_waiting -= 1
            self._let_go(held)

    def _release(self, held: HeldFile) -> None:
        held.lock.release()
        self._let_go(held)

    def give_way(self) -> None:
        """Remove what nobody asked for in time, and what was not asked for longest beyond limits.

        A file of a watched folder stays, as it can be opened again, but lets go of its memory.
        """
        now_s = time.monotonic()
        idle = sorted(
            (held for held in self._files.values() if not held.is_in_use),
            key=lambda held: held.used_s,
        )
        n_sent = sum(held.reopen is None for held in self._files.values())
        n_bytes = sum(held.n_bytes for held in self._files.values())
        for held in idle:
            is_sent = held.reopen is None
            is_late = now_s - held.used_s > self._limits.held_s
            is_many = is_sent and n_sent > self._limits.held_files
            if not (is_late or is_many or (held.n_bytes and n_bytes > self._limits.held_bytes)):
                continue
            n_bytes -= held.n_bytes
            held.n_bytes = 0
            if is_sent:
                n_sent -= 1
                self._give_up(held)
            else:
                held.opened = None

    def close(self) -> None:
        """Remove all that was sent."""
        self._files.clear()
        if self._scratch is not None:
            self._scratch.remove()


def _marks_at(view: View) -> MarksAt:
    """The events on its plots, which `Changes.rejected` names by number."""
    return {
        (plot.name, number): (x, y)
        for plot in view.plots
        if plot.marks is not None and plot.marks.can_change
        for number, x, y in zip(plot.marks.number, plot.marks.x, plot.marks.y, strict=True)
    }


def _made(held: HeldFile, make: Callable[[OpenedFile], Answer]) -> tuple[Answer, OpenedFile]:
    opened = held.opened
    if opened is None:
        assert held.reopen is not None
        opened = held.reopen()
    return make(opened), opened
