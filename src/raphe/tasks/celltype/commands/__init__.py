"""The commands of this task: options in, one call, a summary out; a file for each room's work."""

from raphe.core.command_line import Command
from raphe.core.ending import AGAIN, BEGINS_ANEW, GOES_ON

ROOM = "raphe.tasks.celltype.commands"

COMMANDS = (
    Command(
        "import",
        "single spikes, CSV files as SER/A131024#089/A131024#089_trigger_1007585.csv",
        f"{ROOM}.stores:add_import_csv",
        when_interrupted=BEGINS_ANEW,
        kind="csv",
    ),
    Command(
        "import",
        "the authors' arrays (*Observations*, *Labels*, *Cellulars*.npy)",
        f"{ROOM}.stores:add_import_npy",
        when_interrupted=BEGINS_ANEW,
        kind="npy",
    ),
    Command(
        "import",
        "any labelled windows: an NPY array and a CSV table",
        f"{ROOM}.stores:add_import_windows",
        when_interrupted=BEGINS_ANEW,
        kind="windows",
    ),
    Command(
        "import",
        "one of the authors' Keras models (.keras), as a checkpoint",
        f"{ROOM}.published:add_import_keras",
        when_interrupted=BEGINS_ANEW,
        kind="keras",
    ),
    Command(
        "extract",
        "cut the spikes of labelled recordings (.abf, .nwb, other rigs') into a store",
        f"{ROOM}.stores:add_extract",
        when_interrupted=BEGINS_ANEW,
    ),
    Command(
        "check",
        "verify that a store or a bundle of any task is whole, and count a store's spikes",
        f"{ROOM}.stores:add_check",
        is_default=True,
    ),
    Command(
        "features",
        "measure UDI, half-width, slopes, firing rate … of each cell of a store",
        f"{ROOM}.features:add_features",
        when_interrupted=AGAIN,
    ),
    Command(
        "simulate",
        "write simulated loose-seal recordings as .abf files, to try things out",
        f"{ROOM}.synthetic:add_simulate",
        when_interrupted=BEGINS_ANEW,
    ),
    Command(
        "fetch",
        "download the authors' public data or models from Google Drive",
        f"{ROOM}.published:add_fetch",
        when_interrupted=GOES_ON,
    ),
    Command(
        "masks",
        "cut noise masks from recordings (.abf), where no spike is near",
        f"{ROOM}.synthetic:add_masks",
        when_interrupted=BEGINS_ANEW,
    ),
    Command(
        "synthesize",
        "make synthetic spikes: originals, smoothed, plus noise masks",
        f"{ROOM}.synthetic:add_synthesize",
        when_interrupted=GOES_ON,
    ),
    Command(
        "audit",
        "ask whether a good score on a store means what it seems to mean",
        f"{ROOM}.audit:add_audit",
        is_default=True,
        when_interrupted=GOES_ON,
        trains=True,
    ),
    Command(
        "reproduce",
        "the papers' claims beside what is recomputed, and why they differ",
        f"{ROOM}.published:add_reproduce",
        when_interrupted=AGAIN,
        is_default=True,
    ),
    Command(
        "predict",
        "call the class of new cells; --prevalence: at another mix of classes",
        f"{ROOM}.prediction:add_predict",
    ),
    Command(
        "watch",
        "judge recordings while they are being made",
        f"{ROOM}.prediction:add_watch",
    ),
)
