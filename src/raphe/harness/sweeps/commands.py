"""`raphe sweep`: come back to a sweep that was left to a cluster."""

import argparse
from pathlib import Path

from raphe.core.command_line import define
from raphe.core.errors import RapheError
from raphe.core.parser import Parser
from raphe.harness.database.address import add_where_tracked

ACTIONS = ("status", "wait", "report")


def add_sweep(parser: Parser) -> None:
    define(
        parser,
        _sweep,
        "status says how many members have finished, and what the others do; wait stays until all "
        "have ended, then reports; report does so at once. Any machine that reaches the tracked "
        "runs will do; one of the cluster alone sees a job that died.",
    )
    parser.add_argument("action", choices=ACTIONS, help="what to do")
    parser.add_argument(
        "sweep", metavar="RUN", help="id of the sweep, or its beginning as `raphe runs` shows it"
    )
    add_where_tracked(parser)
    parser.add_argument(
        "--config-dir",
        type=Path,
        metavar="DIR",
        help="your own settings beside raphe's, as raphe train had them",
    )


def _sweep(options: argparse.Namespace) -> int:
    from raphe.harness.database.folder import require_runs

    if options.uri is None:
        require_runs(options.runs)  # told before MLflow is loaded, which takes seconds
    from raphe.harness.process import quieten
    from raphe.harness.start.explain import user_line
    from raphe.harness.sweeps import launched
    from raphe.harness.sweeps.finding import find_sweep

    quieten()
    try:
        found = find_sweep(options.runs, options.uri, options.sweep)
        if options.action == "status":
            print(launched.status(found))
            return 0
        return launched.come_back(found, options.config_dir, waits=options.action == "wait")
    except Exception as error:
        line = user_line(error)
        if line is None:
            raise
        raise RapheError(line) from error
