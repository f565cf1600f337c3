"""How far a long work is, on stderr: a bar on a terminal, elsewhere a line from time to time."""

import operator
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from raphe.core.sentences import duration

if TYPE_CHECKING:  # a tenth of a second to load, which a script's run does not need
    from rich.console import Console
    from rich.progress import Progress

Item = TypeVar("Item")
EVERY_S = 30.0  # between two lines of a log
FIRST_LEFT_S = 1.0  # of work, before what is left is estimated


def progress(items: Iterable[Item], description: str, total: int | None = None) -> Iterator[Item]:
    """Iterate over `items` and show how far they are; what is done within 30 s tells a log nothing.

    Args:
        items: what is worked on.
        description: what is done with them, "training".
        total: how many there are, where `items` have no length.
    """
    n_items = operator.length_hint(items, 0) if total is None else total
    if sys.stderr.isatty():
        from rich.console import Console

        with progress_bar(Console(stderr=True)) as bar:
            yield from bar.track(items, total=n_items or None, description=description)
        return
    begun_s = told_s = time.monotonic()
    for n_done, item in enumerate(items):
        now_s = time.monotonic()
        if now_s - told_s >= EVERY_S:
            told_s = now_s
            share = n_done / n_items if n_items else None
            of_all = f" of {n_items}" if n_items else ""
            print_line(f"{description}: {n_done}{of_all} done{time_told(now_s - begun_s, share)}")
        yield item


def print_line(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def progress_bar(console: "Console") -> "Progress":
    """A bar with elapsed time and what is left of it, gone when it is done."""
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.text import Text

    class Times(ProgressColumn):
        max_refresh = 0.5

        def render(self, task: Task) -> Text:
            share = task.completed / task.total if task.total else None
            shown = "" if share is None else f"{share:4.0%}"
            return Text(f"{shown}{time_told(task.elapsed or 0.0, share)}")

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), Times())
    return Progress(*columns, console=console, transient=True)


def time_told(elapsed_s: float, share: float | None) -> str:
    """What has passed and, by the share of the work that is done, about what is left.

    >>> time_told(20.0, 0.25), time_told(0.2, 0.5), time_told(3.0, None)
    (', 20 s so far, about 1 min left', ', 0 s so far', ', 3 s so far')
    """
    told = f", {_to_the_second(elapsed_s)} so far"
    if not share or share >= 1 or elapsed_s < FIRST_LEFT_S:
        return told
    return f"{told}, about {_to_the_second(elapsed_s * (1 - share) / share)} left"


def _to_the_second(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 59.5 else duration(seconds)
