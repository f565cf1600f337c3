"""From recordings to stores: the user's own, or the simulated default."""

import hashlib
import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock

from raphe.core.errors import RecordingError, StoreError
from raphe.tasks.celltype.spikes.cut_settings import Cut
from raphe.tasks.celltype.stores.extract import extract
from raphe.tasks.celltype.synthetic.simulated_recordings import Simulation, simulate

CACHE = "cache"  # in the folder of stores: what is derived from them


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
        if not Path(store).exists():
            raise StoreError(
                f"data.store={store}: no such store; make it with `raphe extract RECORDINGS "
                f"{shlex.quote(str(store))}`, or leave data.store=null to train on simulated "
                "recordings"
            )
        return {"store": Path(store), "cache": Path(folder) / CACHE}
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):  # the workers of a sweep prepare at once
        if recordings is not None:
            made = {"store": _extracted(Path(recordings), folder, cut)}
        else:
            made = _simulated(folder, simulation, cut)
        return {**made, "cache": folder / CACHE}


def _simulated(folder: Path, simulation: Simulation, cut: Cut) -> dict[str, Any]:
    """The embedded default and its non-homogeneous companion, kept by their settings' digest."""
    home = folder / f"simulated-{_digest(asdict(simulation), asdict(cut))}"
    original = _simulated_store(home / "original", simulation, cut)
    unseen = _simulated_store(home / "nonhomogeneous", simulation.companion(), cut)
    return {"store": original, "test_stores": {"nonhomogeneous": unseen}}


def _simulated_store(store: Path, simulation: Simulation, cut: Cut) -> Path:
    if not store.exists():
        recordings = store.with_name(f"recordings-{store.name}")
        if not recordings.exists():
            simulate(recordings, simulation)
        _extract_whole(recordings, store, cut)
    return store


def _extracted(recordings: Path, folder: Path, cut: Cut) -> Path:
    """The store cut from a folder of recordings; cut anew when a file or the cut has changed."""
    if not recordings.is_dir():
        raise RecordingError(
            f"prepare.recordings={recordings}: expected a folder of recordings, found none"
        )
    files = sorted(path for path in recordings.rglob("*") if path.is_file())
    facts = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    store = folder / f"extracted-{_digest(facts, asdict(cut))}"
    if not store.exists():
        _extract_whole(recordings, store, cut)
    return store


def _extract_whole(recordings: Path, store: Path, cut: Cut) -> None:
    for line in extract(recordings, store, cut).failure_lines():
        print(f"warning: {line}", file=sys.stderr)


def _digest(*facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]
