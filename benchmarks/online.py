"""An epoch on synthetic spikes made as they are needed, beside the same epoch from a store of them.

Both through the project's own datamodule, module and Lightning, with nothing tracked.
"""

import tempfile
from functools import partial
from pathlib import Path

import torch
from machine import alternate, options_of, spread, write_table
from simulated import simulated_store_and_masks
from untracked import untracked_trainer

from raphe.harness.process import keep_freed_memory
from raphe.tasks.celltype.synthetic.synthesize import synthesize
from raphe.tasks.celltype.training.data import ONLINE, CellTypeData
from raphe.tasks.celltype.training.module import CellTypeModule


def train(data: CellTypeData, kernel: int) -> None:
    """One epoch of the published network."""
    trainer = untracked_trainer(max_epochs=1, limit_val_batches=0)
    trainer.fit(CellTypeModule(kernel, **data.facts), datamodule=data)


def main() -> None:
    parser = options_of(__doc__, "online")
    parser.add_argument("--cells", type=int, default=20, help="simulated cells of each class")
    parser.add_argument("--duration-s", type=float, default=60.0, help="of their recordings")
    parser.add_argument("--ratio", type=float, default=8.0, help="synthetic spikes an original one")
    parser.add_argument("--per-class", type=int, default=50_000, help="spikes of the store")
    parser.add_argument("--kernels", type=int, nargs="+", default=[1, 20])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--scratch", type=Path, help="folder for temporary data")
    options = parser.parse_args()
    keep_freed_memory()
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        store, masks = simulated_store_and_masks(Path(scratch), options.cells, options.duration_s)
        written = synthesize(store, masks, Path(scratch) / "synthetic", options.per_class).store
        stored = CellTypeData(store, written, synthetic_ratio=options.ratio)
        online = CellTypeData(store, ONLINE, masks, synthetic_ratio=options.ratio)
        rows = []
        for kernel in options.kernels:
            train(stored, kernel)  # brings the store into the cache
            timed = (partial(train, data, kernel) for data in (stored, online))
            seconds = alternate(options.repeats, *timed)
            added = 100 * (seconds[:, 1] / seconds[:, 0] - 1)
            rows.append((kernel, *map(spread, seconds.T), spread(added, 1)))
            print(*rows[-1], flush=True)
        n_spikes = sum(len(label) for _, label, _ in stored.train_dataloader())
    write_table(
        options.output,
        "One training epoch, synthetic spikes made online",
        f"{torch.get_num_threads()} threads; {n_spikes} spikes an epoch, {options.ratio:g} "
        f"synthetic ones for each original; median (range) of {options.repeats} alternating "
        "repeats.",
        ("k", "from the store, s", "online, s", "added by online, %"),
        rows,
    )


if __name__ == "__main__":
    main()
