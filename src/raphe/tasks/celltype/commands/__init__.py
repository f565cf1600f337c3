"""The `raphe` subcommands of this task: options in, one call, a summary out."""

import argparse
import sys
from pathlib import Path

from raphe.core.command_line import Subparsers, add_command, add_overwrite, list_out
from raphe.tasks.celltype.commands.audit import add_audit
from raphe.tasks.celltype.commands.features import add_features, add_import_windows
from raphe.tasks.celltype.commands.prediction import add_predict, add_watch
from raphe.tasks.celltype.commands.published import add_reproduce
from raphe.tasks.celltype.commands.stores import add_extract, add_import_csv, add_import_npy
from raphe.tasks.celltype.commands.synthetic import add_masks, add_synthesize
from raphe.tasks.celltype.published.fetch import DRIVE_FOLDERS, INSTALL


def add_commands(subparsers: Subparsers) -> None:
    """Add every subcommand; each sets `run`, a function of its options that gives the exit code."""
    for add in (
        add_predict,
        add_watch,
        add_audit,
        add_extract,
        add_import_csv,
        add_import_npy,
        add_import_windows,
        add_features,
        add_masks,
        add_synthesize,
        _add_fetch,
        _add_check,
        _add_simulate,
        _add_import_keras,
        add_reproduce,
    ):
        add(subparsers)


def _add_fetch(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        _fetch,
        "fetch",
        "download the authors' public data or models from Google Drive",
        f"Needs gdown: {INSTALL}. Run it again to go on where it stopped; what is "
        "there already is not downloaded again.",
    )
    parser.add_argument("what", choices=list(DRIVE_FOLDERS), help="what to download")
    parser.add_argument("folder", type=Path, help="folder to download into")


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


def _add_check(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        _check,
        "check",
        "verify that a store is whole: shapes, sizes, and the hash of every file",
        "Reads every byte. The authors' arrays have no hashes; of them shapes, labels and cells "
        "are checked.",
    )
    parser.add_argument("store", type=Path, help="a store, or a folder of the authors' arrays")


def _check(options: argparse.Namespace) -> int:
    from raphe.core.files.store import MANIFEST
    from raphe.tasks.celltype.stores.open_spikes import check_spikes, open_spikes

    is_store = (options.store / MANIFEST).exists() or not options.store.exists()
    if is_store:
        check_spikes(options.store)
    spikes = open_spikes(options.store)
    print(
        f"{options.store}: {spikes.n} spikes of {len(spikes.cells)} cells, {spikes.unit}, ", end=""
    )
    print(f"{spikes.rate_hz:g} Hz; {'every hash is right' if is_store else 'consistent'}")
    print(f"content hash {spikes.content_hash}")
    return 0


def _add_simulate(subparsers: Subparsers) -> None:
    from raphe.tasks.celltype.synthetic.simulated_recordings import Simulation

    parser = add_command(
        subparsers,
        _simulate,
        "simulate",
        "write simulated loose-seal recordings as .abf files, to try things out",
        "Accuracy on simulated cells says nothing about biology.",
    )
    parser.add_argument("folder", type=Path, help="folder to make, with SER/, NSER/ and cells.csv")
    for name, kind, text in (
        ("n_ser", int, "serotonergic cells"),
        ("n_nser", int, "other cells"),
        ("days", int, "recording days to spread them over, each with a noise of its own"),
        ("duration_s", float, "length of each recording in s"),
        ("seed", int, "seed of everything random"),
    ):
        default = getattr(Simulation, name)
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, type=kind, default=default, help=f"{text} (default: {default})")
    parser.add_argument(
        "--nonhomogeneous",
        action="store_true",
        help="on days and in noise that the other set never has",
    )
    parser.add_argument(
        "--figure", type=Path, metavar="PNG", help="also draw example spikes and noise to this file"
    )
    parser.add_argument(
        "--published",
        type=Path,
        metavar="FOLDER",
        help="draw them beside a real spike and noise masks, CSV files in this folder",
    )
    add_overwrite(parser)


def _simulate(options: argparse.Namespace) -> int:
    from raphe.tasks.celltype.synthetic.simulated_recordings import CAVEAT, Simulation, simulate

    simulation = Simulation(
        options.n_ser,
        options.n_nser,
        options.days,
        options.duration_s,
        options.seed,
        options.nonhomogeneous,
    )
    folder = simulate(options.folder, simulation, options.overwrite)
    print(f"{folder}: {simulation.n_ser} SER and {simulation.n_nser} NSER recordings\n{CAVEAT}")
    if options.figure is not None:
        from raphe.tasks.celltype.synthetic.simulation_figure import draw

        draw(simulation, options.published).savefig(options.figure, dpi=150)
        print(f"drew {options.figure}")
    print(f"next: raphe extract '{options.folder}' STORE")
    return 0


def _add_import_keras(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        _import_keras,
        "import-keras",
        "turn one of the authors' Keras models (.keras) into a checkpoint",
        "Reads Keras 2.14, 2.15 and 3 without Keras.",
    )
    parser.add_argument("file", type=Path, help="the .keras file")
    parser.add_argument("checkpoint", type=Path, help="the checkpoint to write (.ckpt)")


def _import_keras(options: argparse.Namespace) -> int:
    from raphe.tasks.celltype.published.keras_import import import_keras

    print(f"wrote {import_keras(options.file, options.checkpoint)}")
    return 0
