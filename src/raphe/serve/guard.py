"""Which callers are let in, and what each answer tells their browsers.

A page of another site that a browser shows can send requests to this machine. Its own name stands
in `Origin`; where it made its name lead here (DNS rebinding) that name stands in `Host`. Neither
gets in. There are no headers of CORS, so that no other site's page can read an answer.
"""

import ipaddress
import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Message = MutableMapping[str, Any]
Receive, Send = Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]
LOCAL_NAMES = ("localhost", "localhost.localdomain")
HEADERS = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; style-src 'unsafe-inline'; "
    b"form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}


class Guard:
    """In front of an application of ASGI; `names` are hosts besides this one's own."""

    def __init__(self, application: Callable, names: Iterable[str] = ()) -> None:
        self._application = application
        self._names = {name.casefold() for name in (*LOCAL_NAMES, *names)}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS.items()]
            await send(message)

        refused = self._refused(scope["method"], scope["headers"])
        if refused is None:
            await self._application(scope, receive, send_with_headers)
            return
        status, sentence = refused
        body = json.dumps({"error": sentence}, ensure_ascii=False).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send_with_headers(
            {"type": "http.response.start", "status": status, "headers": headers}
        )
        await send_with_headers({"type": "http.response.body", "body": body})

    def _refused(
        self, method: str, headers: Iterable[tuple[bytes, bytes]]
    ) -> tuple[int, str] | None:
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        if len(hosts) != 1 or not self._is_own(hosts[0]):
            return 421, (
                "Host: expected this machine by its address in numbers or a name that "
                "`raphe serve --allow-host NAME` was given"
            )
        if method in ("GET", "HEAD"):  # a link to here from elsewhere does no harm
            return None
        for name, value in headers:
            origin = value.decode("latin-1")
            if name == b"origin" and origin.casefold().partition("://")[2] != hosts[0].casefold():
                return 403, "Origin: a page of another site may not ask here"
            if name == b"sec-fetch-site" and origin not in ("same-origin", "none"):
                return 403, "Sec-Fetch-Site: a page of another site may not ask here"
        return None

    def _is_own(self, host: str) -> bool:
        """No name can be made to lead here whose `Host` is an address in numbers."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name.casefold().rstrip(".") in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True
