"""The program that `train.py` and `raphe train` are."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import hydra
from hydra._internal.hydra import Hydra

from raphe.core.command_line import print_whatever_comes
from raphe.core.ending import while_read
from raphe.core.errors import SettingError, UsageError
from raphe.core.parser import USAGE_EXIT
from raphe.core.sentences import printable
from raphe.harness.settings import overrides
from raphe.harness.settings.configuration import conf_folder
from raphe.harness.settings.machine_settings import (
    keep_secrets,
    refuse_spoken_secrets,
    with_machine_settings,
)
from raphe.harness.start.launch import launch
from raphe.harness.start.stage import run_stage

FAILED_EXIT = 1


def train(arguments: Sequence[str]) -> int:
    """Compose the settings that the arguments ask for and do what they say; the exit code,
    as `launch` has it, and 2 for what is neither a setting nor an option."""
    return while_read(lambda: _train(arguments))


def _train(arguments: Sequence[str]) -> int:
    print_whatever_comes()
    try:
        refuse_spoken_secrets(arguments)
        arguments = overrides.keep_texts(with_machine_settings(arguments))
        arguments = overrides.with_detach(arguments)
        modes = overrides.check(arguments)
        arguments = keep_secrets(arguments)
    except SettingError as error:
        print(f"error: {printable(error)}", file=sys.stderr)
        return USAGE_EXIT if isinstance(error, UsageError) else FAILED_EXIT
    sys.argv[1:] = arguments  # where Hydra reads them
    composed = hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name="train")
    with _mode_known(modes):
        return launch(composed(run_stage))


@contextmanager
def _mode_known(modes: overrides.Modes) -> Iterator[None]:
    """Hydra composes all settings to learn its mode, and again to run: .13 s of CPU each time."""
    asks = Hydra.get_mode
    if modes:
        Hydra.get_mode = lambda *_, **__: modes[0]  # type: ignore[method-assign]
    try:
        yield
    finally:
        Hydra.get_mode = asks  # type: ignore[method-assign]
