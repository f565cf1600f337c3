"""The body of a request, into memory or into a file of ours, never more than is allowed."""

import asyncio
import io
import json
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import anyio
from starlette.requests import ClientDisconnect, Request

from raphe.core.bundles.fields import shown
from raphe.core.sentences import listed, printable
from raphe.serve.limits import TEXT_BYTES, Limits
from raphe.serve.refusal import Refusal
from raphe.serve.work import ENDING, Places

JSON = "application/json"
FILE_TYPES = ("application/octet-stream", "application/x-www-form-urlencoded")  # curl's own word
TABLES = (".csv", ".tsv", ".txt")
SHORT_BYTES = 2**22  # of JSON that is sent again without ado, and is read between other requests
LONGEST_NAME = 255  # of a file, on any disk
LESS_TEXT = "send a binary file instead"
NO_ROOM = "the server's disk took no more; ask whoever runs it to make room"
GONE = 499  # nobody reads it


def suffix_of(name: str, suffixes: tuple[str, ...]) -> str:
    """The suffix of a stranger's file name, of which no other part makes a path. Raises Refusal."""
    suffix = _file_of(name).suffix.casefold()
    if suffix not in suffixes:
        raise Refusal(
            415, f"name: expected that of a {listed(suffixes, 'or')} file, got {shown(name)}"
        )
    return suffix


def file_name(name: str) -> str:
    """A stranger's file name without its folders, on one line. Raises Refusal where it is long."""
    bare = printable(_file_of(name).name)
    if len(bare) > LONGEST_NAME:
        raise Refusal(415, f"name: expected at most {LONGEST_NAME} characters, got {len(bare)}")
    return bare


def _file_of(name: str) -> PurePosixPath:
    return PurePosixPath(name.replace("\\", "/"))


@dataclass(frozen=True)
class Receiver:
    """Takes bodies in, large ones a few at a time. Each of its ways raises Refusal."""

    limits: Limits
    places: Places

    async def file(self, request: Request, path: Path) -> None:
        """Write the body into a new file."""
        _require_type(request, FILE_TYPES, "the file itself, as application/octet-stream,")
        limit, remedy = self.limits.file_bytes, "`raphe serve --max-mb` allows more"
        if path.suffix in TABLES and self._text_bytes < limit:
            limit, remedy = self._text_bytes, LESS_TEXT
        try:
            with path.open("xb") as file, self.places.admitted():
                size = await _receive(request, file, limit, self._within_s(request), remedy)
        except OSError:
            raise Refusal(507, NO_ROOM) from None
        if not size:
            raise Refusal(400, "expected a file, got an empty body")

    async def json(self, request: Request, at_most: int = TEXT_BYTES) -> bytes:
        """The body of a request with JSON."""
        _require_type(request, (JSON,), JSON)
        body = io.BytesIO()
        limit = min(at_most, self._text_bytes)
        with self.places.admitted() if limit > SHORT_BYTES else nullcontext():
            await _receive(request, body, limit, self._within_s(request), LESS_TEXT)
        return body.getvalue()

    def _within_s(self, request: Request) -> float:
        """Until a body is there: as long as its length takes, or the longest where it is unsaid."""
        announced = request.headers.get("content-length", "")
        if not (announced.isascii() and announced.isdecimal()):
            return self.limits.receive_s
        needed_s = int(announced[:20]) / self.limits.slowest_bytes_per_s
        return min(self.limits.receive_s, self.limits.patience_s + needed_s)

    @property
    def _text_bytes(self) -> int:
        return min(TEXT_BYTES, self.limits.file_bytes)


def parse_json(body: bytes) -> Mapping[str, Any]:
    """Values by name, all numbers floats. Raises Refusal, as for NaN, which JSON has not."""
    try:
        values = json.loads(body, parse_constant=_refuse_constant, parse_int=float)
    except (ValueError, RecursionError, MemoryError):
        raise Refusal(400, "expected JSON as RFC 8259 has it, without NaN and Infinity") from None
    if not isinstance(values, dict):
        raise Refusal(400, "expected an object of JSON, values by name")
    return values


def as_json(value: object) -> bytes:
    """For an answer. Raises ValueError for NaN, which JSON has not."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False).encode()


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def _require_type(request: Request, expected: tuple[str, ...], words: str) -> None:
    given = request.headers.get("content-type", expected[0])
    if given.partition(";")[0].strip().casefold() not in expected:
        raise Refusal(415, f"Content-Type: expected {words} got {shown(given)}")


async def _receive(
    request: Request, sink: BinaryIO, at_most: int, within_s: float, remedy: str
) -> int:
    """Write the body; its bytes. What is announced as too large is not read at all."""
    what = f"{at_most / 1e6:g} MB{' of text' if remedy == LESS_TEXT else ''}"
    too_large = Refusal(413, f"expected at most {what}; {remedy}")
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced[:20]) > at_most:
        raise too_large
    size = 0
    try:
        with anyio.fail_after(within_s):
            async for block in request.stream():
                size += len(block)
                if size > at_most:
                    raise too_large
                sink.write(block)
    except TimeoutError:
        raise Refusal(408, f"expected the whole body within {within_s:g} s") from None
    except asyncio.CancelledError:  # the server ends: no traceback is shown
        raise Refusal(503, ENDING) from None
    except ClientDisconnect:
        raise Refusal(GONE, "the caller has gone") from None
    return size
