"""The command that serves a bundle: `raphe serve`."""

import argparse
import math
from pathlib import Path

from raphe.core.command_line import Command, add_content_hash, define

COMMANDS = (
    Command("serve", "answer over HTTP with an exported bundle", "raphe.serve.commands:add_serve"),
)
LOCAL = "127.0.0.1"


def add_serve(parser: argparse.ArgumentParser) -> None:
    define(
        parser,
        _serve,
        "A recording or its samples in, what raphe predict says of it out, as JSON. The page at / "
        "lists what can be asked, /openapi.json describes it for programs. Files are read once, in "
        "a folder of their own that is then removed; no path in a request is opened. There is "
        "no login: leave --host as it is unless the network is trusted. Ctrl-C ends it.",
    )
    parser.add_argument("bundle", type=Path, help="folder made by raphe export, of any task")
    add_content_hash(parser)
    parser.add_argument(
        "--host", default=LOCAL, help="address to listen at (default: this machine)"
    )
    parser.add_argument("--port", type=int, default=8000, help="(default: %(default)s)")
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name by which browsers reach this machine, besides localhost and addresses in "
        "numbers; may be repeated",
    )
    parser.add_argument(
        "--max-mb",
        type=_megabytes,
        default=200,
        metavar="MB",
        help="largest file (default: %(default)g)",
    )
    parser.add_argument(
        "--at-once",
        type=int,
        choices=range(1, 65),
        default=2,
        metavar="N",
        help="answers made at a time, 1 to 64; four times as many wait (default: %(default)s)",
    )


def _megabytes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"expected MB, more than 0, got {text}")
    return value


def _serve(options: argparse.Namespace) -> int:
    from raphe.serve.limits import Limits
    from raphe.serve.server import serve

    return serve(
        options.bundle,
        options.host,
        options.port,
        Limits(round(options.max_mb * 1e6), options.at_once),
        options.allow_host,
        options.content_hash,
    )
