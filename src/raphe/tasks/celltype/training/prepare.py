"""From recordings to stores: the user's own, or the simulated default."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from raphe.core.command_line import printed_command
from raphe.core.files.prepared import digest, existing_store, files_of, is_to_be_made, preparing
from raphe.tasks.celltype.network.kernel_size import check_kernel
from raphe.tasks.celltype.spikes.cut_settings import Cut
from raphe.tasks.celltype.stores.extract import extract
from raphe.tasks.celltype.synthetic.simulated_recordings import Simulation, simulate

MAKE = ("raphe", "extract", "RECORDINGS")
CACHE = "cache"  # in the folder of stores: what is derived from them


def check(store: str | Path | None, cut: Cut, kernel: int) -> None:
    """Raise SettingError for a kernel that is too long for the spikes that would be cut.

    Of a store that is there its windows tell, when the network is built.
    """
    if store is None:
        check_kernel(kernel, cut.n_samples)


def prepare(
    store: str | Path | None,
    recordings: str | Path | None,
    folder: str | Path,
    simulation: Simulation,
    cut: Cut,
) -> dict[str, Any]:
    """Settle which stores are trained and tested on; make those that are not there yet.

    Args:
        store: a store that exists; it is used as it is.
        recordings: a folder of labelled recordings, cut into a store under `folder`.
        folder: where stores and simulated recordings are kept.
        simulation: what to simulate when neither `store` nor `recordings` is named.
        cut: how spikes are cut from recordings.

    Returns:
        Settings of the datamodule: `store`, `cache`, for the simulated default also `test_stores`.
    """
    if store is not None:
        remedy = (
            f"make it with `{printed_command(*MAKE, Path(store))}`, or leave "
            "data.store=null to train on simulated recordings"
        )
        return {"store": existing_store(store, remedy), "cache": Path(folder) / CACHE}
    with preparing(folder) as folder:
        if recordings is not None:
            stores = {"store": _extracted(Path(recordings), folder, cut)}
        else:
            stores = _simulated(folder, simulation, cut)
        return {**stores, "cache": folder / CACHE}


def _simulated(folder: Path, simulation: Simulation, cut: Cut) -> dict[str, Any]:
    """The embedded default and its non-homogeneous companion, kept by their settings' digest."""
    home = folder / f"simulated-{digest(asdict(simulation), asdict(cut))}"
    original = _simulated_store(home / "original", simulation, cut)
    unseen = _simulated_store(home / "nonhomogeneous", simulation.companion(), cut)
    return {"store": original, "test_stores": {"nonhomogeneous": unseen}}


def _simulated_store(store: Path, simulation: Simulation, cut: Cut) -> Path:
    if is_to_be_made(store):
        recordings = store.with_name(f"recordings-{store.name}")
        if not recordings.exists():
            simulate(recordings, simulation)
        _extract_whole(recordings, store, cut)
    return store


def _extracted(recordings: Path, folder: Path, cut: Cut) -> Path:
    """The store cut from a folder of recordings; cut anew when a file or the cut has changed."""
    store = folder / f"extracted-{digest(files_of(recordings, below=True), asdict(cut))}"
    if is_to_be_made(store):
        _extract_whole(recordings, store, cut)
    return store


def _extract_whole(recordings: Path, store: Path, cut: Cut) -> None:
    report = extract(recordings, store, cut)
    for line in [*report.failure_lines(), *report.copies]:
        print(f"warning: {line}", file=sys.stderr)
