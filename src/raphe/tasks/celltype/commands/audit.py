"""The subcommand `raphe audit`."""

import argparse
from dataclasses import fields
from pathlib import Path

from raphe.core.command_line import define
from raphe.tasks.celltype.audit.settings import Settings

TABLE, CSV_FILE, PICTURE = "audit.txt", "audit.csv", "audit.png"
HELP = {
    "kernel": "kernel size of the network",
    "max_epochs": "epochs of each training at most",
    "patience": "epochs without a better validation loss before a training stops",
    "n_spikes": "spikes at most, drawn evenly over the cells",
    "shuffles": "times that labels are shuffled over the cells",
    "seed": "of splits, draws and networks",
}


def add_audit(parser: argparse.ArgumentParser) -> None:
    define(
        parser,
        _audit,
        "Trains one network in several ways: split by spike, by cell, by day and, where they are "
        "known, by animal, on noise without a spike, and with labels shuffled over cells. One "
        "table, one sentence.",
    )
    parser.add_argument("store", type=Path, help="labelled spikes, as made by raphe extract")
    parser.add_argument(
        "--masks", type=Path, help="noise for the control, cut by raphe masks from the recordings"
    )
    parser.add_argument("--out", type=Path, help=f"folder for {TABLE}, {CSV_FILE} and {PICTURE}")
    parser.add_argument(
        "--trainer", default="cpu", choices=("cpu", "gpu"), help="(default: %(default)s)"
    )
    parser.add_argument(
        "--runs",
        type=Path,
        default=Path("mlruns"),
        help="folder of tracked runs: an audit that was interrupted goes on from there (default: "
        "mlruns)",
    )
    for field in fields(Settings):
        option = "--" + field.name.replace("_", "-")
        parser.add_argument(
            option,
            type=int,
            default=field.default,
            help=f"{HELP[field.name]} (default: %(default)s)",
        )


def _audit(options: argparse.Namespace) -> int:
    from raphe.core.files.atomic import reporting
    from raphe.tasks.celltype.audit.audit import audit
    from raphe.tasks.celltype.audit.report import as_csv, draw, table

    settings = Settings(**{field.name: getattr(options, field.name) for field in fields(Settings)})
    with options.fitting(options.runs, options.trainer) as fit:
        report = audit(options.store, fit, options.masks, settings)
    print(table(report))
    if options.out:
        with reporting(options.out):
            options.out.mkdir(parents=True, exist_ok=True)
            (options.out / TABLE).write_text(table(report) + "\n", encoding="utf-8")
            (options.out / CSV_FILE).write_text(as_csv(report), encoding="utf-8")
            draw(report).savefig(options.out / PICTURE, dpi=300)
    return 0
