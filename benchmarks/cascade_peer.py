"""The arithmetic of CASCADE's network on traces of a file, timed: JSON in the last line.

    python benchmarks/cascade_peer.py TRACES.npy NEURONS THREADS

After the published description (Rupprecht et al. 2021; sizes of its network for 30 Hz): five
networks, each of three convolutions of 31, 19 and 5 samples, with pooling after the second and the
third, and a dense layer, on a window of 64 frames around each frame. The weights are random, and
none of its code is here: this tells how long it takes, not what it says.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

MEMBERS, WINDOW = 5, 64
KERNELS, FILTERS, DENSE = (31, 19, 5), (30, 40, 50), 30
BATCH = 8192  # windows


def network() -> nn.Sequential:
    """From windows (N, 1, 64) to a rate (N, 1)."""
    first, second, third = (
        nn.Conv1d(n_in, n_out, kernel)
        for n_in, n_out, kernel in zip((1, *FILTERS), FILTERS, KERNELS, strict=False)
    )
    return nn.Sequential(
        *(first, nn.ReLU()),  # (N, 30, 34)
        *(second, nn.ReLU(), nn.MaxPool1d(2)),  # (N, 40, 8)
        *(third, nn.ReLU(), nn.MaxPool1d(2)),  # (N, 50, 2)
        *(nn.Conv1d(FILTERS[-1], DENSE, 1), nn.ReLU(), nn.Flatten()),  # the same layer at both
        nn.Linear(2 * DENSE, 1),
    )


@torch.inference_mode()
def infer(members: list[nn.Sequential], trace: torch.Tensor) -> torch.Tensor:
    """The mean rate of a trace (T,) by its windows: (T,)."""
    padded = nn.functional.pad(trace, (WINDOW // 2, WINDOW // 2 - 1))
    windows = padded.unfold(0, WINDOW, 1)[:, None]  # (T, 1, 64)
    rates = [torch.cat([member(part) for part in windows.split(BATCH)]) for member in members]
    return torch.stack(rates).mean(0)[:, 0]


def main() -> None:
    path, n_neurons, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    members = [network().eval() for _ in range(MEMBERS)]
    traces = np.load(path, mmap_mode="r")
    begun = time.perf_counter()
    for trace in traces[:n_neurons]:
        infer(members, torch.from_numpy(np.array(trace, dtype=np.float32)))
    status = Path("/proc/self/status").read_text().splitlines()
    peak_kb = next(line.split()[1] for line in status if line.startswith("VmHWM"))
    print(
        json.dumps(
            {
                "cpu_s": time.process_time(),
                "inferring_s": time.perf_counter() - begun,
                "peak_mb": float(peak_kb) / 1e3,
            }
        )
    )


if __name__ == "__main__":
    main()
