"""Where to look next, below the results."""

import shlex
from pathlib import Path

from rich.console import Console

from raphe.harness.tracking import SWEEP_TAG, Tracker
from raphe.harness.ui import comparison_link, link, local_address

DEFAULT_RUNS_ROOT = "mlruns"  # where `raphe ui` looks


def print_note_and_next(console: Console, note: str, run_id: str, tracker: Tracker) -> None:
    if note:
        console.print(f"[bold]Note:[/bold] {note}")
    console.print(
        f"Run {run_id} in experiment {tracker.experiment} at {tracker.uri}", soft_wrap=True
    )
    where = _where_to_look(tracker, run_id)
    console.print(f"Curves, figures and checkpoints: {where}", soft_wrap=True, highlight=False)


def _where_to_look(tracker: Tracker, run_id: str) -> str:
    """The run's own page, of a sweep its members side by side; how to start what shows it."""
    address = str(tracker.uri) if tracker.is_server else local_address()
    show = comparison_link if SWEEP_TAG in tracker.get(run_id).tags else link
    page = show(address, tracker.experiment_id, run_id)
    if tracker.is_server:
        return page
    if Path(DEFAULT_RUNS_ROOT).absolute() == tracker.runs_root:
        return f"`raphe ui`, then {page}"
    return f"`raphe ui --runs {shlex.quote(str(tracker.runs_root))}`, then {page}"
