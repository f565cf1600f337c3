"""The commands of this task: options in, one call, a summary out; a file for each room's work."""

from raphe.core.command_line import Command

ROOM = "raphe.tasks.glif.commands"

COMMANDS = (
    Command(
        "import",
        'published weights of the "LSTM GLIF" study (.npz), as a checkpoint',
        f"{ROOM}.lstm_study:add_import_lstm_glif",
        kind="lstm-glif",
    ),
    Command(
        "reproduce",
        'what the "LSTM GLIF" study\'s figures come to, and why',
        f"{ROOM}.lstm_study:add_reproduce",
    ),
    Command(
        "predict",
        "infer a GLIF neuron's parameters from its voltage, with intervals",
        f"{ROOM}.prediction:add_predict",
    ),
)
