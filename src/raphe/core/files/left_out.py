"""What a batch goes on without: a file or a folder, and the reason."""

import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from raphe.core.errors import RapheError
from raphe.core.files.refusals import refusal
from raphe.core.sentences import printable

FULL_ERROR = "RAPHE_FULL_ERROR"  # in the environment: a user asks for tracebacks
DEFECT = (
    "could not be read, and not because of a fault that raphe knows: please report it, with what "
    f"comes when {FULL_ERROR}=1 is set"
)


def left_out_words(left_out: Sequence["Failure"]) -> str:
    """What else is to be told where nothing can be taken: the first of those left out, or ""."""
    if not left_out:
        return ""
    more = f" (and {len(left_out) - 1} more like it)" if len(left_out) > 1 else ""
    return f"; left out: {left_out[0]}{more}"


@dataclass(frozen=True)
class Failure:
    """A file or folder that was left out, and why."""

    path: Path
    message: str

    def __str__(self) -> str:
        path, message = printable(self.path), printable(self.message)
        return message if path in message else f"{path}: {message}"

    @classmethod
    def of(cls, path: Path, error: Exception) -> "Failure":
        """Whatever ended the work on one file of several, as a sentence.

        What is neither the file's fault nor the disk's is a defect of ours: the sentence asks to
        report it, and with RAPHE_FULL_ERROR in the environment its traceback is on stderr.
        """
        if isinstance(error, RapheError):
            return cls(path, str(error))
        if isinstance(error, OSError):
            return cls(path, refusal(error, path, "could not be read"))
        if os.environ.get(FULL_ERROR):
            print("".join(traceback.format_exception(error)), file=sys.stderr)
        return cls(path, DEFECT)
