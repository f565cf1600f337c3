"""A command's share as a process of its own, and how it ended."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from raphe.core.jobs.shares import OPTION, Share
from raphe.harness.slurm.job_log import said_last


@dataclass(frozen=True)
class ShareEnd:
    """How the job of a share ended."""

    share: Share
    how: str  # the rest of a sentence about it; "" where the share is made
    log: Path

    @property
    def is_made(self) -> bool:
        return not self.how

    def __str__(self) -> str:
        return f"share {self.share} {self.how}{said_last(self.log)}"


def command_of(words: Sequence[str], share: Share | None = None) -> list[str]:
    """The words of a process that makes a share, or joins all."""
    # After the verb: the last argument may be one that takes several values.
    verb, *others = words
    option = [] if share is None else [f"{OPTION}={share}"]
    return [sys.executable, "-m", "raphe", verb, *option, *others]


def how_it_ended(code: int) -> str:
    """The rest of a sentence about a share; "" where it is made."""
    if code < 0:
        return f"was killed by signal {-code}"
    return f"ended with exit code {code}" if code else ""
