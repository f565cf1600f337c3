"""Settings that hold on a machine, from its environment: `trainer=gpu data_root=/big/data`."""

import os
import re
import shlex
from collections.abc import Sequence

from raphe.core.errors import SettingError
from raphe.harness.database.address import address_given, address_spoken, without_credentials

VARIABLE = "RAPHE_SETTINGS"
ADDRESS, SECRET_ADDRESS = "tracking.uri", "RAPHE_TRACKING_URI"
NAME = re.compile(r"[+~]*([\w./@][\w./@-]*)=")  # no flag


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


def refuse_spoken_secrets(arguments: Sequence[str]) -> None:
    """Raise SettingError where a command line itself holds a password, see address_spoken."""
    for argument in arguments:
        if setting_name(argument) == ADDRESS:
            address_spoken(argument.partition("=")[2].strip("'\""), f"{ADDRESS}=")


def keep_secrets(arguments: Sequence[str]) -> list[str]:
    """The arguments, in which an address that holds a password or token, or that a file holds
    (`tracking.uri=@FILE`), stands for itself no more. Raises SettingError, see address_given.

    Hydra writes the settings of every run to files; of such an address they say where it is found,
    in the environment of this process and of those that it starts.
    """
    kept = []
    for argument in arguments:
        name = setting_name(argument)
        before, _, given = argument.partition("=")
        given = given.strip("'\"")
        is_secret = given.startswith("@") or without_credentials(argument) != argument
        if name == ADDRESS and is_secret:
            os.environ[SECRET_ADDRESS] = address_given(given)
            argument = f"{before}=${{oc.env:{SECRET_ADDRESS}}}"
        kept.append(argument)
    return kept


def on_this_machine(name: str) -> str | None:
    """The value of a setting among the machine's, as a text; None where it is not set."""
    values = dict(text.split("=", 1) for text in with_machine_settings([]))
    return values.get(name)


def setting_name(argument: str) -> str | None:
    """What an argument `NAME=VALUE` sets; None for a flag."""
    match = NAME.match(argument)
    return match and match[1]
