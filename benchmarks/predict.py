"""`raphe predict` as the user runs it: how long it takes to start, to judge, and what memory.

    python benchmarks/predict.py

Simulated recordings through an ensemble of 11 networks, k = 20 to 30, whose weights are untrained:
how long they take does not depend on them. A process of its own each time; where time or memory
above the start-up is given, an empty recording's is taken off. No peer: the bars are absolute.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from machine import options_of, spread, write_table
from simulated import simulated_store

from raphe.core.abf.writer import write_abf
from raphe.core.protocol import TrainedRun
from raphe.tasks.celltype.ensemble.export import export
from raphe.tasks.celltype.synthetic.simulated_cell import RATE_HZ
from raphe.tasks.celltype.synthetic.simulated_recordings import Simulation, simulate_cell
from raphe.tasks.celltype.training.data import CellTypeData
from raphe.tasks.celltype.training.module import CellTypeModule

KERNELS = range(20, 31)
SHORT_S, LONG_S = 100.0, 1800.0
N_SPIKES = 200  # of the short recording
# The command itself, which then tells its peak: of a child the system counts its parent's too.
COMMAND = """
import sys
from raphe.cli import main
if main(sys.argv[1:]):
    sys.exit(1)
print(*[line for line in open("/proc/self/status") if line.startswith("VmHWM")])
"""


def make_bundle(folder: Path) -> Path:
    """Export networks with weights as large as trained ones."""
    data = CellTypeData(simulated_store(folder / "store", 2000))
    data.setup()
    runs = []
    for kernel in KERNELS:
        torch.manual_seed(kernel)
        module = CellTypeModule(kernel, **data.facts)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.add_(0.05 * torch.randn_like(parameter))
        path = folder / f"{kernel}.ckpt"
        facts = {"state_dict": module.state_dict(), "hyper_parameters": dict(module.hparams)}
        torch.save({**facts, "pytorch-lightning_version": "2.6.0"}, path)
        runs.append(TrainedRun(f"run{kernel}", f"model.kernel={kernel}", path))
    return export(runs, data, "", {}, folder / "bundle", members="all").bundle


def recording_of(n_spikes: int, duration_s: float) -> np.ndarray:
    """Samples in pA: a simulated cell's noise, repeated, with its spikes at even intervals."""
    cell = simulate_cell(Simulation(duration_s=60.0), "SER", 0)
    window = np.arange(-40, 120)
    first, second = (cell.times_s[:2] * RATE_HZ).astype(int)
    spike = cell.samples[first + window]
    between = cell.samples[first + 400 : second - 400]
    quiet = np.resize(between, int(duration_s * RATE_HZ))
    for place in np.linspace(4000, len(quiet) - 4000, n_spikes).astype(int):
        quiet[place + window] = spike
    return quiet


def judge(bundle: Path, recordings: Sequence[Path], out: Path, *options: str) -> tuple[float, int]:
    """Seconds of the command, from its start to its end, and bytes of its peak."""
    arguments = ["predict", *recordings, "--bundle", bundle, "--out", out, "--overwrite", *options]
    command = [sys.executable, "-c", COMMAND, *map(str, arguments)]
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.perf_counter() - begun, 1024 * int(done.stdout.split()[-2])


def main() -> None:
    parser = options_of(__doc__, "predict")
    parser.add_argument("--recordings", type=int, default=1000, help="in one call")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--scratch", type=Path, help="folder for 0.3 GB of temporary data")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        folder = Path(scratch)
        bundle = make_bundle(folder)
        for name, n, duration_s in (("short", N_SPIKES, SHORT_S), ("long", 3600, LONG_S)):
            write_abf(folder / f"{name}.abf", recording_of(n, duration_s), RATE_HZ, "pA")
        write_abf(folder / "empty.abf", np.zeros(4000, np.float32), RATE_HZ, "pA")
        many = []
        for number in range(options.recordings):
            many.append(folder / "many" / f"cell{number:04d}.abf")
            many[-1].parent.mkdir(exist_ok=True)
            os.link(folder / "short.abf", many[-1])
        named = {name: [folder / f"{name}.abf"] for name in ("empty", "short", "long")}
        cases = [("start-up: a recording without spikes", named["empty"], ("--no-pages",)),
                 ("100 s, 200 spikes", named["short"], ("--no-pages",)),
                 ("the same with its page", named["short"], ()),
                 ("30 min, 3600 spikes", named["long"], ("--no-pages",)),
                 ("10 of 100 s", many[:10], ("--no-pages",)),
                 (f"{len(many)} of 100 s", many, ("--no-pages",))]  # fmt: skip
        rows, start_s, start_bytes = [], 0.0, 0
        for what, recordings, settings in cases:
            repeats = options.repeats if len(recordings) < options.recordings else 1
            taken = [judge(bundle, recordings, folder / "out", *settings) for _ in range(repeats)]
            seconds, peak = (np.array(part) for part in zip(*taken, strict=True))
            start_s, start_bytes = start_s or np.median(seconds), start_bytes or np.median(peak)
            rows.append(
                (what, spread(seconds), spread(seconds - start_s),
                 f"{(np.median(seconds) - start_s) / len(recordings):.3f}",
                 f"{np.median(peak) / 1e6:.0f}", f"{(np.median(peak) - start_bytes) / 1e6:+.0f}")
            )  # fmt: skip
            print(*rows[-1], flush=True)
    write_table(
        options.output,
        f"raphe predict with {len(KERNELS)} networks",
        f"median (range) of {options.repeats} calls, of the last 1; 40 kHz, float32 .abf",
        ("recordings", "whole command, s", "after start-up, s", "each, s", "peak, MB",
         "over start-up, MB"),
        rows,
    )  # fmt: skip


if __name__ == "__main__":
    main()
