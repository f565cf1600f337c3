"""The errors that a user's data or settings cause. Each message is a sentence to act on."""

from raphe.core.sentences import printable


class RapheError(Exception):
    """Something outside the code is wrong: says where, what was expected, what came, the remedy.

    Its text is one line that a terminal can show, whatever names from outside are in it.
    """

    def __str__(self) -> str:
        return printable(super().__str__())


class RecordingError(RapheError):
    """A recording is damaged, contradicts itself or is not what the caller asked for."""


class StoreError(RapheError):
    """A store on disk is missing, incomplete or altered."""


class SplitError(RapheError):
    """The data cannot be split as asked."""


class SettingError(RapheError):
    """A setting has a value that cannot work."""


class UsageError(SettingError):
    """The words of a command cannot work, whatever the files hold: exit code 2."""


class RecordingWarning(UserWarning):
    """A recording can be read but part of it is suspect."""
