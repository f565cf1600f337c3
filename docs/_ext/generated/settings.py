"""Every setting of conf/, with what its file says of it.

A setting's meaning is the comment on its line, which lines of comment below may go on with; a unit
that its name does not end with stands in brackets at the end. What stands above the first setting
tells of the file.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from generated.markdown import code, plain, table
from raphe.core.ranges import Range, written
from raphe.core.sentences import listed
from raphe.harness.settings import composed
from raphe.harness.settings.signatures import Accepted, arguments

CONF = Path(__file__).parents[3] / "conf"
SUFFIXES = {  # of a name, for its unit
    "_s": "s", "_ms": "ms", "_hz": "Hz", "_pa": "pA", "_a": "A", "_mv": "mV", "_mohm": "MΩ",
}  # fmt: skip
UNIT = re.compile(r"\s*\((?P<unit>[\w µΩ%/]{1,24})\)$")  # at the end of a comment
GENERAL = ("train", "trainer/cpu", "trainer/gpu", "tracking/mlflow", "callbacks/default")
EXPORT = "export/bundle"
PARTS = ("calcium/recordings", "calcium/report")  # of several tasks
TITLES = {
    "train": "The run",
    "tracking/mlflow": "Tracking",
    "callbacks/default": "When training stops, and what is kept",
    EXPORT: "Export",
    "calcium/recordings": "Recordings of every task on calcium traces",
    "calcium/report": "Reports of the tasks that infer rates",
}
HYDRA = ("defaults", "hydra", "trainer.defaults")  # what is Hydra's own
TABLES = (  # sections whose keys are no settings: names of columns, or of other settings
    "tracking.read_with", "tracking.read_without", "report.axes", "report.reference.rows",
    "report.reference.columns", "sweep.values",
)  # fmt: skip
FOLLOWS = re.compile(r"\$\{([\w.]+)\}")  # a value that is another setting's
NUMBER = re.compile(r"-?\d+(\.\d*)?(e-?\d+)?")  # as Hydra reads it; YAML takes 1e-3 for a word
NAMES_CODE = ("_target_", "_partial_")
KINDS = {
    bool: "true or false", int: "a whole number", float: "a number", str: "text", list: "a list",
    dict: "a section", type(None): "text",
}  # fmt: skip
NULL = re.compile(r"\bnull: ")  # a meaning that says what null does
# Those of the run, which its own checks know, and Lightning's.
OF_THE_RUN = {
    **{name: Accepted(words=words) for name, words in composed.WORDS.items()},
    **{
        name: Accepted((int,), null=name in composed.OR_NULL, limits=(Range(least),))
        for name, least in composed.LEAST.items()
    },
    "trainer.accelerator": Accepted(words=composed.ACCELERATORS),
    "trainer.precision": Accepted(words=composed.PRECISIONS),
    "trainer.float32_matmul_precision": Accepted(words=composed.MATMUL_PRECISIONS),
    "trainer.deterministic": Accepted((bool,), words=("warn",)),
}


@dataclass(frozen=True)
class Setting:
    """A value that a file gives, by its full name."""

    name: str
    value: Any
    comment: str
    of: str | None  # what takes it: the _target_ beside it
    is_section: bool = False

    @property
    def unit(self) -> str:
        found = UNIT.search(self.comment)
        if found:
            return found["unit"]
        last = self.name.rpartition(".")[2]
        return next((unit for end, unit in SUFFIXES.items() if last.endswith(end)), "")

    @property
    def meaning(self) -> str:
        return UNIT.sub("", self.comment)

    @property
    def may_be_null(self) -> bool:
        return self.value is None or bool(NULL.search(self.meaning))


def read_settings(name: str) -> list[Setting]:
    """Of a file of conf/, by its group and choice as "task/glif", or "train"."""
    text = (CONF / f"{name}.yaml").read_text(encoding="utf-8")
    is_global = name == "train" or "# @package _global_" in text
    return settings_of(text, "" if is_global else f"{name.partition('/')[0]}.")


def settings_of(text: str, prefix: str = "") -> list[Setting]:
    """In the order of the text, each section before what is in it."""
    return list(_settings(yaml.compose(text, yaml.SafeLoader), prefix, text.splitlines()))


def _settings(node: yaml.MappingNode, prefix: str, lines: list[str]) -> Iterator[Setting]:
    target = next((v.value for k, v in node.value if k.value == "_target_"), None)
    for key, value in node.value:
        name = f"{prefix}{key.value}"
        if name in HYDRA or key.value in NAMES_CODE:
            continue
        is_section = (
            isinstance(value, yaml.MappingNode) and bool(value.value) and name not in TABLES
        )
        is_block = not getattr(value, "flow_style", True)  # which begins below its name
        end = key.end_mark if is_block else value.end_mark
        comment = _comment(lines, end.line, end.column, key.start_mark.column)
        yield Setting(name, _value(value), comment, target, is_section)
        if is_section:
            yield from _settings(value, f"{name}.", lines)


def _value(node: yaml.Node) -> Any:
    loader = yaml.SafeLoader("")
    return loader.construct_object(node, deep=True)


def _comment(lines: list[str], row: int, column: int, indent: int) -> str:
    """Behind a value, with the lines of comment that go on below it, further to the right."""
    if row >= len(lines):
        return ""
    behind = lines[row][column:].partition("#")
    if not behind[1]:
        return ""
    words = [behind[2].strip()]
    for line in lines[row + 1 :]:
        inside = line.lstrip()
        if not inside.startswith("#") or len(line) - len(inside) <= indent:
            break
        words.append(inside.lstrip("# "))
    return " ".join(words)


def head(name: str) -> str:
    """What a file says of itself, as Markdown: lines further in are commands."""
    lines = []
    for line in (CONF / f"{name}.yaml").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        if "@package" not in line:
            lines.append(line.removeprefix("#").removeprefix(" "))
    paragraphs: list[str] = []
    is_code = False
    for line in lines:
        if line.startswith("  ") != is_code:
            is_code = not is_code
            paragraphs.append("\n```text" if is_code else "```\n")
        paragraphs.append(line.removeprefix("  ") if is_code else plain(line))
    return "\n".join([*paragraphs, *(["```"] if is_code else [])])


def may_be(setting: Setting, beside: Iterable[Setting] = ()) -> str:
    """As the code that takes a setting has it, or as its value is, or that of what it follows.

    `beside` are those of its file.
    """
    if setting.name == "trainer.devices":
        return composed.A_DEVICE
    if accepted := _accepted(setting):
        return _in_words(accepted, setting.may_be_null)
    followed = FOLLOWS.fullmatch(str(setting.value))
    if followed:
        by_name = {one.name: one for one in (*_of_every_task(), *beside)}
        if followed[1] in by_name:
            target = replace(by_name[followed[1]], comment=setting.comment)
            return KINDS[dict] if target.is_section else may_be(target, beside)
    is_number = isinstance(setting.value, str) and NUMBER.fullmatch(setting.value)
    kind = KINDS[float if is_number else type(setting.value)]
    return f"{kind} or {code('null')}" if setting.may_be_null else kind


def _accepted(setting: Setting) -> Accepted | None:
    if setting.name in OF_THE_RUN:
        return OF_THE_RUN[setting.name]
    taken = arguments(setting.of) if setting.of else None
    accepted = (taken or {}).get(setting.name.rpartition(".")[2])
    return None if accepted is None or accepted.anything else accepted


def _in_words(accepted: Accepted, or_null: bool) -> str:
    """What a setting may be, as the sentence that refuses all else has it."""
    kinds = [kind for kind in dict.fromkeys(accepted.types) if not accepted.limits]
    words = ["true", "false"] if bool in kinds else []
    words += [code(written(word)) for word in accepted.words]
    for limit in accepted.limits:
        alone = replace(limit, also="") if isinstance(limit, Range) else limit
        words.append(alone.expected(accepted.whole))
    if float in kinds and int in kinds:
        kinds.remove(int)
    words += [KINDS[kind] for kind in kinds if kind is not bool]
    if accepted.null or or_null:
        words.append(code("null"))
    return listed(words, "or")


@cache
def _of_every_task() -> tuple[Setting, ...]:
    return tuple(setting for name in (*GENERAL, *PARTS) for setting in read_settings(name))


def shown_value(value: Any) -> str:
    """A default as it is typed; what follows another setting says which."""
    if isinstance(value, str) and (followed := FOLLOWS.fullmatch(value)):
        return f"as {code(followed[1])}"
    if value == "???":  # Hydra's
        return "none, it has to be given"
    if value is None or isinstance(value, bool):
        return code(str(value).lower().replace("none", "null"))
    if isinstance(value, list):
        if (
            len(value) > 8
            and isinstance(value[0], int)
            and value == list(range(value[0], value[-1] + 1))
        ):
            return f"{code(value[0])} to {code(value[-1])}"
        return code("[" + ", ".join(map(str, value)) + "]")
    if isinstance(value, dict):
        return code("{}") if not value else "in the file"
    return code(value)


def names(folder: str) -> list[str]:
    return sorted(f"{folder}/{file.stem}" for file in (CONF / folder).glob("*.yaml"))


def defining() -> list[str]:
    """Files that give every setting its meaning."""
    return [*GENERAL, EXPORT, *PARTS, *names("task")]


def overriding() -> list[str]:
    """Files that mostly give settings other values."""
    return [*names("experiment"), *names("model"), *names("debug")]


@cache
def told() -> dict[str, Setting]:
    """By its name the setting of the first file that says what it means."""
    told: dict[str, Setting] = {}
    for name in defining():
        for setting in read_settings(name):
            if setting.comment:
                told.setdefault(setting.name, setting)
    return told


def explained(setting: Setting, beside: Iterable[Setting] = ()) -> Setting:
    """With the comment of what it follows in its own file, else of the first file that tells.

    `beside` are those of its file: a task's store is not that of the first task.
    """
    if setting.comment:
        return setting
    followed = FOLLOWS.fullmatch(str(setting.value))
    names = (setting.name, followed[1] if followed else "")
    own = {one.name: one for one in beside if one.comment}
    for known, name in ((own, names[1]), *((told(), name) for name in names)):
        if name in known:
            return replace(setting, comment=known[name].comment)
    return setting


def page() -> str:
    return "\n\n".join([
        "## Of every task", *map(_section, (*GENERAL, EXPORT)),
        "## Of a task", *map(_section, (*PARTS, *names("task"))),
        "## Ready-made choices", *map(_choice, overriding()),
    ])  # fmt: skip


def title(name: str) -> str:
    return TITLES.get(name, code(name.replace("/", "=")))


def _section(name: str) -> str:
    rows = []
    beside = read_settings(name)
    for setting in (explained(one, beside) for one in beside):
        if not setting.is_section:
            kind, unit = may_be(setting, beside), setting.unit or "–"
            rows.append(
                (code(setting.name), shown_value(setting.value), kind, unit, plain(setting.meaning))
            )
        elif setting.comment:
            rows.append((code(setting.name), "", "section", "–", plain(setting.meaning)))
    header = ("setting", "default", "may be", "unit", "meaning")
    return f"### {title(name)}\n\n{head(name)}\n\n{table(header, rows)}"


def _choice(name: str) -> str:
    rows = [
        (code(setting.name), shown_value(setting.value), plain(setting.meaning))
        for setting in read_settings(name)
        if not setting.is_section
    ]
    given = table(("setting", "value", "why, or what it is"), rows) if rows else ""
    return f"### {title(name)}\n\n{head(name)}\n\n{given}"
