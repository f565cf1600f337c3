"""Where to look next, below the results."""

import shlex
from pathlib import Path

from rich.console import Console

from raphe.harness.sweeps.kinds import KIND_TAG, Kind
from raphe.harness.tracking import SWEEP_TAG, Tracker
from raphe.harness.ui import comparison_link, link, local_address

DEFAULT_RUNS_ROOT = "mlruns"  # where `raphe ui` looks


def print_note_and_next(
    console: Console, note: str, run_id: str, tracker: Tracker, may_export: bool
) -> None:
    """The note, the run, where its figures are, and the command that follows.

    `may_export` tells whether networks of the run can be exported.
    """
    if note:
        console.print(f"[bold]Note:[/bold] {note}")
    console.print(
        f"Run {run_id} in experiment {tracker.experiment} at {tracker.uri}", soft_wrap=True
    )
    where = _where_to_look(tracker, run_id)
    what = "Curves, figures and checkpoints" if may_export else "next: curves and figures"
    console.print(f"{what}: {where}", soft_wrap=True, highlight=False)
    if may_export:
        command = f"raphe export --sweep {run_id}{_option(tracker)}"
        console.print(f"next: {command}", soft_wrap=True, highlight=False)


def _where_to_look(tracker: Tracker, run_id: str) -> str:
    """The run's own page, of a sweep its members side by side; how to start what shows it.

    Folds are not compared with each other: what they come to together is on their parent's page.
    """
    address = str(tracker.uri) if tracker.is_server else local_address()
    tags = tracker.get(run_id).tags
    compares = SWEEP_TAG in tags and Kind.of_tag(tags.get(KIND_TAG)) is not Kind.FOLDS
    show = comparison_link if compares else link
    page = show(address, tracker.experiment_id, run_id)
    if tracker.is_server:
        return page
    return f"`raphe ui{_option(tracker)}`, then {page}"


def _option(tracker: Tracker) -> str:
    """What names the runs to a command; "" where they are by default."""
    if tracker.is_server:
        return f" --uri {tracker.uri}"
    if Path(DEFAULT_RUNS_ROOT).absolute() == tracker.runs_root:
        return ""
    return f" --runs {shlex.quote(str(tracker.runs_root))}"
