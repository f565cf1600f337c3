"""The commands around Elephant: `raphe import elephant` and `raphe place`."""

import argparse
from pathlib import Path

from raphe.core.command_line import add_overwrite, define, list_out, printed_command
from raphe.core.files.outputs import FIGURE, Output
from raphe.core.parser import Parser
from raphe.core.sentences import counted, printable
from raphe.tasks.calcium.commands.trace_options import (
    add_trace_options,
    conditioning_of,
    trace_options,
)


def add_import_elephant(parser: Parser) -> None:
    define(
        parser,
        _import_elephant,
        "Reads the Keras weights model1.h5 to model5.h5 of Rupprecht and Gerhard (2017) without "
        "Keras. `raphe predict TRACES --bundle BUNDLE` then writes what Elephant says of traces, "
        "which is no rate in spikes/s. To train on from one of the files: raphe train "
        "task=elephant model.weights=model1.h5.",
    )
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="the .h5 files; their mean is told"
    )
    parser.add_argument("bundle", type=Output.FOLDER, help="folder to make for the bundle")
    add_overwrite(parser)


def _import_elephant(options: argparse.Namespace) -> int:
    from raphe.tasks.calcium.elephant.export import import_elephant

    bundle = import_elephant(options.files, options.bundle, options.overwrite)
    print(f"{printable(bundle)}: {counted('network', len(options.files))} of Elephant")
    command = ("raphe", "predict", "TRACES", "--rate", "HZ", "--bundle", bundle)
    print(f"next: {printed_command(*command)}")
    return 0


def add_place(parser: Parser) -> None:
    define(
        parser,
        _place,
        "Places the recordings of a file by eighteen statistics of their traces, maps them to the "
        "space in which datasets that predict each other are near, and prints how far each dataset "
        "is and how much it would count in retraining (experiment=elephant_retrain).",
    )
    parser.add_argument("traces", type=Path, help="file of the traces, or a Suite2p folder")
    parser.add_argument(
        "embedding",
        type=Path,
        help="Elephant's folder statEmbedding, or embedding.json of task=elephant_embedding",
    )
    parser.add_argument("--figure", type=FIGURE, metavar="PNG", help="also draw both spaces")
    add_overwrite(parser)
    add_trace_options(parser)


def _place(options: argparse.Namespace) -> int:
    from raphe.core.figure_style import check_figure_name, save_figure
    from raphe.tasks.calcium.elephant.embedding import retraining_weights
    from raphe.tasks.calcium.elephant.embedding_figure import spaces_figure
    from raphe.tasks.calcium.elephant.focus import Focus

    if options.figure is not None:
        check_figure_name(options.figure)
    conditioned = conditioning_of(options, [options.traces])
    focus = Focus(options.traces, options.embedding, trace_options(options), conditioned)
    embedding = focus.embedding_without(())
    place = embedding.place(focus.statistics)
    distances = embedding.distances(place)
    weights = retraining_weights(distances)
    print(f"{options.traces}: {counted('recording', len(focus.statistics))} placed")
    list_out("warning", focus.opened.told)
    print("dataset  distance  weight")
    for name in sorted(distances, key=lambda name: distances[name]):
        print(f"{printable(name):>7}  {distances[name]:8.2f}  {weights[name]:6.3f}")
    if options.figure is not None:
        save_figure(spaces_figure(embedding, {options.traces.name: place}), options.figure)
        print(f"drew {options.figure}")
    return 0
