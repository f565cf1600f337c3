"""The command that tunes a bundle to own labelled units: `raphe finetune`."""

import argparse
import sys
from pathlib import Path

from raphe.core.command_line import (
    add_content_hash,
    add_overwrite,
    define,
    list_out,
    number_of_threads,
    printed_command,
)
from raphe.core.files.outputs import Output
from raphe.core.parser import Parser
from raphe.core.sentences import printable


def add_finetune(parser: Parser) -> None:
    define(
        parser,
        _finetune,
        "STORE is made by `raphe import units`; a few of its units have labels of the bundle's "
        "classes, others may have none. Where units are few the bundle stays as it is; what is "
        "moved, and how far, is chosen within the units. Every figure is of units, or of whole "
        "animals, that were left out. Writes into --out: bundle, which raphe predict takes; "
        "to_label.csv, the units without a label, the one whose label would teach most first (by "
        "the entropy of what is said of it, and by how far it is from those labelled and those "
        "before it); methods.csv, left_out.csv and curve.csv, the figures, what was called and "
        "the learning curve; tuning.png and tuning.pdf; summary.txt. Exit code: 0 when they were "
        "written, also where nothing could be told; 1 when not (error: …); 2 for wrong usage.",
    )
    parser.add_argument("bundle", type=Path, help="folder made by raphe export or raphe finetune")
    parser.add_argument("store", type=Path, help="units, some of them with a label")
    parser.add_argument(
        "--out",
        type=Output.FOLDER,
        metavar="DIR",
        default=Path("tuned"),
        help="folder to make (default: tuned)",
    )
    parser.add_argument(
        "--target",
        type=_share,
        metavar="SHARE",
        help="balanced accuracy that is wanted: how many more units does it take? (default: what "
        "the bundle reached on units of its own training that it had not seen)",
    )
    parser.add_argument(
        "--together",
        choices=("animal", "session", "unit"),
        help="what is left out as a whole (default: animal where each unit's is known, else "
        "session, else unit)",
    )
    add_content_hash(parser)
    add_overwrite(parser)
    parser.add_argument(
        "--threads", type=number_of_threads, metavar="N", help="of the processor, for the bundle"
    )


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"expected a share between 0 and 1, as 0.8, got {text}")
    return value


def _finetune(options: argparse.Namespace) -> int:
    from raphe.tasks.units.ensemble.bundle import UnitBundle
    from raphe.tasks.units.stores.unit_store import open_units
    from raphe.tasks.units.tuning.report import next_units, sentences, warnings
    from raphe.tasks.units.tuning.tune import tune
    from raphe.tasks.units.tuning.tuned_folder import BUNDLE, fill_tuned, tuned_folder

    bundle = UnitBundle.open(options.bundle, options.threads, options.content_hash)
    store = open_units(options.store)
    with tuned_folder(options.out, options.overwrite) as builder:
        tuned = tune(bundle, store, options.together, options.target, _tell)
        out = fill_tuned(builder, tuned)
    told = warnings(tuned)
    for sentence in (*sentences(tuned), next_units(tuned)):
        if sentence and sentence not in told:
            print(printable(sentence))
    list_out("to be known", told)
    print(f"next: {printed_command('raphe', 'predict', 'FOLDER', '--bundle', out / BUNDLE)}")
    return 0


def _tell(text: str) -> None:
    print(f"{text} …", file=sys.stderr)
