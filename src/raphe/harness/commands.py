"""The commands that serve every task."""

import argparse
from pathlib import Path

from raphe.core.command_line import Command, add_overwrite, define
from raphe.core.errors import RapheError

COMMANDS = (
    Command(
        "train",
        "train, test and track a network; with -m a sweep over settings",
        "raphe.harness.start.program:train",
        passes_on=True,
    ),
    Command(
        "export",
        "make a bundle of a tracked sweep's members, to predict with",
        "raphe.harness.commands:add_export",
    ),
    Command("ui", "show the tracked runs in the browser", "raphe.harness.commands:add_ui"),
    Command("check", "the hash of every file", "raphe.core.command_line:add_check_hashes"),
)


def add_export(parser: argparse.ArgumentParser) -> None:
    define(
        parser,
        _export,
        "Its data must be where they were when it ran, unchanged. Other settings than these: "
        "raphe train stage=export.",
    )
    parser.add_argument(
        "--sweep",
        metavar="RUN",
        help="run id of the sweep or of a single run (default: the newest)",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to make for the bundle")
    parser.add_argument(
        "--members",
        metavar="WAY",
        help="which to take, as all or top:N; a task may know more ways, see export.members in its "
        "settings (default: as configured)",
    )
    parser.add_argument(
        "--runs", type=Path, default=Path("mlruns"), help="folder of tracked runs (default: mlruns)"
    )
    parser.add_argument("--uri", help="MLflow server instead, as http://host:5000")
    parser.add_argument(
        "--experiment",
        metavar="NAME",
        help="to take the newest sweep or single run of (default: the newest sweep of all)",
    )
    add_overwrite(parser)
    parser.add_argument(
        "--no-register", action="store_true", help="leave MLflow's model registry as it is"
    )


def _export(options: argparse.Namespace) -> int:
    from raphe.harness.runs_folder import require_runs

    if options.uri is None:  # told before MLflow and torch are loaded, which takes seconds
        require_runs(options.runs)
    from raphe.harness.export import export_sweep, recorded_settings
    from raphe.harness.process import quieten
    from raphe.harness.registry import find_sweep
    from raphe.harness.start.explain import user_line

    quieten()
    try:
        tracker, sweep = find_sweep(options.runs, options.uri, options.sweep, options.experiment)
        settings = recorded_settings(tracker, sweep)
        settings.out = str(options.out) if options.out else None
        settings.overwrite = options.overwrite
        if options.members:
            settings.members = options.members
        if options.no_register:
            settings.register_as = None
        export_sweep(tracker, sweep, settings)
    except Exception as error:
        line = user_line(error)
        if line is None:
            raise
        raise RapheError(line) from error
    return 0


def add_ui(parser: argparse.ArgumentParser) -> None:
    define(
        parser,
        _ui,
        "Starts MLflow's page, without its telemetry, and prints the link to the runs of the "
        "experiment. Ctrl-C ends it.",
    )
    parser.add_argument("--port", type=int, default=5000, help="(default: %(default)s)")
    parser.add_argument(
        "--runs", type=Path, default=Path("mlruns"), help="folder of tracked runs (default: mlruns)"
    )
    parser.add_argument(
        "--experiment", metavar="NAME", help="to open (default: that of the newest run)"
    )


def _ui(options: argparse.Namespace) -> int:
    from raphe.harness.ui import show

    return show(options.runs, options.port, options.experiment)
