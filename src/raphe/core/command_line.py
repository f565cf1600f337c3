"""What all subcommands share: how one is declared and how a list is printed."""

import argparse
import sys
from collections.abc import Callable, Iterable
from typing import TypeAlias

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
SHOWN = 200  # lines of a list of files


def add_command(
    subparsers: Subparsers,
    run: Callable[[argparse.Namespace], int],
    name: str,
    summary: str,
    description: str,
) -> argparse.ArgumentParser:
    """Declare a subcommand; `run` gives its exit code."""
    text = f"{summary[0].upper()}{summary[1:]}. {description}"
    parser = subparsers.add_parser(name, help=summary, description=text)
    parser.set_defaults(run=run)
    return parser


def add_overwrite(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--overwrite", action="store_true", help="replace what was made there before"
    )


def list_out(title: str, lines: Iterable[object]) -> None:
    """A titled list on stderr; nothing for an empty one."""
    lines = [str(line) for line in lines]
    if not lines:
        return
    print(f"{title} ({len(lines)}):", file=sys.stderr)
    for line in lines[:SHOWN]:
        print(f"  {line}", file=sys.stderr)
    if len(lines) > SHOWN:
        print(f"  … and {len(lines) - SHOWN} more", file=sys.stderr)
