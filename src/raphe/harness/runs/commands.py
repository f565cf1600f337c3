"""`raphe runs`: list, clean, set a champion."""

import argparse
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from raphe.core.command_line import define, printed_command
from raphe.core.errors import SettingError, StoreError, UsageError
from raphe.core.parser import Parser
from raphe.core.sentences import counted, printable
from raphe.harness.database.address import add_where_tracked, as_named, without_credentials
from raphe.harness.database.folder import given_runs

if TYPE_CHECKING:  # takes seconds to load
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from raphe.harness.runs.inventory import Inventory


NARROW = 110  # characters of a terminal; below them a date and a status take two lines
LONGEST_WHOLE = 24  # name of an experiment, that it leaves the other columns room
SHOWN_OF_ID = 8  # digits, by which `raphe export --sweep` finds a run again
COLUMNS: tuple[tuple[str, Literal["left", "right"], int | None], ...] = (
    # With the width on a narrow terminal, of words that stay whole.
    ("experiment", "left", None),
    ("run", "left", None),
    ("id", "left", SHOWN_OF_ID),
    ("begun", "left", 10),
    ("status", "left", 9),
    ("on disk", "right", 7),
    ("weights", "right", 7),
)


def add_runs(parser: Parser) -> None:
    define(
        parser,
        _runs,
        "Without options a list, the newest first, with what each takes up on disk.",
    )
    add_where_tracked(parser)
    parser.add_argument("--experiment", metavar="NAME", help="of these alone (default: of all)")
    doing = parser.add_mutually_exclusive_group()
    doing.add_argument(
        "--clean",
        action="store_true",
        help="show what may go: runs that failed or were interrupted, files of deleted runs, "
        "unfinished work left alone for a day; never what a registered model or the newest sweep "
        "needs",
    )
    doing.add_argument(
        "--champion",
        nargs=2,
        metavar=("MODEL", "VERSION"),
        help="make this version of a registered model the champion, as to go back to an older one",
    )
    doing.add_argument(
        "--send",
        action="store_true",
        help="with --uri: send what runs of the folder --runs kept while that server was away",
    )
    parser.add_argument("--yes", action="store_true", help="with --clean: remove it")


def _runs(options: argparse.Namespace) -> int:
    if options.yes and not options.clean:
        raise UsageError("--yes: goes with --clean")
    if options.clean and options.uri:
        raise UsageError(
            f"--clean: the files of {without_credentials(options.uri)} are not on this machine; "
            "run `mlflow gc` there"
        )
    if options.clean and options.experiment:
        raise UsageError("--clean: looks at the whole folder; leave out --experiment")
    if options.send and not options.uri:
        raise UsageError("--send: name the server with --uri http://HOST:5000")
    if options.uri is None:
        from raphe.harness.database.folder import require_runs

        require_runs(options.runs)  # told before MLflow is loaded, which takes seconds
    from raphe.harness.database.opening import OPTION, open_to_read, reaching
    from raphe.harness.process import quieten
    from raphe.harness.runs.champion import set_champion
    from raphe.harness.runs.inventory import Inventory

    quieten()
    client = open_to_read(options.runs, options.uri)
    with reaching(client.tracking_uri, OPTION):
        if options.champion:
            print(printable(set_champion(client, *options.champion)))
            return 0
        if options.send:
            return _send(client, options.runs.absolute(), options.uri)
        inventory = Inventory.read(client)
    if options.clean:
        return _clean(client, inventory, options.runs.absolute(), options.yes)
    _show(inventory, options)
    return 0


def _send(client: "MlflowClient", runs_root: Path, uri: str) -> int:
    from raphe.harness.database.sending import Unsent, send_all

    sending = send_all(client, runs_root, uri)
    print(f"{counted('run', sending.n_runs)} sent to {without_credentials(uri)}.")
    for sentence in (*Unsent.of(runs_root, uri).told(), *sending.refused):
        print(f"Not sent: {printable(sentence)}.")
    return 1 if sending.refused else 0


def _show(inventory: "Inventory", options: argparse.Namespace) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from raphe.core.sentences import file_size
    from raphe.harness.runs.disk import Usage, usage_of

    names = inventory.experiments
    if options.experiment is not None and options.experiment not in names.values():
        raise SettingError(
            f"--experiment {options.experiment}: there is none such; there are "
            f"{', '.join(map(printable, sorted(names.values())))}"
        )
    members, total = inventory.members(), Usage()
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    console = Console(markup=False)
    is_short = max(map(len, names.values()), default=0) <= LONGEST_WHOLE
    for head, side, narrow in COLUMNS:
        width = narrow if console.width < NARROW else None
        table.add_column(
            head,
            justify=side,
            width=width,
            no_wrap=is_short and head == "experiment",
            overflow="fold",
        )
    for run in inventory.on_top:
        experiment = names[run.info.experiment_id]
        if options.experiment not in (None, experiment):
            continue
        children = members.get(run.info.run_id, [])
        usage = inventory.usage([run, *children])
        total += usage
        sizes = [file_size(usage.total), file_size(usage.checkpoints)]
        table.add_row(
            printable(experiment),
            printable(run.info.run_name),
            printable(run.info.run_id[:SHOWN_OF_ID]),
            _when(run.info.start_time),
            _status(run, children),
            *(["–", "–"] if options.uri else sizes),
        )
    if not table.rows:
        console.print("No run is tracked here.")
        return
    console.print(table)
    _show_versions(inventory, console)
    if options.uri:
        console.print("How much the files take up is known on the server alone.")
        _show_unsent(options, console)
        return
    work = usage_of([options.runs / "work"]).total
    clean = printed_command("raphe", "runs", "--clean", *given_runs(options.runs))
    console.print(
        f"{counted('run', len(inventory.runs))} shown with their members: "
        f"{file_size(total.total)}, of which weights {file_size(total.checkpoints)}. "
        f"Unfinished work: {file_size(work)}.\n"
        f"next: {clean} shows what may go",
        highlight=False,
        soft_wrap=True,
    )


def _show_unsent(options: argparse.Namespace, console) -> None:
    """What this machine still has for the server."""
    from raphe.harness.database.sending import Unsent

    if folders := Unsent.of(options.runs.absolute(), options.uri).folders:
        words = [
            "raphe",
            "runs",
            "--send",
            "--uri",
            as_named(options.uri),
            *given_runs(options.runs),
        ]
        console.print(
            f"Kept here while it was away: {counted('run', len(folders))}.\n"
            f"next: {printed_command(*words)}",
            highlight=False,
            soft_wrap=True,
        )


def _show_versions(inventory: "Inventory", console) -> None:
    """A line for each registered model."""
    of_model: dict[str, list[int]] = {}
    for version in inventory.versions:
        of_model.setdefault(version.name, []).append(int(version.version))
    for name, versions in sorted(of_model.items()):
        champion = inventory.champions.get(name)
        crowned = f"the champion is version {champion}" if champion else "none is champion"
        console.print(
            f"Registered as {printable(name)}: {counted('version', len(versions))}, {crowned}.",
            highlight=False,
        )


def _clean(client: "MlflowClient", inventory: "Inventory", runs_root: Path, is_meant: bool) -> int:
    from raphe.core.sentences import file_size
    from raphe.harness.runs.cleaning import Cleaning, remove
    from raphe.harness.runs.disk import usage_of

    cleaning = Cleaning.of(inventory, runs_root)
    if cleaning.elsewhere:
        places = counted("folder", len(cleaning.elsewhere))
        print(
            f"Left alone: {places} outside of {runs_root}, where this may be a copy of: "
            f"{printable(cleaning.elsewhere[0])}{', …' if len(cleaning.elsewhere) > 1 else ''}"
        )
    if not cleaning.kinds:
        print("Nothing is left over: every run is finished, at work, or needed.")
        return 0
    total, stuck = 0, []
    for kind in cleaning.kinds:
        n_bytes = kind.n_bytes
        print(f"{file_size(n_bytes):>8}  {kind.what}")
        for run in kind.runs:
            where = inventory.experiments[run.info.experiment_id]
            words = f"{run.info.run_id[:SHOWN_OF_ID]} {where}: {run.info.run_name}"
            print(f"{'':10}{printable(words)}")
        if is_meant:
            left = remove(client, kind)
            n_bytes -= usage_of(left).total
            stuck += left
        total += n_bytes
    if not is_meant:
        command = printed_command("raphe", "runs", "--clean", "--yes", *given_runs(runs_root))
        told = f"next: {command} removes it, {file_size(total)}"
        print(f"Nothing was removed. {told}")
        return 0
    print(f"Removed: {file_size(total)}.")
    if stuck:
        more = f" and {len(stuck) - 1} more" if len(stuck) > 1 else ""
        raise StoreError(
            f"{stuck[0]}{more}: could not be removed; see who may write there, then clean again"
        )
    return 0


def _when(start_ms: int) -> str:
    return datetime.fromtimestamp(start_ms / 1000).strftime("%Y-%m-%d %H:%M")


def _status(run: "Run", members: "list[Run]") -> str:
    from raphe.harness.tracking import PLANNED_TAG

    status, planned = run.info.status.lower(), run.data.tags.get(PLANNED_TAG)
    if planned is None:
        return status
    n_finished = sum(member.info.status == "FINISHED" for member in members)
    return f"{status}, {n_finished} of {planned} finished"
