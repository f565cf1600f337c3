"""Settings that hold on a machine, from its environment: `trainer=gpu data_root=/big/data`."""

import os
import re
import shlex
from collections.abc import Sequence

from raphe.core.errors import SettingError

VARIABLE = "RAPHE_SETTINGS"
NAME = re.compile(r"[+~]*([\w./@-]+)=")


def with_machine_settings(arguments: Sequence[str]) -> list[str]:
    """The arguments of a command line, and those of the machine's settings that they do not name.

    Raises SettingError where the variable holds anything but settings.
    """
    try:
        settings = shlex.split(os.environ.get(VARIABLE, ""))
    except ValueError as error:
        raise SettingError(f"{VARIABLE}: expected settings as on a command line, {error}") from None
    for setting in settings:
        if NAME.match(setting) is None:
            raise SettingError(f"{VARIABLE}: expected settings, name=value, got {setting}")
    names = [setting_name(argument) for argument in arguments]
    # Beside the command line's own: Hydra takes settings in one piece alone, before flags or after.
    place = next((i for i, name in enumerate(names) if name is not None), len(arguments))
    settings = [setting for setting in settings if setting_name(setting) not in names]
    return [*arguments[:place], *settings, *arguments[place:]]


def on_this_machine(name: str) -> str | None:
    """The value of a setting among the machine's, as a text; None where it is not set."""
    values = dict(text.split("=", 1) for text in with_machine_settings([]))
    return values.get(name)


def setting_name(argument: str) -> str | None:
    """What an argument `NAME=VALUE` sets; None for a flag."""
    match = NAME.match(argument)
    return match and match[1]
