"""How a command is declared, and what several commands share.

A task's `commands/__init__.py` (and `raphe.harness.commands`) holds `COMMANDS`, a tuple of Command:
names and sentences alone, so that `raphe --help` imports no task's code. The module that a command
names is imported when its verb is used. There

    def add_extract(parser):
        define(parser, _extract, "Labels come from folders named after the classes …")
        parser.add_argument(…)

declares the options, and `_extract(options)` gives the exit code.
"""

import argparse
import importlib
import math
import re
import shlex
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from raphe.core.files.outputs import Output
from raphe.core.parser import Parser
from raphe.core.ranges import written
from raphe.core.sentences import counted, listed, printable

SHOWN = 200  # lines of a list of files
# What Hydra reads as a word, unlike 2026 or null.
PLAIN = re.compile(r"(?!(null|true|false|nan|inf)$)([a-z_]|\.{0,2}/)[\w./-]*", re.ASCII | re.I)


@dataclass(frozen=True)
class Command:
    """What a verb does for one task: `raphe VERB …`, or `raphe VERB KIND …`."""

    verb: str
    summary: str  # its line of help: an imperative without capital and full stop
    declared_by: str  # "module:function", the function that adds the options to a parser
    kind: str | None = None  # of what is imported
    is_default: bool = False  # what the verb means where neither a manifest nor --task tells
    passes_on: bool = False  # the function takes the arguments as they are, and gives the exit code
    when_interrupted: str = ""  # what is true then, a sentence of raphe.core.ending
    trains: bool = False  # its options get `fitting`, the harness's raphe.core.protocol.Fitting

    def function(self) -> Callable:
        """Import what the command names."""
        module, _, name = self.declared_by.partition(":")
        return getattr(importlib.import_module(module), name)


@dataclass(frozen=True)
class SharedVerb:
    """A verb that several tasks have, and the options that it has in all of them."""

    summary: str
    add: Callable[[Parser], None] = lambda parser: None
    told_by: str | None = None  # the argument whose manifest names the task


def define(
    parser: Parser,
    run: Callable[[argparse.Namespace], int],
    description: str,
) -> None:
    """Say what a command does beyond its summary; `run` gives its exit code."""
    text = f"{parser.description or ''} {description}".strip()
    parser.description = textwrap.fill(text, shutil.get_terminal_size().columns - 2)
    parser.set_defaults(run=run)


def add_overwrite(parser: Parser) -> None:
    parser.add_argument(
        "--overwrite", action="store_true", help="replace what was made there before"
    )


def seconds(text: str) -> float:
    """The value of an option that waits: more than 0 s."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"expected seconds, more than 0, got {text}")
    return value


def number_of_threads(text: str) -> int:
    """The value of an option that says how many: 1 or more."""
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 up, got {text}")
    return int(text)


def seed_number(text: str) -> int:
    """The value of an option that draws begin from: 0 or more."""
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 up, got {text}")
    return int(text)


def hydra_word(value: object) -> str:
    r"""A value as Hydra reads it as this very text: quoted where it would be more than a word.

    >>> print(hydra_word("data/spikes"), hydra_word("s #1 (copy)"), hydra_word(r'a "b\\'))
    data/spikes "s #1 (copy)" "a \"b\\\\"
    """
    if not isinstance(value, str | Path):
        return written(value)
    text = str(value)
    if PLAIN.fullmatch(text):
        return text
    if text == "???":  # which stands for a value that is missing
        text = "./???"
    # Backslashes stand for themselves but before a quote, or before what names another setting.
    text = re.sub(r"(\\*)\$\{", lambda found: rf"{2 * found[1]}\${{", text)
    escaped = re.sub(r'(\\*)("|\Z)', lambda found: 2 * found[1] + ('\\"' if found[2] else ""), text)
    return f'"{escaped}"'


def printed_setting(name: str, value: object) -> str:
    """`NAME=VALUE` to be copied into a shell: quoted for Hydra, and that for the shell.

    >>> print(printed_setting("data.store", "data/spikes"))
    data.store=data/spikes
    >>> print(printed_setting("data.store", "data/a=1, b"))
    'data.store="data/a=1, b"'
    """
    return shlex.quote(f"{name}={hydra_word(value)}")


def printed_command(*words: object, **settings: object) -> str:
    """A command to be copied into a POSIX shell; `settings` as `raphe train` takes them.

    A path that begins with - is no option: it is named as of this folder.

    >>> print(printed_command("raphe", "extract", "RECORDINGS", Path("my spikes")))
    raphe extract RECORDINGS 'my spikes'
    """
    quoted = [shlex.quote(_argument(word)) for word in words]
    return " ".join([*quoted, *(printed_setting(*setting) for setting in settings.items())])


def _argument(word: object) -> str:
    text = str(word)
    return f"./{text}" if isinstance(word, Path) and text.startswith("-") else text


def train_next(store: Path, **settings: object) -> str:
    """The line that tells how to train on a store, to be copied into a shell.

    >>> print(train_next(Path("my spikes"), experiment="cross_validation"))
    next: raphe train experiment=cross_validation 'data.store="my spikes"'
    """
    return f"next: {printed_command('raphe', 'train', **settings, **{'data.store': store})}"


def add_content_hash(parser: Parser) -> None:
    """Of the bundle, for whoever does not trust where it lies."""
    parser.add_argument(
        "--content-hash",
        metavar="HEX",
        help="that the bundle must have, or its first 12 digits or more, as `raphe check` printed "
        "it where it was made (default: whichever it has)",
    )


def add_prevalence(parser: Parser) -> None:
    """Of a bundle that calls classes."""
    parser.add_argument(
        "--prevalence",
        type=_prevalence,
        metavar="CLASS=SHARE,…",
        help="how frequent the classes are where the cells come from, as SER=0.3 (of two classes "
        "the other is the rest): probabilities and what is called are corrected to it",
    )


def _prevalence(text: str) -> dict[str, float]:
    from raphe.core.statistics.prevalence import parse_prevalence

    try:
        return parse_prevalence(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _add_predict(parser: Parser) -> None:
    parser.add_argument(
        "inputs", nargs="+", type=Path, metavar="INPUT", help="what was recorded: files or folders"
    )
    from raphe.core.bundles.shipped import tasks_with_bundle

    parser.add_argument(
        "--bundle",
        type=Path,
        metavar="DIR",
        help="folder made by raphe export; its manifest names the task (default: the one that "
        f"comes with raphe, of --task {' or '.join(tasks_with_bundle())})",
    )
    add_content_hash(parser)
    parser.add_argument(
        "--out",
        type=Output.FOLDER,
        metavar="DIR",
        help="folder to make for the answers",
    )
    add_overwrite(parser)
    parser.add_argument(
        "--threads",
        type=number_of_threads,
        metavar="N",
        help="of the processor (default: OMP_NUM_THREADS, else each core that it may use)",
    )


def _add_check(parser: Parser) -> None:
    parser.add_argument("path", type=Path, help="a store or a bundle; its manifest names the task")


def _add_reproduce(parser: Parser) -> None:
    parser.add_argument(
        "--out",
        type=Output.FILLED,
        metavar="DIR",
        help="folder to make for the claims as text and table",
    )


AUDIT_FILES = ("audit.txt", "audit.csv", "audit.png")


def _add_audit(parser: Parser) -> None:
    parser.add_argument(
        "store", type=Path, help="labelled cells, as made by raphe extract or raphe import"
    )
    parser.add_argument(
        "--out",
        type=Output.FILLED,
        default=Path("audit"),
        help=f"folder for {', '.join(AUDIT_FILES)} and the results of finished trainings "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--trainer", default="cpu", choices=("cpu", "gpu"), help="(default: %(default)s)"
    )
    add_overwrite(parser)


SHARED = {
    "import": SharedVerb("read data or published weights of others into a store or a checkpoint"),
    "check": SharedVerb(
        "verify that a store or a bundle is whole: the hash of every file", _add_check, "path"
    ),
    "audit": SharedVerb(
        "ask whether a good score on a store means what it seems to mean", _add_audit, "store"
    ),
    "predict": SharedVerb("read new recordings with an exported bundle", _add_predict, "--bundle"),
    "reproduce": SharedVerb(
        "compute what published claims come to, and why they differ", _add_reproduce
    ),
}


def one_input(options: argparse.Namespace) -> Path:
    """The one INPUT of a task that takes no more. Raises SettingError."""
    from raphe.core.errors import SettingError
    from raphe.core.files.path import require_utf_8

    if len(options.inputs) > 1:
        raise SettingError(
            f"INPUT: expected one file or folder, got {len(options.inputs)}; call raphe predict "
            "for each"
        )
    require_utf_8(options.inputs[0])
    return options.inputs[0]


def add_check_hashes(parser: Parser) -> None:
    define(parser, check_hashes, "Reads every byte.")


def check_hashes(options: argparse.Namespace) -> int:
    """Check any task's store or bundle at `options.path`. Raises StoreError or BundleError."""
    from raphe.core.bundles.bundle import check_bundle
    from raphe.core.files.kind import is_bundle, kind_of
    from raphe.core.files.store import check_store

    kind = kind_of(options.path)
    if kind is not None and is_bundle(options.path):
        content_hash, contents = check_bundle(options.path).content_hash, "a bundle"
    else:
        store = check_store(options.path)
        content_hash = store.content_hash
        shapes = (f"{name} {'×'.join(map(str, x.shape))}" for name, x in store.arrays.items())
        contents = ", ".join(("a store", *shapes))
    print(f"{options.path}: {contents} ({kind}); every hash is right")
    print(f"content hash {content_hash}")
    return 0


def print_whatever_comes() -> None:
    """Show what a console's encoding lacks as an escape, so that no text ends a command.

    Consoles of Windows have cp1252, which lacks most of what a file may be called.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a notebook's has none, and takes every letter
            stream.reconfigure(errors="backslashreplace")


def list_out(title: str, lines: Iterable[object]) -> None:
    """A titled list on stderr; nothing for an empty one."""
    lines = [printable(line) for line in lines]
    if not lines:
        return
    print(f"{title} ({len(lines)}):", file=sys.stderr)
    for line in lines[:SHOWN]:
        print(f"  {line}", file=sys.stderr)
    if len(lines) > SHOWN:
        print(f"  … and {len(lines) - SHOWN} more", file=sys.stderr)


def left_out_code(*left_out: tuple[int, str], written: str = "") -> int:
    """The exit code of a batch, and its closing line on stderr where something was left out.

    `left_out` are numbers of things and what one of them is called; `written` names what was
    written without them.
    """
    counts = [counted(noun, n) for n, noun in left_out if n]
    if not counts:
        return 0
    what = f"{written} written, " if written else ""
    print(f"warning: {what}{listed(counts)} left out (exit code 1)", file=sys.stderr)
    return 1
