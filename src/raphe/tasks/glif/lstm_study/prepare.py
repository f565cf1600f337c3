"""From settings to a store of simulated voltages."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock

from raphe.core.errors import StoreError
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
        if not Path(store).exists():
            raise StoreError(
                f"data.store={store}: no such store; leave data.store=null to simulate one"
            )
        return {"store": Path(store)}
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(json.dumps(asdict(study), sort_keys=True).encode()).hexdigest()[:12]
    made = folder / f"grid-{digest}"
    with FileLock(folder / ".lock"):  # the workers of a sweep prepare at once
        if not made.exists():
            write_study(made, study)
    return {"store": made}
