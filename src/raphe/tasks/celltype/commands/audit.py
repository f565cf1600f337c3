"""The subcommand `raphe audit`."""

import argparse
from dataclasses import fields
from pathlib import Path

from raphe.core.audit.options import add_settings, finish
from raphe.core.command_line import define, train_next
from raphe.core.parser import Parser
from raphe.tasks.celltype.audit.settings import Settings

HELP = {
    "kernel": "kernel size of the network",
    "max_epochs": "epochs of each training at most",
    "patience": "epochs without a better validation loss before a training stops",
    "n_spikes": "most spikes to use, drawn evenly from the cells; as many of noise",
    "folds": "folds of the cross-validation by cell, day, animal and source",
    "shuffles": "how many times the labels are shuffled over the cells",
    "seed": "seed of splits, draws and networks",
}


def add_audit(parser: Parser) -> None:
    define(
        parser,
        _audit,
        "Trains one network in several ways, so that every cell is tested: split by spike and, in "
        "folds, by cell, day, animal and source where these are known; on noise without a spike; "
        "and with labels shuffled over cells. The first sentences say what leaks, and which split "
        "prevents it. If it is interrupted, the same command goes on with the trainings done.",
    )
    parser.add_argument(
        "--masks", type=Path, help="noise for the control, cut by raphe masks from the recordings"
    )
    add_settings(parser, Settings, HELP)


def _audit(options: argparse.Namespace) -> int:
    from raphe.core.audit.kept import keep
    from raphe.tasks.celltype.audit.audit import audit
    from raphe.tasks.celltype.audit.plan import planned

    settings = Settings(**{field.name: getattr(options, field.name) for field in fields(Settings)})
    with planned(options.store, options.masks, settings) as plan:
        plan.require_kernel_that_fits()
        kept = keep(options.out, plan.hashes, options.trainer, vars(settings), options.overwrite)
        names = [training.name for training in plan.trainings]
        print(f"{plan.summary}{kept.progress(names)}", flush=True)
        with options.fitting(options.out, options.trainer) as fit:
            result = audit(plan, fit, kept)
    finish(options.out, result, kept)
    print(train_next(options.store, experiment="cross_validation"))
    return 0
