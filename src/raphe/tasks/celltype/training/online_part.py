"""Synthetic training spikes, made as they are asked for.

n samples.
"""

from dataclasses import dataclass

import numpy as np

from raphe.core.statistics.splits import PARTS
from raphe.tasks.celltype.synthetic.synthesizer import Synthesizer
from raphe.tasks.celltype.training.batches import Block, Seeds

DRAWN_AT_ONCE = 8192


@dataclass(frozen=True)
class OnlinePart:
    """Synthetic spikes whose parent is in a part, or with None in any; each epoch has new ones."""

    synthesizer: Synthesizer
    part: str | None = "train"

    @property
    def n_samples(self) -> int:
        return self.synthesizer.spikes.n_samples

    def stream(self, count: int, epoch: int, seeds: Seeds | None) -> "OnlineStream":
        """The first `count` samples of the epoch's own that are in the part, by their index."""
        # Far enough that fewer than `count` among them are in the part once in 10¹² epochs.
        span = int((count + 8 * np.sqrt(count) + 64) / self._share())
        number = None if self.part is None else PARTS.index(self.part)
        return OnlineStream(self.synthesizer, number, epoch * span, (epoch + 1) * span)

    def _share(self) -> float:
        """Of the samples of every class, which take turns."""
        if self.part is None:
            return 1.0
        split = self.synthesizer.split
        assert split is not None
        counts = self.synthesizer.spikes.per_class(split.counts)  # (classes, parts)
        return float(np.mean(counts[:, PARTS.index(self.part)] / counts.sum(axis=1)))


class OnlineStream:
    """Samples of a part from `start` to before `stop`, by their index."""

    def __init__(self, synthesizer: Synthesizer, part: int | None, start: int, stop: int) -> None:
        self.synthesizer, self.part, self.next, self.stop = synthesizer, part, start, stop

    def put(self, block: Block, places: np.ndarray) -> None:
        while len(places):
            index = np.arange(self.next, self.next + DRAWN_AT_ONCE)
            drawn = self.synthesizer.draw(index)
            own = np.arange(len(index))
            if self.part is not None:
                own = np.flatnonzero(drawn.part == self.part)
            own = own[: len(places)]
            full = len(own) == len(places)
            self.next = int(index[own[-1] if full else -1]) + 1
            made = self.synthesizer.carry_out(drawn[own])
            now, places = np.split(places, [len(own)])
            block.put(now, made.waveforms, made.label, made.cell)
        assert self.next <= self.stop
