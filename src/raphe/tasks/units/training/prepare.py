"""From settings to a store of units: it must be there, as no unit can be simulated."""

from pathlib import Path
from typing import Any

from raphe.core.errors import SettingError
from raphe.core.files.prepared import existing_store

REMEDY = "make one with raphe import units FOLDER STORE"


def prepare(store: str | Path | None) -> dict[str, Any]:
    """The setting `store` of the datamodule. Raises RapheError."""
    if store is None:
        raise SettingError(f"data.store=null: expected a store of labelled units; {REMEDY}")
    return {"store": existing_store(store, REMEDY)}
