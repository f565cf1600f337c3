"""What a setting admits: told by the argument that it becomes, or else by its default."""

import difflib
from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from raphe.core.command_line import printed_setting
from raphe.core.errors import SettingError
from raphe.core.ranges import written
from raphe.harness.settings.signatures import Accepted, arguments, check_range

NEAR = 0.75  # likeness from which a name is offered
# The trainer is Lightning's, whose settings here may also be of another type than their default.
OTHER_TYPES = {"trainer.devices", "trainer.deterministic", "trainer.precision"}
NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}
NAMES |= {list: "a list", dict: "a section", type(None): "null"}


def check_value(
    label: str, name: str, value: Any, default: Any, target: Any, text: str | None = None
) -> None:
    """Raise SettingError for a value that a setting cannot have.

    Args:
        label: what the sentence begins with, as "model.kernel=a".
        name: the setting in full.
        value: plain, of a list or a section as list and dict.
        default: its value where nobody sets it; None also where it is not known.
        target: `_target_` of its section, if there is one.
        text: the value as it was given on a command line.
    """
    accepted = _accepted(name, default, target)
    if not _fits(value, accepted):
        if isinstance(default, dict | DictConfig) and accepted.types == (dict,):
            inner = str(next(iter(default), "NAME"))
            raise SettingError(
                f"{label}: {name} is a section; name a setting in it, as {name}.{inner}=VALUE"
            )
        expected, came = _expected(accepted, default), _what_came(value, accepted)
        if text is not None and str in accepted.types and came.startswith(", got"):
            came += (
                f"; as a word it needs quotes: {printed_setting(name, text)}"  # as a folder 2026
            )
        raise SettingError(f"{label}: expected {expected}{came}")
    check_range(name, value, accepted)


def _accepted(name: str, default: Any, target: Any) -> Accepted:
    """What the setting's argument admits; where that is not known, what is like the default."""
    key = name.rpartition(".")[2]
    taken = arguments(target) if isinstance(target, str) else None
    if taken is not None and key in taken:
        return taken[key]
    if default is None or name in OTHER_TYPES:
        return Accepted(anything=True)
    if isinstance(default, list | ListConfig):
        return Accepted((list,), null=True)
    if isinstance(default, dict | DictConfig):
        return Accepted((dict,), null=True)
    return Accepted((int, float) if type(default) is float else (type(default),), null=True)


def _fits(value: Any, accepted: Accepted) -> bool:
    if accepted.anything or (isinstance(value, str) and "${" in value):
        return True
    if value is None:
        return accepted.null
    if isinstance(value, bool):
        return bool in accepted.types or value in accepted.words
    if isinstance(value, float) and float not in accepted.types and int in accepted.types:
        return False
    if isinstance(value, list) and list in accepted.types:
        return not accepted.items or all(_fits(item, Accepted(accepted.items)) for item in value)
    return isinstance(value, accepted.types) or value in accepted.words


def _expected(accepted: Accepted, default: Any) -> str:
    types = [kind for kind in accepted.types if not (kind is int and float in accepted.types)]
    names = [NAMES[kind] for kind in dict.fromkeys(types)]
    if accepted.items:
        names[types.index(list)] += f" of {'whole ' if accepted.whole else ''}numbers"
    names += [str(word) for word in accepted.words]
    if accepted.null and default is None:
        names.append(NAMES[type(None)])
    like = type(default) in accepted.types or (
        isinstance(default, list | ListConfig) and list in types
    )
    return listed_or(names) + (f", such as {value_text(default)}" if like and names else "")


def _what_came(value: Any, accepted: Accepted) -> str:
    words = [str(word) for word in accepted.words]
    if words and isinstance(value, str):
        return did_you_mean(difflib.get_close_matches(value, words, 1, NEAR))
    if isinstance(value, list) and accepted.items:
        wrong = next(item for item in value if not _fits(item, Accepted(accepted.items)))
        return f", got {NAMES[type(wrong)]} in it"
    return f", got {NAMES[type(value)]}"


def value_text(value: Any) -> str:
    return written(OmegaConf.to_container(value) if OmegaConf.is_config(value) else value)


def listed_or(words: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def did_you_mean(names: Sequence[str]) -> str:
    return f"; did you mean {listed_or(names)}?" if names else ""
