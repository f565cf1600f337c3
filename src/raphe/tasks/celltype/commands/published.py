"""The `raphe reproduce` command."""

import argparse
from pathlib import Path

from raphe.core.command_line import Subparsers, add_command


def add_reproduce(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        _reproduce,
        "reproduce",
        "the papers' claims beside what is recomputed, and why they differ",
        "Without options from what the papers print alone. Exit code: 0 done, 1 a source cannot be "
        "used (error: …), 2 wrong usage.",
    )
    parser.add_argument(
        "--run",
        dest="tracked",  # `run` is what the command does
        action="extend",
        nargs="+",
        default=[],
        metavar="RUN",
        help="also both definitions on these runs, and both ensembles on sweeps: ids or artifacts",
    )
    parser.add_argument(
        "--runs", type=Path, default=Path("mlruns"), help="where runs are tracked (default: mlruns)"
    )
    parser.add_argument("--store", type=Path, help="also how this store's split leaks")
    parser.add_argument(
        "--checkpoints",
        type=Path,
        nargs="+",
        default=[],
        metavar="CKPT",
        help="networks to show the whole store, as the authors' own from raphe import-keras",
    )
    parser.add_argument(
        "--published",
        type=Path,
        metavar="CSV",
        help="also the test figures that the authors' notebooks print for each kernel",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="write reproduce.txt, .csv and .png there"
    )


def _reproduce(options: argparse.Namespace) -> int:
    from raphe.core.claims import claims_text
    from raphe.core.errors import SettingError
    from raphe.tasks.celltype.published.reproduce import Sources, reproduce, write

    if options.checkpoints and options.store is None:
        raise SettingError("--checkpoints: what are they to be shown? name it with --store STORE")
    claims = reproduce(
        Sources(
            options.tracked, options.runs, options.store, options.checkpoints, options.published
        )
    )
    print(claims_text(claims))
    if options.out is not None:
        print("wrote " + ", ".join(map(str, write(claims, options.out))))
    return 0
