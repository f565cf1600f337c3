"""How a program ends before it is done: told to by a signal, or read by nobody any more."""

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

UNREAD_EXIT = 141  # as a shell has it of a program that SIGPIPE ended
SIGNALS = [  # Ctrl-C, what ends a job or a container, and a terminal that was closed
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
ENDING_S = 10.0  # in which a second signal waits for what the first has begun
AGAIN = "run the same command again"
GOES_ON = f"{AGAIN} to go on from here"
BEGINS_ANEW = f"nothing was written; {AGAIN}"


class Interrupted(KeyboardInterrupt):
    """A signal has told the program to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def interruptible() -> Iterator[None]:
    """Within it a signal to end raises Interrupted, so that whoever writes tidies up.

    While that goes on further signals are ignored, as a second Ctrl-C would cut it short; one that
    comes later than ENDING_S raises again. A signal that was to be ignored, as `nohup` has it, is.
    """
    if threading.current_thread() is not threading.main_thread():  # where none arrives
        yield
        return
    first_s: list[float] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        if first_s and time.monotonic() - first_s[0] < ENDING_S:
            return
        first_s[:] = [time.monotonic()]
        raise Interrupted(number)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, interrupt)
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # None: one that was not set by Python
                signal.signal(number, handler)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Within it a signal to end waits: for what may not be left half done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []
    before = {
        number: signal.signal(number, lambda number, frame: waiting.append(number))
        for number in SIGNALS
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        if waiting:
            signal.raise_signal(waiting[0])


def leave_ending_to_the_starter() -> None:
    """In a worker: what a terminal sends to all of its processes is the starter's to heed."""
    for number in SIGNALS:
        if number != signal.SIGTERM:  # which is sent to one
            signal.signal(number, signal.SIG_IGN)


def interrupted(interruption: KeyboardInterrupt, what_now: str = "") -> int:
    """Tell of an interruption in one line, and of what to do; the exit code, as a shell has it."""
    print(f"interrupted: {what_now}" if what_now else "interrupted", file=sys.stderr)
    errors: list[BaseException] = [interruption]
    for error in errors:  # a library may have made another of the one that was raised
        if isinstance(error, Interrupted):
            return 128 + error.number
        behind = (error.__cause__, error.__context__)
        errors += [other for other in behind if other is not None and other not in errors]
    return 128 + signal.SIGINT


def while_read(run: Callable[[], int]) -> int:
    """The exit code of `run`, or UNREAD_EXIT where what it prints is no longer read.

    Where there is no output at all, as below a service, what is printed goes nowhere; where it
    takes no more, as on a full disk, that is told.
    """
    _replace_closed_streams()
    try:
        code = run()
    except BrokenPipeError:
        return _unread()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _unread()
    except OSError:
        print(f"error: {output_fault()}", file=sys.stderr)
        _to_nowhere(sys.stdout)
        return code or 1
    return code


def output_fault() -> str | None:
    """Why what is printed cannot be written, a sentence; None where it can."""
    try:
        print(flush=True)  # what could not be written may not be tried again
    except BrokenPipeError:
        return None
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        return f"what was to be printed could not be written ({why}); choose another output"
    return None


def _unread() -> int:
    """Let Python end although its reader has gone. Raises BrokenPipeError of another pipe."""
    unread = [stream for stream in (sys.stdout, sys.stderr) if not _is_read(stream)]
    if not unread:
        raise
    for stream in unread:
        _to_nowhere(stream)
    return UNREAD_EXIT


def _to_nowhere(stream: TextIO) -> None:
    """Where what a stream still holds goes when Python ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())


def _replace_closed_streams() -> None:
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            setattr(sys, name, os.fdopen(nowhere, "w", encoding="utf-8"))


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
