"""The `raphe` command.

The grammar, `raphe VERB …`: one verb for one job.

- A verb is one English verb: `raphe extract`, never `raphe extract-spikes`.
- What is imported is the second word: `raphe import KIND SOURCE… TARGET`; the kind tells the task.
- A verb that several tasks have is the same verb in all of them. The task comes from the manifest
  of the bundle or store that the command names, else from `--task`; where neither tells, the verb
  means the task that declares itself its default, or asks.
- Sources come before targets, paths are positional, whatever else is an option; `--out` names
  what may be left out, `--overwrite` replaces what was made before.
- `raphe train` takes what `train.py` takes: settings, `-m`, `--cfg job`.

Commands are declared, see raphe.core.command_line; this module finds, parses and runs them.
"""

import argparse
import difflib
import importlib
import pkgutil
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import raphe.tasks
from raphe import __version__
from raphe.core.command_line import SHARED, Command, SharedVerb, define, print_whatever_comes
from raphe.core.ending import interrupted, interruptible, while_read
from raphe.core.errors import RapheError, SettingError, UsageError
from raphe.core.extras import missing_extra
from raphe.core.files.kind import kind_of, without_manifest
from raphe.core.files.outputs import Output, require_writable
from raphe.core.files.refusals import program_refusal
from raphe.core.parser import USAGE_EXIT, Parser

STEPS = {  # verbs in the order of the work
    "a first look": ("demo",),
    "recordings and stores": ("import", "extract", "check", "features", "simulate", "fetch"),
    "synthetic examples": ("masks", "synthesize"),
    "training": ("train", "finetune", "sweep", "ui", "draw", "runs"),
    "questions to ask of a score": ("audit", "reproduce"),
    "bundles and new recordings": ("export", "predict", "fit", "watch", "serve", "place"),
    "many jobs": ("spread",),
    "this shell": ("completion",),
}
WORDS = {  # that people use for these verbs
    "classify": "predict",
    "convert": "import",
    "cut": "extract",
    "download": "fetch",
    "infer": "predict",
    "judge": "predict",
    "load": "import",
    "tune": "finetune",
    "verify": "check",
}
FAILED_EXIT = 1
BUNDLE = "--bundle"
COMPLETION = Command(
    "completion", "print what completes commands in your shell", "raphe.cli:add_completion"
)


@dataclass(frozen=True)
class Declared:
    """A command and whose it is; those of harness, serve and demo belong to no task."""

    command: Command
    task: str | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Exit codes: 0 done, 1 something failed, 2 wrong usage, 130 interrupted (143
    by SIGTERM), 141 what it prints is no longer read, as after `| head`."""
    print_whatever_comes()
    return while_read(lambda: _run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    options = argparse.Namespace()
    sentence: str | None
    try:
        with interruptible():
            options = parse(arguments)
            for name, output in getattr(options, "outputs", ()):
                if (path := getattr(options, name)) is not None:
                    require_writable(path, output, getattr(options, "overwrite", False))
            return options.run(options)
    except KeyboardInterrupt as interruption:
        return interrupted(interruption, getattr(options, "when_interrupted", ""))
    except Exception as error:
        if isinstance(error, RapheError):
            sentence = str(error)
        elif isinstance(error, ModuleNotFoundError):
            sentence = missing_extra(error)
        else:
            sentence = program_refusal(error, arguments)
        if sentence is None:  # a defect of ours
            raise
        print(f"error: {sentence}", file=sys.stderr)
        return USAGE_EXIT if isinstance(error, UsageError) else FAILED_EXIT


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of a command line; their `run` is what does it.

    Prints and exits for --help and --version. Wrong usage is one sentence and exit code 2.
    """
    parser = Parser("raphe", usage="raphe [--version] VERB …", description=_overview())
    parser.add_argument("--version", action="version", version=f"raphe {__version__}")
    parser.add_argument("verb", nargs="?", help=argparse.SUPPRESS)
    verb = parser.parse_args(arguments[:1]).verb
    if verb is None:
        parser.error("expected a verb, as in `raphe train`")
    commands = [declared for declared in declared_commands() if declared.command.verb == verb]
    if not commands:
        parser.error(f"there is no verb {verb!r}{_nearest_verb(verb)}")
    return _parse_verb(verb, commands, list(arguments[1:]))


def declared_commands() -> list[Declared]:
    """Of the harness and of every task."""
    from raphe.demo import COMMANDS as OF_DEMO
    from raphe.harness.commands import COMMANDS as OF_HARNESS
    from raphe.serve.commands import COMMANDS as OF_SERVE

    general = (*OF_HARNESS, *OF_SERVE, *OF_DEMO, COMPLETION)
    declared = [Declared(command, None) for command in general]
    for task in pkgutil.iter_modules(raphe.tasks.__path__):
        module = f"raphe.tasks.{task.name}.commands"
        if find_spec(module) is not None:
            commands = importlib.import_module(module).COMMANDS
            declared += [Declared(command, task.name) for command in commands]
    return declared


def add_completion(parser: Parser) -> None:
    define(
        parser,
        _completion,
        'Where bash, zsh or tcsh read it: `eval "$(raphe completion bash)"` in ~/.bashrc, or '
        "`raphe completion zsh > _raphe` in a folder of fpath.",
    )
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"))


def _completion(options: argparse.Namespace) -> int:
    import shtab

    print(shtab.complete(_whole_parser(), options.shell))
    return 0


def _whole_parser() -> Parser:
    """Every verb, kind and option in one parser; an option of several tasks stands once."""
    whole = _CompletedParser("raphe")
    verbs = whole.add_subparsers()
    kinds: dict[str, Any] = {}
    parsers: dict[str, Parser] = {}
    for declared in declared_commands():
        command = declared.command
        verb, line = command.verb, _verb_line([declared])
        if command.kind is not None:
            if verb not in kinds:
                kinds[verb] = verbs.add_parser(verb, help=line).add_subparsers()
            parser = kinds[verb].add_parser(command.kind, help=command.summary)
        elif verb in parsers:
            parser = parsers[verb]
        else:
            parser = verbs.add_parser(verb, help=line, conflict_handler="resolve")
            parsers[verb] = parser
            SHARED.get(verb, SharedVerb("")).add(parser)
        if not command.passes_on:
            command.function()(parser)
    return whole


class _CompletedParser(Parser):
    """Paths are completed with the names of files."""

    def add_argument(self, *names: str, **others: object) -> argparse.Action:
        action = super().add_argument(*names, **others)
        if others.get("type") is Path or isinstance(others.get("type"), Output):
            completed = {"bash": "_shtab_compgen_files", "zsh": "_files", "tcsh": "f"}
            vars(action)["complete"] = completed  # where shtab looks
        return action


def _parse_verb(verb: str, commands: list[Declared], arguments: list[str]) -> argparse.Namespace:
    if commands[0].command.passes_on:
        function = commands[0].command.function
        return argparse.Namespace(run=lambda _: function()(arguments))
    if commands[0].command.kind is not None:
        declared = _of_kind(verb, commands, arguments)
        arguments = arguments[1:]
    else:
        declared = _of_task(verb, commands, arguments)
    parser = _parser(declared)
    options, unknown = parser.parse_known_args(arguments)
    options.outputs, options.when_interrupted = parser.outputs, declared.command.when_interrupted
    if unknown:
        option = next((word for word in unknown if word.startswith("-")), unknown[0])
        parser.error(_refused(option, parser, declared, commands))
    if SHARED.get(verb, SharedVerb("")).told_by == BUNDLE and options.bundle is None:
        from raphe.core.bundles.shipped import default_bundle

        options.bundle = default_bundle(declared.task or "")
    if declared.command.trains:
        from raphe.harness.fit import Fitting

        options.fitting = Fitting
    return options


def _parser(declared: Declared) -> Parser:
    """The parser of one command, with the options that its verb has for every task."""
    command, shared = declared.command, SHARED.get(declared.command.verb, SharedVerb(""))
    words = [word for word in ("raphe", command.verb, command.kind) if word is not None]
    parser = Parser(" ".join(words), description=_sentence(command.summary))
    if declared.task is not None and command.kind is None:
        parser.add_argument("--task", choices=[declared.task], help="the task of this command")
    shared.add(parser)
    command.function()(parser)
    if command.verb in SHARED and declared.task is not None and command.kind is None:
        parser.help_line = f"{parser.prog} --task {declared.task} --help"
    return parser


def _of_kind(verb: str, commands: list[Declared], arguments: list[str]) -> Declared:
    """The command of the kind that stands first; help and errors list the kinds."""
    by_kind = {declared.command.kind or "": declared for declared in commands}
    parser = Parser(
        f"raphe {verb}",
        usage=f"raphe {verb} KIND …",
        description=_sentence(SHARED[verb].summary) if verb in SHARED else None,
        epilog=_rows("kinds", {kind: _line(declared) for kind, declared in by_kind.items()}),
    )
    parser.add_argument("kind", nargs="?", help=argparse.SUPPRESS)
    kind = parser.parse_args(arguments[:1]).kind
    if kind in by_kind:
        return by_kind[kind]
    came = "none" if kind is None else repr(kind) + _nearest(kind, by_kind, cutoff=0.5)
    return parser.error(f"expected a kind ({', '.join(by_kind)}), got {came}")


def _of_task(verb: str, commands: list[Declared], arguments: list[str]) -> Declared:
    """The command of the task that a manifest or --task names, or else the only or default one."""
    by_task = {declared.task: declared for declared in commands if declared.task is not None}
    general = next((declared for declared in commands if declared.task is None), None)
    if general is not None and not by_task:
        return general
    shared = SHARED.get(verb, SharedVerb(""))
    named, path = _naming_arguments(verb, shared, arguments)
    kind = None if path is None else kind_of(path)
    of_manifest = None if kind is None else kind.partition("/")[0]
    overview = _task_parser(verb, shared, by_task)
    if named is not None and named not in by_task:
        expected = " or ".join(by_task)
        overview.error(f"--task: expected {expected}, got {named}{_nearest(named, by_task)}")
    if named is not None and of_manifest not in (None, named):
        raise SettingError(f"{path}: holds {kind}, of task {of_manifest}; leave out --task {named}")
    task = named or of_manifest
    if task is not None and (chosen := by_task.get(task, general)):
        return chosen
    if task is not None:
        raise SettingError(f"{path}: holds {kind}, and raphe {verb} knows {', '.join(by_task)}")
    if {"-h", "--help"} & set(arguments) and len(by_task) > 1:
        overview.print_help()
        sys.exit(0)
    if path is not None and (shared.told_by or "").startswith("-"):
        raise SettingError(without_manifest(path))
    usual = [declared for declared in commands if declared.command.is_default or len(commands) == 1]
    if usual:
        return usual[0]
    if shared.told_by == BUNDLE:
        from raphe.core.bundles.shipped import lacking

        return overview.error(lacking(f"{BUNDLE} DIR"))
    named_by = "" if shared.told_by is None else f"{shared.told_by}, or "
    return overview.error(f"expected {named_by}--task {' or '.join(by_task)}, got neither")


def _naming_arguments(
    verb: str, shared: SharedVerb, arguments: list[str]
) -> tuple[str | None, Path | None]:
    """What names the task: --task, and the path whose manifest does."""
    parser = Parser(f"raphe {verb}", add_help=False)
    parser.add_argument("--task")
    if shared.told_by is not None:
        optional = {} if shared.told_by.startswith("-") else {"nargs": "?"}
        parser.add_argument(shared.told_by, type=Path, **optional)
    values = vars(parser.parse_known_args(arguments)[0])
    return values.pop("task"), next(iter(values.values()), None)


def _task_parser(verb: str, shared: SharedVerb, by_task: dict[str, Declared]) -> Parser:
    """For the help of a verb of several tasks: what they share, and which they are."""
    parser = Parser(f"raphe {verb}", description=_sentence(shared.summary))
    usual = [task for task, declared in by_task.items() if declared.command.is_default]
    default = f" (default: {usual[0]})" if usual else ""
    where = "whose command is meant" if shared.told_by is None else "where no manifest names it"
    parser.add_argument("--task", choices=list(by_task), help=where + default)
    shared.add(parser)
    whose = f"{shared.told_by} PATH or " if (shared.told_by or "").startswith("-") else ""
    rows = {task: declared.command.summary for task, declared in by_task.items()}
    parser.epilog = (
        _rows("tasks", rows)
        + f"\n\nwith {whose}--task TASK before --help, also the options of that task"
    )
    return parser


def _refused(option: str, parser: Parser, declared: Declared, commands: list[Declared]) -> str:
    """Why an argument is not taken: a sentence that names the task, and others that know it."""
    if not option.startswith("-"):
        return f"unexpected argument {option!r}"
    name = option.partition("=")[0]
    whose = f" for task {declared.task}" if len(commands) > 1 and declared.task else ""
    others = [
        other.task
        for other in commands
        if other is not declared
        and other.task is not None
        and other.command.kind == declared.command.kind
        and name in _parser(other).options
    ]
    if others:
        return f"there is no option {name}{whose}, it is one of task {' and '.join(others)}"
    return f"there is no option {name}{whose}{_nearest(name, parser.options)}"


def _nearest_verb(word: str) -> str:
    """A hint at what was meant by a verb that there is not: a neighbour, a kind, another word."""
    declared = declared_commands()
    verbs = {one.command.verb: one.command.verb for one in declared} | WORDS
    first, *others = re.split(r"[-_ ]", word)
    rest = "-".join(others)
    for one in declared:
        if one.command.kind is not None and (first, rest) == (one.command.verb, one.command.kind):
            return f"; did you mean `raphe {first} {rest}`?"
    near = difflib.get_close_matches(word, verbs, n=1) or difflib.get_close_matches(
        first, verbs, n=1
    )
    if not near:
        return ""
    verb = verbs[near[0]]
    tasks = {one.task for one in declared if one.command.verb == verb}
    return f"; did you mean `raphe {verb}{f' --task {rest}' if rest in tasks else ''}`?"


def _nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return f"; did you mean {near[0]}?" if near else ""


def _overview() -> str:
    declared = declared_commands()
    text = ["Deep networks that read spikes: training, verdicts, rates and neuron models."]
    placed = {verb for verbs in STEPS.values() for verb in verbs}
    others = tuple(one.command.verb for one in declared if one.command.verb not in placed)
    for step, verbs in {**STEPS, "more": others}.items():
        rows = {}
        for verb in verbs:
            commands = [one for one in declared if one.command.verb == verb]
            if commands:
                word = f"{verb} KIND" if commands[0].command.kind is not None else verb
                rows[word] = _verb_line(commands)
        if rows:
            text.append(_rows(step, rows))
    text.append("`raphe VERB --help` says more. A verb marked [task] is of that task alone.")
    return "\n\n".join(text)


def _verb_line(commands: list[Declared]) -> str:
    command, task = commands[0].command, commands[0].task
    if command.verb in SHARED:
        return SHARED[command.verb].summary
    return command.summary if task is None else f"{command.summary} [{task}]"


def _line(declared: Declared) -> str:
    return f"{declared.command.summary} [{declared.task}]"


def _rows(title: str, rows: dict[str, str]) -> str:
    return "\n".join([f"{title}:", *(f"  {word:<12} {line}" for word, line in rows.items())])


def _sentence(summary: str) -> str:
    return f"{summary[:1].upper()}{summary[1:]}."


if __name__ == "__main__":
    sys.exit(main())
