"""`raphe predict` on calcium traces: processor time a neuron and its parts, threads, memory.

    make bench ARGS=rates

Simulated traces of 30 minutes at 30 frames/s, through the bundle that comes with raphe or another,
and through the arithmetic of CASCADE's network. A process of its own each time, with few neurons
and with many: the difference is the neurons', what is left of the few the start. Four minutes on a
quiet machine.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from machine import options_of, run_peer, write_tables
from numpy.lib.format import open_memmap

from raphe.core.bundles.shipped import shipped_bundle
from raphe.core.sentences import counted
from raphe.tasks.calcium.ensemble.bundle import DISTILLED, RateBundle, RateGraph
from raphe.tasks.calcium.prediction import infer_rates, ready_trace
from raphe.tasks.calcium.recordings.conditioning import Conditioning
from raphe.tasks.calcium.recordings.read_traces import read_traces
from raphe.tasks.calcium.recordings.trace_set import TraceOptions

Row = tuple[object, ...]
FRAME_HZ = 30.0
RATE_PER_S, NOISE = 0.3, 0.2  # of spikes; of a frame, relative to one spike's peak
DECAY_S, RISE_S, BRIGHTNESS = 0.7, 0.05, 5.0
TAKEN_APART = 10  # neurons
PARTS: dict[str, tuple[Any, str]] = {  # what is timed, by what it is called in the table
    "networks": (RateGraph, "expected"),
    "frames that are no fluorescence": (ready_trace, "screened"),
    "baseline, scale, 100 Hz": (Conditioning, "__call__"),
    "likeness to training": (infer_rates, "facts_of"),
    "rates in frames": (ready_trace, "in_frames"),
}
# The command itself, which then tells its processor time and its peak.
COMMAND = """
import sys, time
from raphe.cli import main
code = main(sys.argv[1:])
peak = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(time.process_time(), *peak)
sys.exit(code)
"""


def write_neurons(path: Path, n: int, minutes: float) -> Path:
    """Traces (n, T) as float32: sparse transients, noise and slow drift."""
    n_frames = round(60 * minutes * FRAME_HZ)
    time_s = np.arange(n_frames) / FRAME_HZ
    transient = np.exp(-time_s[:300] / DECAY_S) - np.exp(-time_s[:300] / RISE_S)
    traces = open_memmap(path, "w+", np.float32, (n, n_frames))
    for number, trace in enumerate(traces):
        rng = np.random.default_rng(number)
        spikes = rng.poisson(RATE_PER_S / FRAME_HZ, n_frames)
        trace[:] = np.convolve(spikes, transient)[:n_frames] + BRIGHTNESS
        trace += NOISE * rng.standard_normal(n_frames) + 0.3 * np.sin(time_s / 300 + number)
    traces.flush()
    return path


def infer(traces: Path, bundle: Path, threads: int, out: Path) -> np.ndarray:
    """Seconds of the command, of its processor time, and its peak in MB: (3,)."""
    arguments = ["predict", traces, "--rate", FRAME_HZ, "--bundle", bundle, "--out", out]
    command = [sys.executable, "-c", COMMAND, *arguments, "--overwrite", "--threads", threads]
    begun = time.perf_counter()
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - begun
    cpu_s, peak_kb = map(float, done.stdout.split()[-2:])
    return np.array([seconds, cpu_s, peak_kb / 1e3])


def infer_as_peer(traces: Path, n: int, threads: int) -> np.ndarray:
    """The same of CASCADE's arithmetic on the first n traces: (3,)."""
    begun = time.perf_counter()
    told = run_peer(Path(sys.executable), "cascade_peer.py", traces, n, threads)
    return np.array([time.perf_counter() - begun, told["cpu_s"], told["peak_mb"]])


def row(name: str, threads: int, start: np.ndarray, whole: np.ndarray, n: tuple[int, int]) -> Row:
    """A row of the table: of `n` neurons, few and many, what `infer` told."""
    few, many = n
    each_s, each_cpu_s, more_mb = whole - start
    each_s, each_cpu_s = each_s / (many - few), each_cpu_s / (many - few)
    return (
        *(name, threads, f"{start[0] - few * each_s:.1f}", f"{each_cpu_s:.3f}", f"{each_s:.3f}"),
        *(f"{whole[2]:.0f}", f"{more_mb:+.0f} ({few} to {many})"),
    )


@contextmanager
def timed(owner: Any, name: str, ms: dict[str, float], part: str) -> Iterator[None]:
    """Add to `ms[part]` what a function takes of the processor while this lasts."""
    plain: Callable[..., object] = getattr(owner, name)

    def measured(*arguments: object, **named: object) -> object:
        begun = time.thread_time()
        try:
            return plain(*arguments, **named)
        finally:
            ms[part] += 1e3 * (time.thread_time() - begun)

    setattr(owner, name, measured)
    try:
        yield
    finally:
        setattr(owner, name, plain)


def parts(traces: Path, bundle: Path) -> list[tuple[str, str]]:
    """Milliseconds of one thread for a neuron, part by part, without reading and writing."""
    inferrer = infer_rates.Inferrer(RateBundle.open(bundle, threads=1))
    opened = read_traces(traces, TraceOptions(FRAME_HZ))
    inferrer.trace(opened, 0)  # which pays for what is loaded when it is first used
    ms, whole = dict.fromkeys(PARTS, 0.0), {"all": 0.0}
    n = min(TAKEN_APART, len(opened))
    with ExitStack() as stack:
        for part, (owner, name) in PARTS.items():
            stack.enter_context(timed(owner, name, ms, part))
        stack.enter_context(timed(infer_rates.Inferrer, "infer", whole, "all"))
        for number in range(n):
            inferrer.trace(opened, number)
    ms["all else"] = whole["all"] - sum(ms.values())
    return [(part, f"{taken / n:.1f}") for part, taken in (ms | whole).items()]


def main() -> None:
    parser = options_of(__doc__, "rates")
    parser.add_argument("--bundle", type=Path, default=shipped_bundle("calcium"), metavar="DIR")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--few", type=int, default=10, metavar="NEURONS")
    parser.add_argument("--many", type=int, default=200, metavar="NEURONS")
    parser.add_argument("--peer-many", type=int, default=3, metavar="NEURONS", help="less 1")
    parser.add_argument("--minutes", type=float, default=30.0, help="of each trace")
    parser.add_argument("--scratch", type=Path, help="folder for 0.2 GB of temporary data")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        folder = Path(scratch)
        few, many = (
            write_neurons(folder / f"{n}.npy", n, options.minutes)
            for n in (options.few, options.many)
        )
        for threads in options.threads:
            ours = [infer(each, options.bundle, threads, folder / "out") for each in (few, many)]
            peers = [infer_as_peer(many, n, threads) for n in (1, options.peer_many)]
            rows += [
                row("raphe predict", threads, *ours, (options.few, options.many)),
                row("CASCADE's network", threads, *peers, (1, options.peer_many)),
            ]
            print(*rows[-2:], sep="\n", flush=True)
        taken_apart = parts(few, options.bundle)
    manifest = RateBundle.open(options.bundle).manifest
    write_tables(
        options.output,
        "Rates of calcium traces",
        f"{networks(manifest)}; traces of {options.minutes:g} min at {FRAME_HZ:g} frames/s; "
        "CASCADE's is its published network's arithmetic in torch, without reading, scaling or "
        "writing; the bar is 0.10 s of processor time a neuron and half the time on two threads",
        {
            "": (
                ("", "threads", "start, s", "a neuron, s of processor", "a neuron, s",
                 "peak, MB", "more with neurons, MB"),
                rows,
            ),
            "Of a neuron, one thread": (("part", "ms of processor"), taken_apart),
        },
    )  # fmt: skip


def networks(manifest: Mapping[str, Any]) -> str:
    """How many networks the bundle has, in words."""
    if DISTILLED in manifest:
        return f"one network that learned from {manifest[DISTILLED]['members']}"
    return counted("network", manifest["n_members"])


if __name__ == "__main__":
    main()
