"""What the command line sets, checked against the defaults before torch and MLflow are loaded."""

import argparse
import contextlib
import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, QuotedString
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict

from raphe.core.command_line import printed_setting
from raphe.core.errors import SettingError, UsageError
from raphe.core.ranges import written
from raphe.harness.settings import composed
from raphe.harness.settings.admitted import NEAR, check_value, did_you_mean, listed_or, value_text
from raphe.harness.settings.configuration import conf_folder, group_options, search_path
from raphe.harness.settings.machine_settings import setting_name
from raphe.harness.settings.signatures import arguments
from raphe.harness.start.explain import LIST_ALL

DETACH = "--detach"  # raphe's own, of a launcher that can leave what it has launched
FLAGS = (
    *("--help", "--hydra-help", "--version", "--resolve", "--run", "--multirun"),
    *("--shell-completion", "--cfg", "--info", "--package", "--config-dir", "--config-name"),
    *("--config-path", "--experimental-rerun", DETACH),
)
WORDS_OF = {
    "cfg": ("job", "hydra", "all"),
    "info": ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath"),
}
NAME = re.compile(r"[+~]{0,2}[\w/@-]+([.:][\w/@-]+)*", re.ASCII)
# What names a run, an experiment, a model or a place is a text, though it may look like a number.
TEXTS = {
    *("export.sweep", "export.out", "export.register_as", "tracking.experiment", "data.store"),
    *("prepare.recordings", "data_root", "runs_root"),
}
OFFERED = 3  # names at most
Modes = tuple[()] | tuple[RunMode | None]  # what is known of Hydra's mode: nothing, or which it is
OPTIONAL = {"bank", "check", "prepare", "sweep"}  # sections that are read where there are some


def check(given: Sequence[str]) -> Modes:
    """Raise SettingError for a setting or a choice that there is not, or a value it cannot have.

    UsageError, which is one too, for what is neither a setting nor an option. `given` are the
    arguments of train.py. What cannot be composed is left to Hydra.

    Returns the mode that Hydra would compose all settings once more for; none where it has to.
    """
    try:
        options, rest = _hydra_options().parse_known_args(given)
    except argparse.ArgumentError as error:
        raise UsageError(f"{error.argument_name}: {error.message}") from None
    for option, words in WORDS_OF.items():
        word = getattr(options, option)
        if word is not None and word not in words:
            hint = did_you_mean(difflib.get_close_matches(word, words, 1, NEAR))
            raise UsageError(f"--{option} {word}: expected {listed_or(words)}{hint}")
    for word in rest:
        _check_flag(word)
    texts = [text for text in rest if not text.startswith("-")]
    if options.config_name or options.config_path or not texts:
        return ()  # settings of the user's own, or none
    try:
        overrides = OverridesParser.create().parse_overrides(texts)
    except HydraException:
        raise _unreadable(texts) from None
    if any(text.startswith("=") for text in texts):
        raise _unreadable(texts)
    more = Path(options.config_dir).absolute() if options.config_dir else None
    search = search_path(more)
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        choices = {
            override.key_or_group: group_options(override.key_or_group, more)
            for override in overrides
        }
        groups = [override for override in overrides if choices[override.key_or_group]]
        for override in groups:
            _check_choice(override, choices[override.key_or_group])
        try:
            chosen = [*search, *map(_first_choice, groups)]
            defaults = compose("train", chosen, return_hydra_config=True)
        except HydraException:
            return ()
    with open_dict(defaults):
        mode = defaults.pop("hydra").mode
    says_mode = [override for override in overrides if override.key_or_group == "hydra.mode"]
    if mode != RunMode.MULTIRUN and not says_mode and not {"-m", "--multirun"} & set(given):
        _check_no_sweep(overrides, [group.key_or_group for group in groups], defaults)
    for override in overrides:
        if override not in groups and not override.key_or_group.startswith("hydra."):
            _check_name(override, defaults, [*texts, OmegaConf.to_yaml(defaults)])
            _check_values(override, defaults)
    return () if says_mode or any(group.is_sweep_override() for group in groups) else (mode,)


def keep_texts(given: Sequence[str]) -> list[str]:
    """The arguments with quotes around what Hydra would take for a number, and is a name.

    The beginning of a run's id may be one: export.sweep=316e1234, which is infinity.
    """
    kept = []
    for text in given:
        name, _, value = text.partition("=")
        if name in TEXTS:
            with contextlib.suppress(HydraException):
                (override,) = OverridesParser.create().parse_overrides([text])
                # A bool is an int, too; no sweep and no null is either.
                if isinstance(override.value(), int | float):
                    text = f"{name}='{value.strip()}'"
        kept.append(text)
    return kept


def with_detach(given: Sequence[str]) -> list[str]:
    """The arguments with the setting that --detach stands for. Raises UsageError."""
    if DETACH not in given:
        return list(given)
    if not any(setting_name(text) == "hydra/launcher" for text in given):
        raise UsageError(
            f"{DETACH}: goes with a launcher that leaves members to a cluster, as "
            "-m hydra/launcher=slurm"
        )
    return [f"hydra.launcher.{DETACH[2:]}=true" if text == DETACH else text for text in given]


def _hydra_options() -> argparse.ArgumentParser:
    """Those of Hydra's options that have a value: the rest are overrides and flags."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    for names in (
        ("--config-dir", "-cd"),
        ("--config-name", "-cn"),
        ("--config-path", "-cp"),
        ("--package", "-p"),
        ("--cfg", "-c"),
        ("--info", "-i"),
        ("--experimental-rerun",),
    ):
        parser.add_argument(*names, nargs="?" if "-i" in names else None)
    return parser


def _check_flag(word: str) -> None:
    if word.startswith("--") and not any(flag.startswith(word) for flag in FLAGS):
        near = difflib.get_close_matches(word, FLAGS, 1, NEAR)
        hint = did_you_mean(near) or "; settings are given as NAME=VALUE"
        raise UsageError(f"there is no option {word}{hint}")


def _unreadable(texts: Sequence[str]) -> SettingError:
    """The error for the first argument that Hydra cannot parse."""
    for text in texts:
        try:
            (override,) = OverridesParser.create().parse_overrides([text])
            is_readable = bool(override.key_or_group)
        except HydraException:
            is_readable = False
        if not is_readable:
            name, _, value = text.partition("=")
            if not NAME.fullmatch(name):
                return UsageError(
                    f"{text}: expected a setting with its value, as seed=42; {LIST_ALL}"
                )
            if "=" not in text:
                return UsageError(
                    f"{text}: expected a setting with its value, {text}=VALUE; {LIST_ALL}"
                )
            return SettingError(
                f"{text}: the value cannot be read; if it is one word, it needs quotes: "
                f"{printed_setting(name, value)}"
            )
    return UsageError(f"{' '.join(texts)}: cannot be read together; {LIST_ALL}")


def _check_no_sweep(
    overrides: Sequence[Override], groups: Collection[str], defaults: DictConfig
) -> None:
    """Refuse several values of a setting where nothing says that they are to be swept."""
    swept = [override for override in overrides if override.is_sweep_override()]
    if swept:
        name, _, value = _line(swept[0]).partition("=")
        word = ""
        if name not in groups and isinstance(OmegaConf.select(defaults, name), str | None):
            word = f"; one word with such signs needs quotes: {printed_setting(name, value)}"
        raise SettingError(
            f"{name}={value}: several values are a sweep; add -m, or write a list as [8,20]{word}"
        )


def _check_choice(override: Override, choices: Sequence[str]) -> None:
    for value in _values(override):
        names = value if isinstance(value, list) else [value]
        for name in names:
            if name not in choices:
                hint = did_you_mean(difflib.get_close_matches(str(name), choices, 1, NEAR))
                group = override.key_or_group
                hydra = compose("train", return_hydra_config=True).hydra
                unless = ", or leave it out" if hydra.runtime.choices.get(group) is None else ""
                raise SettingError(
                    f"{group}={written(name)}: expected {listed_or(choices)}{unless}{hint}"
                )


def _first_choice(override: Override) -> str:
    """The override as it stands, of a sweep its first value: what else is set is alike in all."""
    if not override.is_sweep_override():
        return str(override.input_line)
    return f"{override.key_or_group}={next(override.sweep_string_iterator())}"


def _check_name(override: Override, defaults: DictConfig, texts: Sequence[str]) -> None:
    """Refuse a name that no setting has; with `+`, one that nothing would read.

    `texts` are those in which a setting may take its value.
    """
    name = override.key_or_group
    section, rest = _deepest(defaults, name)
    if rest is None:
        return
    if override.is_add() or override.is_force_add():
        taken = None
        if isinstance(section, DictConfig) and isinstance(section.get("_target_"), str):
            taken = arguments(section["_target_"])
        if section is defaults:
            is_read = rest in OPTIONAL or any(f"${{{name}" in text for text in texts)
        else:
            is_read = taken is None or rest in taken or rest.startswith("_")
        if is_read:
            return
    raise SettingError(unknown(name, composed.names(defaults)))


def unknown(name: str, known: Iterable[str]) -> str:
    """The sentence for a setting that there is not, with those that may have been meant."""
    known = sorted(known, key=lambda full: full.count("."))
    near = [full for full in known if full.endswith(f".{name}")]
    if not near:
        near = difflib.get_close_matches(name, known, 1, NEAR)
    if not near:  # the last word alone, in whichever section
        last = {full.rpartition(".")[2] for full in known}
        for word in difflib.get_close_matches(name.rpartition(".")[2], last, 1, NEAR):
            near = [full for full in known if full.rpartition(".")[2] == word]
    near = [full for full in near if full.count(".") == near[0].count(".")]  # the least nested
    return f"no setting is called {name}{did_you_mean(near[:OFFERED]) or ';'} {LIST_ALL}"


def _deepest(config: DictConfig, name: str) -> tuple[Any, str | None]:
    """The section that holds the first unknown word of a name, and that word; None where known."""
    node: Any = config
    for word in name.split("."):
        if isinstance(node, ListConfig):
            return node, None  # elements are the list's own
        if not isinstance(node, DictConfig) or word not in node:
            return node, word
        node = node._get_node(word) if OmegaConf.is_missing(node, word) else node[word]
    return node, None


def _check_values(override: Override, defaults: DictConfig) -> None:
    name = override.key_or_group
    section_name, _, key = name.rpartition(".")
    section = OmegaConf.select(defaults, section_name) if section_name else defaults
    if override.is_delete() or not isinstance(section, DictConfig) or key in ("_target_",):
        return
    default = None if OmegaConf.is_missing(section, key) else section.get(key)
    if not _line(override).partition("=")[2].strip():
        raise SettingError(f"{name}=: expected a value, got nothing; is a variable empty?")
    for value in _values(override):
        text = value_text(value)
        if not override.is_sweep_override() and value is not None:
            text = _line(override).partition("=")[2]
        if value is None and default is None and key in section:
            continue  # null as it is here, which another section fills in
        check_value(f"{name}={text}", name, value, default, section.get("_target_"), text)


def _line(override: Override) -> str:
    """As it was given."""
    assert override.input_line is not None  # the parser of lines made it
    return override.input_line


def _values(override: Override) -> Iterator[Any]:
    """The value, of a sweep each of its values."""
    if override.is_sweep_override():
        for text in override.sweep_string_iterator():
            (single,) = OverridesParser.create().parse_overrides(
                [f"{override.key_or_group}={text}"]
            )
            yield _plain(single.value())
    elif not override.is_delete():
        yield _plain(override.value())


def _plain(value: Any) -> Any:
    if isinstance(value, QuotedString):
        return value.text
    return [_plain(item) for item in value] if isinstance(value, list) else value
