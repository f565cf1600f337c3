"""The commands for what no animal gave: simulate, masks, synthesize."""

import argparse
from pathlib import Path
from typing import Literal, get_args

from raphe.core.command_line import (
    add_overwrite,
    define,
    left_out_code,
    list_out,
    printed_command,
    seed_number,
    train_next,
)
from raphe.core.files.outputs import FIGURE, Output
from raphe.core.jobs.shares import OPTION, add_share
from raphe.core.parser import Parser
from raphe.core.sentences import counted
from raphe.tasks.celltype.commands.cut_options import add_cut_options, cut_from
from raphe.tasks.celltype.stores.split import FRACTIONS, SplitKind
from raphe.tasks.celltype.synthetic.mask_store import GUARD_MS, MASK_MS, N_MASKS
from raphe.tasks.celltype.synthetic.shards import SHARD_SIZE
from raphe.tasks.celltype.synthetic.smoothing import Smoothing
from raphe.tasks.celltype.synthetic.synthesizer import Recipe


def add_masks(parser: Parser) -> None:
    define(
        parser,
        _masks,
        "Recordings need no label; day and animal come from cells.csv or the file's name. A "
        "recording without a quiet stretch is listed and skipped. Give the options that cut the "
        "spikes: whatever passes half their threshold is kept out of the masks.",
    )
    parser.add_argument("recordings", type=Path, help="folder of recordings")
    parser.add_argument("masks", type=Output.FOLDER, help="folder to make for the masks")
    number = parser.add_mutually_exclusive_group()
    number.add_argument(
        "--masks",
        dest="n_masks",
        type=int,
        default=N_MASKS,
        metavar="N",
        help="how many, divided evenly over the days and their recordings (default: %(default)s)",
    )
    number.add_argument("--per-day", type=int, metavar="N", help="or how many from each day")
    parser.add_argument(
        "--mask-ms",
        type=float,
        default=MASK_MS,
        help="length of each, in ms (default: %(default)g)",
    )
    parser.add_argument(
        "--guard-ms",
        type=float,
        default=GUARD_MS,
        help="kept clear before and after every spike, in ms (default: %(default)g)",
    )
    parser.add_argument(
        "--seed", type=seed_number, default=42, help="of their places (default: %(default)s)"
    )
    add_cut_options(parser)
    add_overwrite(parser)


def _masks(options: argparse.Namespace) -> int:
    from raphe.tasks.celltype.synthetic.masks import cut_masks

    report = cut_masks(
        options.recordings,
        options.masks,
        cut_from(options),
        options.n_masks,
        options.mask_ms,
        options.guard_ms,
        options.per_day,
        options.seed,
        options.overwrite,
        options.channel,
        options.unit,
    )
    print(
        f"{report.store}: {counted('mask', report.n_masks)} of {options.mask_ms:g} ms from "
        f"{counted('recording', report.n_recordings)} with quiet stretches"
    )
    if report.n_masks < report.n_requested:
        print(f"asked for {report.n_requested}: the quiet stretches hold no more")
    for day, n_masks in report.per_day.items():
        print(f"  {day or 'day unknown'}: {n_masks}")
    words = ("STORE", report.store, "SYNTHETIC", "--per-class", "N")
    print(f"next: {printed_command('raphe', 'synthesize', *words)}")
    list_out("skipped, without a quiet stretch", report.skipped)
    list_out("left out", report.failed)
    return left_out_code((len(report.failed), "recording"), written="masks")


def add_synthesize(parser: Parser) -> None:
    define(
        parser,
        _synthesize,
        "The originals are split first; a synthetic spike is in its parent's part and its mask "
        "from a recording in that part. Written in shards; killed, the same command goes on where "
        "it stopped. Give the split, fractions and seed that training will have.",
    )
    parser.add_argument("store", type=Path, help="the original spikes")
    parser.add_argument("masks", type=Path, help="what raphe masks made of their recordings")
    parser.add_argument("out", type=Output.FILLED, help="folder to make for the synthetic spikes")
    parser.add_argument(
        "--per-class", type=int, required=True, metavar="N", help="how many of each class"
    )
    parser.add_argument(
        "--split",
        choices=get_args(SplitKind),
        default="cell",
        help="of the originals; spike, as published, lets noise leak (default: %(default)s)",
    )
    parser.add_argument(
        "--fractions",
        type=_fractions,
        default=FRACTIONS,
        metavar="A,B,C",
        help="for training, validation and test (default: 0.7,0.15,0.15)",
    )
    parser.add_argument(
        "--originals-per-class",
        type=int,
        metavar="N",
        help="draw so many originals of each class first, as data.per_class in training",
    )
    parser.add_argument(
        "--seed", type=seed_number, default=42, help="of split and samples (default: %(default)s)"
    )
    parser.add_argument(
        "--smoothing",
        choices=get_args(Smoothing),
        default=Recipe.smoothing,
        help="moving mean, or Savitzky-Golay of degree 3 (default: %(default)s)",
    )
    parser.add_argument(
        "--width",
        type=int,
        default=Recipe.width,
        help="of the smoothing, in samples (default: %(default)s)",
    )
    parser.add_argument(
        "--gain",
        type=_gain,
        default=Recipe.gain,
        metavar="G",
        help="times the mask; or the word recording: each mask scaled to the noise level of the "
        "parent's recording (default: 1)",
    )
    parser.add_argument(
        "--shard-size",
        type=int,
        default=SHARD_SIZE,
        metavar="N",
        help="spikes in each shard (default: %(default)s)",
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="processes (default: one a core; of a share OMP_NUM_THREADS, where that is set)",
    )
    add_overwrite(parser)
    add_share(parser)


def _synthesize(options: argparse.Namespace) -> int:
    from raphe.tasks.celltype.synthetic.mask_parts import ALL_MASKS
    from raphe.tasks.celltype.synthetic.synthesize import synthesize

    report = synthesize(
        options.store,
        options.masks,
        options.out,
        options.per_class,
        options.split,
        options.fractions,
        options.seed,
        options.originals_per_class,
        Recipe(options.smoothing, options.width, options.gain, options.seed),
        options.shard_size,
        options.workers,
        options.overwrite,
        options.share,
    )
    kept = report.n_shards - len(report.new_shards)
    share = f"share {report.share}: " if report.share else ""
    print(
        f"{report.store}: {share}{counted('synthetic spike', report.n_spikes)} in "
        f"{counted('shard', report.n_shards)} "
        f"({len(report.new_shards)} made, {kept} there and whole)"
    )
    parts = ", ".join(f"{n} {name}" for name, n in report.per_part.items())
    print(f"by their parents: {parts}")
    if report.share:
        print(
            f"next: once all {report.share.of} are made, the same command without {OPTION} joins "
            "them"
        )
        return 0
    if options.split == "spike":
        print(ALL_MASKS)
    print(train_next(options.store, **{"data.synthetic": report.store}))
    return 0


def _fractions(text: str) -> tuple[float, ...]:
    return tuple(float(number) for number in text.split(","))


def _gain(text: str) -> float | Literal["recording"]:
    return "recording" if text == "recording" else float(text)


def add_simulate(parser: Parser) -> None:
    from raphe.tasks.celltype.synthetic.simulated_recordings import Simulation

    define(
        parser,
        _simulate,
        "Accuracy on simulated cells says nothing about biology.",
    )
    parser.add_argument(
        "folder", type=Output.FOLDER, help="folder to make, with SER/, NSER/ and cells.csv"
    )
    for name, kind, text in (
        ("n_ser", int, "serotonergic cells"),
        ("n_nser", int, "other cells"),
        ("days", int, "recording days to spread them over, each with noise of its own"),
        ("duration_s", float, "length of each recording in s"),
        ("seed", int, "seed of everything random"),
    ):
        default = getattr(Simulation, name)
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, type=kind, default=default, help=f"{text} (default: {default})")
    parser.add_argument(
        "--nonhomogeneous",
        action="store_true",
        help="on days and with noise that a set without this option never has",
    )
    parser.add_argument(
        "--figure",
        type=FIGURE,
        metavar="PNG",
        help="also draw example spikes and noise to this file",
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

    if options.figure is not None:
        from raphe.core.figure_style import check_figure_name

        check_figure_name(options.figure)
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
        from raphe.core.figure_style import save_figure
        from raphe.tasks.celltype.synthetic.simulation_figure import simulation_figure

        save_figure(simulation_figure(simulation, options.published), options.figure)
        print(f"drew {options.figure}")
    print(f"next: {printed_command('raphe', 'extract', options.folder, 'STORE')}")
    return 0
