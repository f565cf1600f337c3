"""The command that shows what raphe does, to whoever has no recordings at hand: `raphe demo`.

Its bundle and its recordings travel with the package; `make demo` makes them anew.
"""

import argparse
import os
import sys
import webbrowser
from contextlib import nullcontext
from pathlib import Path
from threading import Thread

from raphe.core.command_line import define
from raphe.core.errors import SettingError
from raphe.core.files.atomic import copy_file, make_folder
from raphe.core.files.scratch import Scratch
from raphe.core.parser import Parser
from raphe.core.sentences import printable

BUNDLE, RECORDINGS = (Path(__file__).with_name(name) for name in ("bundle", "recordings"))
LOCAL = "127.0.0.1"
WHAT_IT_SHOWS = (
    "Six simulated recordings: is the cell serotonergic (SER) or not (NSER)? Where that cannot be "
    "told, the name of the file says why."
)

TEMPORARY = (
    "They lie in a temporary folder, which is removed at the end with all that was put there and "
    "said in the page; `raphe demo --folder DIR` keeps both."
)


def add_demo(parser: Parser) -> None:
    define(
        parser,
        _demo,
        "Six simulated recordings and networks that were trained on simulated ones: they show how "
        "the page is read, and say nothing about biology. The page takes files of your own, too. "
        "Nothing is sent to another computer; Ctrl-C ends it.",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        metavar="DIR",
        help="an empty or new one, to copy the recordings into and to watch, so that recordings of "
        "yours that are put there, of the formats that are printed at the start, show up, and "
        "labels given in the page stay (default: one that is removed at the end)",
    )
    parser.add_argument(
        "--port", type=int, default=0, help="of the page (default: any that is free)"
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="print the page's address, open no browser"
    )


def copy_recordings(folder: Path) -> None:
    """Those that are not there yet, so that what was done to one stays.

    The first comes last: the page begins with the newest. Raises StoreError, SettingError for a
    folder that holds other files and none of these: simulated cells belong beside no real ones.
    """
    make_folder(folder)
    names = {file.name for file in folder.iterdir() if not file.name.startswith(".")}
    if names and not names & {recording.name for recording in RECORDINGS.glob("*.abf")}:
        raise SettingError(
            f"--folder {printable(folder)}: expected a new or empty folder, or that of an earlier "
            "demo, as simulated recordings are put there; raphe serve BUNDLE --folder watches one "
            "with recordings of yours"
        )
    for recording in sorted(RECORDINGS.iterdir(), reverse=True):
        if not (folder / recording.name).exists():
            copy_file(recording, folder / recording.name)


def _demo(options: argparse.Namespace) -> int:
    print("raphe demo: the networks are being checked and loaded", flush=True)
    from raphe.serve.limits import Limits

    limits = Limits()
    limits.share_cores()
    from raphe.serve.server import serve

    with Scratch() if options.folder is None else nullcontext() as scratch:
        folder = options.folder if scratch is None else scratch / "simulated recordings"
        copy_recordings(folder)
        print(WHAT_IT_SHOWS)
        if scratch is not None:
            print(TEMPORARY)
        browser = not options.no_browser and _has_screen()
        started = _open_browser if browser else lambda address: None  # which the server prints
        return serve(BUNDLE, LOCAL, options.port, limits, folder=folder, started=started)


def _open_browser(address: str) -> None:
    Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def _has_screen() -> bool:
    """Else a browser of the terminal would take the terminal."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
