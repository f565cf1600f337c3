"""Where to look next, below the results."""

import shlex
from pathlib import Path

from rich.console import Console

from raphe.harness.tracking import Tracker

DEFAULT_RUNS_ROOT = "mlruns"  # where `raphe ui` looks


def print_note_and_next(console: Console, note: str, run_id: str, tracker: Tracker) -> None:
    if note:
        console.print(f"[bold]Note:[/bold] {note}")
    console.print(
        f"Run {run_id} in experiment {tracker.experiment} at {tracker.uri}", soft_wrap=True
    )
    console.print(f"Curves, figures and checkpoints: {_where_to_look(tracker)}", soft_wrap=True)


def _where_to_look(tracker: Tracker) -> str:
    if tracker.is_server:
        return str(tracker.uri)
    if Path(DEFAULT_RUNS_ROOT).absolute() == tracker.runs_root:
        return "`raphe ui`"
    return f"`raphe ui --runs {shlex.quote(str(tracker.runs_root))}`"
