"""Resident memory while training from stores of millions of spikes, over training on 10 000.

    python benchmarks/memory.py --scratch FOLDER

Each case is a process of its own: open the data, train two epochs of at most --steps steps through
Lightning, with as many batches of validation after each, then read every training, validation and
test spike once in batches, without the network. Its peak is the kernel's high-water mark of
resident memory (Linux). The authors' arrays are a trio of the published shape and size whose
observations are a sparse file; the notebooks load such an array whole, measured here at a size
that fits and computed for the rest.
"""

import argparse
import json
import logging
import shutil
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from machine import options_of, write_table
from simulated import simulated_store, simulated_store_and_masks

from raphe.harness.memory import keep_freed_memory
from raphe.tasks.celltype.author_arrays import CHECKED_ROWS
from raphe.tasks.celltype.data import CellTypeData
from raphe.tasks.celltype.module import CellTypeModule
from raphe.tasks.celltype.synthesize import synthesize

BASELINE = 10_000
NOTEBOOK = 250_000  # spikes that the notebooks' way is measured at: 640 MB
N_SAMPLES, RATE_HZ = 160, 40_000
CELLS, DURATION_S = 20, 60.0  # simulated originals of each class
NAME = "3mean_A1310{:02d}#{:03d}_trigger_{:07d}.csv"  # as the published synthetic spikes are named


def author_trio(folder: Path, n: int, sparse: bool) -> None:
    """Observations float64 (n, 160, 2, 1), labels and names of 80 cells with 540 spikes each.

    In a sparse file only the rows are written that tell which column is the time.
    """
    folder.mkdir()
    row = np.stack([np.arange(N_SAMPLES) / RATE_HZ, np.full(N_SAMPLES, -20.0)], axis=1)[..., None]
    shape = (n, N_SAMPLES, 2, 1)
    windows = np.lib.format.open_memmap(folder / "Observations.npy", "w+", "<f8", shape)
    for rows in np.array_split(np.unique(np.linspace(0, n - 1, CHECKED_ROWS).astype(int)), 8):
        windows[rows] = row
    if not sparse:
        for start in range(0, n, 10_000):
            windows[start : start + 10_000] = row
    del windows
    labels = np.lib.format.open_memmap(folder / "Labels.npy", "w+", "<f8", (n, 1))
    names = np.array([NAME.format(1 + i % 28, i % 80, 1000 * (i // 80)) for i in range(80 * 540)])
    cellulars = np.lib.format.open_memmap(folder / "Cellulars.npy", "w+", names.dtype, (n, 1))
    for start in range(0, n, 100_000):
        parent = np.random.default_rng(start).integers(0, len(names), min(100_000, n - start))
        labels[start : start + len(parent), 0] = parent % 2
        cellulars[start : start + len(parent), 0] = names[parent]


def train_and_read(settings: dict, kernel: int, steps: int) -> dict[str, float]:
    """What one case's process does."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    keep_freed_memory()
    begun = time.perf_counter()
    data = CellTypeData(**settings)
    data.setup("fit")
    opened_s = time.perf_counter() - begun
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=2,
        limit_train_batches=steps,
        limit_val_batches=steps,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(CellTypeModule(kernel, **data.facts), datamodule=data)
    trained_bytes = peak_bytes()
    begun, n = time.perf_counter(), 0
    for batches in (data.train_dataloader(), data.val_dataloader(), *data.test_dataloader()):
        n += sum(len(label) for _, label, _ in batches)
    read_s = time.perf_counter() - begun
    return {
        "opened_s": opened_s,
        "trained": trained_bytes,
        "peak": peak_bytes(),
        "read": n,
        "read_per_s": n / read_s,
    }


def load_whole(observations: str) -> dict[str, float]:
    """As the notebooks do."""
    before = peak_bytes()
    windows = np.load(observations)
    return {"peak": peak_bytes(), "bytes_a_spike": (peak_bytes() - before) / len(windows)}


def peak_bytes() -> int:
    """The most memory that was resident in this process, which getrusage would mix with others."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def in_a_process(job: dict) -> dict[str, float]:
    command = [sys.executable, __file__, "--job", json.dumps(job)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def require_space(scratch: Path, n: int) -> None:
    """A synthetic store and a tenth of it, names and labels of the trio, and what is small."""
    per_spike = 1.1 * (4 * N_SAMPLES + 30) + 4 * len(NAME.format(1, 1, 1)) + 8
    needed = n * per_spike + NOTEBOOK * 16 * N_SAMPLES + 2e9
    free = shutil.disk_usage(scratch).free
    if needed > free:
        sys.exit(f"{scratch}: needs {needed / 1e9:.0f} GB, has {free / 1e9:.0f} GB; choose another")


def make_cases(folder: Path, n: int) -> list[tuple[str, int, dict]]:
    """Write all that is trained from: what it is, how many spikes, settings of the datamodule."""
    small = simulated_store(folder / "small", BASELINE // 2)
    store, masks = simulated_store_and_masks(folder, CELLS, DURATION_S)
    cases = [(f"a store of {BASELINE} spikes", BASELINE, {"store": str(small)})]
    for size in (n // 10, n):
        made = synthesize(store, masks, folder / f"synthetic-{size}", size // 2)
        ratio = made.per_part["train"] / len(trained(store))
        settings = {"store": str(store), "synthetic": str(made.store), "synthetic_ratio": ratio}
        cases.append(("`data.synthetic`, in shards", made.n_spikes, settings))
    cases.append(("the same as `data.store`", made.n_spikes, {"store": str(made.store)}))
    author_trio(folder / "authors", n, sparse=True)
    cases.append(("the authors' three arrays", n, {"store": str(folder / "authors")}))
    author_trio(folder / "notebook", NOTEBOOK, sparse=False)
    return cases


def trained(store: Path) -> np.ndarray:
    return CellTypeData(store).spike_split.rows("train")


def main() -> None:
    parser = options_of(__doc__, "memory")
    parser.add_argument("--scratch", type=Path, help="folder for some 14 GB of temporary data")
    parser.add_argument("--spikes", type=int, default=12_700_000, help="spikes of the large sets")
    parser.add_argument("--kernel", type=int, default=20)
    parser.add_argument("--steps", type=int, default=150, help="of each of two epochs")
    parser.add_argument("--job", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        function = {"train": train_and_read, "load": load_whole}[options.job.pop("do")]
        print(json.dumps(function(**options.job)))
        return
    if options.scratch is None:
        parser.error("--scratch is needed")
    require_space(options.scratch, options.spikes)
    folder = options.scratch / "raphe-memory-benchmark"
    folder.mkdir()
    try:
        rows, base = [], 0.0
        for what, n, settings in make_cases(folder, options.spikes):
            job = {"do": "train", "kernel": options.kernel, "steps": options.steps}
            found = in_a_process(job | {"settings": settings})
            base = base or found["peak"]
            over, logical = f"{(found['peak'] - base) / 1e6:+.0f}", n * 16 * N_SAMPLES
            size = f"{(logical if 'authors' in what else n * 4 * N_SAMPLES) / 1e9:.1f}"
            rows.append(
                (what, n, size, f"{found['peak'] / 1e6:.0f}", over, f"{found['opened_s']:.1f}",
                 f"{found['read_per_s'] / 1e6:.2f}", f"{logical / 1e9:.1f}")
            )  # fmt: skip
            print(*rows[-1], flush=True)
        whole = folder / "notebook" / "Observations.npy"
        peer = in_a_process({"do": "load", "observations": str(whole)})["bytes_a_spike"]
    finally:
        shutil.rmtree(folder)
    write_table(
        options.output,
        "Resident memory while training",
        f"k = {options.kernel}, batch 64, {torch.get_num_threads()} threads, two epochs of at most "
        f"{options.steps} steps, then every spike once in batches. The notebooks' way, "
        f"`np.load` of the observations, took {peer:.0f} bytes a spike for {NOTEBOOK} spikes; the "
        "last column is what it takes for as many as here",
        ("trained from", "spikes", "waveforms, GB", "peak, MB", "over the first, MB",
         "to open, s", "read, million spikes/s", "notebook, GB"),
        rows,
    )  # fmt: skip


if __name__ == "__main__":
    main()
