"""One training epoch of the published network, beside Keras on the same spikes in the same run.

    make bench

Alternates the two programs, so that a slow minute of the machine slows both, and writes the table
to benchmarks/results/epoch.md with date, processor and versions.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from raphe.core.recording import Recording
from raphe.harness.memory import keep_freed_memory
from raphe.tasks.celltype.cut import Cut
from raphe.tasks.celltype.module import ADAM_AS_IN_KERAS
from raphe.tasks.celltype.net import CellTypeNet
from raphe.tasks.celltype.simulate import Simulation, simulate_cell
from raphe.tasks.celltype.spikes import cut_spikes

KERNELS = (1, 8, 20, 32)
BATCH = 64
EPOCHS = 5
SEEDS = (0, 1, 2)
TEST_SHARE = 0.2
RESULTS = Path(__file__).parent / "results" / "epoch.md"


def simulated_spikes(n_cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Spikes (N, 160) in pA and labels (N,) of as many cells of each class, in random order."""
    simulation = Simulation(n_ser=n_cells, n_nser=n_cells)
    waveforms, labels = [], []
    for label, name in enumerate(("SER", "NSER")):
        for index in range(n_cells):
            cell = simulate_cell(simulation, name, index)
            recording = Recording.from_array(cell.samples, 40_000.0, "pA", cell.cell_id)
            waveforms.append(cut_spikes(recording, Cut()).waveforms)
            labels.append(np.full(len(waveforms[-1]), label))
    order = np.random.default_rng(0).permutation(sum(map(len, labels)))
    return np.concatenate(waveforms)[order], np.concatenate(labels)[order]


def train(
    kernel: int,
    seed: int,
    x: torch.Tensor,
    y: torch.Tensor,
    x_test: torch.Tensor,
    y_test: torch.Tensor,
) -> dict[str, list[float]]:
    """Train as the harness does, without its tracking: seconds and test loss of each epoch."""
    torch.manual_seed(seed)
    net = CellTypeNet(kernel)
    optimizer = ADAM_AS_IN_KERAS(net.parameters(), fused=True)
    loss_of = torch.nn.functional.binary_cross_entropy_with_logits
    seconds, losses = [], []
    for _ in range(EPOCHS):
        net.train()
        begun = time.perf_counter()
        order = torch.randperm(len(x))
        for rows in order.split(BATCH):
            optimizer.zero_grad(set_to_none=True)
            loss_of(net(x[rows]), y[rows]).backward()
            optimizer.step()
        seconds.append(time.perf_counter() - begun)
        net.eval()
        with torch.no_grad():
            losses.append(loss_of(net(x_test), y_test).item())
    return {"seconds": seconds, "test_losses": losses}


def keras_train(python: Path, spikes: Path, kernel: int, seed: int) -> dict[str, list[float]]:
    script = Path(__file__).parent / "keras_peer.py"
    command = [python, script, spikes, f"--kernel={kernel}", f"--seed={seed}", f"--epochs={EPOCHS}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def save_for_keras(path: Path, x: np.ndarray, y: np.ndarray, n_test: int) -> None:
    time_s = np.broadcast_to(np.arange(x.shape[1], dtype=np.float32) / 40_000, x.shape)
    columns = np.stack([time_s, x], axis=2)[..., None]
    np.savez(
        path, x_train=columns[n_test:], y_train=y[n_test:], x_test=columns[:n_test],
        y_test=y[:n_test],
    )  # fmt: skip


def row(kernel: int, n_train: int, ours: list[dict], theirs: list[dict]) -> str:
    """Microseconds a spike (median over epochs and seeds, range over seeds), ratio, losses."""

    def cost(runs: list[dict]) -> np.ndarray:  # the first epoch also builds graphs and buffers
        return np.array([np.median(run["seconds"][1:]) for run in runs]) / n_train * 1e6

    mine, keras = cost(ours), cost(theirs)
    ratios = keras / mine
    losses = [np.mean([run["test_losses"][-1] for run in runs]) for runs in (ours, theirs)]
    return (
        f"| {kernel} | {np.median(mine):.1f} | {np.median(keras):.1f} | {np.median(ratios):.2f} "
        f"({ratios.min():.2f}–{ratios.max():.2f}) | {losses[0]:.4f} | {losses[1]:.4f} "
        f"| {100 * (losses[0] / losses[1] - 1):+.1f} % |"
    )


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keras", type=Path, required=True, help="the peer's python")
    parser.add_argument("--cells", type=int, default=200, help="simulated cells of each class")
    options = parser.parse_args()
    keep_freed_memory()
    waveforms, labels = simulated_spikes(options.cells)
    one_hot = np.eye(2, dtype=np.float32)[labels]
    n_test = int(TEST_SHARE * len(labels))
    tensors = [torch.from_numpy(a) for a in (
        waveforms[n_test:], one_hot[n_test:], waveforms[:n_test], one_hot[:n_test]
    )]  # fmt: skip
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        spikes = Path(scratch) / "spikes.npz"
        save_for_keras(spikes, waveforms, one_hot, n_test)
        for kernel in KERNELS:
            ours, theirs = [], []
            for seed in SEEDS:
                ours.append(train(kernel, seed, *tensors))
                theirs.append(keras_train(options.keras, spikes, kernel, seed))
            rows.append(row(kernel, len(labels) - n_test, ours, theirs))
            print(rows[-1], flush=True)
    versions = f"torch {torch.__version__}, Python {platform.python_version()}"
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(
        f"# One training epoch, published network, batch {BATCH}, float32\n\n"
        f"{datetime.date.today()}, {processor()}, {os.cpu_count()} cores, "
        f"{torch.get_num_threads()} threads, {versions}; Keras as in requirements-keras.txt. "
        f"{len(labels) - n_test} simulated training spikes, {len(SEEDS)} seeds, {EPOCHS} epochs; "
        "median, and range of the ratio over seeds.\n\n"
        "| k | raphe µs/spike | Keras µs/spike | times faster | test loss | Keras' | difference |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n" + "\n".join(rows) + "\n"
    )


if __name__ == "__main__":
    main()
