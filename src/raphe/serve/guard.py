"""Which callers are let in, and what each answer tells their browsers.

A page of another site that a browser shows can send requests to this machine. Its own name stands
in `Origin`; where it made its name lead here (DNS rebinding) that name stands in `Host`. Neither
gets in. There are no headers of CORS, so that no other site's page can read an answer.

Where others reach this machine they need a token: the printed link has it as `?token=`, which
becomes a cookie; programs send it as `Authorization: Bearer`.
"""

import hashlib
import hmac
import ipaddress
import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

Message = MutableMapping[str, Any]
Headers = list[tuple[bytes, bytes]]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
LOCAL_NAMES = ("localhost", "localhost.localdomain")
HEADERS = {  # where an answer has none of its own
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; form-action 'none'; frame-ancestors 'none'; "
    b"base-uri 'none'",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}


OPEN = ("/health",)  # without a token: for whatever looks after a container
TOKEN_NEEDED = (
    "Authorization: expected the token of this server; open the link that `raphe serve` printed"
)
BEARER = [(b"www-authenticate", b"Bearer")]
WELCOME = (
    b'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>raphe</title>'
    b'<meta http-equiv="refresh" content="0; url=/"></head>'
    b'<body><a href="/">Go on</a></body></html>'
)


class Guard:
    """In front of an application of ASGI.

    Args:
        application: what answers those that are let in.
        names: hosts besides this one's own.
        token: that is asked for; None: none is.
        end: lets go of those who listen for good, so that the server can end.
    """

    def __init__(
        self,
        application: Callable[[Message, Receive, Send], Awaitable[None]],
        names: Iterable[str] = (),
        token: str | None = None,
        end: Callable[[], None] = lambda: None,
    ) -> None:
        self._application, self.end = application, end
        self._names = {name.casefold() for name in (*LOCAL_NAMES, *names)}
        self._token = token
        # Cookies know hosts but no ports: two servers of one host need two names.
        digest = hashlib.sha256((token or "").encode()).hexdigest()
        self._cookie = f"raphe-{digest[:12]}"

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = list(message.get("headers", ()))
                names = {name.lower() for name, _ in own}
                added = [(name, text) for name, text in HEADERS.items() if name not in names]
                message["headers"] = [*own, *added]
            await send(message)

        headers = list(scope["headers"])
        refused = self._refused(scope["method"], headers)
        if refused is not None:
            await _answer(send_with_headers, *_as_json(*refused))
        elif (scope["method"], scope["path"]) == ("GET", "/") and self._is_token(_of_link(scope)):
            await _answer(send_with_headers, *self._welcome)
        elif scope["path"] not in OPEN and not self._knows_token(headers):
            await _answer(send_with_headers, *_as_json(401, TOKEN_NEEDED, BEARER))
        else:
            await self._application(scope, receive, send_with_headers)

    @property
    def _welcome(self) -> tuple[int, bytes, Headers]:
        """Keeps the token in a cookie and goes on to the page, whose address has no token.

        A redirect would not do: where the link was in another site's page its request would go
        without the cookie.
        """
        cookie = f"{self._cookie}={self._token}; HttpOnly; SameSite=Strict; Path=/"
        headers = [(b"content-type", b"text/html; charset=utf-8"), (b"set-cookie", cookie.encode())]
        return 200, WELCOME, headers

    def _knows_token(self, headers: Headers) -> bool:
        if self._token is None:
            return True
        for name, value in headers:
            text = value.decode("latin-1")
            scheme, _, given = text.partition(" ")
            if name == b"authorization" and scheme.casefold() == "bearer":
                return self._is_token(given.strip())
            if name == b"cookie" and self._is_token(_cookie_of(text, self._cookie)):
                return True
        return False

    def _is_token(self, given: str | None) -> bool:
        if self._token is None or given is None:
            return False
        return hmac.compare_digest(given.encode(), self._token.encode())

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


def _of_link(scope: Message) -> str | None:
    try:
        words = parse_qs(scope["query_string"].decode("ascii"), max_num_fields=10)
    except ValueError:
        return None
    return next(iter(words.get("token", ())), None)


def _cookie_of(text: str, name: str) -> str | None:
    """By hand: http.cookies gives up on all where another program's cookie is odd."""
    pairs = (pair.strip().partition("=") for pair in text.split(";"))
    return next((value for own, _, value in pairs if own == name), None)


def _as_json(
    status: int, sentence: str, headers: Headers | None = None
) -> tuple[int, bytes, Headers]:
    body = json.dumps({"error": sentence}, ensure_ascii=False).encode()
    return status, body, [(b"content-type", b"application/json"), *(headers or ())]


async def _answer(send: Send, status: int, body: bytes, headers: Headers) -> None:
    headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
