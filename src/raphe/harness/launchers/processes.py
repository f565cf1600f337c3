"""Processes beside this one, each given one piece of work after the other.

They end with this one, however it ends. Where the system can, they are forked from a server that
has imported once what all of them need, which takes tens of megabytes and a tenth of a second each.
"""

import multiprocessing
import os
import pickle
import tempfile
import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import cloudpickle

from raphe.core.ending import leave_ending_to_the_starter

FORKS, IMPORTS = "forkserver", "spawn"  # how multiprocessing calls them
LONGEST_SOCKET = 103  # bytes of its path, on macOS; on Linux 107
ORPHANED_EXIT = 1


@dataclass(frozen=True)
class Failure:
    """What a piece raised."""

    error: Exception
    traceback: str


def import_ahead(modules: Sequence[str]) -> None:
    """Let the server begin to import modules, before the first process is wanted.

    A module that it does not find is left to the processes.
    """
    if start_method() == FORKS:
        from multiprocessing import forkserver

        forkserver.set_forkserver_preload(list(modules))
        forkserver.ensure_running()


def start_method() -> str:
    """How processes begin: forked from a server, or each with imports of its own, as on Windows and
    where the path of the server's socket would be too long."""
    socket = Path(tempfile.gettempdir()) / "pymp-12345678" / "listener-12345678"
    fits = len(os.fsencode(socket)) <= LONGEST_SOCKET
    return FORKS if fits and FORKS in multiprocessing.get_all_start_methods() else IMPORTS


def run_all(call: Callable[..., Any], pieces: Sequence[tuple[Any, ...]], n_processes: int) -> None:
    """Call once with the arguments of each piece, in so many processes.

    The piece at which a process is killed is lost, and the others are shared by those that are
    left. Raises the first error of a piece once nothing more is done.
    """
    waiting, failures = deque(pieces), []
    processes: dict[Any, BaseProcess] = {}  # by the connection to each
    try:
        for _ in range(min(n_processes, len(pieces))):
            connection, process = _start(call)
            processes[connection] = process
            _give_next(connection, waiting)
        while processes:
            ready: list[Any] = wait(list(processes))
            for connection in ready:
                try:
                    failure = connection.recv()
                except (EOFError, ConnectionError):  # killed, or done with nothing more to do
                    connection.close()
                    processes.pop(connection).join()
                    continue
                if failure is not None:
                    failures.append(failure)
                _give_next(connection, waiting)
    finally:
        _end(processes)
    if failures:
        raise failures[0].error from RuntimeError(failures[0].traceback)


def _start(call: Callable[..., Any]) -> tuple[Connection, BaseProcess]:
    context: Any = multiprocessing.get_context(start_method())
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, cloudpickle.dumps(call)))
    process.start()
    theirs.close()
    return ours, process


def _give_next(connection: Connection, waiting: deque[tuple[Any, ...]]) -> None:
    """Give a process the next piece, or None where there is no more, after which it ends."""
    piece = waiting.popleft() if waiting else None
    try:
        connection.send(piece)
    except ConnectionError:  # it has been killed, before it began this one
        if piece is not None:
            waiting.appendleft(piece)


def _end(processes: dict[Any, BaseProcess]) -> None:
    """End those that are still at work."""
    for connection, process in processes.items():
        connection.close()
        process.kill()  # a trainer would take SIGTERM for a request
    for process in processes.values():
        process.join()


def _work(connection: Connection, call: bytes) -> None:
    leave_ending_to_the_starter()
    threading.Thread(target=_end_with_starter, daemon=True).start()
    run = pickle.loads(call)
    with suppress(EOFError, ConnectionError):  # the starter is gone
        while (piece := connection.recv()) is not None:
            connection.send(_failure_of(run, piece))
    connection.close()


def _failure_of(run: Callable[..., Any], piece: tuple[Any, ...]) -> Failure | None:
    try:
        run(*piece)
    except Exception as error:
        trace = "".join(traceback.format_exception(error))
        return Failure(error if _is_sendable(error) else RuntimeError(repr(error)), trace)
    return None


def _is_sendable(error: Exception) -> bool:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return False
    return True


def _end_with_starter() -> None:
    """A starter that is killed outright ends no process; at work one would hold its lock."""
    starter = multiprocessing.parent_process()
    assert starter is not None
    starter.join()
    os._exit(ORPHANED_EXIT)
