"""The commands of this task: options in, one call, a summary out; a file for each room's work."""

from raphe.core.command_line import Command
from raphe.core.ending import BEGINS_ANEW, GOES_ON

ROOM = "raphe.tasks.units.commands"

COMMANDS = (
    Command(
        "import",
        "labelled units: waveforms, intervals and autocorrelograms in a folder",
        f"{ROOM}.stores:add_import_units",
        when_interrupted=BEGINS_ANEW,
        kind="units",
    ),
    Command(
        "audit",
        "ask whether a good score on labelled units means what it seems to mean",
        f"{ROOM}.audit:add_audit",
        when_interrupted=GOES_ON,
        trains=True,
    ),
    Command(
        "predict",
        "call the class of new units of a sorting",
        f"{ROOM}.prediction:add_predict",
        when_interrupted=BEGINS_ANEW,
    ),
    Command(
        "finetune",
        "tune a bundle to own labelled units, and say which to label next",
        f"{ROOM}.tuning:add_finetune",
        when_interrupted=BEGINS_ANEW,
    ),
)
