"""One training epoch of the published network, beside Keras on the same spikes in the same run.

The two alternate, so that a slow minute of the machine slows both.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from machine import options_of, run_peer, spread, write_table
from simulated import as_in_keras, simulated_spikes

from raphe.harness.process import keep_freed_memory
from raphe.tasks.celltype.network.net import CellTypeNet
from raphe.tasks.celltype.training.keras_adam import KerasAdam

BATCH = 64
EPOCHS = 5
TEST_SHARE = 0.2
LOSSES = ("test loss", "Keras'", "difference")


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
    optimizer = KerasAdam(net.parameters())
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


def row(kernel: int, n_train: int, ours: list[dict], theirs: list[dict]) -> tuple:
    """Microseconds a spike (median over epochs and seeds, range over seeds), ratio, losses."""

    def cost(runs: list[dict]) -> np.ndarray:  # the first epoch also builds graphs and buffers
        return np.array([np.median(run["seconds"][1:]) for run in runs]) / n_train * 1e6

    mine, keras = cost(ours), cost(theirs)
    ratios = keras / mine
    losses = [np.mean([run["test_losses"][-1] for run in runs]) for runs in (ours, theirs)]
    return (
        kernel,
        f"{np.median(mine):.1f}",
        f"{np.median(keras):.1f}",
        spread(ratios),
        f"{losses[0]:.4f}",
        f"{losses[1]:.4f}",
        f"{100 * (losses[0] / losses[1] - 1):+.1f} %",
    )


def main() -> None:
    parser = options_of(__doc__, "epoch", peer=True)
    parser.add_argument("--cells", type=int, default=200, help="simulated cells of each class")
    parser.add_argument("--kernels", type=int, nargs="+", default=[1, 8, 20, 32])
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each network")
    options = parser.parse_args()
    keep_freed_memory()
    waveforms, labels = simulated_spikes(options.cells)
    one_hot = np.eye(2, dtype=np.float32)[labels]
    n_test = int(TEST_SHARE * len(labels))
    parts = (waveforms[n_test:], one_hot[n_test:], waveforms[:n_test], one_hot[:n_test])
    tensors = [torch.from_numpy(part) for part in parts]
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        spikes = Path(scratch) / "spikes.npz"
        np.savez(
            spikes,
            x_train=as_in_keras(waveforms[n_test:]),
            y_train=one_hot[n_test:],
            x_test=as_in_keras(waveforms[:n_test]),
            y_test=one_hot[:n_test],
        )
        for kernel in options.kernels:
            ours, theirs = [], []
            for seed in range(options.seeds):
                ours.append(train(kernel, seed, *tensors))
                settings = (f"--kernel={kernel}", f"--seed={seed}", f"--epochs={EPOCHS}")
                theirs.append(run_peer(options.keras, "keras_peer.py", spikes, *settings))
            rows.append(row(kernel, len(labels) - n_test, ours, theirs))
            print(*rows[-1], flush=True)
    write_table(
        options.output,
        f"One training epoch, published network, batch {BATCH}, float32",
        f"{torch.get_num_threads()} threads, {theirs[0]['versions']}. "
        f"{len(labels) - n_test} simulated training spikes, {EPOCHS} epochs; median over "
        f"{options.seeds} seeds, and range of the ratio.",
        ("k", "raphe µs/spike", "Keras µs/spike", "times faster", *LOSSES),
        rows,
    )


if __name__ == "__main__":
    main()
