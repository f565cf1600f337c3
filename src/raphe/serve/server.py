"""From a bundle's folder to a server that listens."""

import contextlib
import errno
import ipaddress
import socket
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from raphe.core.bundles.predictor import load_predictor
from raphe.core.errors import RecordingWarning, SettingError
from raphe.serve.app import application
from raphe.serve.limits import Limits
from raphe.serve.page import file_command

IDLE_S = 5
LEAVE_S = 5  # after which a server that is to end gives up what still comes in


def serve(
    bundle: Path,
    host: str,
    port: int,
    limits: Limits,
    names: Sequence[str],
    content_hash: str | None = None,
) -> int:
    """Answer until it is interrupted; the exit code.

    Raises BundleError for a bundle that is not whole, SettingError for an address that cannot be.
    """
    predictor = load_predictor(bundle, content_hash=content_hash)
    with _listening(host, port) as listener:
        address = f"http://{_in_url(host)}:{listener.getsockname()[1]}/"
        print(f"{bundle}: {predictor.manifest['kind']}, every hash is right")
        if not _is_local(host):
            print(
                f"--host {host}: anyone who reaches this address can ask; there is no login and no "
                "encryption, and silent connections are not cut, so keep it off the open internet",
                file=sys.stderr,
            )
        print(f"{address} lists what can be asked; for one, as")
        print(f"  {file_command(predictor, address)}")
        print("Ctrl-C ends it", flush=True)
        warnings.simplefilter("ignore", RecordingWarning)  # it stands among an answer's remarks
        known = [] if _is_number(host) else [host]
        config = uvicorn.Config(
            application(predictor, limits, (*names, *known)),
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=LEAVE_S,
            timeout_keep_alive=IDLE_S,
        )
        uvicorn.Server(config).run([listener])
    return 0


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


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
