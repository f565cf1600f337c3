"""The commands of this task: options in, one call, a summary out; a file for each room's work."""

from raphe.core.command_line import Command
from raphe.core.ending import AGAIN, BEGINS_ANEW

ROOM = "raphe.tasks.glif.commands"

COMMANDS = (
    Command(
        "import",
        'published weights of the "LSTM GLIF" study (.npz), as a checkpoint',
        f"{ROOM}.lstm_study:add_import_lstm_glif",
        when_interrupted=BEGINS_ANEW,
        kind="lstm-glif",
    ),
    Command(
        "reproduce",
        'what the "LSTM GLIF" study\'s figures come to, and why',
        f"{ROOM}.lstm_study:add_reproduce",
        when_interrupted=AGAIN,
    ),
    Command(
        "fit",
        "fit GLIF neurons of one level or all to a cell's sweeps, and say which is enough",
        f"{ROOM}.fitting:add_fit",
        when_interrupted=BEGINS_ANEW,
    ),
    Command(
        "predict",
        "infer a GLIF neuron's parameters from its voltage, with intervals",
        f"{ROOM}.prediction:add_predict",
        when_interrupted=BEGINS_ANEW,
    ),
)
