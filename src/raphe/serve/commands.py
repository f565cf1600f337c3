"""The command that serves a bundle: `raphe serve`."""

import argparse
import math
from pathlib import Path

from raphe.core.command_line import Command, add_content_hash, define
from raphe.core.parser import Parser

COMMANDS = (
    Command(
        "serve",
        "open a page, and answer over HTTP, with an exported bundle",
        "raphe.serve.commands:add_serve",
    ),
)
LOCAL = "127.0.0.1"


def add_serve(parser: Parser) -> None:
    define(
        parser,
        _serve,
        "A page to drop recordings into: it shows what raphe predict says about them, and why. "
        "Programs ask the same as JSON: /api lists what. Files that are dropped are kept in a "
        "folder of their own and removed at the end; no path in a request is opened. With another "
        "--host a token is needed, which is part of the printed link (RAPHE_TOKEN in the "
        "environment sets it); nothing is encrypted. Ctrl-C ends it.",
    )
    from raphe.core.bundles.shipped import tasks_with_bundle

    parser.add_argument(
        "bundle",
        type=Path,
        nargs="?",
        help="folder made by raphe export, of any task (default: the one that comes with raphe, of "
        "--task)",
    )
    parser.add_argument(
        "--task",
        metavar="TASK",
        help=f"whose bundle comes with raphe: {' or '.join(tasks_with_bundle())}",
    )
    add_content_hash(parser)
    parser.add_argument(
        "--folder",
        type=Path,
        metavar="DIR",
        help="into which recordings are being written, of the formats that are printed at the "
        "start: the page shows each as it grows, and stores what you say of cells in its cells.csv",
    )
    parser.add_argument(
        "--field",
        action="append",
        default=[],
        type=_field,
        metavar="NAME=VALUE",
        help="said of every file in --folder, as channel=1: one of what /api lists for a file; "
        "may be repeated",
    )
    parser.add_argument(
        "--host", default=LOCAL, help="address to listen on (default: this machine)"
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


def _field(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text}")
    return name, value


def _bundle(options: argparse.Namespace) -> Path:
    """The one that is named, or that comes with raphe. Raises SettingError."""
    from raphe.core.bundles.shipped import chosen_bundle, default_bundle, lacking
    from raphe.core.errors import UsageError

    if options.bundle is not None:
        return Path(chosen_bundle(options.bundle, options.task))
    if options.task is None:
        raise UsageError(lacking("BUNDLE"))
    return default_bundle(options.task)


def _serve(options: argparse.Namespace) -> int:
    from raphe.core.errors import SettingError
    from raphe.serve.limits import Limits

    bundle = _bundle(options)
    print(f"{bundle}: is being checked and loaded", flush=True)
    limits = Limits(round(options.max_mb * 1e6), options.at_once)
    limits.share_cores()
    from raphe.serve.server import serve

    if options.field and options.folder is None:
        raise SettingError("--field: says something of files in --folder; give that, too")

    return serve(
        bundle,
        options.host,
        options.port,
        limits,
        options.allow_host,
        options.content_hash,
        options.folder,
        dict(options.field),
    )
