"""A program whose output nobody reads any more, as after `| head`, ends in silence."""

import os
import select
import sys
from collections.abc import Callable
from typing import TextIO

UNREAD_EXIT = 141  # as a shell has it of a program that SIGPIPE ended


def while_read(run: Callable[[], int]) -> int:
    """The exit code of `run`, or UNREAD_EXIT where what it prints is no longer read."""
    try:
        try:
            return run()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        unread = [stream for stream in (sys.stdout, sys.stderr) if not _is_read(stream)]
        if not unread:
            raise  # another pipe broke
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in unread:  # where what it still holds goes when Python ends
            os.dup2(nowhere, stream.fileno())
        return UNREAD_EXIT


def _is_read(stream: TextIO) -> bool:
    """Whether it is no pipe whose reader has gone."""
    if not hasattr(select, "poll"):  # Windows
        return True
    try:
        pipe = stream.fileno()
    except OSError:  # in memory
        return True
    poll = select.poll()
    poll.register(pipe, 0)  # errors are told anyway
    return not poll.poll(0)
