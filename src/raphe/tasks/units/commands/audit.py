"""The subcommand `raphe audit` for units."""

import argparse
from dataclasses import fields

from raphe.core.audit.options import add_settings, finish
from raphe.core.command_line import define, train_next
from raphe.core.parser import Parser
from raphe.tasks.units.audit.settings import Settings

HELP = {
    "members": "networks of each fold",
    "max_epochs": "epochs of each training",
    "folds": "folds of the cross-validation by unit, session and animal",
    "shuffles": "how many times labels are dealt out anew",
    "seed": "seed of splits, draws and networks",
}


def add_audit(parser: Parser) -> None:
    define(
        parser,
        _audit,
        "Trains the same networks in several ways, so that every unit is tested: split by unit, "
        "session and animal where these are known; on what tells of a unit's recording alone "
        "(amplitude, place of the trough, unrest before the spike, what is missing); and with "
        "labels that were shuffled over units, or dealt out to whole animals or sessions. The "
        "first sentences say which units are there twice, what leaks, whether animals or sessions "
        "come with a label, and which split prevents it. If it is interrupted, the same command "
        "goes on with the trainings done.",
    )
    add_settings(parser, Settings, HELP)


def _audit(options: argparse.Namespace) -> int:
    from raphe.core.audit.kept import keep
    from raphe.tasks.units.audit.audit import audit
    from raphe.tasks.units.audit.plan import planned

    settings = Settings(**{field.name: getattr(options, field.name) for field in fields(Settings)})
    plan = planned(options.store, settings)
    stores = {"units": plan.store.content_hash}
    kept = keep(options.out, stores, options.trainer, vars(settings), options.overwrite)
    names = [training.name for training in plan.trainings]
    print(f"{plan.summary}{kept.progress(names)}", flush=True)
    with options.fitting(options.out, options.trainer) as fit:
        result = audit(plan, fit, kept)
    finish(options.out, result, kept)
    known = all(plan.store.names_of("animal"))
    print(train_next(options.store, task="units", **({"data.split": "animal"} if known else {})))
    return 0
