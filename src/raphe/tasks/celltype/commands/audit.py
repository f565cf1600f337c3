"""The subcommand `raphe audit`."""

import argparse
from dataclasses import fields
from pathlib import Path

from raphe.core.command_line import add_overwrite, define, train_next
from raphe.core.files.outputs import Output
from raphe.core.parser import Parser
from raphe.tasks.celltype.audit.settings import Settings

TEXT, CSV_FILE, PICTURE = "audit.txt", "audit.csv", "audit.png"
HELP = {
    "kernel": "kernel size of the network",
    "max_epochs": "epochs of each training at most",
    "patience": "epochs without a better validation loss before a training stops",
    "n_spikes": "most spikes to use, drawn evenly from the cells; as many of noise",
    "folds": "folds of the cross-validation by cell, day, animal and source",
    "shuffles": "how many times the labels are shuffled over the cells",
    "seed": "seed of splits, draws and networks",
}
AS_NEEDED = "as many as the test needs"


def add_audit(parser: Parser) -> None:
    define(
        parser,
        _audit,
        "Trains one network in several ways, so that every cell is tested: split by spike and, in "
        "folds, by cell, day, animal and source where these are known; on noise without a spike; "
        "and with labels shuffled over cells. The first sentences say what leaks, and which split "
        "prevents it. If it is interrupted, the same command goes on with the trainings done.",
    )
    parser.add_argument("store", type=Path, help="labelled spikes, as made by raphe extract")
    parser.add_argument(
        "--masks", type=Path, help="noise for the control, cut by raphe masks from the recordings"
    )
    parser.add_argument(
        "--out",
        type=Output.FILLED,
        default=Path("audit"),
        help=f"folder for {TEXT}, {CSV_FILE}, {PICTURE} and the results of finished trainings "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--trainer", default="cpu", choices=("cpu", "gpu"), help="(default: %(default)s)"
    )
    for field in fields(Settings):
        option = "--" + field.name.replace("_", "-")
        default = AS_NEEDED if field.default is None else field.default
        parser.add_argument(
            option, type=int, default=field.default, help=f"{HELP[field.name]} (default: {default})"
        )
    add_overwrite(parser)


def _audit(options: argparse.Namespace) -> int:
    from raphe.core.figure_style import save_figure
    from raphe.core.files.atomic import write_file
    from raphe.tasks.celltype.audit.audit import audit
    from raphe.tasks.celltype.audit.figure import draw
    from raphe.tasks.celltype.audit.kept import keep
    from raphe.tasks.celltype.audit.plan import planned
    from raphe.tasks.celltype.audit.report import as_csv, text

    settings = Settings(**{field.name: getattr(options, field.name) for field in fields(Settings)})
    with planned(options.store, options.masks, settings) as plan:
        plan.require_kernel_that_fits()
        kept = keep(options.out, plan, options.trainer, options.overwrite)
        print(f"{plan.summary}{kept.progress(plan)}", flush=True)
        with options.fitting(options.out, options.trainer) as fit:
            result = audit(plan, fit, kept)
    write_file(options.out / TEXT, text(result) + "\n")
    write_file(options.out / CSV_FILE, as_csv(result))
    if result.rows:
        save_figure(draw(result), options.out / PICTURE)
    kept.finish()
    print(text(result))
    written = [TEXT, CSV_FILE, *([PICTURE] if result.rows else [])]
    print(f"wrote {', '.join(str(options.out / name) for name in written)}")
    print(train_next(options.store, experiment="cross_validation"))
    return 0
