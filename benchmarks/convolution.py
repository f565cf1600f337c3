"""The three forms of the second convolution, in training and in inference, on one and two threads.

    make bench ARGS=convolution

SPECTRAL_FROM in convolutions.py is where the frequency domain begins to win in this table.
"""

from collections.abc import Callable

import torch
from machine import alternate, options_of, write_table
from torch import Tensor

from raphe.harness.process import keep_freed_memory
from raphe.tasks.celltype.network.convolutions import (
    convolve_by_library,
    convolve_by_taps,
)
from raphe.tasks.celltype.network.spectral import spectral_convolve

NOTES = """
Tried on one thread and left out, against the form used at that k:

- torch.fft and a complex product for each frequency: 2.3 times as long at k = 20 and 32.
- im2col and one product: as long as the sum over taps at k = 3, a fifth longer from k = 5 on.
- Four real products for a complex one, in place of three: a tenth shorter in inference (less to
  write), the same in training, where its gradients need eight.
- The transform over two or three overlapping pieces of a spike: a twentieth of a training step
  shorter at k = 6 to 8, nothing from k = 10 on.
- Toom-Cook over pieces: with 4 outputs a piece a fifth shorter at k = 5 and longer at k = 3; with 6
  outputs shorter at k = 5 to 8, but with a relative error of 7e-6 at k = 5 and 2e-5 at k = 8.
- bfloat16 on a processor without instructions for it: 20 times as long.
"""
FORMS = (convolve_by_library, convolve_by_taps, spectral_convolve)
FILTERS = (32, 64)
TRAINING_ROWS = 64 + 1  # a batch and the time column
INFERENCE_ROWS = 128


def training(form: Callable[..., Tensor], kernel: int) -> Callable[[], object]:
    x, weight, bias = (tensor.requires_grad_() for tensor in values(kernel, TRAINING_ROWS))
    grad = torch.randn_like(form(x, weight, bias))
    return lambda: torch.autograd.grad(form(x, weight, bias), (x, weight, bias), grad)


def inference(form: Callable[..., Tensor], kernel: int) -> Callable[[], object]:
    x, weight, bias = values(kernel, INFERENCE_ROWS)
    return lambda: form(x, weight, bias)


def values(kernel: int, rows: int) -> tuple[Tensor, Tensor, Tensor]:
    """What the first pooling leaves of 160 samples, filters and bias."""
    n_channels, n_filters = FILTERS
    x = torch.randn((161 - kernel) // 2, rows, n_channels)
    return x, torch.randn(n_filters, n_channels, kernel), torch.randn(n_filters)


def main() -> None:
    parser = options_of(__doc__, "convolution")
    kernels = [1, 2, 4, 5, 6, 7, 8, 10, 12, 16, 20, 26, 32]
    parser.add_argument("--kernels", type=int, nargs="+", default=kernels)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=30)
    options = parser.parse_args()
    keep_freed_memory()
    rows = []
    for kernel in options.kernels:
        for threads in options.threads:
            torch.set_num_threads(threads)
            timed = [training(form, kernel) for form in FORMS]
            timed += [inference(form, kernel) for form in FORMS]
            alternate(2, *timed)  # fills caches and memory
            # Others on the machine only ever add time.
            best = alternate(options.repeats, *timed).min(axis=0) * 1e6
            best[:3] /= TRAINING_ROWS
            best[3:] /= INFERENCE_ROWS
            rows.append((kernel, threads, *(f"{figure:.1f}" for figure in best)))
            print(*rows[-1], flush=True)
    names = ("library", "taps", "frequencies")
    write_table(
        options.output,
        "The second convolution with its pooling, µs a spike",
        f"float32, best of {options.repeats}. Training, forward and backward: {TRAINING_ROWS} "
        f"windows at once; inference: {INFERENCE_ROWS}.",
        (
            "k",
            "threads",
            *(f"{use}: {name}" for use in ("training", "inference") for name in names),
        ),
        rows,
    )
    with options.output.open("a", encoding="utf-8") as table:
        table.write(NOTES)


if __name__ == "__main__":
    main()
