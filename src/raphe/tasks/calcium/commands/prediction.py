"""The command that infers rates of new traces: `raphe predict`."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from raphe.core.command_line import define, left_out_code, list_out
from raphe.core.jobs.shares import OPTION, Share, add_share
from raphe.core.parser import Parser
from raphe.core.sentences import counted, printable
from raphe.tasks.calcium.commands.trace_options import (
    add_trace_options,
    conditioning,
    trace_options,
)

if TYPE_CHECKING:  # its libraries load when the command runs
    from raphe.tasks.calcium.prediction.predict_rates import PredictionSummary
    from raphe.tasks.calcium.prediction.rate_timing import RateTiming
    from raphe.tasks.calcium.recordings.trace_set import TraceSet

    Predict = Callable[[TraceSet, Path], PredictionSummary]

KINDS = ("npy", "csv", "mat", "nwb")


def add_predict(parser: Parser) -> None:
    define(
        parser,
        _predict,
        "INPUT is a file of traces, a Suite2p folder or all of its planes. Writes rates and how "
        "far the networks disagree on them, in spikes/s for each frame of the file, the spikes of "
        "each second with the ends that hold nine in ten, a table, traces.csv, "
        "and a figure of some, into --out (default: rates); of several INPUTs each into a folder "
        "of its name there, with all_traces.csv, the tables of all, and one that cannot be read "
        "stops no other. A trace that is constant, "
        "infinite, too short or without a single number is marked and left out, and the others go "
        "on; one unlike those of training is named, as are denoised ones; frames under a closed "
        "shutter, saturated, or single and far from all others are taken as missing, and said. "
        "However many traces there are, only a few are held in memory (.csv and .mat files are "
        "read whole). With a bundle of raphe import elephant it writes Elephant's z-scores in "
        "place of rates, elephant.npy into --out (default: elephant), and figures of them. If it "
        "is interrupted, the same command goes on where it was. Exit code: 0 when every trace has "
        "a rate; 1 when some are left out, or none has (error: …); 2 for wrong usage; 130 "
        "interrupted.",
    )
    parser.add_argument(
        "--as",
        dest="kind",
        choices=KINDS,
        default=KINDS[0],
        help="of the files of rates: npy (traces × frames), csv (a column a trace, as the "
        "Spikefinder challenge has it), mat (MATLAB 7.3) or nwb (rates.nwb with all and the "
        "table; needs raphe[nwb]) (default: %(default)s)",
    )
    parser.add_argument(
        "--spikes",
        action="store_true",
        help="also write discrete spike times, spikes.csv: where the rate makes some more likely "
        "than none",
    )
    parser.add_argument(
        "--dff",
        action="store_true",
        help="the traces are fluorescence as it was measured, such as Suite2p's F: bring them to "
        "ΔF/F by a running baseline, for the noise in the table, and where they bleach",
    )
    parser.add_argument(
        "--shift",
        type=float,
        default=0.0,
        metavar="S",
        help="let all rates come by S seconds later, or earlier if it is below 0, as where the "
        "clock of the imaging is known to be off; at most 1 (default: %(default)g)",
    )
    parser.add_argument(
        "--smooth",
        type=float,
        metavar="S",
        help="smooth all rates by a Gaussian with a standard deviation of S seconds, 0.025 to 0.2",
    )
    parser.add_argument(
        "--causal",
        action="store_true",
        help="with --smooth: by its past half alone, so that no rate tells of later frames",
    )
    add_trace_options(parser)
    add_share(parser)


def _predict(options: argparse.Namespace) -> int:
    from raphe.core.bundles.shipped import is_shipped
    from raphe.core.files.kind import kind_of
    from raphe.tasks.calcium.elephant.bundle import KIND as OF_ELEPHANT
    from raphe.tasks.calcium.recordings.read_traces import read_traces

    files = trace_options(options)
    options.inputs = _each_once(options.inputs)
    is_elephant = kind_of(options.bundle) == OF_ELEPHANT.name
    out = options.out or Path("elephant" if is_elephant else "rates")
    predict, note = (_of_elephant if is_elephant else _rates)(options)

    # Of several files what holds of each is said once, of a shipped bundle with its name.
    told = [note] if is_shipped(options.bundle) else []

    def infer(path: Path, out: Path) -> int:
        return _tell(predict(read_traces(path, files), out), told)

    if len(options.inputs) == 1:
        is_ours = options.share is None or options.share.take(options.inputs)
        return left_out_code((infer(options.inputs[0], out) if is_ours else 0, "trace"))
    return _of_several(_folders(options.inputs, out), infer, options.share, out)


def _each_once(inputs: Sequence[Path]) -> list[Path]:
    """Each file once, or the table of all would count its traces as those of two; says which."""
    by_file: dict[Path, list[Path]] = {}
    for path in inputs:
        by_file.setdefault(path.resolve(), []).append(path)
    again = [printable(path) for same in by_file.values() for path in same[1:]]
    list_out("named before, and taken once", again)
    return [same[0] for same in by_file.values()]


def _folders(inputs: Sequence[Path], out: Path) -> list[tuple[Path, Path]]:
    """Each input with the folder in `out` for its answers, of its name."""
    from raphe.core.files.path import free_name

    taken: list[str] = []
    for path in inputs:
        taken.append(free_name(path.resolve().name.partition(".")[0], "", taken))
    return [(path, out / name) for path, name in zip(inputs, taken, strict=True)]


def _of_several(
    folders: "Sequence[tuple[Path, Path]]",
    infer: "Callable[[Path, Path], int]",
    share: Share | None,
    out: Path,
) -> int:
    """Infer from each of several files, or of a share of them; without one also a table of all."""
    from raphe.core.errors import RapheError, StoreError
    from raphe.tasks.calcium.prediction.all_traces import write_all_traces

    n_traces = 0
    refused: list[RapheError] = []
    done: list[Path] = []
    ours = folders if share is None else share.take(folders)
    for path, folder in ours:
        try:
            n_traces += infer(path, folder)
            done.append(folder)
        except RapheError as error:
            refused.append(error)
    list_out("files left out", refused)
    if share is None:
        if done:
            print(f"{write_all_traces(done, out)}: the tables of {counted('file', len(done))}")
        return left_out_code((len(refused), "file"), (n_traces, "trace"))
    print(
        f"share {share}: {len(done)} of {counted('file', len(ours))}\n"
        f"next: once all {share.of} are made, the same command without {OPTION} joins them"
    )
    # What is wrong with a file is told again by whoever joins; a disk that failed is to be mended.
    return int(any(isinstance(error, StoreError) for error in refused))


def _rates(options: argparse.Namespace) -> "tuple[Predict, str]":
    """What infers rates of traces into a folder, and the bundle's note."""
    from raphe.tasks.calcium.ensemble.bundle import RateBundle
    from raphe.tasks.calcium.prediction.infer_rates import Inferrer
    from raphe.tasks.calcium.prediction.predict_rates import predict_rates

    timing = _timing(options)
    bundle = RateBundle.open(options.bundle, options.threads, options.content_hash)
    inferrer = Inferrer(bundle, conditioning(options), timing, options.dff)

    go_on = _is_one_of_several(options)

    def predict(traces: "TraceSet", out: Path) -> "PredictionSummary":
        return predict_rates(
            traces, inferrer, out, options.kind, options.spikes, options.overwrite, go_on
        )

    return predict, bundle.manifest["note"]


def _of_elephant(options: argparse.Namespace) -> "tuple[Predict, str]":
    """The same of what Elephant says. Raises UsageError where spikes are asked for."""
    from raphe.core.errors import UsageError
    from raphe.tasks.calcium.elephant.bundle import ElephantBundle
    from raphe.tasks.calcium.prediction.elephant_scores import ElephantInferrer, predict_elephant

    if options.spikes:
        raise UsageError(
            "--spikes: Elephant's numbers are z-scores, which tell no number of spikes; leave it "
            "out"
        )
    timing = _timing(options)
    bundle = ElephantBundle.open(options.bundle, options.threads, options.content_hash)
    inferrer = ElephantInferrer(bundle, conditioning(options), timing, options.dff)

    go_on = _is_one_of_several(options)

    def predict(traces: "TraceSet", out: Path) -> "PredictionSummary":
        return predict_elephant(traces, inferrer, out, options.kind, options.overwrite, go_on)

    return predict, bundle.manifest["note"]


def _is_one_of_several(options: argparse.Namespace) -> bool:
    """Whether answers that are there are left as they are: the same command is given again."""
    return len(options.inputs) > 1 or options.share is not None


def _timing(options: argparse.Namespace) -> "RateTiming":
    from raphe.tasks.calcium.prediction.rate_timing import RateTiming

    return RateTiming(options.shift, options.smooth, options.causal)


def _tell(summary: "PredictionSummary", told: list[str]) -> int:
    """Say what became of a file's traces, of `told` nothing again; how many were left out."""
    n_inferred = summary.n_traces - len(summary.left_out)
    print(
        f"{printable(summary.out)}: {summary.what} of {n_inferred} of {summary.n_traces} traces of "
        f"{printable(summary.source)}, in {summary.unit}"
    )
    if summary.to_expect:
        print(summary.to_expect)
    list_out("warning", [text for text in summary.warnings if text not in told])
    told += summary.warnings
    list_out("unlike training, to be taken with caution", summary.unlike)
    list_out("frames that are no fluorescence, taken as missing", summary.bridged)
    list_out("no event above the noise, so a rate of 0", summary.no_event)
    list_out("left out", summary.left_out)
    return len(summary.left_out)
