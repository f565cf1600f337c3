"""The parser of a command: wrong usage is one sentence, options are not abbreviated."""

import argparse
import re
import sys
from pathlib import Path
from typing import Any, NoReturn

from raphe.core.files.outputs import Output, OutputFile
from raphe.core.files.path import NOT_UTF_8, is_utf_8
from raphe.core.sentences import printable

USAGE_EXIT = 2


class Parser(argparse.ArgumentParser):
    """Tells wrong usage in one sentence; options cannot be abbreviated."""

    def __init__(self, prog: str, **others: Any) -> None:
        super().__init__(
            prog, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **others
        )
        self.help_line = f"{prog} --help"
        self.outputs: list[
            tuple[str, Output | OutputFile]
        ] = []  # names of the options that hold their paths

    def add_argument(self, *names: str, **others: Any) -> argparse.Action:
        """As argparse; `type=Path` is what is read, an output as `type` where is written to."""
        output = others.get("type")
        if output is Path or isinstance(output, Output | OutputFile):
            # Of several inputs one with a strange name stops no other: it is left out and listed.
            others["type"] = _path if others.get("nargs") in ("+", "*") else _path_in_utf_8
        action = super().add_argument(*names, **others)
        if isinstance(output, Output | OutputFile):
            self.outputs.append((action.dest, output))
        return action

    @property
    def options(self) -> list[str]:
        """Every long option, as the usage tells them."""
        return re.findall(r"(?<![\w-])--[a-z][\w-]*", self.format_usage())

    def error(self, message: str) -> NoReturn:
        joint = " See" if message.endswith("?") else "; see"
        sentence = printable(f"error: {self.prog}: {message}{joint} `{self.help_line}`")
        print(sentence, file=sys.stderr)
        sys.exit(USAGE_EXIT)


def _path(text: str) -> Path:
    if not text:  # Path("") would be the current folder
        raise argparse.ArgumentTypeError("expected a path, got nothing; is a variable empty?")
    return Path(text)


def _path_in_utf_8(text: str) -> Path:
    path = _path(text)
    if not is_utf_8(path):
        raise argparse.ArgumentTypeError(f"{printable(text)}: {NOT_UTF_8}")
    return path
