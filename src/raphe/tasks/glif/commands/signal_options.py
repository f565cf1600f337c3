"""Options that fitting and inferring share: where a voltage and its current are found, and what
is written beside the parameters."""

from pathlib import Path

from raphe.core.parser import Parser


def add_signal_options(parser: Parser) -> None:
    """Declare --stimulus, --rate, units, channels and --cut-spikes."""
    parser.add_argument(
        "--stimulus",
        type=Path,
        help="the injected current, likewise; of a recording, a table or an .npz it may be left "
        "out and is looked for in the same file",
    )
    parser.add_argument("--rate", type=float, metavar="HZ", help="sampling rate of arrays")
    parser.add_argument(
        "--unit",
        choices=("V", "mV", "uV"),
        default="V",
        help="of the voltage; uV is µV (default: %(default)s)",
    )
    parser.add_argument(
        "--stimulus-unit",
        choices=("A", "nA", "pA"),
        default="A",
        help="of the current (default: %(default)s)",
    )
    parser.add_argument(
        "--channel",
        help="of a voltage in a recording, a table or an .npz its name or number; in NWB an "
        "electrode's name, a series' or its place in the file",
    )
    parser.add_argument(
        "--stimulus-channel",
        help="of a current, likewise (default: in NWB the one of the same electrode and sweep)",
    )
    parser.add_argument(
        "--cut-spikes",
        action="store_true",
        help="a real recording: take out each spike from its threshold to the trough behind it",
    )


def add_no_figure(parser: Parser) -> None:
    """Declare --no-figure."""
    parser.add_argument(
        "--no-figure",
        action="store_true",
        help="draw none: for scripts, where the figure of one sweep takes longer than the rest",
    )


def add_simulators(parser: Parser) -> None:
    """Declare --for."""
    parser.add_argument(
        "--for",
        dest="simulators",
        nargs="+",
        choices=("brian2", "nest"),
        default=[],
        help="also write a program that runs the neurons in this simulator",
    )
