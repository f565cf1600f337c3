"""Shuffled batches of 64 from a store in the cache, beside a plain Dataset with one item a call.

    python benchmarks/batches.py

Three ways to draw an epoch of training spikes alternate: from one store, from originals and a
synthetic store in shards mixed in proportion, and the peer, torch's DataLoader over a Dataset of
the first store's memory-mapped arrays. No network is trained meanwhile; what a training step takes
is measured by itself, with the batch at hand.
"""

import tempfile
import time
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from machine import alternate, options_of, spread, write_table
from simulated import simulated_store_and_masks
from torch.utils.data import DataLoader, Dataset

from raphe.core.files.store import open_store
from raphe.harness.process import keep_freed_memory
from raphe.tasks.celltype.synthetic.synthesize import synthesize
from raphe.tasks.celltype.training.data import CellTypeData
from raphe.tasks.celltype.training.module import CellTypeModule

BATCH = 64


class OneByOne(Dataset):
    """A spike a call, as the tutorials have it."""

    def __init__(self, store: Path) -> None:
        arrays = open_store(store).arrays
        self.windows, self.label, self.cell = arrays["spikes"], arrays["label"], arrays["cell"]

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int, int]:
        window = torch.from_numpy(np.array(self.windows[row]))
        return window, int(self.label[row]), int(self.cell[row])


def draw(batches, n_batches: int | None) -> int:
    """Draw so many batches, or all. Returns how many spikes came."""
    return sum(len(label) for _, label, _ in islice(batches, n_batches))


def step_s(kernel: int, batch: tuple[torch.Tensor, ...], n_steps: int) -> float:
    """Seconds a training step takes on average, after ten that build buffers."""
    module = CellTypeModule(kernel)
    optimizer = module.configure_optimizers()
    target = torch.nn.functional.one_hot(batch[1], 2).float()
    for number in range(n_steps + 10):
        if number == 10:
            begun = time.perf_counter()
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(module(batch[0]), target)
        loss.backward()
        optimizer.step()
    return (time.perf_counter() - begun) / n_steps


def main() -> None:
    parser = options_of(__doc__, "batches")
    parser.add_argument("--cells", type=int, default=20, help="simulated cells of each class")
    parser.add_argument("--duration-s", type=float, default=60.0, help="of their recordings")
    parser.add_argument("--scratch", type=Path, help="folder for temporary data, 2.8 GB")
    parser.add_argument("--per-class", type=int, default=1_000_000, help="spikes of each store")
    parser.add_argument("--peer-batches", type=int, default=1000, help="drawn from the peer")
    parser.add_argument("--kernels", type=int, nargs="+", default=[1, 8, 20])
    parser.add_argument("--steps", type=int, default=100, help="of training, to time one")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    keep_freed_memory()
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        store, masks = simulated_store_and_masks(Path(folder), options.cells, options.duration_s)
        make = partial(synthesize, store, masks, per_class=options.per_class)
        shards = make(out=Path(folder) / "shards").store
        one = make(out=Path(folder) / "one", shard_size=2 * options.per_class).store / "shard-00000"
        large = CellTypeData(one)
        n_original = CellTypeData(store).spike_split.counts[:, 0].sum()
        mixed = CellTypeData(store, shards, synthetic_ratio=options.per_class / n_original)
        peer = DataLoader(OneByOne(one), BATCH, shuffle=True)
        ways = []
        for data in (large, mixed):
            data.setup("fit")
            ways.append(partial(draw, data.train_dataloader(), None))
        ways.append(partial(draw, peer, options.peer_batches))
        n_spikes = np.array([way() for way in ways])  # which brings the stores into the cache
        per_s = n_spikes / alternate(options.repeats, *ways)
        batch = next(iter(large.train_dataloader()))
        steps = [step_s(kernel, batch, options.steps) for kernel in options.kernels]
    names = ("one store", "originals and shards", "Dataset, one item a call")
    rows = []
    for name, n, rate in zip(names, n_spikes, per_s.T, strict=True):
        shares = [f"{100 * BATCH / np.median(rate) / step:.1f}" for step in steps]
        rows.append((name, n, spread(rate / 1e6), spread(rate / per_s[:, -1], 1), *shares))
    write_table(
        options.output,
        f"Shuffled batches of {BATCH} from a warm store",
        f"{torch.get_num_threads()} threads; median (range) of {options.repeats} alternating "
        "repeats; the last columns are the time for a batch in per cent of a training step, "
        + ", ".join(
            f"{1e3 * step:.2f} ms at k = {kernel}"
            for kernel, step in zip(options.kernels, steps, strict=True)
        ),
        ("from", "spikes drawn", "million spikes/s", "times the Dataset's",
         *(f"% of a step, k = {kernel}" for kernel in options.kernels)),
        rows,
    )  # fmt: skip


if __name__ == "__main__":
    main()
