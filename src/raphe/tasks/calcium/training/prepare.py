"""From files to a store: the user's own, or the simulated default."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from raphe.core.command_line import printed_command
from raphe.core.files.prepared import digest, existing_store, files_of, is_to_be_made, preparing
from raphe.core.progress import progress
from raphe.tasks.calcium.recordings.conditioning import Conditioning
from raphe.tasks.calcium.recordings.trace_set import TraceOptions
from raphe.tasks.calcium.stores.import_traces import import_traces
from raphe.tasks.calcium.stores.trace_store import write_traces
from raphe.tasks.calcium.synthetic.simulated_recordings import CAVEAT, Simulation, simulate

MAKE = ("raphe", "import", "traces", "FOLDER")


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
        remedy = (
            f"make it with `{printed_command(*MAKE, Path(store))}`, or leave "
            "data.store=null to train on simulated traces"
        )
        return {"store": existing_store(store, remedy)}
    with preparing(folder) as folder:
        if recordings is not None:
            return {"store": _imported(Path(recordings), folder, files, conditioning)}
        return {"store": _simulated(folder, simulation)}


def _simulated(folder: Path, simulation: Simulation) -> Path:
    store = folder / f"simulated-{digest(asdict(simulation))}"
    if is_to_be_made(store):
        total = simulation.datasets * simulation.recordings
        traces = progress(simulate(simulation), "Simulating", total)
        write_traces(store, traces, {"simulation": asdict(simulation), "note": CAVEAT})
    return store


def _imported(
    recordings: Path, folder: Path, files: TraceOptions, conditioning: Conditioning
) -> Path:
    """The store of a folder of pairs; imported anew when a file or a setting has changed."""
    facts = files_of(recordings), asdict(files), asdict(conditioning)
    store = folder / f"imported-{digest(*facts)}"
    if is_to_be_made(store):
        for line in import_traces(recordings, store, files, conditioning).left_out:
            print(f"warning: left out {line}", file=sys.stderr)
    return store
