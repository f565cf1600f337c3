"""raphe: deep networks that read spikes.

    import raphe

    bundle = raphe.load_bundle("verdict-bundle")     # made by `raphe export`
    verdict = bundle.predict("cell.abf")             # a class, "not sure" or "unlike training"
    print(verdict.verdict, verdict.probability)

    bundle = raphe.load_bundle(task="calcium")       # comes with raphe; or of a folder of yours
    bundle.predict(traces, rate_hz=30).rate_per_s    # traces × frames, spikes/s

    bundle = raphe.load_bundle("glif-bundle")
    bundle.predict(voltage_v, current_a, rate_hz=50_000).posteriors[0].samples   # SI units

    store = raphe.open_store("spikes")               # made by `raphe extract`
    store.arrays["spikes"]                           # memory-mapped

An error that data or settings cause is a RapheError: one sentence that says where, what was
expected, what came and the remedy. Names load when they are first used, and none loads torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from raphe.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from raphe.core.abf.reader import read_abf
    from raphe.core.bundles.bundle import BundleError
    from raphe.core.errors import (
        RapheError,
        RecordingError,
        RecordingWarning,
        SettingError,
        SplitError,
        StoreError,
    )
    from raphe.core.files.store import Store, check_store, open_store
    from raphe.core.neo.reader import read_neo
    from raphe.core.nwb.reader import read_nwb
    from raphe.core.recordings.recording import Recording
    from raphe.tasks.calcium.prediction.predictor import RatePredictor
    from raphe.tasks.celltype.prediction.predictor import CellTypePredictor
    from raphe.tasks.glif.prediction.predictor import PosteriorPredictor
    from raphe.tasks.units.prediction.predictor import UnitPredictor

__all__ = [
    "BundleError",
    "RapheError",
    "Recording",
    "RecordingError",
    "RecordingWarning",
    "SettingError",
    "SplitError",
    "Store",
    "StoreError",
    "__version__",
    "check_store",
    "load_bundle",
    "open_store",
    "read_abf",
    "read_neo",
    "read_nwb",
]

_HOMES = {
    "raphe.core.abf.reader": ("read_abf",),
    "raphe.core.bundles.bundle": ("BundleError",),
    "raphe.core.errors": (
        "RapheError",
        "RecordingError",
        "RecordingWarning",
        "SettingError",
        "SplitError",
        "StoreError",
    ),
    "raphe.core.files.store": ("Store", "check_store", "open_store"),
    "raphe.core.neo.reader": ("read_neo",),
    "raphe.core.nwb.reader": ("read_nwb",),
    "raphe.core.recordings.recording": ("Recording",),
}


def load_bundle(
    path: "Path | str | None" = None,
    threads: int | None = None,
    content_hash: str | None = None,
    *,
    task: str | None = None,
) -> "CellTypePredictor | RatePredictor | PosteriorPredictor | UnitPredictor":
    """Open a bundle of any task, check its hashes and load its networks.

    What comes back has `predict`, whose arguments and answer are the task's, and `manifest`.

    Args:
        path: the folder that `raphe export` made; None takes the one that comes with raphe.
        threads: of the processor; None: what OMP_NUM_THREADS says, else each core that it may use.
        content_hash: that it must have, or the first 12 digits or more; None: whichever it has.
        task: whose bundle comes with raphe, as "calcium"; of a path, what it must be of.

    Raises:
        BundleError: it is missing, altered, another than was asked for, or of a kind that this
            raphe cannot predict with.
        SettingError: its task needs an extra that is not installed, `threads` is no number of
            them, no bundle of `task` comes with raphe, or the one at `path` is of another.
        TypeError: `path` is no path, or None without a task.
    """
    from raphe.core.bundles.predictor import load_predictor
    from raphe.core.bundles.shipped import chosen_bundle, shipped_bundle

    if task is not None:
        path = shipped_bundle(task) if path is None else chosen_bundle(path, task)
    predictor: CellTypePredictor | RatePredictor | PosteriorPredictor | UnitPredictor
    predictor = load_predictor(path, threads, content_hash)
    return predictor


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module 'raphe' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
