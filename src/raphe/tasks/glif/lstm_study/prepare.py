"""From settings to a store of simulated voltages."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from raphe.core.files.prepared import digest, existing_store, is_to_be_made, preparing
from raphe.tasks.glif.lstm_study.study import Study
from raphe.tasks.glif.lstm_study.voltage_store import write_study


def prepare(store: str | Path | None, folder: str | Path, study: Study) -> dict[str, Any]:
    """Settle which store is trained and tested on; simulate it where it is not there yet.

    Args:
        store: a store that exists; it is used as it is.
        folder: where stores are kept.
        study: what to simulate when no `store` is named.

    Returns:
        The setting `store` of the datamodule.
    """
    if store is not None:
        return {"store": existing_store(store, "leave data.store=null to simulate one")}
    with preparing(folder) as folder:
        grid = folder / f"grid-{digest(asdict(study))}"
        if is_to_be_made(grid):
            write_study(grid, study)
    return {"store": grid}
