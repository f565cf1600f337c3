"""Noise masks on disk: stretches of recordings without a spike.

M masks, L samples a mask.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import StoreError
from raphe.core.files.store import open_store

KIND = "celltype/masks"
MAKE_ONE = "raphe masks makes one"

N_MASKS = 600  # Corradetti et al. 2024, as is the length
MASK_MS = 5.0
GUARD_MS = 5.0  # longer than the 3 ms after its crossing that a spike's window holds


@dataclass(frozen=True)
class MaskedRecording:
    """A recording with quiet stretches; `day` and `animal` are "" where they are not known."""

    file: str
    cell_id: str
    day: str
    animal: str
    noise_sd_pa: float  # root of the mean variance of all its mask-long quiet pieces
    n_masks: int  # cut from it


@dataclass
class MaskSet:
    """Noise masks, each with mean 0. They stay on disk; a pickled set opens them anew."""

    path: Path
    masks: np.ndarray  # float32 (M, L) in `unit`
    recording: np.ndarray  # int32 (M,), index into recordings
    sweep: np.ndarray  # int32 (M,)
    sample: np.ndarray  # int64 (M,): where it begins in its sweep, at the recording's own rate
    recordings: list[MaskedRecording]
    rate_hz: float
    unit: str
    content_hash: str
    facts: dict[str, Any] = field(repr=False)  # the manifest

    def __len__(self) -> int:
        return len(self.masks)

    @property
    def n_samples(self) -> int:
        return self.masks.shape[1]

    def __reduce__(self) -> tuple[Any, ...]:
        return open_masks, (self.path,)


def open_masks(path: Path | str) -> MaskSet:
    """Open a store of masks. Raises StoreError for whatever is missing or altered."""
    path = Path(path)
    try:
        store = open_store(path)
    except StoreError as error:
        raise StoreError(f"{error}; {MAKE_ONE}") from None
    if store.manifest["kind"] != KIND:
        raise StoreError(
            f"{path}: expected a store of {KIND}, got {store.manifest['kind']}; {MAKE_ONE}"
        )
    recordings = [
        MaskedRecording(
            row["file"],
            row["cell_id"],
            row["day"],
            row["animal"],
            float(row["noise_sd_pa"]),
            int(row["n_masks"]),
        )
        for row in store.tables["recordings"]
    ]
    arrays = {name: np.asarray(array) for name, array in store.arrays.items()}
    return MaskSet(
        path,
        arrays["masks"],
        arrays["recording"],
        arrays["sweep"],
        arrays["sample"],
        recordings,
        store.manifest["rate_hz"],
        store.manifest["unit"],
        store.content_hash,
        store.manifest,
    )
