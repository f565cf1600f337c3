"""The subcommand that infers rates of new traces: `raphe predict-spikes`."""

import argparse
from pathlib import Path

from raphe.core.command_line import Subparsers, add_command, list_out
from raphe.tasks.calcium.trace_arguments import add_trace_options, conditioning, trace_options

KINDS = ("npy", "csv", "mat")


def add_predict_spikes(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        _predict_spikes,
        "predict-spikes",
        "infer spike rates from calcium traces with an exported ensemble",
        "Writes rates and their spread over the ensemble, in spikes/s for each frame, a table and "
        "a figure. A trace that is constant, infinite or nowhere a number is marked, and the rest "
        "go on; a trace unlike those of training is told. However many traces there are, a few "
        "are held in memory. Exit code: 0 when every trace has a rate; 1 when some are left out, "
        "or none has (error: …); 2 for wrong usage.",
    )
    parser.add_argument("traces", type=Path, help="file of the traces, or a Suite2p folder")
    parser.add_argument("--bundle", type=Path, required=True, help="folder made by raphe export")
    parser.add_argument(
        "--out", type=Path, default=Path("rates"), help="folder to write (default: %(default)s)"
    )
    parser.add_argument(
        "--as",
        dest="kind",
        choices=KINDS,
        default=KINDS[0],
        help="of the files of rates; mat is MATLAB 7.3 (default: %(default)s)",
    )
    parser.add_argument(
        "--spikes", action="store_true", help="also write discrete spike times, spikes.csv"
    )
    add_trace_options(parser)


def _predict_spikes(options: argparse.Namespace) -> int:
    from raphe.tasks.calcium.predict_spikes import Inferrer, predict_spikes
    from raphe.tasks.calcium.read_traces import read_traces

    traces = read_traces(options.traces, trace_options(options))
    own = options.baseline is not None or options.as_it_is
    inferrer = Inferrer(options.bundle, conditioning(options) if own else None)
    summary = predict_spikes(traces, inferrer, options.out, options.kind, options.spikes)
    n_inferred = summary.n_traces - len(summary.left_out)
    print(f"{summary.out}: rates of {n_inferred} of {summary.n_traces} traces, in spikes/s")
    list_out("warning", summary.warnings)
    list_out("unlike training, to be taken with caution", summary.unlike)
    list_out("left out", summary.left_out)
    return int(bool(summary.left_out))
