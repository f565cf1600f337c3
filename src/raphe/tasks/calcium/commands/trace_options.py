"""What a user says of trace files on the command line, for every command that reads them."""

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from raphe.core.parser import Parser
from raphe.tasks.calcium.recordings.trace_set import LAYOUTS, NEUROPIL, TraceOptions

if TYPE_CHECKING:  # its libraries load when a command runs
    from raphe.tasks.calcium.recordings.conditioning import Conditioning


def add_trace_options(parser: Parser, regions: bool = True) -> None:
    """`regions` where files may hold regions of an image, with surrounds and curation."""
    parser.add_argument(
        "--rate", type=float, metavar="HZ", help="sampling rate, where the file does not hold it"
    )
    parser.add_argument(
        "--layout",
        choices=LAYOUTS,
        help="each row is a trace (the default of a matrix), or each column (of a CSV table)",
    )
    parser.add_argument(
        "--variable",
        metavar="NAME",
        help="the array to take, of a file that holds several; of NWB the series, by its name or "
        "its place",
    )
    if regions:
        parser.add_argument(
            "--neuropil",
            type=float,
            metavar="SHARE",
            help=f"of Suite2p's surround to take off (default: {NEUROPIL})",
        )
        parser.add_argument(
            "--cells-only",
            action="store_true",
            help="leave out what Suite2p's iscell, CaImAn's idx_components or NWB's table of "
            "regions call no cells",
        )
    add_conditioning_options(parser)


def add_conditioning_options(parser: Parser) -> None:
    conditioned = parser.add_mutually_exclusive_group()
    conditioned.add_argument(
        "--baseline",
        type=float,
        metavar="S",
        help="window of the running 5th percentile to take off, 0 for none (default: 40)",
    )
    conditioned.add_argument(
        "--as-it-is", action="store_true", help="neither take a baseline off nor normalise"
    )


def trace_options(options: argparse.Namespace) -> TraceOptions:
    neuropil, cells_only = getattr(options, "neuropil", None), getattr(options, "cells_only", False)
    return TraceOptions(options.rate, options.layout, options.variable, neuropil, cells_only)


def conditioning(options: argparse.Namespace) -> "Conditioning | None":
    """The one asked for, or None."""
    from raphe.tasks.calcium.recordings.conditioning import AS_IT_IS, Conditioning

    if options.as_it_is:
        return AS_IT_IS
    return None if options.baseline is None else Conditioning(options.baseline or None)


def conditioning_of(options: argparse.Namespace, files: Iterable[Path]) -> "Conditioning":
    """The one asked for, or the usual one, where the challenge's files stay as they are.

    Raises SettingError where one is asked for and there are no other files.
    """
    from raphe.core.errors import SettingError
    from raphe.tasks.calcium.recordings.conditioning import Conditioning
    from raphe.tasks.calcium.recordings.read_csv import CHALLENGE

    chosen, files = conditioning(options), list(files)
    if chosen is not None and files and all(CHALLENGE.fullmatch(file.name) for file in files):
        option = "--as-it-is" if options.as_it_is else "--baseline"
        raise SettingError(
            f"{files[0]}: {option} says nothing of it, as the challenge's own files are "
            "conditioned already and stay as they are; leave it out"
        )
    return chosen or Conditioning()
