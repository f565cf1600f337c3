"""The progress of a sweep, read from the states its members leave on disk."""

import contextlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from raphe.harness.sweeps.member import MemberState, member_states

POLL_S = 1.0


class SweepBar:
    """A bar on a terminal; elsewhere a line for each member that ends."""

    def __init__(self, sweep_folder: Path, n_members: int) -> None:
        self._folder = sweep_folder
        self._n_members = n_members
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()

    def _watch(self) -> None:
        console = Console(stderr=True)
        if console.is_terminal:
            self._draw(console)
        else:
            self._print_lines()

    def _draw(self, console: Console) -> None:
        columns = (
            TextColumn("sweep"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
        )
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("", total=self._n_members)
            while not self._stop.wait(POLL_S):
                states = member_states(self._folder)
                bar.update(task, completed=len(_ended(states)), description=_running(states))
            bar.update(task, completed=len(_ended(member_states(self._folder))), description="")

    def _print_lines(self) -> None:
        reported: set[str] = set()
        while True:
            stopping = self._stop.wait(POLL_S)
            for state in _ended(member_states(self._folder)):
                if state.label not in reported:
                    reported.add(state.label)
                    place = f"[{len(reported)}/{self._n_members}]"
                    line = f"{place} {state.label} {state.status.lower()}"
                    print(line, file=sys.stderr, flush=True)
            if stopping:
                return


def _ended(states: list[MemberState]) -> list[MemberState]:
    return [state for state in states if state.status != "RUNNING"]


def _running(states: list[MemberState]) -> str:
    return "  ".join(
        f"{state.label} epoch {state.epoch}/{state.n_epochs}"
        for state in states
        if state.status == "RUNNING"
    )
