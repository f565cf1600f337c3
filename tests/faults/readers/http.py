"""Requests to `raphe serve`, damaged as bytes: answered or shut out, none with a 500."""

import contextlib
import io
import json
import os
import re
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from select import select
from threading import Thread

import numpy as np
import uvicorn

from faults.reader import Reader
from faults.readers import bundle
from raphe.core.abf.writer import write_abf
from raphe.core.bundles.predictor import load_predictor
from raphe.serve.app import application
from raphe.serve.limits import Limits

HEADERS = (
    "Host: 127.0.0.1\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {n}\r\n\r\n"
)
LIMIT_BYTES = 10**6
QUICK_S, ANSWER_WITHIN_S = 0.3, 15  # who has said nothing for so long waits for the rest
ports: dict[tuple[int, Path], int] = {}  # of a server for each process and bundle


class Refused(Exception):
    """What a server says of a request that it does not take."""


def seeds(folder: Path) -> Sequence[Path]:
    bundle.seeds(folder)
    trace = np.random.default_rng(0).normal(0, 5, 4000)
    trace[1000:1040] -= 100
    recording = write_abf(folder / "recording.abf", trace, 40_000, "pA").read_bytes()
    array = io.BytesIO()
    spikes = np.random.default_rng(1).normal(0, 5, (2, 160))
    np.save(array, spikes.astype(np.float32))
    values = json.dumps(load_predictor(folder / "bundle", threads=1).example()).encode()
    requests = {
        "json": _request("/predict", "application/json", values),
        "abf": _request("/predict/file?name=a.abf", "application/octet-stream", recording),
        "npy": _request(
            "/predict/file?name=a.npy",
            "application/octet-stream",
            array.getvalue(),
        ),
        "get": b"GET /bundle HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    }
    paths = [folder / f"{name}.request" for name in requests]
    for path, request in zip(paths, requests.values(), strict=True):
        path.write_bytes(request)
    return paths


def read(path: Path) -> None:
    folder = path.parent if path.stem != "tried" else path.parent / "seeds"
    answer = _answer(_port(folder / "bundle"), path.read_bytes())
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head:
        raise Refused("shut out without an answer")
    status = int(head.split(b" ", 2)[1])
    if status == 200:
        return
    assert status < 500 or status == 503, answer
    told = _first(head, body).decode()
    raise Refused(json.loads(told)["error"] if told.startswith("{") else told or f"status {status}")


def _first(head: bytes, body: bytes) -> bytes:
    """The body of the first answer: what a damaged length leaves over is a request of its own."""
    length = re.search(rb"(?i)^content-length: *(\d+)", head, re.MULTILINE)
    return body if length is None else body[: int(length[1])]


def _request(path: str, kind: str, body: bytes) -> bytes:
    return f"POST {path} HTTP/1.1\r\n{HEADERS.format(kind=kind, n=len(body))}".encode() + body


def _answer(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), ANSWER_WITHIN_S) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        if not select([connection], [], [], QUICK_S)[0]:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
        return b"".join(_received(connection))


def _received(connection: socket.socket) -> Iterator[bytes]:
    with contextlib.suppress(ConnectionResetError):
        while block := connection.recv(2**16):
            yield block


def _port(path: Path) -> int:
    key = os.getpid(), path
    if key not in ports:
        listener = socket.create_server(("127.0.0.1", 0))
        app = application(load_predictor(path, threads=1), Limits(LIMIT_BYTES, 1), names=[])
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
        Thread(target=server.run, args=([listener],), daemon=True).start()
        ports[key] = listener.getsockname()[1]
    return ports[key]


READER = Reader(".request", seeds, read, (Refused,))
