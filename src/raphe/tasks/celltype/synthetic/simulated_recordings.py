"""Labelled recordings made from nothing, so that everything runs with no download.

Only the intervals between upstroke and downstroke and the two noise masks are published facts. A
network that tells these cells apart has learned this simulation: its accuracy says nothing about
real neurons.
"""

import datetime
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np

from raphe.core.abf.writer import write_abf
from raphe.core.errors import SettingError, StoreError
from raphe.core.files.atomic import FolderBuilder, reporting, write_file
from raphe.core.files.csv_text import csv_text
from raphe.core.notes import simulated
from raphe.core.progress import progress
from raphe.core.ranges import Count, Range, Seed, check_ranges
from raphe.core.sentences import counted, printable
from raphe.tasks.celltype.recordings.file_names import CLASSES
from raphe.tasks.celltype.recordings.labels import CELL_TABLE, NOTE
from raphe.tasks.celltype.synthetic.simulated_cell import RATE_HZ, CellTraits, draw_traits, record
from raphe.tasks.celltype.synthetic.simulated_noise import TRAINING_NOISE, UNSEEN_NOISE, DayNoise

CAVEAT = simulated("recordings")
SETTINGS_FILE = "simulation.json"  # also what tells a simulation from a folder that is not ours
CHANNEL = "Im"
PA_PER_BIT = 1000 / 2**15  # an amplifier set to 10 mV/pA before a ±10 V converter of 16 bits

FIRST_DAY = {False: datetime.date(2026, 1, 5), True: datetime.date(2027, 1, 4)}
DAY_STEP = 3  # a recording day in every three
MAX_DAYS = 100  # keeps the two sets' days apart: 100 steps end before the other set's first day
MAX_NUMBER = 999  # recordings of a day are numbered #001 to #999
_CELL, _DAY = 0, 1  # the random streams


@dataclass(frozen=True)
class Simulation:
    """What to simulate. `nonhomogeneous`: on days, and in noise, that the other set never has."""

    n_ser: Count = 100
    n_nser: Count = 100
    days: Annotated[int, Range(1, MAX_DAYS)] = 10
    duration_s: Annotated[float, Range(1, 1800, unit="s")] = 12.0  # of each recording
    seed: Seed = 42
    nonhomogeneous: bool = False

    def __post_init__(self) -> None:
        """Raises SettingError for what cannot be simulated."""
        check_ranges(Simulation, vars(self))
        most = self.days * (MAX_NUMBER // len(CLASSES))
        if max(self.n_ser, self.n_nser) > most:
            raise SettingError(
                f"days: {counted('day', self.days)} can hold {most} cells of each class at most, "
                f"got {self.n_ser} SER and {self.n_nser} NSER; ask for more days"
            )

    def companion(self) -> "Simulation":
        """The non-homogeneous set that goes with this one: a third of its cells and days."""
        return replace(
            self,
            n_ser=-(-self.n_ser // 3),
            n_nser=-(-self.n_nser // 3),
            days=-(-self.days // 3),
            nonhomogeneous=True,
        )

    def rng(self, *key: int) -> np.random.Generator:
        """The generator of one cell or one day, the same however many there are of either."""
        key = (int(self.nonhomogeneous), *key)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))


@dataclass(frozen=True)
class Day:
    """A recording day: one animal, one noise, and the order in which recordings were numbered."""

    date: datetime.date
    noise: DayNoise
    numbers: np.ndarray  # int64 (MAX_NUMBER,)

    @property
    def animal(self) -> str:
        """Slices of one day come from one animal."""
        return f"R{self.date:%y%m%d}"


@dataclass(frozen=True)
class SimulatedCell:
    """One recording: who was recorded, when, and what came out."""

    cell_id: str
    day: Day
    traits: CellTraits
    samples: np.ndarray  # float32 (n,), in pA
    times_s: np.ndarray  # of the inward peaks, float64 (n spikes,)


def simulate_day(simulation: Simulation, index: int) -> Day:
    """Day `index` of a set."""
    rng = simulation.rng(_DAY, index)
    days_on = DAY_STEP * index + int(rng.integers(DAY_STEP))
    date = FIRST_DAY[simulation.nonhomogeneous] + datetime.timedelta(days=days_on)
    limits = UNSEEN_NOISE if simulation.nonhomogeneous else TRAINING_NOISE
    return Day(date, DayNoise.draw(limits, rng), 1 + rng.permutation(MAX_NUMBER))


def simulate_cell(simulation: Simulation, label: str, index: int) -> SimulatedCell:
    """Cell `index` of class `label`: a function of its arguments, in whatever order it is called.

    Neither the number of cells asked for nor the cells made before it change it.
    """
    day = simulate_day(simulation, index % simulation.days)  # every day has both classes
    rng = simulation.rng(_CELL, CLASSES.index(label), index)
    traits = draw_traits(label, rng)
    samples, times_s = record(traits, day.noise, simulation.duration_s, rng)
    return SimulatedCell(_cell_id(simulation, day, label, index), day, traits, samples, times_s)


def _cell_id(simulation: Simulation, day: Day, label: str, index: int) -> str:
    rank = index // simulation.days
    number = day.numbers[len(CLASSES) * rank + CLASSES.index(label)]
    return f"A{day.date:%y%m%d}#{number:03d}"


def simulate(folder: Path, simulation: Simulation, overwrite: bool = False) -> Path:
    """Write `folder`/SER/*.abf, `folder`/NSER/*.abf and `folder`/cells.csv. Returns the folder.

    The folder appears when it is whole; an earlier simulation is replaced only with `overwrite`.
    Raises StoreError when something else stands there or the disk refuses.
    """
    with (
        FolderBuilder(folder, SETTINGS_FILE, overwrite, _own_names) as builder,
        reporting(Path(folder)),
    ):
        for label in CLASSES:
            (builder.folder / label).mkdir()
        total = simulation.n_ser + simulation.n_nser
        cells = progress(_cells(simulation), "Simulating", total)
        rows = [_write(builder.folder, cell) for cell in cells]
        table = csv_text(rows[0], (row.values() for row in rows))
        write_file(builder.folder / CELL_TABLE, table)
        settings = json.dumps(asdict(simulation), indent=2)
        write_file(builder.folder / SETTINGS_FILE, settings + "\n")
        write_file(builder.folder / NOTE, CAVEAT + "\n")
        return builder.commit()


def _own_names(folder: Path) -> set[str]:
    """The files of an earlier simulation, by its settings. Raises StoreError for another's."""
    try:
        simulation = Simulation(**json.loads((folder / SETTINGS_FILE).read_bytes()))
    except (ValueError, TypeError, SettingError):
        raise StoreError(
            f"{printable(folder)}: its {SETTINGS_FILE} does not hold the settings of a simulation, "
            "so the folder is not replaced; remove it yourself, or choose another place"
        ) from None
    days = [simulate_day(simulation, index) for index in range(simulation.days)]
    recordings = {
        f"{label}/{_cell_id(simulation, days[index % simulation.days], label, index)}.abf"
        for label, count in zip(CLASSES, (simulation.n_ser, simulation.n_nser), strict=True)
        for index in range(count)
    }
    return {CELL_TABLE, SETTINGS_FILE, NOTE, *recordings}


def _cells(simulation: Simulation) -> Iterator[SimulatedCell]:
    for label, count in zip(CLASSES, (simulation.n_ser, simulation.n_nser), strict=True):
        for index in range(count):
            yield simulate_cell(simulation, label, index)


def _write(folder: Path, cell: SimulatedCell) -> dict[str, str]:
    """Write one recording. Returns its row of cells.csv."""
    traits, shape = cell.traits, cell.traits.shape
    file = f"{traits.label}/{cell.cell_id}.abf"
    write_abf(
        folder / file,
        cell.samples,
        RATE_HZ,
        "pA",
        channel_name=CHANNEL,
        scale_per_bit=PA_PER_BIT,
        date=cell.day.date,
    )
    return {
        "file": file,
        "cell_id": cell.cell_id,
        "label": traits.label,
        "day": cell.day.date.isoformat(),
        "animal": cell.day.animal,
        "udi_ms": f"{shape.udi_ms:.4f}",
        "amplitude_pa": f"{traits.amplitude_pa:.1f}",
        "half_width_ms": f"{shape.rise_ms + shape.fall_ms:.3f}",
        "shoulder": f"{shape.shoulder:.2f}",
        "outward": f"{shape.outward:.2f}",
        "hump": f"{shape.hump:.2f}",
        "decay_ms": f"{shape.decay_ms:.2f}",
        "firing_rate_hz": f"{traits.firing_hz:.2f}",
        "interval_cv": f"{traits.interval_cv:.2f}",
        "noise_sd_pa": f"{cell.day.noise.sd_pa:.2f}",
        "n_spikes": str(len(cell.times_s)),
    }
