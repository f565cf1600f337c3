"""The `raphe` command: finds each task's commands and runs one."""

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Sequence
from importlib.util import find_spec

import raphe.tasks
from raphe import __version__
from raphe.core.errors import RapheError
from raphe.harness import commands


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand. Exit codes: 0 done, 1 something failed, 2 wrong usage, 130 interrupted."""
    parser = _parser()
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = parser.parse_args(_of_task(given, parser))
    try:
        return options.run(options)
    except RapheError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _of_task(arguments: list[str], parser: argparse.ArgumentParser) -> list[str]:
    """`COMMAND task=NAME …` is that task's COMMAND, which is COMMAND-NAME where others have one."""
    command, chosen, *rest = [*arguments, "", ""][: max(2, len(arguments))]
    (subparsers,) = (one for one in parser._actions if isinstance(one.choices, dict))
    if command not in subparsers.choices or not chosen.startswith("task="):
        return arguments
    task = chosen.removeprefix("task=")
    if f"{command}-{task}" in subparsers.choices:
        return [f"{command}-{task}", *rest]
    home = subparsers.choices[command].get_default("run").__module__
    if home.startswith(f"raphe.tasks.{task}."):
        return [command, *rest]
    return parser.error(f"task={task}: this task has no {command}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="raphe", description="Deep networks that read spikes. Train with `python train.py`."
    )
    parser.add_argument("--version", action="version", version=f"raphe {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    commands.add_commands(subparsers)
    for task in pkgutil.iter_modules(raphe.tasks.__path__, "raphe.tasks."):
        name = f"{task.name}.commands"
        if find_spec(name) is not None:
            importlib.import_module(name).add_commands(subparsers)
    return parser


if __name__ == "__main__":
    sys.exit(main())
