"""From files to a store: the user's own, or the simulated default."""

import hashlib
import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock

from raphe.core.errors import RecordingError, StoreError
from raphe.core.progress import progress
from raphe.tasks.calcium.recordings.conditioning import Conditioning
from raphe.tasks.calcium.recordings.trace_set import TraceOptions
from raphe.tasks.calcium.stores.import_traces import import_traces
from raphe.tasks.calcium.stores.trace_store import write_traces
from raphe.tasks.calcium.synthetic.simulated_recordings import CAVEAT, Simulation, simulate


def prepare(
    store: str | Path | None,
    recordings: str | Path | None,
    folder: str | Path,
    simulation: Simulation,
    files: TraceOptions,
    conditioning: Conditioning,
) -> dict[str, Any]:
    """Settle which store is trained and tested on; make it where it is not there yet.

    Args:
        store: a store that exists; it is used as it is.
        recordings: a folder of pairs of files, see `import_traces`, imported into `folder`.
        folder: where stores are kept.
        simulation: what to simulate when neither `store` nor `recordings` is named.
        files: what the files of `recordings` do not say of themselves.
        conditioning: of traces that are not the challenge's own.

    Returns:
        The setting `store` of the datamodule.
    """
    if store is not None:
        if not Path(store).exists():
            raise StoreError(
                f"data.store={store}: no such store; make it with `raphe import traces FOLDER "
                f"{shlex.quote(str(store))}`, or leave data.store=null to train on simulated traces"
            )
        return {"store": Path(store)}
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):  # the workers of a sweep prepare at once
        if recordings is not None:
            return {"store": _imported(Path(recordings), folder, files, conditioning)}
        return {"store": _simulated(folder, simulation)}


def _simulated(folder: Path, simulation: Simulation) -> Path:
    store = folder / f"simulated-{_digest(asdict(simulation))}"
    if not store.exists():
        total = simulation.datasets * simulation.recordings
        traces = progress(simulate(simulation), "Simulating", total)
        write_traces(store, traces, {"simulation": asdict(simulation), "note": CAVEAT})
    return store


def _imported(
    recordings: Path, folder: Path, files: TraceOptions, conditioning: Conditioning
) -> Path:
    """The store of a folder of pairs; imported anew when a file or a setting has changed."""
    if not recordings.is_dir():
        raise RecordingError(
            f"prepare.recordings={recordings}: expected a folder of recordings, found none"
        )
    paths = sorted(path for path in recordings.iterdir() if path.is_file())
    facts = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    store = folder / f"imported-{_digest(facts, asdict(files), asdict(conditioning))}"
    if not store.exists():
        for line in import_traces(recordings, store, files, conditioning).left_out:
            print(f"warning: left out {line}", file=sys.stderr)
    return store


def _digest(*facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]
