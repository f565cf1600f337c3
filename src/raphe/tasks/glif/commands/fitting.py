"""The command that fits GLIF levels to the sweeps of one cell: `raphe fit`."""

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from raphe.core.command_line import (
    add_overwrite,
    define,
    left_out_code,
    list_out,
    seed_number,
)
from raphe.core.files.outputs import Output
from raphe.core.parser import Parser
from raphe.core.sentences import printable
from raphe.tasks.glif.commands.signal_options import add_signal_options, add_simulators

if TYPE_CHECKING:  # numba is loaded by those who fit alone
    from raphe.tasks.glif.prediction.fit_cell import FitReport

ALL = "all"


def add_fit(parser: Parser) -> None:
    define(
        parser,
        _fit,
        "INPUT is the voltage of one cell: an array (.npy) of samples or sweeps × samples, arrays "
        "by name (.npz: voltage_mv, current_pa, rate_hz), a table (.csv) with units in its header, "
        "or a recording (.nwb, .abf, or one of another rig that neo reads). All sweeps are fitted "
        "together, by least squares between the spikes and maximum likelihood of the spikes, "
        "without a bundle. Writes into --out (default: fit) fitted_parameters.csv (medians and "
        "intervals, in SI and lab units), levels.csv (how well each level does on data that it had "
        "not seen, and the noise), draws.npz, neuron_config.json (for AllenSDK's GlifNeuron), "
        "fit.json (what was fitted, and what must be known of it), METHODS.md (a paragraph for a "
        "paper) and fit.png. Exit code: 0 fitted, 1 when sweeps are left out or nothing can be "
        "fitted (error: …), 2 for wrong usage.",
    )
    parser.add_argument("input", type=Path, metavar="INPUT", help="the voltage")
    parser.add_argument(
        "--level",
        choices=("1", "2", "3", "4", "5", ALL),
        default=ALL,
        help="of the GLIF model; all: fit each, compare them on data held out, and say which is "
        "enough (default: %(default)s)",
    )
    add_signal_options(parser)
    parser.add_argument(
        "--sweep",
        type=_sweep,
        nargs="+",
        default=(),
        metavar="N",
        help="of recordings: numbers of the sweeps to fit together, as an NWB file gives them, "
        "else places from 0; all: those of the rate that most have, each with its own stimulus "
        "(default: all of an ABF file, the first of an NWB file)",
    )
    parser.add_argument(
        "--prior",
        type=Path,
        metavar="JSON",
        help="what is known beforehand, of one level, as training writes it (default: typical "
        "cortical neurons)",
    )
    parser.add_argument(
        "--bias",
        action="store_true",
        help="estimate a constant current beside the injected one: a holding current that the file "
        "does not have, or a leak (done unasked where the cell fires without a current)",
    )
    parser.add_argument(
        "--add-bias",
        action="store_true",
        help="add to each sweep's stimulus the bias current that an NWB file states for it: in "
        "files of MIES, and of ABF files converted by ipfx, stimuli lack it",
    )
    parser.add_argument(
        "--liquid-junction-mv",
        type=float,
        default=0.0,
        metavar="MV",
        help="potential of the bath against the pipette's solution, as calculators give it, "
        "subtracted from the recorded voltage: 14 makes -70 mV to -84 mV (default: %(default)s)",
    )
    parser.add_argument(
        "--cut-longer-ms",
        type=float,
        default=0.0,
        metavar="MS",
        help="cut each spike so much beyond its trough: a fast afterhyperpolarisation, which no "
        "level has (default: %(default)s)",
    )
    add_simulators(parser)
    parser.add_argument(
        "--seed", type=seed_number, default=42, help="of the draws (default: %(default)s)"
    )
    parser.add_argument(
        "--out",
        type=Output.FOLDER,
        metavar="DIR",
        default=Path("fit"),
        help="folder to make (default: %(default)s)",
    )
    add_overwrite(parser)


def _sweep(text: str) -> int | str:
    if text != ALL and not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number or {ALL}, got {text!r}")
    return text if text == ALL else int(text)


def _fit(options: argparse.Namespace) -> int:
    from raphe.core.errors import RecordingError, SettingError
    from raphe.core.files.path import require_utf_8
    from raphe.tasks.glif.neurons.compiling import compiling_told
    from raphe.tasks.glif.neurons.models import LEVELS
    from raphe.tasks.glif.prediction.fit_cell import fit_cell
    from raphe.tasks.glif.recordings.cell_files import Signal
    from raphe.tasks.glif.recordings.cell_sweeps import read_cell_sweeps
    from raphe.tasks.glif.synthetic.prior import read_prior

    require_utf_8(options.input)
    levels = LEVELS if options.level == ALL else (int(options.level),)
    prior = read_prior(options.prior) if options.prior is not None else None
    if prior is not None and levels != (prior.level,):
        raise SettingError(
            f"--prior {options.prior}: it is of level {prior.level}; pass --level {prior.level}"
        )
    sweeps = read_cell_sweeps(
        Signal(options.input, options.unit, options.channel),
        Signal(options.stimulus, options.stimulus_unit, options.stimulus_channel, options.add_bias),
        options.rate,
        numbers=() if ALL in options.sweep else options.sweep,
        every=ALL in options.sweep,
        cut=options.cut_spikes,
        liquid_junction_v=1e-3 * options.liquid_junction_mv,
        longer_s=1e-3 * options.cut_longer_ms,
    )
    try:
        with compiling_told():
            report = fit_cell(
                sweeps, levels, options.out,
                prior=prior, seed=options.seed, biased=options.bias, simulators=options.simulators,
                overwrite=options.overwrite,
                inputs=(options.input, options.stimulus),
            )  # fmt: skip
    except RecordingError as error:
        raise RecordingError(f"{options.input}: {error}") from error
    for line in sweeps.read_from:
        print(printable(f"{options.input}: {line}"))
    _print(report)
    list_out("left out", [f"{name}: {why}" for name, why in sweeps.left_out.items()])
    return left_out_code((len(sweeps.left_out), "sweep"))


def _print(report: "FitReport") -> None:
    for score in report.scores:
        off = (
            "no voltage away from spikes"
            if math.isnan(score.rms_mv)
            else f"voltage off by {score.rms_mv:.3g} mV"
        )
        print(
            f"level {score.level}: explains {score.explained:.2f} of the held-out spikes' variance "
            f"({score.predicted_spikes} predicted, {score.recorded_spikes} recorded); {off}; "
            f"BIC {score.bic:.0f}"
        )
    print(f"level {report.level}, medians and 95 % intervals:")
    for row in report.rows():
        low, median, high = (row[f"{end}_lab"] for end in ("low_95", "median", "high_95"))
        untold = "" if row["told_by_data"] == "yes" else "  (not told)"
        print(f"  {row['quantity']:17} {median:>9} ({low} to {high}) {row['lab_unit']}{untold}")
    for sentence in report.sentences:
        print(sentence)
    print(f"wrote {printable(report.out)}")
