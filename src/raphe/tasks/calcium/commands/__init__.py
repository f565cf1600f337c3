"""The `raphe` subcommands of this task: options in, one call, a summary out."""

import argparse
import sys
from pathlib import Path

from raphe.core.command_line import Subparsers, add_command, add_overwrite, list_out
from raphe.tasks.calcium.commands.prediction import add_predict_spikes
from raphe.tasks.calcium.commands.trace_options import (
    add_trace_options,
    conditioning,
    trace_options,
)


def add_commands(subparsers: Subparsers) -> None:
    """Add every subcommand; each sets `run`, a function of its options that gives the exit code."""
    _add_import_traces(subparsers)
    _add_import_elephant(subparsers)
    _add_place_traces(subparsers)
    add_predict_spikes(subparsers)


def _add_import_traces(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        _import_traces,
        "import-traces",
        "read calcium traces and the spikes recorded with them into a store to train on",
        "Takes every NAME.calcium.csv of the folder with its NAME.spikes.csv, a column a recording "
        "and in the other file its spikes in each sample, as the Spikefinder challenge has them; "
        "also .csv.gz, .npy, .npz, .mat. NAME is the dataset. The challenge's own files, "
        "4.train.calcium.csv, are taken as they are; others are brought to 100 Hz and normalised. "
        "Exit code: 0 when all was taken; 1 when recordings are left out of the store, or none was "
        "written (error: …); 2 for wrong usage.",
    )
    parser.add_argument("folder", type=Path, help="folder of the files")
    parser.add_argument("store", type=Path, help="folder to make for the store")
    add_trace_options(parser)
    add_overwrite(parser)


def _import_traces(options: argparse.Namespace) -> int:
    from raphe.tasks.calcium.stores.import_traces import import_traces

    report = import_traces(
        options.folder,
        options.store,
        trace_options(options),
        conditioning(options),
        options.overwrite,
    )
    datasets = ", ".join(report.recordings)
    print(
        f"{report.store}: {sum(report.recordings.values())} recordings with {report.n_spikes} "
        f"spikes, of dataset {datasets}"
    )
    list_out("left out", report.left_out)
    if report.left_out:
        print("warning: store written, with recordings left out (exit code 1)", file=sys.stderr)
    else:
        print(f"next: python train.py task=calcium data.store='{report.store}'")
    return int(bool(report.left_out))


def _add_import_elephant(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        _import_elephant,
        "import-elephant",
        "turn published weights of Spikefinder-Elephant (.h5) into a checkpoint",
        "Reads the Keras weights model1.h5 to model5.h5 of Rupprecht and Gerhard (2017) without "
        "Keras. Train on from them with `python train.py task=calcium model.weights=CHECKPOINT`.",
    )
    parser.add_argument("file", type=Path, help="the .h5 file")
    parser.add_argument("checkpoint", type=Path, help="the checkpoint to write (.ckpt)")


def _import_elephant(options: argparse.Namespace) -> int:
    from raphe.tasks.calcium.elephant.weights_import import import_elephant

    print(f"wrote {import_elephant(options.file, options.checkpoint)}")
    return 0


def _add_place_traces(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        _place_traces,
        "place-traces",
        "tell which datasets new calcium traces resemble",
        "Places the recordings of a file by eighteen statistics of their traces, maps them to the "
        "space in which datasets that predict each other are near, and prints how far each dataset "
        "is and how much it would count in retraining (experiment=calcium_retrain).",
    )
    parser.add_argument("traces", type=Path, help="file of the traces, or a Suite2p folder")
    parser.add_argument(
        "embedding",
        type=Path,
        help="Elephant's folder statEmbedding, or embedding.json of experiment=calcium_embedding",
    )
    parser.add_argument("--figure", type=Path, metavar="PNG", help="also draw both spaces")
    add_trace_options(parser)


def _place_traces(options: argparse.Namespace) -> int:
    from raphe.tasks.calcium.elephant.embedding import retraining_weights
    from raphe.tasks.calcium.elephant.embedding_figure import spaces_figure
    from raphe.tasks.calcium.elephant.focus import Focus

    focus = Focus(options.traces, options.embedding, trace_options(options), conditioning(options))
    embedding = focus.embedding_without(())
    place = embedding.place(focus.statistics)
    distances = embedding.distances(place)
    weights = retraining_weights(distances)
    print(f"{options.traces}: {len(focus.statistics)} recordings placed")
    print("dataset  distance  weight")
    for name in sorted(distances, key=distances.get):
        print(f"{name:>7}  {distances[name]:8.2f}  {weights[name]:6.3f}")
    if options.figure is not None:
        spaces_figure(embedding, {options.traces.name: place}).savefig(options.figure, dpi=150)
        print(f"drew {options.figure}")
    return 0
