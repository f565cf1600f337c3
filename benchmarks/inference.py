"""Inference of an ensemble of published networks, beside Keras' predict of one after another.

    make bench ARGS=inference

Both have the same weights and see the same spikes; the table has the largest difference of their
probabilities.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from machine import options_of, run_peer, spread, write_table
from simulated import as_in_keras, simulated_spikes

from raphe.harness.process import keep_freed_memory
from raphe.tasks.celltype.network.ensemble_forward import EnsembleForward
from raphe.tasks.celltype.network.net import CellTypeNet

NOTES = """
- `raphe export` asks a sweep's networks so, to choose among them; `raphe predict` runs the exported
  graph instead, without torch (predict.md).
- Threads that each take whole blocks of spikes, not threads that share each product: two that share
  shorten the second convolution by a third, two with blocks of their own halve everything.
- Blocks of 64 to 256 spikes take the same time to a tenth; of 512 a quarter longer, as what a layer
  makes of them leaves the cache.
- Transforming filters, and running the time column, once for all blocks: 7 %.
- bfloat16 is slower on a processor without instructions for it, and is no option here.
"""
KERAS_BATCHES = (32, 1024)  # Keras' own default, and one that suits it better
MAY_DIFFER = 1e-5  # in a probability


def networks(kernels: Sequence[int]) -> list[CellTypeNet]:
    """With weights as large as trained ones: how long they take does not depend on them."""
    nets = []
    for kernel in kernels:
        torch.manual_seed(kernel)
        nets.append(CellTypeNet(kernel).eval())
        with torch.no_grad():
            for parameter in nets[-1].parameters():
                parameter.add_(0.05 * torch.randn_like(parameter))
    return nets


def keras_weights(net: CellTypeNet) -> list[np.ndarray]:
    """A network's weights in the order and the layout of Keras' layers."""
    norm, conv1, conv2, dense = net.norm, net.conv1, net.conv2, net.dense
    by_sample = dense.weight.unflatten(1, (conv2.out_channels, -1)).permute(2, 1, 0)  # (P, F₂, C)
    weights = [norm.weight, norm.bias]
    for conv in (conv1, conv2):
        weights += [conv.weight.permute(3, 2, 1, 0), conv.bias]  # → (k, 1, C, F)
    weights += [by_sample.flatten(0, 1), dense.bias]
    return [weight.detach().numpy() for weight in weights]


def one_by_one(nets: Sequence[CellTypeNet], current: torch.Tensor) -> torch.Tensor:
    """What the members say, each network's own forward pass on batches as in a test."""
    with torch.inference_mode():
        return torch.stack(
            [
                torch.cat([net.class_probability(net(batch)) for batch in current.split(1024)])
                for net in nets
            ]
        )


def seconds_of(function, *arguments) -> float:
    begun = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - begun


def main() -> None:
    parser = options_of(__doc__, "inference", peer=True)
    parser.add_argument("--kernels", type=int, nargs="+", default=list(range(20, 31)))
    parser.add_argument("--cells", type=int, default=250, help="simulated cells of each class")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    keep_freed_memory()
    waveforms, _ = simulated_spikes(options.cells)
    current = torch.from_numpy(waveforms)
    nets = networks(options.kernels)
    ensemble = EnsembleForward(nets)
    ways = {
        "ensemble": lambda: ensemble(current),
        "its networks one after another": lambda: one_by_one(nets, current),
    }
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/spikes.npy", as_in_keras(waveforms))
        for kernel, net in zip(options.kernels, nets, strict=True):
            np.savez(f"{folder}/weights-{kernel}.npz", *keras_weights(net))
        settings = ("--kernels", *options.kernels, "--batches", *KERAS_BATCHES)
        for _ in range(options.repeats):
            for name, way in ways.items():
                seconds.setdefault(f"raphe, {name}", []).append(seconds_of(way))
            peer = run_peer(options.keras, "keras_predict.py", folder, *settings)
            for batch, taken in peer["seconds"].items():
                seconds.setdefault(f"Keras, batches of {batch}", []).append(taken)
        sigmoids = np.load(Path(folder) / "answers.npy")
    difference = abs(ensemble(current).numpy() - sigmoids / sigmoids.sum(axis=2, keepdims=True))
    assert difference.max() < MAY_DIFFER, difference.max()
    taken = {name: np.array(values) for name, values in seconds.items()}
    rows = [
        (
            name,
            spread(values / len(current) * 1e6, 0),
            *(spread(taken[f"Keras, batches of {batch}"] / values) for batch in KERAS_BATCHES),
        )
        for name, values in taken.items()
    ]
    write_table(
        options.output,
        f"Inference of {len(nets)} networks, k = {min(options.kernels)} to {max(options.kernels)}",
        f"{torch.get_num_threads()} threads, {peer['versions']}. {len(current)} simulated spikes, "
        f"float32; median (range) of {options.repeats} repeats. The probabilities differ by at "
        f"most {difference.max():.0e}.",
        ("", "µs/spike, all networks", *(f"times Keras' batch {batch}" for batch in KERAS_BATCHES)),
        rows,
    )
    with options.output.open("a", encoding="utf-8") as table:
        table.write(NOTES)


if __name__ == "__main__":
    main()
