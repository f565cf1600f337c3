"""The commands of this task: options in, one call, a summary out; a file for each room's work."""

from raphe.core.command_line import Command
from raphe.core.ending import BEGINS_ANEW, GOES_ON

ROOM = "raphe.tasks.calcium.commands"

COMMANDS = (
    Command(
        "import",
        "calcium traces and the spikes recorded with them, a pair of files a data set",
        f"{ROOM}.stores:add_import_traces",
        when_interrupted=BEGINS_ANEW,
        kind="traces",
    ),
    Command(
        "import",
        "calcium imaging with spikes as laboratories share it, a file CAttached_… a neuron",
        f"{ROOM}.stores:add_import_ground_truth",
        when_interrupted=BEGINS_ANEW,
        kind="ground-truth",
    ),
    Command(
        "import",
        "published weights of Spikefinder-Elephant (.h5), as a bundle that predicts",
        f"{ROOM}.elephant:add_import_elephant",
        when_interrupted=BEGINS_ANEW,
        kind="elephant",
    ),
    Command(
        "predict",
        "infer spike rates from calcium traces",
        f"{ROOM}.prediction:add_predict",
        when_interrupted=GOES_ON,
    ),
    Command(
        "place",
        "show which datasets new calcium traces resemble",
        f"{ROOM}.elephant:add_place",
    ),
)
