"""A server in this process, and a caller of it."""

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from socket import create_server
from typing import Any, NamedTuple

import uvicorn

from raphe.core.bundles.predictor import BundlePredictor
from raphe.serve.app import application
from raphe.serve.limits import Limits
from raphe.serve.server import Server
from waiting import HANG_S

OCTETS = {"Content-Type": "application/octet-stream"}
JSON = {"Content-Type": "application/json"}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def sentence(self) -> str:
        """Of what was refused; one, of no more than is read at a glance."""
        assert set(self.json) == {"error"}
        assert len(self.body) < 400 and "\n" not in self.json["error"]
        return self.json["error"]


class Caller:
    """Asks a server; another `Host` or `Origin` are headers as any."""

    def __init__(self, port: int) -> None:
        self.port = port

    def get(self, path: str, headers: Mapping[str, str] = {}) -> Answer:
        return self.ask("GET", path, None, headers)

    def post(self, path: str, body: Any, headers: Mapping[str, str] = OCTETS) -> Answer:
        return self.ask("POST", path, body, headers)

    def post_json(self, value: object, **headers: str) -> Answer:
        return self.post("/predict", json.dumps(value).encode(), {**JSON, **headers})

    def put_json(self, path: str, value: object) -> Answer:
        return self.ask("PUT", path, json.dumps(value).encode(), JSON)

    def delete(self, path: str) -> Answer:
        return self.ask("DELETE", path, None, {})

    def ask(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HANG_S)
        try:
            chunked = "Transfer-Encoding" in headers
            connection.request(method, path, body, dict(headers), encode_chunked=chunked)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()


@contextmanager
def answering(predictor: BundlePredictor, limits: Limits, **names: Any) -> Iterator[Caller]:
    with create_server(("127.0.0.1", 0)) as listener:
        app = application(predictor, limits, **names)
        config = uvicorn.Config(
            app, log_level="critical", server_header=False, timeout_graceful_shutdown=5
        )
        server = Server(config, lambda: None, app.end)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield Caller(listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()
