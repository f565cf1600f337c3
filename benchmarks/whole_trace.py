"""Elephant's network over whole calcium traces, beside the sliding window it was published with.

    make bench ARGS=whole_trace

The same weights and the same trace: once each layer over all of it (`ElephantNet.infer`), once
every window of 128 samples by itself, in batches. Both in turn, on one thread and on two.
"""

import torch
from machine import alternate, options_of, spread, write_table

from raphe.harness.process import keep_freed_memory
from raphe.tasks.calcium.elephant.network import BEFORE, WINDOW, ElephantNet

BATCHES = (256, 1024, 4096)  # windows: as in training, and what may suit it better
MAY_DIFFER = 1e-5  # in a z-score
TIMES = 5  # as long is the trace read whole: it takes too short a time otherwise


@torch.inference_mode()
def sliding(network: ElephantNet, trace: torch.Tensor, batch: int) -> torch.Tensor:
    """The rate of a trace (T,) by its windows: (T − 128,), of the samples 32 to T − 97."""
    windows = trace.unfold(0, WINDOW, 1)[:-1]
    return torch.cat([network(part)[:, 0] for part in windows.split(batch)])


def main() -> None:
    parser = options_of(__doc__, "whole_trace")
    parser.add_argument("--samples", type=int, default=20_000, help="of the sliding window's trace")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    keep_freed_memory()
    torch.manual_seed(0)
    network = ElephantNet().eval()
    trace = torch.randn(options.samples)
    long = torch.randn(1, TIMES * options.samples)
    rows, differences = [], []
    for threads in options.threads:
        torch.set_num_threads(threads)
        whole = network.infer(trace[None])[0, BEFORE : BEFORE + len(trace) - WINDOW]
        differences += [float((whole - sliding(network, trace, b)).abs().max()) for b in BATCHES]
        ways = [lambda b=batch: sliding(network, trace, b) for batch in BATCHES]
        seconds = alternate(options.repeats, lambda: network.infer(long), *ways)
        per_million = seconds / options.samples * 1e6
        per_million[:, 0] /= TIMES
        names = ["whole trace", *(f"sliding window, batches of {batch}" for batch in BATCHES)]
        for name, taken in zip(names, per_million.T, strict=True):
            rows.append((name, threads, spread(taken, 1), spread(taken / per_million[:, 0], 1)))
            print(*rows[-1], flush=True)
    assert max(differences) <= MAY_DIFFER, f"the ways differ by {max(differences):.1e}"
    write_table(
        options.output,
        "Elephant's network over a whole trace",
        f"120 131 parameters, float32, {options.samples} samples by windows and "
        f"{TIMES * options.samples} whole; median (range) of {options.repeats} repeats in turn. "
        f"The rates, z-scores, differ by at most {max(differences):.0e}.",
        ("", "threads", "seconds a million samples", "times the whole trace's"),
        rows,
    )


if __name__ == "__main__":
    main()
