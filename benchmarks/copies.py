"""Which copies of a cell are found in a store, in which disguise, and how often honest cells are.

    python benchmarks/copies.py

Simulated cells of two classes; some stand in the store once more under another id, disguised. The
search that every importer and the audit make looks at all. Honest sets hold no copy: whatever is
called one there would refuse a user's own data.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from machine import options_of, write_table
from scipy.ndimage import uniform_filter1d

from raphe.core.recordings.arrays import ArrayFile
from raphe.core.recordings.recording import Recording
from raphe.tasks.celltype.recordings.file_names import CLASSES
from raphe.tasks.celltype.spikes.cut_settings import Cut
from raphe.tasks.celltype.spikes.cutting import cut_spikes
from raphe.tasks.celltype.stores.copies import Copy, Kind, find_copies
from raphe.tasks.celltype.stores.lazy_array import InMemory, LazyArray
from raphe.tasks.celltype.synthetic.simulated_cell import RATE_HZ, record
from raphe.tasks.celltype.synthetic.simulated_recordings import (
    SimulatedCell,
    Simulation,
    simulate_cell,
)

DAYS, COPIED = 20, 40
COLUMNS = ("store", "copies", "found", "called a cell recorded again", "false copies",
           "false remarks", "CPU s")  # fmt: skip


@dataclass(frozen=True)
class Spikes:
    """Windows float32 (N, T) in pA, the cell and the time of each."""

    windows: np.ndarray
    cell: np.ndarray
    trigger: np.ndarray

    def of(self, n_cells: int) -> "Spikes":
        """Those of the first cells."""
        rows = self.cell < n_cells
        return Spikes(self.windows[rows], self.cell[rows], self.trigger[rows])

    def search(self) -> tuple[list[Copy], float]:
        """The copies in it, and the seconds of CPU it took to look for them."""
        arrays = [LazyArray(InMemory(array)) for array in vars(self).values()]
        begun = time.process_time()
        return find_copies(*arrays), time.process_time() - begun


def simulated(
    simulation: Simulation, n_per_class: int
) -> tuple[Spikes, list[tuple[SimulatedCell, Spikes]]]:
    """A store of so many cells of each class in turn, and each of them with its own spikes."""
    cells = []
    for index in range(n_per_class):
        for name in CLASSES:
            cell = simulate_cell(simulation, name, index)
            cells.append((cell, _cut(cell.samples, len(cells))))
    return joined([spikes for _, spikes in cells]), cells


def _cut(samples: np.ndarray, number: int) -> Spikes:
    spikes = cut_spikes(Recording.from_array(samples, RATE_HZ, "pA", str(number)), Cut())
    return Spikes(spikes.waveforms, np.full(len(spikes), number), spikes.trigger)


def joined(parts: list[Spikes]) -> Spikes:
    return Spikes(
        *(np.concatenate(arrays) for arrays in zip(*(vars(p).values() for p in parts), strict=True))
    )


def disguises(rng: np.random.Generator) -> dict[str, Callable[[SimulatedCell, Spikes], Spikes]]:
    """What may be done to a cell's spikes before they are stored again."""

    def changed(spikes: Spikes, windows: np.ndarray, shift: int | None = None) -> Spikes:
        """Without times, or with all shifted alike."""
        trigger = np.full(len(spikes.cell), -1) if shift is None else spikes.trigger + shift
        return Spikes(windows.astype(np.float32), spikes.cell, trigger)

    def added(sd_pa: float) -> Callable[[SimulatedCell, Spikes], Spikes]:
        return lambda cell, spikes: changed(
            spikes, spikes.windows + rng.normal(0, sd_pa, spikes.windows.shape)
        )

    def half(cell: SimulatedCell, spikes: Spikes) -> Spikes:
        rows = np.flatnonzero(rng.random(len(spikes.cell)) < 0.5)
        return Spikes(spikes.windows[rows], spikes.cell[rows], np.full(len(rows), -1))

    def synthetic(cell: SimulatedCell, spikes: Spikes) -> Spikes:
        """A moving mean of 3 and noise of the day, as the papers made them; parents are drawn."""
        shape = spikes.windows.shape
        parent = rng.integers(len(spikes.cell), size=len(spikes.cell))
        noise = cell.day.noise.synthesise(spikes.windows.size, RATE_HZ, rng).reshape(shape)
        return changed(spikes, uniform_filter1d(spikes.windows[parent], 3) + noise)

    def again(cell: SimulatedCell, spikes: Spikes) -> Spikes:
        seconds = len(cell.samples) / RATE_HZ
        return _cut(record(cell.traits, cell.day.noise, seconds, rng)[0], int(spikes.cell[0]))

    return {
        "as it is": lambda cell, spikes: changed(spikes, spikes.windows),
        "half of it": half,
        **{f"{sd_pa:g} pA of noise added": added(sd_pa) for sd_pa in (0.05, 0.5, 1.0, 2.0)},
        "gain × 1.3 and 7 pA": lambda cell, spikes: changed(spikes, 1.3 * spikes.windows + 7),
        "filtered, with its times": lambda cell, spikes: changed(
            spikes, uniform_filter1d(spikes.windows, 5), 12_345
        ),
        "windows that begin later, with their times": lambda cell, spikes: changed(
            spikes, np.roll(spikes.windows, -3, axis=1), 12_345
        ),
        "windows that begin later, without times": lambda cell, spikes: changed(
            spikes, np.roll(spikes.windows, -3, axis=1)
        ),
        "synthetic spikes of it": synthetic,
        "the same cell recorded again": again,
    }


@dataclass(frozen=True)
class Outcome:
    """What a search came to; `true` are the pairs that are copies."""

    copies: list[Copy]
    true: set[tuple[int, int]]

    def count(self, *, again: bool, true: bool) -> int:
        return sum(
            (copy.kind is Kind.AGAIN) == again and ((copy.first, copy.second) in self.true) == true
            for copy in self.copies
        )


def with_copies(
    store: Spikes,
    cells: list[tuple[SimulatedCell, Spikes]],
    disguise: Callable[[SimulatedCell, Spikes], Spikes],
) -> tuple[Outcome, float]:
    """A store in which the first COPIED of its cells stand once more."""
    n = len(cells)
    copied = []
    for number, (cell, spikes) in enumerate(cells[:COPIED]):
        copy = disguise(cell, spikes)
        copied.append(Spikes(copy.windows, np.full(len(copy.cell), n + number), copy.trigger))
    copies, seconds = joined([store, *copied]).search()
    return Outcome(copies, {(number, n + number) for number in range(len(copied))}), seconds


def large(path: Path, n_cells: int, per_cell: int) -> tuple[list[Copy], float]:
    """A memory-mapped store of honest cells of 160 samples, searched."""
    rng = np.random.default_rng(1)
    n, sample = n_cells * per_cell, np.arange(160)
    windows = np.lib.format.open_memmap(path, "w+", "<f4", (n, 160))
    for cell in range(n_cells):
        width, depth, after, late = rng.uniform((2, 60, 0.1, 8), (5, 120, 0.4, 30))
        shape = -np.exp2(-(((sample - 42) / width) ** 2))
        shape += after * np.exp2(-(((sample - 42 - late) / (3 * width)) ** 2))
        gain = depth * (1 + 0.03 * rng.standard_normal((per_cell, 1)))
        noise = uniform_filter1d(rng.normal(0, 8, (per_cell, 160)), 4)
        windows[cell * per_cell : (cell + 1) * per_cell] = gain * shape + noise
    windows.flush()
    trigger = np.cumsum(rng.gamma(4, 4000, n)).astype(np.int64)
    arrays = (ArrayFile.of(windows), InMemory(np.repeat(np.arange(n_cells), per_cell)))
    begun = time.process_time()
    copies = find_copies(*map(LazyArray, (*arrays, InMemory(trigger))))
    return copies, time.process_time() - begun


def honest_rows(n_sets: int, n_per_class: int, duration_s: float) -> Iterator[tuple[object, ...]]:
    copies, remarks, seconds, n_spikes = 0, 0, [], 0
    for seed in range(n_sets):
        store, cells = simulated(
            Simulation(days=DAYS, duration_s=duration_s, seed=seed), n_per_class
        )
        found, took = store.search()
        outcome = Outcome(found, set())
        copies += outcome.count(again=False, true=False)
        remarks += outcome.count(again=True, true=False)
        seconds.append(took)
        n_spikes += len(store.cell)
    name = f"{n_sets} honest sets of {len(cells)} cells, {n_spikes // n_sets} spikes each"
    yield name, 0, "–", "–", copies, remarks, f"{np.median(seconds):.2f} each"


def disguise_rows(n_per_class: int, duration_s: float) -> Iterator[tuple[object, ...]]:
    simulation = Simulation(days=DAYS, duration_s=duration_s, seed=1000)
    store, cells = simulated(simulation, n_per_class)
    for name, disguise in disguises(np.random.default_rng(0)).items():
        outcome, seconds = with_copies(store, cells, disguise)
        counts = [
            outcome.count(again=again, true=true)
            for true in (True, False)
            for again in (False, True)
        ]
        title = f"{name}; {len(cells)} cells of {len(store.cell) // len(cells)} spikes"
        yield title, len(outcome.true), *counts, f"{seconds:.2f}"


def main() -> None:
    parser = options_of(__doc__, "copies")
    parser.add_argument("--sets", type=int, default=10, help="honest sets")
    parser.add_argument("--cells", type=int, default=100, help="of each class")
    parser.add_argument("--large", type=int, default=2500, help="cells of 200 spikes on the disk")
    parser.add_argument(
        "--durations", type=float, nargs="+", default=(12.0, 60.0), help="s of the recordings"
    )
    options = parser.parse_args()
    rows = [*honest_rows(options.sets, options.cells, options.durations[0])]
    for duration_s in options.durations:
        rows += disguise_rows(options.cells, duration_s)
    with tempfile.TemporaryDirectory() as folder:
        copies, seconds = large(Path(folder) / "spikes.npy", options.large, 200)
    outcome = Outcome(copies, set())
    false = [outcome.count(again=again, true=False) for again in (False, True)]
    name = f"{options.large * 200} spikes of {options.large} honest cells, on the disk"
    rows.append((name, 0, "–", "–", *false, f"{seconds:.1f}"))
    write_table(
        options.output,
        "Copies of a cell: which are found",
        f"`python benchmarks/copies.py --sets {options.sets} --cells {options.cells} --large "
        f"{options.large}`, seeds 0 to {options.sets - 1} and 1000; simulated cells of both "
        f"classes on {DAYS} days. Found: called copies, which an import refuses or joins. A cell "
        "recorded again is a remark and refuses nothing; of synthetic spikes it says that they "
        "may be.",
        COLUMNS,
        rows,
    )


if __name__ == "__main__":
    main()
