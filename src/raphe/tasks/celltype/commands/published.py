"""The commands around what the authors published: fetch, import keras, reproduce."""

import argparse
import sys
from pathlib import Path

from raphe.core.command_line import add_overwrite, define, list_out
from raphe.core.files.outputs import CHECKPOINT, Output
from raphe.core.parser import Parser
from raphe.tasks.celltype.published.fetch import DRIVE_FOLDERS, INSTALL


def add_reproduce(parser: Parser) -> None:
    define(
        parser,
        _reproduce,
        "Without options from what the papers and their README print alone. With --out "
        "reproduce.txt, .csv and .png; of a sweep over kernels also epochs.png, all kernels in one "
        "figure, and of its consensus confusion.png and cells.csv for each test set. Exit code: 0 "
        "done, 1 a source cannot be used (error: …), 2 wrong usage.",
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
        help="networks to show the whole store, as the authors' own from raphe import keras",
    )
    parser.add_argument(
        "--published",
        type=Path,
        metavar="CSV",
        help="also the test figures that the authors' notebooks print for each kernel",
    )


def _reproduce(options: argparse.Namespace) -> int:
    from raphe.core.claims import claims_text
    from raphe.core.errors import SettingError
    from raphe.tasks.celltype.published.reproduce import Sources, reproduce, write

    if options.checkpoints and options.store is None:
        raise SettingError("--checkpoints: what are they to be shown? name it with --store STORE")
    made = reproduce(
        Sources(
            options.tracked, options.runs, options.store, options.checkpoints, options.published
        )
    )
    print(claims_text(made.claims))
    if options.out is not None:
        print("wrote " + ", ".join(map(str, write(made, options.out))))
    return 0


def add_fetch(parser: Parser) -> None:
    define(
        parser,
        _fetch,
        f"Needs gdown: {INSTALL}. Run it again to go on where it stopped; what is "
        "there already is not downloaded again.",
    )
    parser.add_argument("what", choices=list(DRIVE_FOLDERS), help="what to download")
    parser.add_argument("folder", type=Output.FILLED, help="folder to download into")


def _fetch(options: argparse.Namespace) -> int:
    from raphe.tasks.celltype.published.fetch import fetch

    report = fetch(options.what, options.folder)
    print(
        f"{report.folder}: {report.n_new + report.n_kept} of {report.n_listed} files "
        f"({report.n_new} new, {report.n_kept} there before)"
    )
    kinds = ", ".join(f"{n} {kind or 'without a suffix'}" for kind, n in report.suffixes().items())
    print(f"in the folder: {kinds or 'nothing yet'}")
    list_out("not fetched", report.failed)
    if report.complete:
        print(f"next: {report.next_command()}")
        return 0
    print(
        f"not complete ({report.n_untried} files not tried): run the same command again later, it "
        f"keeps what came\nwith what came: {report.next_command()}",
        file=sys.stderr,
    )
    return 1


def add_import_keras(parser: Parser) -> None:
    define(
        parser,
        _import_keras,
        "Reads Keras 2.14, 2.15 and 3 without Keras. raphe export --checkpoints takes the .keras "
        "file itself.",
    )
    parser.add_argument("file", type=Path, help="the .keras file")
    parser.add_argument("checkpoint", type=CHECKPOINT, help="the checkpoint to write (.ckpt)")
    add_overwrite(parser)


def _import_keras(options: argparse.Namespace) -> int:
    from raphe.tasks.celltype.published.keras_import import import_keras

    print(f"wrote {import_keras(options.file, options.checkpoint)}")
    return 0
