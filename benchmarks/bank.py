"""A bank beside the sweep over the same kernel sizes, each as the user runs it.

Both train, track, test, draw and tabulate every member, from the start of the program to its end,
on the same spikes, each repeat with another seed. On the processor the sweep has one worker for
each core; on a GPU it has one at a time.
"""

import csv
import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from machine import REPOSITORY, alternate, options_of, spread, write_table
from simulated import simulated_store
from sweep import PAPER_SPIKES, PRECISIONS, PUBLISHED

from raphe.tasks.celltype.stores.split import FRACTIONS

TRAINER = {"cpu": "cpu", "cuda": "gpu"}


def train(runs: Path, *overrides: str) -> np.ndarray:
    """Run train.py. Returns the test accuracy of each member."""
    shutil.rmtree(runs, ignore_errors=True)  # or it would skip what has finished
    command = [sys.executable, "train.py", *overrides, *PUBLISHED, f"runs_root={runs}"]
    subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, check=True)
    (table,) = runs.rglob("sweep.csv")
    with table.open(newline="") as file:
        return np.array([float(row["test/spikes/accuracy"]) for row in csv.DictReader(file)])


def main() -> None:
    parser = options_of(__doc__, "bank")
    parser.add_argument("--device", choices=list(TRAINER), default="cpu")
    parser.add_argument("--spikes", type=int, default=PAPER_SPIKES, help="to train on")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--kernels", type=int, nargs="+", default=list(range(1, 33)))
    parser.add_argument("--workers", type=int, help="of the sweep (default: see above)")
    parser.add_argument("--precision", choices=list(PRECISIONS), default="float32")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    workers = options.workers or (os.cpu_count() if options.device == "cpu" else 1)
    values = ",".join(map(str, options.kernels))
    bank = ["model=bank", f"bank.values=[{values}]"]
    sweep = ["-m", f"model.kernel={values}"]
    sweep += [f"hydra.launcher.n_jobs={workers}"]
    accuracy: dict[str, list[np.ndarray]] = {"bank": [], "sweep": []}

    def ours(name: str, how: list[str], place: Path) -> None:
        settings = [
            f"data.store={place / 'store'}",
            f"trainer={TRAINER[options.device]}",
            f"trainer.precision={PRECISIONS[options.precision]}",
            f"trainer.max_epochs={options.epochs}",
            f"seed={len(accuracy[name])}",
            "data.seed=0",
        ]
        accuracy[name].append(train(place / name, *how, *settings))

    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        simulated_store(place / "store", round(options.spikes / FRACTIONS[0] / 2))
        each = [partial(ours, name, how, place) for name, how in (("bank", bank), ("sweep", sweep))]
        seconds = alternate(options.repeats, *each)
    banked, swept = (np.array(accuracy[name]) for name in ("bank", "sweep"))  # (seeds, kernels)
    write_table(
        options.output,
        f"A bank beside the sweep ({options.device})",
        f"{options.spikes} simulated training spikes, {options.epochs} epochs, "
        f"{len(options.kernels)} kernel sizes from {min(options.kernels)} to "
        f"{max(options.kernels)}, batch 64, {options.precision}; the sweep in {workers} processes; "
        f"median (range) of {options.repeats} alternating repeats, each with another seed. Test "
        f"accuracy of a kernel size varies by {np.ptp(swept, axis=0).mean():.4f} from seed to "
        f"seed, and between bank and sweep by at most {np.abs(banked - swept).max():.4f}.",
        ("", "whole sweep, s", "times the sweep's", "mean test accuracy"),
        [
            ("bank", spread(seconds[:, 0], 0), spread(seconds[:, 0] / seconds[:, 1]),
             f"{banked.mean():.4f}"),
            ("sweep", spread(seconds[:, 1], 0), "1", f"{swept.mean():.4f}"),
        ],
    )  # fmt: skip


if __name__ == "__main__":
    main()
