"""The authors' array trios, copied into a store: the current alone, as float32."""

from collections.abc import Sequence
from pathlib import Path

from raphe.core.errors import StoreError
from raphe.core.files.store import MANIFEST
from raphe.core.progress import progress
from raphe.tasks.celltype.recordings.names import CLASSES
from raphe.tasks.celltype.stores.import_csv import ImportReport
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.writer import SpikeStoreWriter

ROWS_AT_ONCE = 4096  # 10 MB of the authors' float64 pairs


def import_npy(
    folder: Path | str,
    store: Path | str,
    classes: Sequence[str] = CLASSES,
    overwrite: bool = False,
    time_column: int | None = None,
) -> ImportReport:
    """Copy the arrays that `open_spikes` finds at `folder` into a store, in their order.

    Memory use does not grow with the arrays. Raises StoreError.
    """
    if (Path(folder) / MANIFEST).exists():
        raise StoreError(f"{folder}: is a store already; use it as it is")
    spikes = open_spikes(folder, classes, time_column)
    starts = range(0, spikes.n, ROWS_AT_ONCE)
    with SpikeStoreWriter(Path(store), classes, spikes.n_samples, overwrite) as writer:
        for start in progress(starts, "copying spikes", total=len(starts)):
            rows = slice(start, start + ROWS_AT_ONCE)
            writer.add_mixed(
                spikes.cells, spikes.cell[rows], spikes.read(rows), spikes.trigger[rows]
            )
        facts = {"sources": {**spikes.facts["sources"], "hash": spikes.content_hash}}
        path = writer.finish(spikes.rate_hz, spikes.unit, facts)
    return ImportReport(path, writer.n, len(writer.cells), writer.per_class())
