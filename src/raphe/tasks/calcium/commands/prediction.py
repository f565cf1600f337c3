"""The command that infers rates of new traces: `raphe predict`."""

import argparse
from pathlib import Path

from raphe.core.command_line import define, list_out, one_input
from raphe.tasks.calcium.commands.trace_options import (
    add_trace_options,
    conditioning,
    trace_options,
)

KINDS = ("npy", "csv", "mat")


def add_predict(parser: argparse.ArgumentParser) -> None:
    define(
        parser,
        _predict,
        "INPUT is a file of traces, or a Suite2p folder. Writes rates and their spread over the "
        "ensemble, in spikes/s for each frame of the file, a table, traces.csv, and a figure of "
        "some, into --out (default: rates). A trace that is constant, infinite, too short "
        "or without a single number is marked and left out, and the others go on; one unlike those "
        "of training is named. However many traces there are, only a few are held in memory (.csv "
        "and .mat files are read whole). If it is interrupted, the same command goes on where it "
        "was. Exit code: 0 when "
        "every trace has a rate; 1 when some are left out, or none has (error: …); 2 for wrong "
        "usage; 130 interrupted.",
    )
    parser.set_defaults(out=Path("rates"))
    parser.add_argument(
        "--as",
        dest="kind",
        choices=KINDS,
        default=KINDS[0],
        help="of the files of rates: npy (traces × frames), csv (a column a trace, as the "
        "Spikefinder challenge has it) or mat (MATLAB 7.3) (default: %(default)s)",
    )
    parser.add_argument(
        "--spikes", action="store_true", help="also write discrete spike times, spikes.csv"
    )
    add_trace_options(parser)


def _predict(options: argparse.Namespace) -> int:
    from raphe.tasks.calcium.ensemble.bundle import RateBundle
    from raphe.tasks.calcium.prediction.infer_rates import Inferrer
    from raphe.tasks.calcium.prediction.predict_rates import predict_rates
    from raphe.tasks.calcium.recordings.read_traces import read_traces

    traces = read_traces(one_input(options), trace_options(options))
    bundle = RateBundle.open(options.bundle, content_hash=options.content_hash)
    inferrer = Inferrer(bundle, conditioning(options))
    summary = predict_rates(
        traces, inferrer, options.out, options.kind, options.spikes, options.overwrite
    )
    n_inferred = summary.n_traces - len(summary.left_out)
    print(f"{summary.out}: rates of {n_inferred} of {summary.n_traces} traces, in spikes/s")
    list_out("warning", summary.warnings)
    list_out("unlike training, to be taken with caution", summary.unlike)
    list_out("frames that are no fluorescence, taken as missing", summary.bridged)
    list_out("left out", summary.left_out)
    return int(bool(summary.left_out))
