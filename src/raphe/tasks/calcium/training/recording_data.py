"""Recordings of a store, split by recording or by dataset: what every network here is tested on."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch

from raphe.core.errors import SplitError
from raphe.core.protocol import UsedStore
from raphe.tasks.calcium.features.network_input import NetworkInput, network_input
from raphe.tasks.calcium.recordings.sampling import z_scored
from raphe.tasks.calcium.stores.split import FRACTIONS, split_recordings
from raphe.tasks.calcium.stores.trace_store import CalciumStore, RecordingSubset, open_traces


class RecordingData(pl.LightningDataModule):
    """Recordings of a store, split; further stores for testing only. A subclass trains on a part,
    and chooses what its network is `shown` of a trace.

    Args:
        store: made by `raphe import traces` or simulated, see `open_traces`.
        test_stores: name → store, each tested on whole beside the test part; None is left out.
        held_out: the dataset, or the cell, that is tested on, or none; None divides every
            dataset.
        fractions: of the cells for training, validation and test.
        seed: of the split and of what a subclass draws.

    Raises:
        StoreError: for a store that cannot be opened.
        SplitError: where too few recordings are left, or a test store holds one trained on.
    """

    def __init__(
        self,
        store: str | Path,
        test_stores: Mapping[str, str | Path] | None = None,
        held_out: str | int | None = None,
        fractions: Sequence[float] = FRACTIONS,
        seed: int = 42,
    ) -> None:
        super().__init__()
        self.seed = seed
        self.store = open_traces(store)
        self.split = split_recordings(
            self.store, None if held_out is None else str(held_out), fractions, seed
        )
        self.tests = {name: open_traces(path) for name, path in (test_stores or {}).items() if path}
        self._refuse_shared_recordings()

    def shown(self, calcium: np.ndarray, imaging_hz: float) -> NetworkInput:
        """What the network is shown of a conditioned trace (N,): its z-scores."""
        return z_scored_input(calcium, imaging_hz)

    @property
    def hashes(self) -> dict[str, str]:
        """The content hash of each store."""
        stores = {"traces": self.store, **self.tests}
        return {name: store.content_hash for name, store in stores.items()}

    @property
    def used_stores(self) -> list[UsedStore]:
        tests = [
            UsedStore(name, store.path, store.contents, is_test=True)
            for name, store in self.tests.items()
        ]
        return [UsedStore("traces", self.store.path, self.store.contents), *tests]

    @property
    def note(self) -> str:
        return self.store.note

    @property
    def validates_unseen(self) -> bool:
        """Whether validation is of recordings that are not trained on."""
        return not set(self.split.val) & set(self.split.train)

    @property
    def test_names(self) -> list[str]:
        """Names of the test sets in the order of `test_dataloader`."""
        return ["test", *self.tests] if len(self.split.test) else list(self.tests)

    def test_store(self, name: str) -> CalciumStore:
        """The store whose recordings a test set holds."""
        return self.tests.get(name, self.store)

    def setup(self, stage: str | None = None) -> None:
        self.parts = {
            name: RecordingSubset(self.store, rows) for name, rows in self.split.parts().items()
        }

    def val_dataloader(self) -> "RecordingBatches":
        return RecordingBatches(self.parts["val"], self.shown)

    def test_dataloader(self) -> list["RecordingBatches"]:
        subsets = [self.parts["test"]] if len(self.split.test) else []
        subsets += [RecordingSubset.whole(store) for store in self.tests.values()]
        return [RecordingBatches(subset, self.shown) for subset in subsets]

    def current_epoch(self) -> int:
        """The trainer's epoch, 0 without a trainer."""
        return self.trainer.current_epoch if self.trainer is not None else 0

    def _refuse_shared_recordings(self) -> None:
        if not self.tests:
            return
        trained = {_fingerprint(self.store, row) for row in (*self.split.train, *self.split.val)}
        for name, store in self.tests.items():
            for row, recording in enumerate(store.recordings):
                if _fingerprint(store, row) in trained:
                    raise SplitError(
                        f"data.test_stores.{name}: its recording {recording.name} is trained on; "
                        f"take it out of {store.path} or of {self.store.path}"
                    )


class RecordingBatches:
    """Whole recordings, one a batch: what is `shown` of its calcium (1, N) and of its frame rate
    (1, 1), spikes (1, N), its index (1,)."""

    def __init__(
        self, subset: RecordingSubset, shown: Callable[[np.ndarray, float], NetworkInput]
    ) -> None:
        self.subset, self.shown = subset, shown

    def __len__(self) -> int:
        return len(self.subset.recordings)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, ...]]:
        store = self.subset.store
        for index, recording in zip(self.subset.rows, self.subset.recordings, strict=True):
            shown = self.shown(store.calcium[recording.rows], recording.imaging_hz)
            spikes = np.asarray(store.spikes[recording.rows], dtype=np.float32)
            yield (
                *(torch.from_numpy(part)[None] for part in shown),
                torch.from_numpy(spikes)[None],
                torch.tensor([int(index)]),
            )


def z_scored_input(calcium: np.ndarray, imaging_hz: float) -> NetworkInput:
    """What a network that takes z-scores is shown of a trace (N,)."""
    _, log_frame_rate = network_input(calcium, imaging_hz)
    return NetworkInput(z_scored(calcium).astype(np.float32), log_frame_rate)


def _fingerprint(store: CalciumStore, row: int) -> str:
    return hashlib.sha256(store.calcium[store.recordings[row].rows].tobytes()).hexdigest()
