"""The options of every subcommand that looks for spikes in recordings."""

import argparse
from typing import get_args

from raphe.core.errors import SettingError, UsageError
from raphe.core.parser import Parser
from raphe.tasks.celltype.spikes.cut_settings import THRESHOLD_PA, Cut, Polarity


def add_cut_options(parser: Parser) -> None:
    """Which channel to read and what a spike is."""
    parser.add_argument(
        "--channel",
        type=_channel,
        help="index, name or unit of the channel, in NWB also the name of its electrode or series, "
        "or the series' place in the file; needed where a file has several in pA",
    )
    parser.add_argument("--unit", help="unit of the channel, for files that leave it blank")
    parser.add_argument(
        "--accept-unit",
        metavar="UNIT",
        help="take recordings in this unit (mV, say), and only those, as they are, thresholds too; "
        "amperes of any size become pA by themselves",
    )
    threshold = parser.add_mutually_exclusive_group()
    threshold.add_argument(
        "--threshold-pa",
        type=float,
        metavar="PA",
        help=f"a spike begins where the current crosses this (default: {THRESHOLD_PA:g}, "
        f"{-THRESHOLD_PA:g} with --polarity up)",
    )
    threshold.add_argument(
        "--mad",
        type=float,
        metavar="K",
        help="or where it leaves its median by K times the median absolute deviation of the sweep",
    )
    parser.add_argument(
        "--polarity",
        choices=get_args(Polarity),
        default=Cut.polarity,
        help="direction of the crossing (default: %(default)s, inward current)",
    )
    for name, text in (
        ("pre_ms", "kept before the crossing, in ms"),
        ("post_ms", "kept after the crossing, in ms"),
        ("dead_time_ms", "after a spike, in which a crossing is no new one, in ms"),
        ("rate_hz", "sampling rate of the store; other rates are resampled to it, in Hz"),
    ):
        default = getattr(Cut, name)
        option = "--" + name.replace("_", "-")
        parser.add_argument(
            option, type=float, default=default, help=f"{text} (default: {default:g})"
        )


def cut_from(options: argparse.Namespace) -> Cut:
    """The cut these options ask for. Raises UsageError."""
    threshold = options.threshold_pa
    if threshold is None and options.mad is None:
        threshold = -THRESHOLD_PA if options.polarity == "up" else THRESHOLD_PA
    try:
        return Cut(
            threshold_pa=threshold,
            mad_factor=options.mad,
            polarity=options.polarity,
            pre_ms=options.pre_ms,
            post_ms=options.post_ms,
            rate_hz=options.rate_hz,
            dead_time_ms=options.dead_time_ms,
            accept_unit=options.accept_unit,
        )
    except SettingError as error:
        raise UsageError(str(error)) from None


def _channel(text: str) -> int | str:
    return int(text) if text.isdigit() else text
