"""The errors that a user's data or settings cause, and sentences that wrong commands really get."""

import contextlib
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import raphe
from generated.markdown import code, plain, table
from raphe import cli
from raphe.core.abf.writer import write_abf
from raphe.core.errors import RapheError
from raphe.core.files.refusals import REASONS


def _nothing(folder: Path) -> None:
    pass


def _unlabelled(folder: Path) -> None:
    (folder / "recordings").mkdir()
    _recording(folder / "recordings" / "A140313#073.abf")


def _damaged(folder: Path) -> None:
    for name in ("SER/A140313#073", "NSER/A140401#012"):
        file = folder / "recordings" / f"{name}.abf"
        file.parent.mkdir(parents=True)
        file.write_bytes(b"no recording")


def _full(folder: Path) -> None:
    _unlabelled(folder)
    (folder / "spikes").mkdir()
    (folder / "spikes" / "thesis.txt").write_text("not to be lost", encoding="utf-8")


def _recording(path: Path) -> None:
    import numpy as np

    write_abf(path, np.zeros(40_000, np.float32), 40_000, "pA")


# Words of a command, what lies in the folder, and what to do about it.
COMMON: tuple[tuple[str, Callable[[Path], None], str], ...] = (
    ("raphe trian", _nothing, "A verb is misspelt: take the one that is offered."),
    ("raphe extract recordings spikes --treshold-pa -30", _unlabelled, "So is an option."),
    ("raphe extract recordings spikes", _nothing, "The folder is elsewhere: check the path."),
    (
        "raphe extract recordings spikes",
        _unlabelled,
        "No class is known: put recordings into folders named after it, or write `cells.csv`.",
    ),
    (
        "raphe extract recordings spikes",
        _damaged,
        "Files are damaged: copy them anew from the rig. Sound ones beside them are still taken.",
    ),
    (
        "raphe check spikes",
        _nothing,
        "There is no such store or bundle.",
    ),
    (
        "raphe predict recordings --bundle verdict-bundle",
        _unlabelled,
        "The bundle is elsewhere, or was never exported.",
    ),
    (
        "raphe simulate spikes",
        _full,
        "Something stands there that raphe did not write, and is not replaced.",
    ),
)


@cache
def page() -> str:
    kinds = [
        (code(f"raphe.{one.__name__}"), plain((one.__doc__ or "").splitlines()[0]))
        for one in _of_face()
    ]
    parts = ["## Kinds\n\nEach is a `raphe.RapheError`.", table(("error", "when"), kinds)]
    parts.append("## The commonest\n\nWhat these commands print, and the remedy:")
    for words, prepare, remedy in COMMON:
        exit_code, printed = answer(words, prepare)
        parts.append(f"```console\n$ {words}\n{printed}```\n\n{remedy} Exit code {exit_code}.")
    parts.append(
        "## What the disk or the system refuses\n\nBy the name that the system has for it:"
    )
    reasons = [(code(name), plain(why), plain(remedy)) for name, (why, remedy) in REASONS.items()]
    parts.append(table(("error", "meaning", "remedy"), reasons))
    return "\n\n".join(parts)


def _of_face() -> Iterator[type[RapheError]]:
    for name in raphe.__all__:
        one = getattr(raphe, name)
        if isinstance(one, type) and issubclass(one, RapheError) and one is not RapheError:
            yield one


def answer(words: str, prepare: Callable[[Path], None]) -> tuple[int, str]:
    """The exit code of a command in a folder that holds what was prepared, and what it prints."""
    before, printed = Path.cwd(), io.StringIO()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        prepare(folder)
        os.chdir(folder)
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                exit_code = _exit_code(words.split()[1:])
        finally:
            os.chdir(before)
        return exit_code, printed.getvalue().replace(f"{folder}{os.sep}", "")


def _exit_code(arguments: list[str]) -> int:
    try:
        return cli.main(arguments)
    except SystemExit as ended:  # argparse, of words that cannot work
        return int(ended.code or 0)
