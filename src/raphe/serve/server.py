"""From a bundle's folder to a server that listens."""

import contextlib
import errno
import ipaddress
import os
import re
import secrets
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import uvicorn

from raphe.core.bundles.fields import from_text, read_fields
from raphe.core.bundles.predictor import BundlePredictor, load_predictor
from raphe.core.errors import RecordingWarning, SettingError
from raphe.core.sentences import listed, printable
from raphe.serve.app import application
from raphe.serve.explained import FIRST
from raphe.serve.files.live import Live
from raphe.serve.limits import Limits
from raphe.serve.overview import file_command

TOKEN_NAME = "RAPHE_TOKEN"  # in the environment: one that stays the same, as for a container
IDLE_S = 5
LEAVE_S = 5  # after which a server that is to end gives up what still comes in


def serve(
    bundle: Path,
    host: str,
    port: int,
    limits: Limits,
    names: Sequence[str] = (),
    content_hash: str | None = None,
    folder: Path | None = None,
    values: Mapping[str, str] | None = None,
    started: Callable[[str], object] = lambda address: None,
) -> int:
    """Answer until it is interrupted; the exit code.

    Args:
        bundle: a folder made by raphe export.
        host, port: where to listen; port 0 is any that is free.
        limits: how much may be asked and held.
        names: further ones of the host.
        content_hash: that the bundle must have, or its first digits.
        folder: to watch.
        values: said of every file in it, as words of a URL.
        started: called with the page's address once it can be asked.

    Raises:
        BundleError: the bundle is not whole.
        SettingError: an address that cannot be, or a folder that cannot be watched.
    """
    predictor = load_predictor(bundle.resolve(), limits.threads, content_hash)
    if not predictor.SUFFIXES:
        raise SettingError(
            f"{bundle}: a bundle of {predictor.manifest['kind']} opens no single file, so there is "
            "no page for it; use `raphe predict`"
        )
    live = None if folder is None else watched_folder(predictor, folder, values or {})
    with _listening(host, port) as listener:
        token = _token(host)
        address = f"http://{_in_url(_reached_at(host))}:{listener.getsockname()[1]}/"
        print(f"{bundle}: {predictor.manifest['kind']}, every hash is right")
        if folder is not None:
            kinds = f" ({listed(predictor.WATCHED, 'or')})" if predictor.WATCHED else ""
            print(f"{printable(folder)}: recordings{kinds} that are put here show up in the page")
        if not _is_local(host):
            print(
                f"--host {host}: whoever has the link can ask, and reads what others label; "
                "nothing is encrypted, and silent connections are not cut, so keep it off the open "
                "internet",
                file=sys.stderr,
            )
        page = address if token is None else f"{address}?token={token}"
        print(f"{address}api lists what programs can ask, as")
        print(f"  {file_command(predictor, address, token)}")
        print(f"{address}explained/{FIRST} says how far its answers can be trusted")
        warnings.simplefilter("ignore", RecordingWarning)  # it stands among an answer's remarks
        known = [] if _is_number(host) else [host]
        answering = application(predictor, limits, (*names, *known), token, live)
        config = uvicorn.Config(
            answering,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=LEAVE_S,
            timeout_keep_alive=IDLE_S,
        )
        _prepare(predictor)
        print(f"Ctrl-C ends it; open in a browser:\n{page}", flush=True)
        Server(config, lambda: started(page), answering.end).run([listener])
    return 0


def _prepare(predictor: BundlePredictor) -> None:
    """What the first answer would wait for, beside the server, which may end before it is done."""
    if not predictor.PREPARES:
        return
    print(f"{predictor.PREPARES}; answers wait until then", flush=True)

    def prepare() -> None:
        predictor.prepare()
        print("ready to answer", flush=True)

    threading.Thread(target=prepare, name="prepare", daemon=True).start()


class Server(uvicorn.Server):
    """Tells when it can be asked, and lets go of pages that listen before it waits for others."""

    def __init__(
        self, config: uvicorn.Config, started: Callable[[], object], ending: Callable[[], object]
    ) -> None:
        super().__init__(config)
        self._tell_started, self._tell_ending = started, ending

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._tell_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._tell_ending()
        await super().shutdown(sockets)


def _token(host: str) -> str | None:
    """What callers must show; None where only this machine can ask. Raises SettingError."""
    given = os.environ.get(TOKEN_NAME)
    if given and not re.fullmatch(r"[\w.~-]{16,200}", given, re.ASCII):
        raise SettingError(
            f"{TOKEN_NAME}: expected 16 to 200 letters, digits or signs of - . _ ~, got something "
            "else; `openssl rand -hex 16` makes one"
        )
    return given or (None if _is_local(host) else secrets.token_urlsafe(16))


def watched_folder(predictor: BundlePredictor, folder: Path, values: Mapping[str, str]) -> Live:
    """Raises RapheError where the folder cannot be watched, or values are none of its files'."""
    if not folder.is_dir():
        raise SettingError(f"--folder {folder}: expected a folder that is there; make it first")
    given = from_text(values, predictor.FILE_FIELDS)
    read_fields(given, [replace(field, needed=False) for field in predictor.FILE_FIELDS])
    return Live(predictor, folder.resolve(), given)


def _listening(host: str, port: int) -> socket.socket:
    if not 0 <= port < 2**16:
        raise SettingError(
            f"--port {port}: expected a number from 0, for any that is free, to 65535"
        )
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address, family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SettingError(
                f"--port {port}: another program listens there; name a free one, as --port "
                f"{port + 1}"
            ) from None
        raise SettingError(
            f"--host {host} --port {port}: cannot listen there ({error.strerror or error})"
        ) from None


def _is_number(host: str) -> bool:
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(host)
        return True
    return False


def _is_local(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback if _is_number(host) else host == "localhost"


def _reached_at(host: str) -> str:
    """An address for a browser: of "every address of this machine" one by which it is reached."""
    if not (_is_number(host) and ipaddress.ip_address(host).is_unspecified):
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # sends nothing, but chooses the way out
        return str(probe.getsockname()[0])
    return "127.0.0.1"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
