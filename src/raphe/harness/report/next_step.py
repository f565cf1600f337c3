"""Where to look next, below the results."""

import sys
from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console
from rich.text import Text

from raphe.core.command_line import printed_command
from raphe.core.sentences import printable
from raphe.harness.database.address import as_named, without_credentials
from raphe.harness.database.folder import given_runs
from raphe.harness.settings.configuration import own_folder
from raphe.harness.settings.machine_settings import on_this_machine
from raphe.harness.sweeps.kinds import KIND_TAG, Kind
from raphe.harness.tracking import SWEEP_TAG, Tracker
from raphe.harness.ui import comparison_link, link, local_address

DEFAULT_DATA_ROOT = "data"  # of conf/train.yaml


def print_note_and_next(
    console: Console, note: str, run_id: str, tracker: Tracker, export_from: DictConfig | None
) -> None:
    """The note, the run, where its figures are, and the command that follows.

    `export_from` are the composed settings of a run whose networks can be exported, else None.
    """
    if note:
        console.print(Text("Note:", "bold"), note)
    place = without_credentials(tracker.uri)
    run = f"Run {run_id} in experiment {tracker.experiment} at {place}"
    console.print(printable(run), soft_wrap=True)
    where = _where_to_look(tracker, run_id)
    if export_from is None:
        console.print(f"next: curves and figures: {where}", soft_wrap=True, highlight=False)
        return
    console.print(f"Curves, figures and checkpoints: {where}", soft_wrap=True, highlight=False)
    options = [*tracker.options, *places(export_from)]
    command = printed_command("raphe", "export", "--sweep", run_id, *options)
    console.print(f"next: {command}", soft_wrap=True, highlight=False)


def tell_unsent(folder: Path, name: str, uri: str) -> None:
    """Where lies what the run has to say, and how it gets to the server."""
    place = without_credentials(uri)
    command = printed_command(
        "raphe", "runs", "--send", "--uri", as_named(uri), *given_runs(folder.parents[1])
    )
    note = (
        f"note: {name}: trained to its end, while tracking at {place} stayed away; its figures, "
        f"tables and weights are in {folder}, and go there with `{command}`, or before the next "
        "training that is tracked there"
    )
    print(printable(note), file=sys.stderr, flush=True)


def _where_to_look(tracker: Tracker, run_id: str) -> str:
    """The run's own page, of a sweep its members side by side; how to start what shows it.

    Folds are not compared with each other: what they come to together is on their parent's page.
    """
    address = without_credentials(tracker.uri) if tracker.is_server else local_address()
    tags = tracker.get(run_id).tags
    compares = SWEEP_TAG in tags and Kind.of_tag(tags.get(KIND_TAG)) is not Kind.FOLDS
    show = comparison_link if compares else link
    page = show(address, tracker.experiment_id, run_id)
    if tracker.is_server:
        return page
    command = printed_command("raphe", "ui", *tracker.options)
    return f"`{command}`, then {page}"


def places(config: DictConfig) -> list[object]:
    """What tells an export where data lie and which settings are the person's own."""
    data_root, folder = Path(config.data_root), own_folder(config)
    options: list[object] = []
    if data_root.absolute() != Path(on_this_machine("data_root") or DEFAULT_DATA_ROOT).absolute():
        options += ["--data-root", data_root]
    return options if folder is None else [*options, "--config-dir", folder]
