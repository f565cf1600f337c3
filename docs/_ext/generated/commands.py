"""Every command, from the parsers that read its words."""

import argparse
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from generated.markdown import code, plain, table
from generated.settings import CONF
from raphe import cli
from raphe.cli import Declared
from raphe.core.command_line import SHARED
from raphe.core.parser import Parser

SENTENCE, USAGE = 1000, 82  # columns, in which a sentence stays one line and a usage is read


OF_TRAIN = """```text
raphe train [-m] [GROUP=CHOICE …] [SETTING=VALUE …] [--cfg job] [--config-dir DIR]
```

| word | meaning |
| --- | --- |
| `SETTING=VALUE` | another value for one of the [settings](settings.md), as `model.kernel=8` |
| `GROUP=CHOICE` | a file of settings for a part of them, see below: `task=calcium`, `trainer=gpu` |
| `-m`, `--multirun` | a sweep: once for each of several values, as in `-m model.kernel=8,20` |
| `-c`, `--cfg job` | print all settings as they would be used, and train nothing |
| `-cd`, `--config-dir DIR` | a folder of your own choices, laid out as raphe's `conf/` |

In a checkout `python train.py` is the same."""


def page() -> str:
    with _terminal(SENTENCE):
        return _page()


@contextmanager
def _terminal(n_columns: int) -> Iterator[None]:
    """As wide, for argparse, which asks the environment."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(n_columns)
    try:
        yield
    finally:
        del os.environ["COLUMNS"]
        if before is not None:
            os.environ["COLUMNS"] = before


def _page() -> str:
    declared = cli.declared_commands()
    placed = {verb for verbs in cli.STEPS.values() for verb in verbs}
    others = tuple(one.command.verb for one in declared if one.command.verb not in placed)
    parts = []
    for step, verbs in {**cli.STEPS, "more": tuple(dict.fromkeys(others))}.items():
        of_step = [verb for verb in verbs if any(one.command.verb == verb for one in declared)]
        if of_step:
            parts.append(f"## {step[:1].upper()}{step[1:]}")
        for verb in of_step:
            parts += _verb(verb, [one for one in declared if one.command.verb == verb])
    return "\n\n".join(parts)


def _verb(verb: str, commands: list[Declared]) -> list[str]:
    if len(commands) == 1 and commands[0].command.kind is None:
        return [f"### raphe {verb}", *_command(commands[0])]
    parts = [f"### raphe {verb}"]
    if verb in SHARED:
        parts.append(_sentence(SHARED[verb].summary))
    for declared in commands:
        command = declared.command
        title = (
            f"raphe {verb} {command.kind}"
            if command.kind
            else f"raphe {verb}, of {_whose(declared)}"
        )
        parts += [f"#### {title}", *_command(declared)]
    return parts


def _whose(declared: Declared) -> str:
    return "any task" if declared.task is None else f"task {declared.task}"


def _command(declared: Declared) -> list[str]:
    if declared.command.passes_on:  # whose words are settings
        return [_sentence(declared.command.summary), OF_TRAIN, _choices()]
    parser = cli._parser(declared)
    parts = [plain(_one_line(parser.description or "")), f"```text\n{_usage(parser)}\n```"]
    rows = [
        (_name(action), _default(action), plain(_help(parser, action)))
        for action in parser._actions
        if action.help != argparse.SUPPRESS and not isinstance(action, argparse._HelpAction)
    ]
    parts.append(table(("option", "default", "meaning"), rows))
    if declared.command.when_interrupted:
        parts.append(f"Interrupted: {declared.command.when_interrupted}.")
    return parts


def _choices() -> str:
    """The groups of settings, and what there is to choose from."""
    by_group: dict[str, list[str]] = {}
    for file in sorted(CONF.glob("*/*.yaml")):
        by_group.setdefault(file.parent.name, []).append(file.stem)
    rows = [(code(group), ", ".join(map(code, names))) for group, names in by_group.items()]
    return table(("group", "choices"), rows)


def _usage(parser: Parser) -> str:
    with _terminal(USAGE):
        return parser.format_usage().removeprefix("usage: ").rstrip()


def _name(action: argparse.Action) -> str:
    values = _values(action)
    if not action.option_strings:
        return code(values)
    shown = ", ".join(action.option_strings)
    return code(f"{shown} {values}" if values and action.nargs != 0 else shown)


def _values(action: argparse.Action) -> str:
    if isinstance(action.metavar, tuple):
        return " ".join(action.metavar)
    if action.choices is not None and action.metavar is None:
        return "{" + ",".join(map(str, action.choices)) + "}"
    metavar = action.metavar or (action.dest.upper() if action.option_strings else action.dest)
    return str(metavar) + (" …" if action.nargs in ("+", "*") else "")


def _default(action: argparse.Action) -> str:
    """As the parser has it, or as the sentence of help says it."""
    if action.required and action.option_strings:
        return "needed"
    if not action.option_strings:
        return "–" if action.nargs in ("?", "*") else "needed"
    if action.nargs == 0 or action.default is None or action.default is argparse.SUPPRESS:
        return "–"
    if isinstance(action.default, tuple | list):
        return code(",".join(map(str, action.default))) if action.default else "–"
    value = action.default
    return code(f"{value:g}" if isinstance(value, float) else value)


def _help(parser: Parser, action: argparse.Action) -> str:
    values = {**vars(action), "prog": parser.prog}
    return _one_line((action.help or "") % values)


def _sentence(summary: str) -> str:
    return plain(f"{summary[:1].upper()}{summary[1:]}.")


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
