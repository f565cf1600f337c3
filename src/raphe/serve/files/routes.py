"""What the page asks of files that are open in it: /files, and their rows as /table.csv."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response

from raphe.core.bundles.fields import Field, from_text, read_fields, shown
from raphe.core.bundles.opened_file import Changes, OpenedFile
from raphe.core.bundles.predictor import BundlePredictor, json_values
from raphe.core.bundles.view import View
from raphe.core.files.csv_text import csv_text
from raphe.serve.bodies import (
    JSON,
    SHORT_BYTES,
    Receiver,
    as_json,
    file_name,
    parse_json,
    suffix_of,
)
from raphe.serve.files.held import HeldFile, HeldFiles, new_id
from raphe.serve.files.opening import Sent, open_sent
from raphe.serve.limits import Limits
from raphe.serve.refusal import Refusal, refusing
from raphe.serve.work import Work

Answer = TypeVar("Answer")
CHANGE_FIELDS = (
    Field("threshold", "number", "in the unit of the plot"),
    Field("rejected", "numbers", "of marks"),
)
PLOT_FIELDS = (
    Field("from", "number", "in units of x", needed=True),
    Field("to", "number", "in units of x", needed=True),
    Field("points", "whole", "about how many are drawn"),
)
POINTS, LEAST_POINTS, MOST_POINTS = 2000, 10, 20_000
MOST_REJECTED, MOST_ROWS, MOST_IDS = 100_000, 10_000, 2000
TOO_MANY_ROWS = f"expected at most {MOST_ROWS} rows; ask for fewer files"
CSV = "text/csv; charset=utf-8"


class FileRoutes:
    """The routes, of one predictor; `changed` is told of each view that a person's changes made."""

    def __init__(
        self,
        predictor: BundlePredictor,
        limits: Limits,
        files: HeldFiles,
        opening: Work,
        receiver: Receiver,
        changed: Callable[[HeldFile, View], None],
    ) -> None:
        self._predictor, self._limits, self._files = predictor, limits, files
        self._opening, self._receiver, self._changed = opening, receiver, changed
        self.router = APIRouter(include_in_schema=False)
        add = self.router.add_api_route
        add("/files", self.send, methods=["POST"])
        add("/files/{file_id}", self.view, methods=["GET"])
        add("/files/{file_id}", self.remove, methods=["DELETE"])
        add("/files/{file_id}/beside", self.send_beside, methods=["POST"])
        add("/files/{file_id}/changes", self.change, methods=["PUT"])
        add("/files/{file_id}/plot", self.plot, methods=["GET"])
        add("/files/{file_id}/take", self.take, methods=["GET"])
        add("/table.csv", self.table, methods=["GET"])

    async def send(self, request: Request) -> Response:
        texts = dict(request.query_params)
        name = texts.pop("name", "")
        suffix, name = suffix_of(name, self._predictor.SUFFIXES), file_name(name)
        values = from_text(texts, self._predictor.FILE_FIELDS)
        self._opening.require_place()
        sent = Sent(self._files.new_folder(), name, values)
        try:
            await self._receiver.file(request, sent.place("", "recording", suffix, name))
            opened, view = await self._open(sent)
            held = HeldFile(new_id(), name)
            self._hold(held, sent, opened, view)
        except BaseException:
            sent.remove()
            raise
        return Response(_shown(held, view), 201, media_type=JSON)

    async def send_beside(self, request: Request, file_id: str) -> Response:
        held, role = self._files.get(file_id), request.query_params.get("role", "")
        need, sent = held.need, held.sent
        if need is None or sent is None:
            raise Refusal(422, "role: this file needs no other beside it")
        if role != need.role:
            raise Refusal(422, f"role: expected {need.role}, got {shown(role)}")
        name = request.query_params.get("name", "")
        suffix, name = suffix_of(name, tuple(need.suffixes)), file_name(name)
        self._opening.require_place()
        with self._files.using(held):
            both = sent.copy()
            path = both.place(role, f"beside-{new_id()}", suffix, name)
            try:
                await self._receiver.file(request, path)
                opened, view = await self._open(both)
                async with self._files.replacing(held):
                    self._hold(held, both, opened, view)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
        return Response(_shown(held, view), media_type=JSON)

    async def view(self, file_id: str, item: str | None = None) -> Response:
        held = self._files.get(file_id)
        body, _ = await self._view(held, item, None)
        return Response(body, media_type=JSON)

    async def change(self, request: Request, file_id: str) -> Response:
        held = self._files.get(file_id)
        item, changes = _changes(parse_json(await self._receiver.json(request, SHORT_BYTES)))
        body, view = await self._view(held, item, changes)
        self._files.has_opened(held)  # what was decided takes memory, too
        self._changed(held, view)
        return Response(body, media_type=JSON)

    async def plot(self, request: Request, file_id: str) -> Response:
        held, words = self._files.get(file_id), dict(request.query_params)
        item, name = words.pop("item", None), words.pop("name", "")
        given = read_fields(from_text(words, PLOT_FIELDS), PLOT_FIELDS)
        span = given["from"], given["to"]
        if not span[0] < span[1]:
            raise Refusal(422, "from: expected a value below that of to")
        points = min(max(given.get("points", POINTS), LEAST_POINTS), MOST_POINTS)

        def draw(opened: OpenedFile) -> bytes:
            return as_json(
                json_values(asdict(opened.plot(name, item, held.changes_of(item), span, points)))
            )

        return Response(await self._ask(held, draw), media_type=JSON)

    async def take(self, file_id: str, name: str = "", item: str | None = None) -> Response:
        held = self._files.get(file_id)
        taken = await self._ask(held, lambda opened: opened.take(name, item, held.changes_of(item)))
        return attachment(taken.contents, taken.name, taken.media_type)

    async def table(self, ids: str = "") -> Response:
        names = ids.split(",") if ids else []
        if not 0 < len(names) <= MOST_IDS:
            raise Refusal(422, f"ids: expected 1 to {MOST_IDS} of them with commas between")
        rows: list[Mapping[str, str]] = []
        for file_id in dict.fromkeys(names):
            rows += await self._rows_or_why(file_id)
            if len(rows) > MOST_ROWS:
                raise Refusal(413, TOO_MANY_ROWS)
        columns = list(dict.fromkeys(column for row in rows for column in row))
        text = csv_text(columns, ([row.get(column) for column in columns] for row in rows))
        return attachment(text.encode(), "cells.csv", CSV)

    async def remove(self, file_id: str) -> Response:
        if self._files.get(file_id).reopen is not None:
            raise Refusal(409, "this file is the watched folder's; remove it there")
        self._files.remove(file_id)
        return Response(status_code=204)

    async def _open(self, sent: Sent) -> tuple[OpenedFile, View]:
        opens = partial(open_sent, self._predictor, sent, self._limits.file_bytes)
        with self._opening.admitted(is_here=True):
            return await self._opening.answer(opens)

    def _hold(self, held: HeldFile, sent: Sent, opened: OpenedFile, view: View) -> None:
        """Raises Refusal where it takes too much."""
        is_read_again = view.need is not None
        self._files.require_room(opened.n_bytes + (sent.n_bytes if is_read_again else 0))
        held.opened, held.sent = opened, sent if is_read_again else None
        held.has_shown(opened, view)
        self._files.add(held)
        if not is_read_again:
            sent.remove()

    async def _view(
        self, held: HeldFile, item: str | None, changes: Changes | None
    ) -> tuple[bytes, View]:
        """As JSON and as it is; `changes` of None are those of before."""

        def look(opened: OpenedFile) -> tuple[bytes, View]:
            view = held.look(opened, item, changes)
            return _shown(held, view), view

        return await self._ask(held, look)

    async def _rows_or_why(self, file_id: str) -> list[Mapping[str, str]]:
        """Of a file that cannot be read one row says so, as the others are wanted all the same."""
        try:
            return await self._rows(self._files.get(file_id))
        except Refusal as refusal:
            if refusal.status not in (404, 422):
                raise
            return [{"file": self._files.name_of(file_id)[0], "error": refusal.sentence}]

    async def _rows(self, held: HeldFile) -> list[Mapping[str, str]]:
        """One of each item; those that nobody has looked at yet are looked at now."""

        def look(opened: OpenedFile) -> list[Mapping[str, str]]:
            if not held.items:
                held.look(opened, None)
            if len(held.items) > MOST_ROWS:
                raise Refusal(413, TOO_MANY_ROWS)
            for item in held.items:
                if item not in held.rows:
                    held.look(opened, item)
            return [held.rows[item] for item in held.items]

        if held.items and all(item in held.rows for item in held.items):
            return [held.rows[item] for item in held.items]
        return await self._ask(held, look)

    async def _ask(self, held: HeldFile, make: Callable[[OpenedFile], Answer]) -> Answer:
        def answer(opened: OpenedFile) -> Answer:
            with refusing(self._predictor, on_page=True):
                return make(opened)

        return await self._files.ask(held, answer)


def attachment(contents: bytes, name: str, media_type: str) -> Response:
    """A file to be saved, never shown in place of the page."""
    ascii_name = re.sub(r"[^\w .\-]", "_", name, flags=re.ASCII)
    disposition = f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"
    return Response(contents, media_type=media_type, headers={"Content-Disposition": disposition})


def _shown(held: HeldFile, view: View) -> bytes:
    """With what a person decided of the item before, which the next change is added to."""
    decided = held.changes_of(view.item)
    return as_json(
        {
            "id": held.id,
            "name": held.name,
            "view": json_values(view.as_json()),
            "changes": {"threshold": decided.threshold, "rejected": sorted(decided.rejected)},
        }
    )


def _changes(values: Mapping[str, Any]) -> tuple[str | None, Changes]:
    """The item and what a person decided of it. Raises Refusal or RapheError."""
    given = {name: value for name, value in values.items() if value is not None}
    item = given.pop("item", None)
    if not (item is None or isinstance(item, str)):
        raise Refusal(422, "item: expected a text")
    checked = read_fields(given, CHANGE_FIELDS)
    rejected = checked.get("rejected", ())
    if len(rejected) > MOST_REJECTED or any(number % 1 for number in rejected):
        raise Refusal(422, f"rejected: expected at most {MOST_REJECTED} whole numbers of marks")
    return item, Changes(checked.get("threshold"), frozenset(map(int, rejected)))
