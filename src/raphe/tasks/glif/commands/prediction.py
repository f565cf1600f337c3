"""The command that infers parameters of new cells: `raphe predict`."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from raphe.core.command_line import define, left_out_code, list_out, one_input, seed_number
from raphe.core.parser import Parser
from raphe.core.sentences import printable
from raphe.tasks.glif.commands.signal_options import (
    add_no_figure,
    add_signal_options,
    add_simulators,
)

if TYPE_CHECKING:  # numba is loaded by those who infer alone
    from raphe.tasks.glif.prediction.infer_parameters import InferenceReport

UNLIKE = "unlike what was simulated, to be taken with caution"


def add_predict(parser: Parser) -> None:
    define(
        parser,
        _predict,
        "INPUT is the voltage: an array (.npy) of samples or cells × samples, arrays by name "
        "(.npz: voltage_mv, current_pa, rate_hz), a table (.csv) with units in its header, or a "
        "recording (.nwb, .abf, or one of another rig that neo reads). "
        "Writes into --out (default: glif) parameters.csv (medians and intervals, in SI and lab "
        "units), posterior.npz (the draws), neuron_config.json (for AllenSDK's GlifNeuron) and "
        "predictive.png. A trace unlike those that were simulated is named. Exit code: 0 when "
        "every cell has parameters; 1 when some are left out, or none has (error: …); 2 for wrong "
        "usage.",
    )
    parser.set_defaults(out=Path("glif"))
    add_signal_options(parser)
    parser.add_argument(
        "--sweep",
        type=int,
        help="of recordings: its number where an NWB file numbers its sweeps, else its place from "
        "0 in the order of time (default: the first)",
    )
    parser.add_argument(
        "--relative-to-rest",
        action="store_true",
        help="the voltage is relative to the cell's rest, as AllenSDK's GlifNeuron gives it",
    )
    add_simulators(parser)
    add_no_figure(parser)
    parser.add_argument("--samples", type=int, default=1000, help="of each posterior")
    parser.add_argument(
        "--seed", type=seed_number, default=42, help="of the draws (default: %(default)s)"
    )


def _predict(options: argparse.Namespace) -> int:
    from raphe.core.errors import RecordingError, SettingError
    from raphe.tasks.glif.ensemble.bundle import PosteriorBundle
    from raphe.tasks.glif.neurons.compiling import compiling_told
    from raphe.tasks.glif.prediction.infer_parameters import infer_parameters
    from raphe.tasks.glif.recordings.cell_files import Signal, read_cell_traces
    from raphe.tasks.glif.synthetic.quantities import REST

    if options.samples < 1:
        raise SettingError(f"--samples: expected 1 or more, got {options.samples}")
    bundle = PosteriorBundle.open(options.bundle, options.threads, options.content_hash)
    typical_rest_v = bundle.scaler.mean[REST]
    cells = read_cell_traces(
        Signal(one_input(options), options.unit, options.channel),
        Signal(options.stimulus, options.stimulus_unit, options.stimulus_channel),
        options.rate,
        sweep=options.sweep,
        relative_to_v=float(typical_rest_v) if options.relative_to_rest else None,
        cut=options.cut_spikes,
    )
    try:
        with compiling_told():
            report = infer_parameters(
                cells, bundle, options.out,
                n_samples=options.samples, seed=options.seed, simulators=options.simulators,
                figure=not options.no_figure, overwrite=options.overwrite,
                inputs=(one_input(options), options.stimulus),
            )  # fmt: skip
    except RecordingError as error:
        raise RecordingError(f"{one_input(options)}: {error}") from error
    if cells.read_from:
        print(printable(f"{one_input(options)}: {cells.read_from}"))
    _print(report)
    return left_out_code((len(report.left_out), "cell"))


def _print(report: "InferenceReport") -> None:
    for posterior in report.posteriors[:1]:
        caution = f", {UNLIKE}" if posterior.unlike else ""
        print(
            f"{printable(posterior.cell)}, read from {posterior.begin_s:g} s for "
            f"{posterior.length_s:g} s; 95 % intervals{caution}:"
        )
        for row in posterior.parameter_rows():
            low, median, high = (row[f"{end}_lab"] for end in ("low_95", "median", "high_95"))
            print(f"  {row['quantity']:14} {median:>8} ({low} to {high}) {row['lab_unit']}")
    n = len(report.posteriors)
    print(f"{printable(report.out)}: parameters of {n} of {n + len(report.left_out)} cells")
    list_out(
        UNLIKE,
        [f"{cell.cell}: {'; '.join(cell.unlike)}" for cell in report.posteriors if cell.unlike],
    )
    list_out("left out", [f"{cell}: {why}" for cell, why in report.left_out.items()])
    print(f"Note: {report.note}", file=sys.stderr)
