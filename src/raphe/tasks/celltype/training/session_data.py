"""The published schedule for millions of synthetic spikes: some thousands at a time, one session
after the other, each going on with the weights of the last. Corradetti et al. 2024.

n spikes of a session, B of a batch, T samples of a spike.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Literal, get_args

import numpy as np
import torch

from raphe.core.errors import SettingError, StoreError
from raphe.core.ranges import Count, check_ranges
from raphe.core.statistics.splits import PARTS, Fractions, part_sizes
from raphe.tasks.celltype.training.batches import Batch, Loader, SpikeBatches, SpikeBlock
from raphe.tasks.celltype.training.data import EVALUATION_BATCH, CellTypeData
from raphe.tasks.celltype.training.parts import OnlinePart, StorePart

Parents = Literal["train", "all"]

SCORED = "session"  # prefix of the sets that each session is scored on
LEAKS = (
    "Synthetic spikes were split as published, one by one: copies of one original are in training "
    "and in test."
)


@dataclass(frozen=True)
class Sessions:
    """How many synthetic spikes make a session, and what is done with them. Raises SettingError.

    With `parents` "train" a session holds spikes of training cells alone, and validation and test
    are on original spikes; "all" takes any, and validates and tests on the session's own, as
    published.
    """

    n_spikes: Count = 63_450
    fractions: Fractions = (0.70, 0.15, 0.15)  # 44 415 of 63 450 are trained on
    epochs: Count = 25
    parents: Parents = "train"

    def __post_init__(self) -> None:
        check_ranges(Sessions, vars(self), "data.sessions")
        if self.parents not in get_args(Parents):
            raise SettingError(f"data.sessions.parents={self.parents}: expected train or all")


class SessionData(CellTypeData):
    """As CellTypeData, but trained on synthetic spikes alone, session by session.

    Epoch e belongs to session e // sessions.epochs. After the last epoch of each the test stores
    are scored, under `session/<name>`. One session is in memory, however many spikes there are.
    """

    def __init__(self, *args: Any, sessions: Sessions, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.sessions = sessions
        if self.resident:
            raise SettingError(
                "data.resident=true: a session's spikes are in memory as they are, one session "
                "at a time; set data.resident=null"
            )
        if self.synthetic is None:
            raise SettingError(
                "data.synthetic=null: sessions are of synthetic spikes; name a store made by "
                "raphe synthesize, or set data.synthetic=online and data.masks"
            )
        self.source = self._source(self.synthetic)
        if isinstance(self.source, StorePart) and len(self.source) < sessions.n_spikes:
            raise StoreError(
                f"{self.source.spikes.path}: a session of {sessions.n_spikes} spikes was asked of "
                f"{len(self.source)}; make more with raphe synthesize, or lower "
                "data.sessions.n_spikes"
            )
        self._read = lru_cache(maxsize=1)(self._read_session)

    @property
    def note_of_tests(self) -> str:
        leaks = "" if self.sessions.parents == "train" else LEAKS
        return f"{super().note_of_tests} {leaks}".strip()

    @property
    def class_shares(self) -> np.ndarray:
        """Of each class among the synthetic spikes, the only ones trained on: (C,)."""
        return self.source.class_shares

    @property
    def _source_of_mix(self) -> str:
        return "as among the synthetic spikes of training"

    @property
    def holds_cells_out(self) -> bool:
        return super().holds_cells_out and self.sessions.parents == "train"

    @property
    def val_sets(self) -> list[str]:
        return [*super().val_sets, *(f"{SCORED}/{name}" for name in self._scored())]

    def train_dataloader(self) -> Loader:
        return SessionBatches(self, "train", self.batch_size)

    def val_dataloader(self) -> list[Loader]:
        of_session = self.sessions.parents == "all"
        first = [SessionBatches(self, "val")] if of_session else super().val_dataloader()
        return [*first, *self._scored().values()]

    def test_dataloader(self) -> list[Loader]:
        if self.sessions.parents == "train":
            return super().test_dataloader()
        return [SessionBatches(self, "test"), *super().test_dataloader()[1:]]

    def session(self) -> int:
        """Number of the session that the current epoch belongs to."""
        return self._current_epoch() // self.sessions.epochs

    def rows(self, part: str) -> np.ndarray:
        """A session's spikes of a part, in random order: int64 (n of the part,)."""
        sizes = part_sizes(self.sessions.n_spikes, self.sessions.fractions)
        order = self._generator(0, self.session()).permutation(self.sessions.n_spikes)
        return np.split(order, np.cumsum(sizes)[:-1])[PARTS.index(part)]

    def block(self) -> SpikeBlock:
        """The current session's spikes."""
        return self._read(self.session())

    def _read_session(self, session: int) -> SpikeBlock:
        n = self.sessions.n_spikes
        block = SpikeBlock.empty(n, self.source.n_samples)
        stream = self.source.stream(n, session, partial(self._generator, 1))
        stream.put(block, np.arange(n))
        return block

    def _generator(self, *key: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))

    def _source(self, synthetic: StorePart | OnlinePart) -> StorePart | OnlinePart:
        if self.sessions.parents == "train":
            return synthetic
        if isinstance(synthetic, OnlinePart):
            return OnlinePart(synthetic.synthesizer, part=None)
        return StorePart(synthetic.spikes)

    def _scored(self) -> dict[str, SpikeBatches]:
        """The test stores at the last epoch of a session, else none."""
        if (self._current_epoch() + 1) % self.sessions.epochs:
            return {}
        return {
            name: SpikeBatches([part := StorePart(spikes)], [len(part)], EVALUATION_BATCH)
            for name, spikes in self.tests.items()
        }


class SessionBatches:
    """An iterable over one part of the current session; each pass is an epoch with its own order.

    Only training is shuffled anew.
    """

    def __init__(self, data: SessionData, part: str, batch_size: int = EVALUATION_BATCH) -> None:
        self.data, self.part, self.batch_size = data, part, batch_size
        sessions = data.sessions
        self._n = part_sizes(sessions.n_spikes, sessions.fractions)[PARTS.index(part)]

    def __len__(self) -> int:
        return -(-self._n // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        rows = self.data.rows(self.part)
        if self.part == "train":
            epoch = self.data._current_epoch()
            rows = self.data._generator(2, epoch).permutation(rows)
        block = self.data.block()
        arrays = [torch.from_numpy(a) for a in (block.current, block.label, block.cell)]
        for batch_rows in torch.from_numpy(rows).split(self.batch_size):
            current, label, cell = (array[batch_rows] for array in arrays)
            yield current, label, cell
