"""The whole sweep over kernel sizes as the user runs it, beside the notebook's loop in Keras.

Both train on the same spikes for as many epochs, from the start of the program to its end. raphe
also tracks, keeps checkpoints, and tests, draws and tabulates each member; Keras trains, validates
and tests.
"""

import csv
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from machine import REPOSITORY, alternate, options_of, run_peer, spread, write_table
from simulated import as_in_keras, simulated_store

from raphe.core.statistics.splits import PARTS
from raphe.tasks.celltype.stores.split import FRACTIONS
from raphe.tasks.celltype.training.data import CellTypeData

PAPER_SPIKES = 30_328  # for training, Corradetti et al. 2024
# Every epoch and nothing beside the network, as the notebook.
PUBLISHED = ("experiment=paper", "callbacks.patience=null", "baselines=false")
PRECISIONS = {"float32": "32-true", "bf16": "bf16-mixed"}


def raphe_sweep(
    store: Path, runs: Path, kernels: Sequence[int], epochs: int, workers: int, precision: str
) -> None:
    shutil.rmtree(runs, ignore_errors=True)  # or it would skip what has finished
    values = ",".join(map(str, kernels))
    command = [sys.executable, "train.py", "-m", f"model.kernel={values}", *PUBLISHED]
    settings = [
        f"hydra.launcher.n_jobs={workers}",
        f"data.store={store}",
        f"runs_root={runs}",
        f"trainer.max_epochs={epochs}",
        f"trainer.precision={precision}",
    ]
    everything = [*command, *settings]
    subprocess.run(everything, cwd=REPOSITORY, stdout=subprocess.DEVNULL, check=True)


def accuracies(runs: Path) -> list[float]:
    """Test accuracy of each member, from the table that the sweep left."""
    (table,) = runs.rglob("sweep.csv")
    with table.open(newline="") as file:
        return [float(row["test/spikes/accuracy"]) for row in csv.DictReader(file)]


def save_for_keras(path: Path, store: Path) -> int:
    """Write the parts that raphe trains, validates and tests on. Returns the training spikes."""
    data = CellTypeData(store, split="spike")
    data.setup()
    arrays = {}
    loaders = data.train_dataloader(), data.val_dataloader()[0], data.test_dataloader()[0]
    for name, batches in zip(PARTS, loaders, strict=True):
        current, label, _ = map(torch.cat, zip(*batches, strict=True))
        arrays[f"x_{name}"] = as_in_keras(current.numpy())
        arrays[f"y_{name}"] = np.eye(2, dtype=np.float32)[label]
    np.savez(path, **arrays)
    return len(arrays["x_train"])


def main() -> None:
    parser = options_of(__doc__, "sweep", peer=True)
    parser.add_argument("--spikes", type=int, default=PAPER_SPIKES, help="to train on")
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--kernels", type=int, nargs="+", default=list(range(1, 33)))
    parser.add_argument("--workers", type=int, default=2, help="of raphe's sweep")
    text = "of raphe; bf16 where the processor has it, elsewhere it takes many times as long"
    parser.add_argument(
        "--precisions", nargs="+", choices=PRECISIONS, default=["float32"], help=text
    )
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--scratch", type=Path, help="folder for temporary data")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        spikes, runs = Path(scratch) / "spikes.npz", Path(scratch) / "runs"
        store = simulated_store(Path(scratch) / "store", round(options.spikes / FRACTIONS[0] / 2))
        n_train = save_for_keras(spikes, store)
        found: dict[str, list[float]] = {}

        def ours(name: str) -> None:
            settings = options.kernels, options.epochs, options.workers, PRECISIONS[name]
            raphe_sweep(store, runs / name, *settings)
            found[f"raphe {name}"] = accuracies(runs / name)

        def theirs() -> None:
            kernels = "--kernels", *options.kernels
            peer = run_peer(
                options.keras, "keras_sweep.py", spikes, *kernels, "--epochs", options.epochs
            )
            found[peer["versions"]] = peer["test_accuracies"]

        timed = [*(partial(ours, name) for name in options.precisions), theirs]
        seconds = alternate(options.repeats, *timed)
    rows = [
        (name, spread(column, 0), spread(seconds[:, -1] / column), f"{np.mean(accuracy):.4f}")
        for (name, accuracy), column in zip(found.items(), seconds.T, strict=True)
    ]
    write_table(
        options.output,
        "The sweep over kernel sizes",
        f"{n_train} simulated training spikes, {options.epochs} epochs, {len(options.kernels)} "
        f"kernel sizes from {min(options.kernels)} to {max(options.kernels)}, batch 64; raphe in "
        f"{options.workers} processes; median (range) of {options.repeats} repeats.",
        ("", "whole sweep, s", "times faster", "mean test accuracy"),
        rows,
    )


if __name__ == "__main__":
    main()
