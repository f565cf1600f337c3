"""The progress of a sweep, read from the states its members leave on disk."""

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from raphe.core.progress import EVERY_S, print_line, progress_bar, time_told
from raphe.core.sentences import number
from raphe.harness.sweeps.states import MemberState, States

POLL_S = 1.0
SHOWN = 2  # members at work that are named


@dataclass(frozen=True)
class SweepProgress:
    """What is done of a sweep, and how long it took."""

    states: Sequence[MemberState]
    n_members: int | None  # None where nobody knows yet
    elapsed_s: float

    @property
    def ended(self) -> list[MemberState]:
        return [state for state in self.states if state.status != "RUNNING"]

    @property
    def running(self) -> list[MemberState]:
        return [state for state in self.states if state.status == "RUNNING"]

    @property
    def share(self) -> float | None:
        """Of the work of this call, epochs of members at work counted; None where there is none,
        or nobody knows how much.

        Members that an earlier call finished take no time, and those that fail most often little,
        so that they are no part of it.
        """
        if self.n_members is None:
            return None
        done = float(sum(state.status == "FINISHED" for state in self.states))
        work = self.n_members - (len(self.ended) - done)
        done += sum(state.epoch / state.n_epochs for state in self.running if state.n_epochs)
        return done / work if work > 0 else None

    @property
    def times(self) -> str:
        return time_told(self.elapsed_s, self.share)

    @property
    def at_work(self) -> str:
        """ "model.kernel=3 epoch 4/25, val/loss 0.412"."""
        told = [_epoch(state) for state in self.running[:SHOWN]]
        more = len(self.running) - SHOWN
        return "; ".join([*told, *([f"{more} more"] if more > 0 else [])])


class SweepBar:
    """A bar on a terminal; elsewhere a line for each member that ends, and every 30 s.

    Args:
        sweep_folder: where members leave their states.
        n_members: how many there will be; None where nobody knows.
        label: what runs, "sweep", "cross-validation" or "bank".
    """

    def __init__(self, sweep_folder: Path, n_members: int | None, label: str) -> None:
        self._states = States(sweep_folder)
        self._n_members = n_members
        self._label = label
        self._begun_s = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        self._begun_s = time.monotonic()
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

    def _progress(self) -> SweepProgress:
        elapsed_s = time.monotonic() - self._begun_s
        return SweepProgress(self._states.all(), self._n_members, elapsed_s)

    def _draw(self, console: Console) -> None:
        with progress_bar(console) as bar:
            task = bar.add_task(self._label, total=1.0)
            while not self._stop.wait(POLL_S):
                now = self._progress()
                text = f"{self._place(len(now.ended))} {now.at_work}"
                bar.update(task, completed=now.share or 0.0, description=text)

    def _print_lines(self) -> None:
        reported: set[str] = set()
        told_s = time.monotonic()
        while True:
            stopping = self._stop.wait(POLL_S)
            now = self._progress()
            for state in now.ended:
                if state.label not in reported:
                    reported.add(state.label)
                    told_s = time.monotonic()
                    print_line(f"{self._place(len(reported))}: {_end(state)}{now.times}")
            if stopping:
                return
            if time.monotonic() - told_s >= EVERY_S and now.running:
                told_s = time.monotonic()
                print_line(f"{self._place(len(reported))} done: {now.at_work}{now.times}")

    def _place(self, n_ended: int) -> str:
        of_all = "" if self._n_members is None else f" of {self._n_members}"
        return f"{self._label}: {n_ended}{of_all}"


def _epoch(state: MemberState) -> str:
    if not state.n_epochs:
        return f"{state.label} begins"
    return f"{state.label} epoch {state.epoch}/{state.n_epochs}{_monitored(state)}"


def _end(state: MemberState) -> str:
    ends = {"SKIPPED": "had finished before", "FINISHED": "finished", "FAILED": "failed"}
    return f"{state.label} {ends[state.status]}{_monitored(state)}"


def _monitored(state: MemberState) -> str:
    return "" if state.value is None else f", {state.metric} {number(state.value)}"
