"""A watched folder: each file opened as it grows, and told to every page that listens.

A thread looks at the folder and opens what is new, the newest first, so that the cell now on the
rig never waits for those of yesterday. Nothing that a file or the folder does ends it. Pages hear
of it by server-sent events: `file` with what a list shows of one, `gone` where it was removed,
`labels` with what keeps the table of labels from being read.
"""

import asyncio
import itertools
import os
import threading
import time
import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakSet

from raphe.core.bundles.opened_file import OpenedFile, Sighting
from raphe.core.bundles.predictor import BundlePredictor
from raphe.core.bundles.view import View
from raphe.core.sentences import printable
from raphe.serve.bodies import as_json
from raphe.serve.files.folder_labels import FolderLabels
from raphe.serve.files.held import DROPPED, HeldFile, HeldFiles, new_id
from raphe.serve.files.opening import NO_CHANGES
from raphe.serve.refusal import Refusal, refusing

EVERY_S = 2.0
HEARTBEAT_S = 15.0  # by which a browser, and whatever stands between, knows that we are there
MOST_LISTENERS = 64
LABELS = "labels"  # an event, of the table beside the recordings; no file has this id
END_S = 5.0
DEFECT = "met a defect of raphe, which its terminal shows; please report it"


class Listener:
    """A page that listens: of each file it needs to hear the last news alone."""

    def __init__(self, events: Mapping[str, bytes]) -> None:
        self._waiting = dict(events)
        self._is_news = asyncio.Event()
        self._has_ended = False
        if self._waiting:
            self._is_news.set()

    def tell(self, file_id: str, event: bytes) -> None:
        self._waiting.pop(file_id, None)  # the last told comes last
        self._waiting[file_id] = event
        self._is_news.set()

    def end(self) -> None:
        self._has_ended = True
        self._is_news.set()

    async def events(self) -> AsyncIterator[bytes]:
        """As text/event-stream has them."""
        yield b"retry: 3000\n\n"
        while not self._has_ended:
            try:
                await asyncio.wait_for(self._is_news.wait(), HEARTBEAT_S)
            except asyncio.TimeoutError:
                yield b": still here\n\n"
                continue
            self._is_news.clear()
            waiting, self._waiting = self._waiting, {}
            for event in waiting.values():
                yield event


class Live:
    """One folder, watched from `start` to `close`. Raises RapheError where it cannot be."""

    def __init__(
        self, predictor: BundlePredictor, folder: Path, values: Mapping[str, object]
    ) -> None:
        self.folder, self.labels = folder, FolderLabels(predictor, folder)
        self._predictor, self._values = predictor, values
        self._watched = predictor.watch(folder, values)
        self._by_path: dict[Path, HeldFile] = {}
        self._paths: dict[str, Path] = {}  # by id
        self._news: dict[str, dict[str, Any]] = {}  # of each file, by id
        self._states: dict[str, str] = {}  # what is told of each file's state, by id
        self._listeners: WeakSet[Listener] = WeakSet()  # also of an answer that never began
        self._pending: dict[Path, tuple[int, Sighting]] = {}
        self._known: dict[Path, Sighting] = {}  # the last of each file that is there
        self._missing: dict[Path, Sighting] = {}
        self._reported = ""
        self._order = itertools.count()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)

    def start(self, files: HeldFiles) -> None:
        """Begin to watch. All but the thread's own work is done on the event loop that calls."""
        self._files, self._loop = files, asyncio.get_running_loop()
        self._thread.start()

    def path_of(self, held: HeldFile) -> str | None:
        """Of one of its files within the folder, with "/"; None of any other."""
        path = self._paths.get(held.id)
        return None if path is None else self._within(path)

    def listen(self) -> AsyncIterator[bytes]:
        """What a page hears until it goes or all ends. Raises Refusal where too many listen."""
        if len(self._listeners) >= MOST_LISTENERS:
            raise Refusal(503, f"{MOST_LISTENERS} pages listen already; close one of them")
        in_order = sorted(self._news.values(), key=lambda news: news["order"])
        events = {news["id"]: _event("file", news) for news in in_order}
        listener = Listener({LABELS: self._of_labels(), **events})
        if self._stopping.is_set():
            listener.end()
        self._listeners.add(listener)
        return self._events(listener)

    def changed(self, held: HeldFile, view: View) -> None:
        """Tell what a person's changes made of a file, if it is one of the folder."""
        if view.item == view.items[0]:
            state = self._states.get(held.id, "")
            self._tell(held, {**_of_view(view), "sentence": _sentence(state, view)})

    def tell_labels(self) -> None:
        """Tell what the table of labels says by now, where that is something else."""
        for path, held in self._by_path.items():
            said, news = self._said(path, held), self._news.get(held.id, {})
            if any(news.get(name) != value for name, value in said.items()):
                self._tell(held, said)
        for listener in self._listeners:
            listener.tell(LABELS, self._of_labels())

    def end(self) -> None:
        """Let every page go, so that the server can end."""
        self._stopping.set()
        for listener in self._listeners:
            listener.end()

    def close(self) -> None:
        """End the thread, after the file that it is at."""
        self.end()
        self._thread.join(END_S)

    async def _events(self, listener: Listener) -> AsyncIterator[bytes]:
        try:
            async for event in listener.events():
                yield event
        finally:
            self._listeners.discard(listener)

    def _tell(self, held: HeldFile, news: Mapping[str, Any]) -> None:
        if held.id not in self._news:
            return  # it was removed from the folder meanwhile
        told = self._news[held.id] = {**self._news[held.id], **news}
        for listener in self._listeners:
            listener.tell(held.id, _event("file", told))

    async def _found(
        self, path: Path, news: dict[str, Any], opened: OpenedFile | None, view: View | None
    ) -> None:
        """Hold a file, or what has become of it, and tell of it."""
        try:
            await self._hold(path, news, opened, view)
        except Exception as error:  # of one file: it ends no watch
            self._report(error)

    async def _hold(
        self, path: Path, news: dict[str, Any], opened: OpenedFile | None, view: View | None
    ) -> None:
        held = self._by_path.get(path)
        if held is None:
            held = HeldFile(
                new_id(), printable(self._within(path)), reopen=partial(self._open, path)
            )
            self._by_path[path], self._paths[held.id] = held, path
            self._files.add(held)
        view = await self._files.replace(held, opened, view)
        if held.is_gone:
            return
        facts = {"id": held.id, "name": held.name, **self._said(path, held)}
        self._news[held.id] = {**self._news.get(held.id, {}), **facts, **news}
        self._states[held.id] = news["sentence"]
        if view is not None:
            news = {**news, **_of_view(view), "sentence": _sentence(news["sentence"], view)}
        if held.dropped:
            news["sentence"] += f"; {DROPPED[0].lower()}{DROPPED[1:-1]}"
        self._tell(held, news)

    def _forget(self, path: Path) -> None:
        held = self._by_path.pop(path, None)
        if held is None:
            return
        self._paths.pop(held.id, None)
        self._news.pop(held.id, None)
        self._states.pop(held.id, None)
        self._files.remove(held.id)
        for listener in self._listeners:
            listener.tell(held.id, _event("gone", {"id": held.id}))

    def _watch(self) -> None:
        """What the thread does: look, then open until it is time to look again."""
        looked_s = -EVERY_S
        while not self._stopping.is_set():
            rest_s = looked_s + EVERY_S - time.monotonic()
            if rest_s > 0 and self._pending:
                self._open_newest()
            elif not self._stopping.wait(max(0.0, rest_s)):
                looked_s = time.monotonic()
                try:
                    self._look()
                except Exception as error:  # as of a share that is away: looked at again
                    self._report(error)

    def _look(self) -> None:
        sightings = {sighting.path: sighting for sighting in self._watched.poll()}
        back = {path: old for path, old in self._missing.items() if os.path.lexists(path)}
        for path, sighting in {**back, **sightings}.items():
            self._missing.pop(path, None)
            self._known[path] = sighting
            self._pending[path] = next(self._order), sighting
        if not self.folder.is_dir():
            return  # a disk that is away has lost no file
        for path in [path for path in self._known if not os.path.lexists(path)]:
            self._missing[path] = self._known.pop(path)
            self._pending.pop(path, None)
            self._on_loop(self._forget, path)
        if self.labels.look():
            self._on_loop(self.tell_labels)

    def _open_newest(self) -> None:
        path = max(self._pending, key=lambda path: self._pending[path][0])
        order, sighting = self._pending.pop(path)
        sentence = self._predictor.sentence(sighting.sentence, self.folder, on_page=True)
        news = {"state": sighting.state, "sentence": sentence, **_of_view(None)}
        opened = view = None
        if sighting.state != "not read":
            try:
                opened, view = self._seen(path)
            except Refusal as refusal:
                news["sentence"] = refusal.sentence
                if sighting.state == "settled":
                    news["state"] = "not read"
        found = self._found(path, {**news, "order": order}, opened, view)
        try:
            asyncio.run_coroutine_threadsafe(found, self._loop)
        except RuntimeError:  # the server has ended meanwhile
            found.close()

    def _seen(self, path: Path) -> tuple[OpenedFile, View]:
        """Raises Refusal, whatever goes wrong: one file ends nothing."""
        try:
            opened = self._open(path)
            with refusing(self._predictor, self.folder, on_page=True):
                return opened, opened.view(None, NO_CHANGES)
        except Refusal:
            raise
        except Exception as error:
            self._report(error)
            raise Refusal(500, DEFECT) from None

    def _open(self, path: Path) -> OpenedFile:
        with refusing(self._predictor, self.folder, on_page=True):
            return self._predictor.open_file(path, self._within(path), self._values, {})

    def _said(self, path: Path, held: HeldFile) -> dict[str, list[dict[str, str | None]]]:
        """What the table of labels says of a file: of each of its items, where it has several."""
        file = self._within(path)
        labels = [(item, self.labels.of(file, named)) for item, named in held.labelled]
        return {"said": [{"item": item, "label": of.label, "note": of.note} for item, of in labels]}

    def _of_labels(self) -> bytes:
        return _event(LABELS, {"problem": self.labels.problem})

    def _within(self, path: Path) -> str:
        try:
            return path.relative_to(self.folder).as_posix()
        except ValueError:
            return path.name

    def _report(self, error: Exception) -> None:
        """On the terminal, but not the same again and again."""
        told = f"{type(error).__name__}: {error}"
        if told != self._reported:
            self._reported = told
            traceback.print_exception(error)

    def _on_loop(self, call: Callable[..., None], *arguments: object) -> None:
        with suppress(RuntimeError):  # the server has ended meanwhile
            self._loop.call_soon_threadsafe(call, *arguments)


def _of_view(view: View | None) -> dict[str, Any]:
    """What a list shows of a file."""
    if view is None:
        return {"headline": "", "tone": "nothing", "uncertainty": None, "doubt": "", "row": {}}
    return {
        "headline": view.headline,
        "tone": view.tone,
        "uncertainty": view.uncertainty,
        "doubt": view.doubt,
        "row": view.row,
    }


def _sentence(state: str, view: View) -> str:
    return ": ".join(filter(None, (state, view.progress)))


def _event(name: str, values: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), as_json(values))
