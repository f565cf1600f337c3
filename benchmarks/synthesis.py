"""`raphe synthesize` to disk, beside a plain sequential write of as many bytes to the same disk.

Both write files of the same sizes and flush each to the disk. The command is timed as the user
runs it, with its start, its hashes and its workers.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from machine import alternate, options_of, spread, write_table
from simulated import simulated_store_and_masks

BLOCK_BYTES = 2**24
N_CLASSES = 2


def synthesize(store: Path, masks: Path, out: Path, per_class: int) -> None:
    command = [sys.executable, "-m", "raphe.cli", "synthesize", store, masks, out]
    options = ["--per-class", str(per_class)]
    subprocess.run([*command, *options], stdout=subprocess.DEVNULL, check=True)


def file_sizes(folder: Path) -> list[int]:
    return [file.stat().st_size for file in sorted(folder.rglob("*")) if file.is_file()]


def write_plainly(folder: Path, sizes: Sequence[int]) -> None:
    """Files of these sizes, one after the other, from one block of random bytes."""
    block = memoryview(np.random.default_rng(0).bytes(BLOCK_BYTES))
    folder.mkdir()
    for number, size in enumerate(sizes):
        with (folder / f"{number}.bin").open("wb", buffering=0) as file:
            for start in range(0, size, BLOCK_BYTES):
                file.write(block[: min(BLOCK_BYTES, size - start)])
            os.fsync(file.fileno())


def main() -> None:
    parser = options_of(__doc__, "synthesis")
    parser.add_argument("--per-class", type=int, default=2_000_000, help="spikes to make")
    parser.add_argument("--cells", type=int, default=100, help="simulated cells of each class")
    parser.add_argument("--duration-s", type=float, default=60.0, help="of their recordings")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--scratch", type=Path, help="folder on the disk to write to")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        store, masks = simulated_store_and_masks(Path(scratch), options.cells, options.duration_s)
        synthetic, plain = Path(scratch) / "synthetic", Path(scratch) / "plain"
        synthesize(store, masks, synthetic, options.per_class)
        sizes = file_sizes(synthetic)

        def clear() -> None:
            for folder in (synthetic, plain):
                shutil.rmtree(folder, ignore_errors=True)
            os.sync()  # what is left to write is not to slow the next

        seconds = alternate(
            options.repeats,
            lambda: synthesize(store, masks, synthetic, options.per_class),
            lambda: write_plainly(plain, sizes),
            before=clear,
        )
    rate = N_CLASSES * options.per_class / seconds  # (repeats, 2)
    write_table(
        options.output,
        "Synthetic spikes written to disk",
        f"{N_CLASSES * options.per_class} spikes, {sum(sizes) / 1e9:.2f} GB; median (range) of "
        f"{options.repeats} alternating repeats.",
        ("", "spikes a second", "MB a second"),
        [
            ("raphe synthesize", *_rates(rate[:, 0], sizes, seconds[:, 0])),
            ("plain sequential write", *_rates(rate[:, 1], sizes, seconds[:, 1])),
            ("the first's share of the second, %", spread(100 * rate[:, 0] / rate[:, 1], 0), ""),
        ],
    )


def _rates(rate: np.ndarray, sizes: Sequence[int], seconds: np.ndarray) -> tuple[str, str]:
    return spread(rate, 0), spread(sum(sizes) / 1e6 / seconds, 0)


if __name__ == "__main__":
    main()
