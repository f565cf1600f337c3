"""The sweep over kernel sizes on one accelerator: a bank, and the networks one after another.

    benchmarks/gpu.sh                      on a machine with a GPU: torch and NumPy are all it needs
    benchmarks/gpu.sh --device cpu --spikes 256 --kernels 1 8 --batches 3        a dry run

For each way to train seconds of an epoch of all kernels, in float32 and bf16, from spikes that stay
on the device and from spikes that are copied there batch by batch; the memory of the device; and
whether losses of both ways are those of the processor. What does not fit in --minutes is said to be
missing. Times are of the networks and their optimiser alone: no tracking, no validation.
"""

import argparse
import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from machine import options_of, spread, write_tables
from torch import Tensor

from raphe.tasks.celltype.network.net import CellTypeNet
from raphe.tasks.celltype.network.stacked_nets import StackedNets
from raphe.tasks.celltype.training.keras_adam import KerasAdam

PAPER_SPIKES, BATCH, SAMPLES = 30_328, 64, 160
PAPER_EPOCHS, MOST_S = 25, 60.0  # all kernels, so many epochs: the goal
REPEATS = 3
SEEDS, COMPARED_BATCHES, LAST = 3, 60, 20  # of the comparison with the processor
COMPARED_KERNELS = (1, 8, 20, 32)
MISSING = "not measured: out of time"
RESIDENT = "on the device"
PLACES = (RESIDENT, "copied batch by batch")
PRECISIONS = ("float32", "bf16")

Step = Callable[[Tensor, Tensor], float | Tensor]  # on a batch (N, T), (N,); its loss


def simulated_spikes(n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Spikes (n, T) of two classes, which differ in the width of their trough, and labels (n,)."""
    rng = np.random.default_rng(seed)
    time_ms = np.arange(SAMPLES) / 40 - 1
    label = rng.integers(0, 2, n)
    width_ms = np.where(label == 0, 0.3, 0.45) * rng.lognormal(0, 0.2, n)
    troughs = -60 * np.exp(-((time_ms / width_ms[:, None]) ** 2))
    current = troughs + rng.normal(0, 8, (n, SAMPLES))
    return torch.from_numpy(current.astype(np.float32)), torch.from_numpy(label)


def loss_of(logits: Tensor, label: Tensor) -> Tensor:
    """As published: a sigmoid a class. One of the project's own needs more than torch."""
    target = torch.nn.functional.one_hot(label, logits.shape[-1]).to(torch.float32)
    return torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), target)


def networks(kernels: Sequence[int], device: str, dropout: float = 0.5) -> list[CellTypeNet]:
    """Freshly made on the processor, so that they are the same on each device."""
    return [CellTypeNet(kernel, dropout=dropout).to(device).train() for kernel in kernels]


def bank(nets: Sequence[CellTypeNet], device: str, precision: str) -> Step:
    """All networks in one set of operations, as `model=bank` trains them on an accelerator."""
    stack = StackedNets(nets)
    optimizer = KerasAdam(stack.weights.values())
    generators = [torch.Generator(device).manual_seed(n) for n in range(len(nets))]

    def step(current: Tensor, label: Tensor) -> Tensor:
        optimizer.zero_grad()
        with mixed(device, precision):
            logits = stack.logits(current, generators)
            loss = torch.stack([loss_of(member, label) for member in logits]).sum()
        loss.backward()
        optimizer.step()
        return loss.detach() / len(nets)

    return step


def one_by_one(nets: Sequence[CellTypeNet], device: str, precision: str) -> Step:
    """Each network at its own size, one after another, as a sweep trains them."""
    optimizers = [KerasAdam(net.parameters()) for net in nets]

    def step(current: Tensor, label: Tensor) -> Tensor:
        losses = []
        for net, optimizer in zip(nets, optimizers, strict=True):
            optimizer.zero_grad()
            with mixed(device, precision):
                loss = loss_of(net(current), label)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        return torch.stack(losses).mean()

    return step


WAYS = {"bank": bank, "one by one": one_by_one}


def mixed(device: str, precision: str) -> contextlib.AbstractContextManager:
    return torch.autocast(device, torch.bfloat16, enabled=precision == "bf16")


def batches(
    current: Tensor, label: Tensor, device: str, seed: int, n_batches: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """An epoch in random order, of spikes wherever they are."""
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(current)))
    for rows in order.to(current.device).split(BATCH)[:n_batches]:
        yield current[rows].to(device), label[rows].to(device)


def wait_for(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def epoch_seconds(
    step: Step, spikes: tuple[Tensor, Tensor], device: str, n_batches: int, left_s: float
) -> list[float]:
    """Of each of REPEATS epochs after a warm-up; of those alone that end within `left_s`."""
    for current, label in batches(*spikes, device, 0, min(5, n_batches)):
        step(current, label)
    wait_for(device)
    seconds: list[float] = []
    end = time.perf_counter() + left_s
    for repeat in range(REPEATS):
        begun = time.perf_counter()
        for current, label in batches(*spikes, device, repeat + 1, n_batches):
            step(current, label)
            if time.perf_counter() > end:
                return seconds
        wait_for(device)
        seconds.append(time.perf_counter() - begun)
    return seconds


def compared(kernel: int, device: str, n_batches: int) -> list[tuple[object, ...]]:
    """For each way its mean loss of the last batches, the largest difference at one seed from a
    single network on the processor, and how far seeds lie apart. No dropout: its draws differ from
    device to device."""
    there = losses_by_seed("one by one", kernel, "cpu", n_batches)
    rows = []
    for way in WAYS:
        here = losses_by_seed(way, kernel, device, n_batches)
        figures = here.mean(), np.abs(here - there).max(), np.ptp(here)
        rows.append((way, kernel, *(f"{value:.4f}" for value in figures)))
    return rows


def losses_by_seed(way: str, kernel: int, device: str, n_batches: int) -> np.ndarray:
    spikes = simulated_spikes(BATCH * n_batches, seed=1)
    losses = []
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        step = WAYS[way](networks([kernel], device, dropout=0.0), device, "float32")
        each = [float(step(*batch)) for batch in batches(*spikes, device, seed, n_batches)]
        losses.append(np.mean(each[-LAST:]))
    return np.array(losses)


def timed(options: argparse.Namespace, end: float) -> list[tuple[str, ...]]:
    spikes = simulated_spikes(options.spikes)
    cases = [
        (way, precision, place) for way in WAYS for precision in PRECISIONS for place in PLACES
    ]
    rows = []
    for n, (way, precision, place) in enumerate(cases):
        left_s = (end - time.perf_counter()) / (len(cases) - n)  # a share for each that is to come
        seconds, memory = case(options, way, precision, place, spikes, left_s)
        rows.append(
            (
                way, precision, place,
                f"{spread(seconds)}, {len(seconds)}" if seconds else MISSING,
                f"{PAPER_EPOCHS * np.median(seconds):.0f}" if seconds else "–",
                memory,
            )
        )  # fmt: skip
    return rows


def case(
    options: argparse.Namespace,
    way: str,
    precision: str,
    place: str,
    spikes: tuple[Tensor, Tensor],
    left_s: float,
) -> tuple[list[float], str]:
    """Seconds of its epochs and MB of the device at most; nothing of it stays there."""
    is_cuda = options.device == "cuda"
    if is_cuda:
        torch.cuda.reset_peak_memory_stats()
    here = tuple(part.to(options.device) for part in spikes) if place == RESIDENT else spikes
    torch.manual_seed(0)
    step = WAYS[way](networks(options.kernels, options.device), options.device, precision)
    n_batches = min(options.batches, -(-options.spikes // BATCH))
    seconds = epoch_seconds(step, here, options.device, n_batches, left_s)
    return seconds, f"{torch.cuda.max_memory_allocated() / 2**20:.0f}" if is_cuda else "–"


def main() -> None:
    parser = options_of(__doc__, "gpu")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--spikes", type=int, default=PAPER_SPIKES, help="to train on")
    parser.add_argument("--kernels", type=int, nargs="+", default=list(range(1, 33)))
    parser.add_argument("--batches", type=int, default=10**9, help="of an epoch, at most")
    parser.add_argument("--minutes", type=float, default=7.5, help="for all of it")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        print("skipped: torch finds no CUDA device here; a dry run: --device cpu")
        return
    end = time.perf_counter() + 60 * options.minutes
    torch.set_float32_matmul_precision("high")  # as trainer=gpu
    n_compared = min(options.batches, COMPARED_BATCHES)
    losses = [
        row for kernel in COMPARED_KERNELS for row in compared(kernel, options.device, n_compared)
    ]
    n_batches = min(options.batches, -(-options.spikes // BATCH))
    name = torch.cuda.get_device_name() if options.device == "cuda" else "the processor"
    about = (
        f"{name}; {options.spikes} simulated training spikes, {n_batches} batches of {BATCH}, "
        f"{len(options.kernels)} kernel sizes from {min(options.kernels)} to "
        f"{max(options.kernels)}; median (range), number of epochs after a warm-up, at most "
        f"{REPEATS}; products of float32 as TF32 where the device has it, as in trainer=gpu"
    )
    columns = (
        "way", "precision", "spikes", "epoch of all kernels, s", f"{PAPER_EPOCHS} epochs, s",
        "device memory at most, MB",
    )  # fmt: skip
    goal = f"Goal: {PAPER_EPOCHS} epochs of all kernels within {MOST_S:.0f} s."
    same = (
        "Losses without dropout beside those of a single network on the processor, mean of the "
        f"last {min(LAST, n_compared)} of {n_compared} batches; {SEEDS} seeds."
    )
    write_tables(
        options.output,
        "The sweep on one accelerator",
        about,
        {
            goal: (columns, timed(options, end)),
            same: (
                ("way", "k", "loss", "largest difference from the processor", "seeds apart"),
                losses,
            ),
        },
    )


if __name__ == "__main__":
    main()
