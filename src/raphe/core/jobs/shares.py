"""Work that is divided over several calls of one command, on one machine or on many.

Each call with `--share K/N` does its share and leaves it on the disk that all of them see. The same
command without it joins them: it takes what is there, and makes what is missing.
"""

import argparse
import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from raphe.core.files.leavings import SHARE_LOCK
from raphe.core.files.locks import locked
from raphe.core.parser import Parser
from raphe.core.sentences import printable

OPTION = "--share"
MOST = 10_000  # shares
Item = TypeVar("Item")


@dataclass(frozen=True)
class Share:
    """The `number`-th of `of` shares, counted from 1."""

    number: int
    of: int

    def take(self, items: Sequence[Item]) -> list[Item]:
        """Those of it: each `of`-th, so that neighbours, which are alike, are spread evenly."""
        return list(items[self.number - 1 :: self.of])

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def name(self) -> str:
        """As a part of a file's name."""
        return f"{self.number}-of-{self.of}"

    @classmethod
    def read(cls, text: str) -> "Share":
        """As an option has it, "3/40". Raises ValueError.

        >>> Share.read("3/40").take(range(100))
        [2, 42, 82]
        """
        found = re.fullmatch(r"(\d{1,5})/(\d{1,5})", text, re.ASCII)
        if found is None or not 1 <= int(found[1]) <= int(found[2]) <= MOST:
            raise ValueError(
                f"expected K/N, the K-th of N shares, as 3/40, and at most {MOST}, got "
                f"{printable(text)}"
            )
        return cls(int(found[1]), int(found[2]))


def add_share(parser: Parser) -> None:
    """The option of a command whose work can be divided."""
    parser.add_argument(
        OPTION,
        type=_share,
        metavar="K/N",
        help="do the K-th of N shares of the work and no other, as one job of several: each makes "
        "what is missing of its own, and the same command without this option joins them "
        "(`raphe spread` starts all)",
    )


def share_held(folder: Path, share: Share, stack: ExitStack) -> None:
    """Hold a share of what is made in a folder, for as long as the stack lasts.

    Raises StoreError where another process does.
    """
    busy = f"{folder}: another process is at work on share {share}; wait until it is done"
    stack.enter_context(locked(folder / SHARE_LOCK.format(share.name), busy))


def all_shares_held(folder: Path, stack: ExitStack) -> None:
    """Hold every share that was ever begun in a folder. Raises StoreError where one is at work."""
    for lock in share_locks(folder):
        busy = f"{folder}: {lock.stem[1:]} is still at work there; wait until it is done"
        stack.enter_context(locked(lock, busy))


def share_locks(folder: Path) -> list[Path]:
    return sorted(folder.glob(SHARE_LOCK.format("*")))


def _share(text: str) -> Share:
    try:
        return Share.read(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
