"""Resident memory while training from stores of millions of spikes, over training on 10 000.

    python benchmarks/memory.py

Each case is a process of its own: open the data, train two epochs of at most --steps steps through
Lightning, each validated on the whole validation part, then read every training, validation and
test spike once in batches, without the network. Its peak is the kernel's high-water mark of
resident memory (Linux). The authors' arrays are a trio of the published shape and size whose
observations are a sparse file; the notebooks load such an array whole, measured here at a size
that fits and computed for the rest.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from machine import options_of, write_table
from simulated import simulated_store, simulated_store_and_masks
from untracked import untracked_trainer

from raphe.core.statistics.splits import PARTS
from raphe.harness.process import keep_freed_memory
from raphe.tasks.celltype.stores.npy_trios import CHECKED_ROWS
from raphe.tasks.celltype.synthetic.synthesize import synthesize
from raphe.tasks.celltype.training.data import CellTypeData
from raphe.tasks.celltype.training.module import CellTypeModule

BASELINE = 10_000
N_SAMPLES, RATE_HZ = 160, 40_000
WAVEFORM_BYTES, NOTEBOOK_BYTES = 4 * N_SAMPLES, 16 * N_SAMPLES  # float32; float64, with the time
AUTHOR_CELLS, AUTHOR_PARENTS = 80, 43_200  # as many originals as were published
NAME = "3mean_A1310{:02d}#{:03d}_trigger_{:07d}.csv"  # as the published synthetic spikes are named


@dataclass(frozen=True)
class Case:
    """What is trained from, and the datamodule's settings for it."""

    what: str
    n_spikes: int
    bytes_a_spike: int
    settings: dict


def cases(folder: Path, n: int, n_cells: int, duration_s: float) -> Iterator[Case]:
    """Write one case's data after the other."""
    small = simulated_store(folder / "small", BASELINE // 2)
    yield Case("a store", BASELINE, WAVEFORM_BYTES, {"store": str(small)})
    store, masks = simulated_store_and_masks(folder, n_cells, duration_s)
    n_trained = CellTypeData(store).spike_split.counts[:, PARTS.index("train")].sum()
    for size in (n // 10, n):
        made = synthesize(store, masks, folder / f"synthetic-{size}", size // 2)
        settings = {
            "store": str(store),
            "synthetic": str(made.store),
            "synthetic_ratio": made.per_part["train"] / n_trained,
        }
        yield Case("`data.synthetic`, in shards", made.n_spikes, WAVEFORM_BYTES, settings)
    shards = {"store": str(made.store)}
    yield Case("the same as `data.store`", made.n_spikes, WAVEFORM_BYTES, shards)
    trio = author_trio(folder / "authors", n, sparse=True)
    yield Case("the authors' arrays", n, NOTEBOOK_BYTES, {"store": str(trio)})


def author_trio(folder: Path, n: int, sparse: bool) -> Path:
    """Observations float64 (n, 160, 2, 1), labels, and names with many spikes of each parent.

    In a sparse file only those rows are written that tell which column is the time.
    """
    folder.mkdir()
    time_s, current_pa = np.arange(N_SAMPLES) / RATE_HZ, np.full(N_SAMPLES, -20.0)
    row = np.stack([time_s, current_pa], axis=1)[..., None]
    shape = (n, *row.shape)
    windows = np.lib.format.open_memmap(folder / "Observations.npy", "w+", "<f8", shape)
    if sparse:
        windows[np.unique(np.linspace(0, n - 1, CHECKED_ROWS).astype(int))] = row
    else:
        windows[:] = row
    names = np.array(
        [
            NAME.format(1 + i % 28, i % AUTHOR_CELLS, 1000 * (i // AUTHOR_CELLS))
            for i in range(AUTHOR_PARENTS)
        ]
    )
    labels = np.lib.format.open_memmap(folder / "Labels.npy", "w+", "<f8", (n, 1))
    cellulars = np.lib.format.open_memmap(folder / "Cellulars.npy", "w+", names.dtype, (n, 1))
    rng = np.random.default_rng(0)
    for start in range(0, n, 100_000):
        parent = rng.integers(0, len(names), len(labels[start : start + 100_000]))
        labels[start : start + len(parent), 0] = parent % 2
        cellulars[start : start + len(parent), 0] = names[parent]
    return folder


def train_and_read(settings: dict, kernel: int, steps: int) -> dict[str, float]:
    """What the process of a case does."""
    keep_freed_memory()
    begun = time.perf_counter()
    data = CellTypeData(**settings)
    data.setup("fit")
    opened_s = time.perf_counter() - begun
    trainer = untracked_trainer(max_epochs=2, limit_train_batches=steps, limit_val_batches=1.0)
    trainer.fit(CellTypeModule(kernel, **data.facts), datamodule=data)
    trained = peak_bytes()
    for batches in (data.train_dataloader(), *data.val_dataloader(), *data.test_dataloader()):
        for _ in batches:
            pass
    return {"opened_s": opened_s, "trained": trained, "peak": peak_bytes()}


def load_whole(observations: str) -> float:
    """Bytes a spike that the notebooks' way takes."""
    before = peak_bytes()
    windows = np.load(observations)
    return (peak_bytes() - before) / len(windows)


def peak_bytes() -> int:
    """The most memory that was resident in this process; getrusage counts its parent's too."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def in_a_process(function: str, **arguments: object) -> object:
    job = json.dumps([function, arguments])
    command = [sys.executable, __file__, "--job", job]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def require_space(scratch: Path, n: int, n_notebook: int) -> None:
    """Two synthetic stores, one a tenth of the other, and the trio's labels and names."""
    a_spike = 1.1 * (WAVEFORM_BYTES + 30) + 4 * len(NAME.format(1, 1, 1)) + 8
    needed = n * a_spike + n_notebook * NOTEBOOK_BYTES + 1e9
    free = shutil.disk_usage(scratch).free
    if needed > free:
        sys.exit(
            f"{scratch}: needs {needed / 1e9:.0f} GB, has {free / 1e9:.0f} GB free; give another "
            "folder as --scratch, or fewer --spikes"
        )


def main() -> None:
    parser = options_of(__doc__, "memory")
    parser.add_argument("--cells", type=int, default=20, help="simulated cells of each class")
    parser.add_argument("--duration-s", type=float, default=60.0, help="of their recordings")
    parser.add_argument("--scratch", type=Path, help="folder for 12 GB of temporary data")
    parser.add_argument("--spikes", type=int, default=12_700_000, help="spikes of the large sets")
    parser.add_argument("--notebook", type=int, default=250_000, help="spikes that it loads whole")
    parser.add_argument("--kernel", type=int, default=20)
    parser.add_argument("--steps", type=int, default=150, help="of each of two epochs")
    parser.add_argument("--job", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        name, arguments = options.job
        print(json.dumps({"train": train_and_read, "load": load_whole}[name](**arguments)))
        return
    require_space(options.scratch or Path(tempfile.gettempdir()), options.spikes, options.notebook)
    rows, base = [], 0.0
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        for case in cases(Path(scratch), options.spikes, options.cells, options.duration_s):
            found = in_a_process(
                "train", settings=case.settings, kernel=options.kernel, steps=options.steps
            )
            base = base or found["peak"]
            n = case.n_spikes
            rows.append(
                (case.what, n, f"{n * case.bytes_a_spike / 1e9:.2f}", f"{found['opened_s']:.1f}",
                 f"{found['trained'] / 1e6:.0f}", f"{found['peak'] / 1e6:.0f}",
                 f"{(found['peak'] - base) / 1e6:+.0f}", f"{n * NOTEBOOK_BYTES / 1e6:.0f}")
            )  # fmt: skip
            print(*rows[-1], flush=True)
        whole = author_trio(Path(scratch) / "notebook", options.notebook, sparse=False)
        peer = in_a_process("load", observations=str(whole / "Observations.npy"))
    write_table(
        options.output,
        "Resident memory while training",
        f"{torch.get_num_threads()} threads; k = {options.kernel}, batch 64, two epochs of at most "
        f"{options.steps} steps, each validated on the whole validation part, then all spikes "
        f"in batches. The notebooks' way, `np.load` of the observations, took {peer:.0f} bytes a "
        f"spike for {options.notebook} spikes; the last column is computed, "
        f"{NOTEBOOK_BYTES} bytes a spike",
        ("trained from", "spikes", "waveforms, GB", "to open, s", "peak when trained, MB",
         "peak when read through, MB", "over the first, MB", "notebook, MB"),
        rows,
    )  # fmt: skip


if __name__ == "__main__":
    main()
