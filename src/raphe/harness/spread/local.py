"""Shares as processes of this machine."""

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from raphe.core.files.atomic import make_folder, reporting
from raphe.core.jobs.shares import Share
from raphe.core.progress import progress
from raphe.core.threads import OF_OPENMP, available_cores
from raphe.harness.spread.share_command import ShareEnd, command_of, how_it_ended

POLL_S = 0.1


def run_here(words: Sequence[str], n: int, at_once: int | None, logs: Path) -> list[ShareEnd]:
    """Make n shares of a command, so many at once; how each ended, in the order of shares.

    Whatever ends this ends the processes, too.
    """
    make_folder(logs)
    cores = available_cores()
    at_once = min(n, at_once or cores)
    environment = {OF_OPENMP: str(max(1, cores // at_once)), **os.environ}
    shares = [Share(number, n) for number in range(1, n + 1)]
    ends = progress(_run(words, shares, at_once, logs, environment), "making shares", total=n)
    return sorted(ends, key=lambda end: end.share.number)


def _run(
    words: Sequence[str],
    shares: Sequence[Share],
    at_once: int,
    logs: Path,
    environment: dict[str, str],
) -> Iterator[ShareEnd]:
    waiting = list(reversed(shares))
    running: dict[Share, subprocess.Popen] = {}
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                share = waiting.pop()
                running[share] = _started(words, share, _log(logs, share), environment)
            for share, process in list(running.items()):
                if (code := process.poll()) is not None:
                    del running[share]
                    yield ShareEnd(share, how_it_ended(code), _log(logs, share))
            time.sleep(POLL_S)
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.wait()


def _started(
    words: Sequence[str], share: Share, log: Path, environment: dict[str, str]
) -> subprocess.Popen:
    """In a session of its own: what a terminal sends is heeded here, which ends it."""
    with reporting(log), log.open("wb") as out:
        return subprocess.Popen(
            command_of(words, share),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )


def _log(logs: Path, share: Share) -> Path:
    return logs / f"share-{share.name}.log"
