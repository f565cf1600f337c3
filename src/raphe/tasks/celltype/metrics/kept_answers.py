"""The predictions of an epoch as they come, in one piece of memory for each kind.

Small pieces, kept one by one among the buffers that a network frees after each batch, would hold
those apart: memory then grows with every batch. n spikes, B of a batch.
"""

from torch import Tensor


class KeptAnswers:
    """Tensors that fill up along their first axis, on the device where they are made.

    Args:
        n_batches: how many there will be at most, none larger than the first.
    """

    def __init__(self, n_batches: int) -> None:
        self._n_batches = n_batches
        self._whole: list[Tensor] = []
        self._n = 0

    def add(self, *values: Tensor) -> None:
        """Copy what there is of one batch: (B, …) each, as many and of the same kinds each time."""
        n = len(values[0])
        if not self._whole:
            self._whole = [own.new_empty((self._n_batches * n, *own.shape[1:])) for own in values]
        assert self._n + n <= len(self._whole[0]), "more batches than announced"
        for whole, own in zip(self._whole, values, strict=True):
            whole[self._n : self._n + n] = own
        self._n += n

    def take(self) -> list[Tensor]:
        """All that was added: (n, …) each."""
        return [whole[: self._n] for whole in self._whole]
