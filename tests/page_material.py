"""What lies in a reader's folder before a page of documentation begins: made once, then copied.

Some of it a reader brings (an array, a Suite2p folder), the rest another page has made.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.io import savemat

from nwb_files import Entry, write_nwb
from page_blocks import blocks, maker, run, run_commands
from paths import PROJECT
from raphe.tasks.glif.neurons.models import Neurons
from raphe.tasks.glif.neurons.simulation import simulate
from raphe.tasks.units.ensemble.export import export
from raphe.tasks.units.recordings.unit_folder import read_unit_folder
from raphe.tasks.units.stores.import_units import import_units
from raphe.tasks.units.training.data import UnitData
from rig_files import write_winwcp

HOW_TO = PROJECT / "docs" / "how_to"
SHORT = (
    "trainer.max_epochs=1 tracking.system_metrics_every_s=null threads=1 baselines=false "
    "prepare.simulation.n_ser=10 prepare.simulation.n_nser=10 prepare.simulation.duration_s=5"
)
SHORT_OWN = "trainer.max_epochs=1 tracking.system_metrics_every_s=null threads=1"  # any task
SHORT_CALCIUM = (
    "trainer.max_epochs=1 tracking.system_metrics_every_s=null threads=1 baselines=false "
    "model.members=1 model.channels=8 data.batches=2 data.batch_size=2 data.length=512 "
    "data.pretrain_epochs=1"
)
SHORT_GLIF = (
    "trainer.max_epochs=1 tracking.system_metrics_every_s=null threads=1 baselines=false "
    "model.n_samples=100 data.batches=4 data.batch_size=16 data.n_val=16 data.n_test=16 "
    "data.experiment.length_s=[0.5,0.6]"
)


@dataclass
class Shelf:
    """Makes what is asked for, with what that needs, once."""

    folder: Path
    begin_runs: Callable[[Path], Path]  # an empty tracking store in a folder
    made: set[str] = field(default_factory=set)

    def copy_to(self, folder: Path, names: list[str]) -> None:
        for name in names:
            source = self.make(name)
            copy = shutil.copytree if source.is_dir() else shutil.copyfile
            copy(source, folder / name)
        if not (folder / "mlruns").exists():
            self.begin_runs(folder / "mlruns")

    def make(self, name: str) -> Path:
        home, recipe = RECIPES[name]
        work = self.folder / home
        if name not in self.made:
            work.mkdir(exist_ok=True)
            recipe(self, work) if callable(recipe) else self._run(work, recipe)
            self.made.update(other for other, its in RECIPES.items() if its == (home, recipe))
        return work / name

    def _run(self, work: Path, recipe: "Commands") -> None:
        for needed in recipe.needs:
            self.make(needed)
        if not (work / "mlruns").exists():
            self.begin_runs(work / "mlruns")
        run_commands(recipe.commands, work, recipe.settings)


@dataclass(frozen=True)
class Commands:
    commands: str
    needs: tuple[str, ...] = ()
    settings: str = SHORT


def _units_bundle(shelf: Shelf, folder: Path) -> None:
    """A logistic regression on the units that a page makes up."""
    page = (HOW_TO / "units.md").read_text(encoding="utf-8")
    made_up = next(block for block in blocks(page) if "labelled-units" in block.text)
    run(made_up, folder, SHORT_OWN)
    read = read_unit_folder(folder / "labelled-units", 30_000)
    data = UnitData(import_units(read, "labelled-units", folder / "units-store").store)
    export([], data, "seed: 1\n", {}, folder / "units-bundle", classifier="logistic")


def _windows(shelf: Shelf, folder: Path) -> None:
    rng = np.random.default_rng(0)
    classes = np.repeat(["PV", "SST", "VIP"], 12)
    windows = rng.normal(0, 1, (36, 57)).cumsum(axis=1) + np.arange(57) * (classes == "PV")[:, None]
    np.save(folder / "waveforms.npy", windows.astype(np.float32))
    rows = [f"u{i},{label},m{i % 3},r{i % 6}" for i, label in enumerate(classes)]
    (folder / "units.csv").write_text("\n".join(["cell_id,label,animal,recording_group", *rows]))


def _single_spikes(shelf: Shelf, folder: Path) -> None:
    """Three spikes of each of two cells, as the authors saved them."""
    rng = np.random.default_rng(0)
    time_s = np.arange(160) / 40_000
    for label, cell in (("SER", "A140313#073"), ("NSER", "A140401#012")):
        (folder / "single-spikes" / label / cell).mkdir(parents=True)
        for trigger in (1_007_585, 1_130_042, 1_299_120):
            current_pa = -80 * np.exp(-(((time_s - 0.0012) / 0.0002) ** 2)) + rng.normal(0, 3, 160)
            np.savetxt(
                folder / "single-spikes" / label / cell / f"{cell}_trigger_{trigger}.csv",
                np.column_stack([time_s, current_pa]),
                delimiter=",", header="Time (s),Current (pA)", comments="",
            )  # fmt: skip


def _rig(shelf: Shelf, folder: Path) -> None:
    """A cell of each class as WinWCP keeps it: three records with a spike each."""
    rng = np.random.default_rng(0)
    for label, width in (("SER", 6), ("NSER", 3)):
        codes = rng.integers(-90, 90, (3, 10_240, 1))
        codes[:, 4000 : 4000 + width] = -3000  # 92 pA
        (folder / "rig" / label).mkdir(parents=True)
        write_winwcp(folder / "rig" / label, codes.astype(np.int16))[0].rename(
            folder / "rig" / label / f"{label.lower()}1.wcp"
        )


def _session(shelf: Shelf, folder: Path) -> None:
    """Two cells as NWB 2: 2 s of loose-seal current with 8 spikes."""
    rng = np.random.default_rng(0)
    window = np.exp(-(((np.arange(80) - 30) / 8) ** 2))
    for label in ("SER", "NSER"):
        (folder / "session" / label).mkdir(parents=True)
        current_pa = rng.normal(0, 3, 80_000)
        for start in range(5_000, 80_000, 9_000):
            current_pa[start : start + 80] -= 100 * window
        entry = Entry("VoltageClampSeries", "current", current_pa * 1e-12, electrode=1)
        write_nwb(folder / "session" / label / f"cell-{label}.nwb", [entry], rate_hz=40_000.0)


def _spikefinder(shelf: Shelf, folder: Path) -> None:
    """Three pairs of files as the challenge's."""
    rng = np.random.default_rng(0)
    (folder / "spikefinder").mkdir()
    decay = np.exp(-np.arange(100) / 50)
    for number in (1, 2, 3):
        spikes = rng.poisson(0.01, (3, 2000))
        calcium = [np.convolve(row, decay)[:2000] + 0.1 * rng.normal(size=2000) for row in spikes]
        for name, rows, form in (("calcium", calcium, "%.4f"), ("spikes", spikes, "%d")):
            file = folder / "spikefinder" / f"{number}.train.{name}.csv"
            np.savetxt(file, np.transpose(rows), form, ",", header="0,1,2", comments="")


def _ground_truth(shelf: Shelf, folder: Path) -> None:
    """Two data sets of two neurons, as laboratories share them: 20 s at 30 frames/s each."""
    rng = np.random.default_rng(0)
    kind = [("fluo_time", "O"), ("fluo_mean", "O"), ("events_AP", "O")]
    for dataset in ("DS1-GCaMP6f", "DS2-OGB1"):
        (folder / "Ground_truth" / dataset).mkdir(parents=True)
        for number in (1, 2):
            spikes = rng.poisson(0.05, 600)
            dff = np.convolve(spikes, np.exp(-np.arange(60) / 15))[:600]
            time_s = np.arange(600) / 30
            events = np.repeat(time_s, spikes) * 10_000  # in 0.1 ms
            struct = np.array([[(time_s, dff + 0.1 * rng.normal(size=600), events)]], dtype=kind)
            file = f"CAttached_cell{number}_mini.mat"
            savemat(folder / "Ground_truth" / dataset / file, {"CAttached": struct})


def _decay(shelf: Shelf, folder: Path) -> None:
    """The task that a page adds."""
    example = PROJECT / "docs" / "developers" / "decay"
    shutil.copytree(example, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__py*"))


def _traces(shelf: Shelf, folder: Path) -> None:
    np.save(folder / "new.npy", np.random.default_rng(0).normal(1, 0.1, (2, 600)))  # at 30 Hz


def _suite2p(shelf: Shelf, folder: Path) -> None:
    """One plane of three regions, the last of which is no cell."""
    rng = np.random.default_rng(0)
    plane = folder / "suite2p" / "plane0"
    plane.mkdir(parents=True)
    np.save(plane / "F.npy", rng.normal(500, 20, (3, 600)).astype(np.float32))
    np.save(plane / "Fneu.npy", rng.normal(300, 5, (3, 600)).astype(np.float32))
    np.save(plane / "iscell.npy", np.array([[1.0, 0.9], [1.0, 0.8], [0.0, 0.1]]))
    np.save(plane / "ops.npy", {"fs": 30.0}, allow_pickle=True)


def _cell(shelf: Shelf, folder: Path) -> None:
    """A neuron that fires under a step, at 50 kHz, in V and A."""
    neuron = Neurons(
        1, capacitance_f=90e-12, resistance_ohm=200e6, threshold_v=28e-3, dead_time_s=4e-3
    )
    current = np.zeros(30_000)
    current[3000:] = 1.4 * 28e-3 / 200e6
    voltage = simulate(neuron, current, 1 / 50_000).voltage_v[0] - 0.072
    noise = 1e-4 * np.random.default_rng(0).normal(size=len(voltage))
    np.save(folder / "voltage.npy", voltage + noise)
    np.save(folder / "current.npy", current)


RECIPES: dict[str, tuple[str, Callable[[Shelf, Path], None] | Commands]] = {
    "waveforms.npy": ("windows", _windows),
    "units.csv": ("windows", _windows),
    "single-spikes": ("brought", _single_spikes),
    "rig": ("brought", _rig),
    "session": ("brought", _session),
    "units-bundle": ("units", _units_bundle),
    "labelled-units": ("units", _units_bundle),
    "spikefinder": ("calcium", _spikefinder),
    "Ground_truth": ("brought", _ground_truth),
    "new.npy": ("brought", _traces),
    "suite2p": ("brought", _suite2p),
    "voltage.npy": ("cell", _cell),
    "current.npy": ("cell", _cell),
    "decay": ("task", _decay),
    "conf": ("task", _decay),
    "recordings": (
        "celltype", Commands("raphe simulate recordings --n-ser 12 --n-nser 12 --days 6"),
    ),
    "spikes": ("celltype", Commands("raphe extract recordings spikes", ("recordings",))),
    "mlruns": (
        "celltype", Commands("raphe train -m model.kernel=8,20 data.store=spikes", ("spikes",)),
    ),
    "verdict-bundle": (
        "celltype", Commands("raphe export --out verdict-bundle --no-register", ("mlruns",)),
    ),
    "new-cells": ("celltype", Commands("raphe simulate new-cells --n-ser 2 --n-nser 1 --seed 7")),
    "rates-bundle": (
        "calcium",
        Commands(
            maker(HOW_TO / "calcium.md", "rates-bundle").text, ("spikefinder",), SHORT_CALCIUM
        ),
    ),
    "traces": ("calcium", Commands("test -d traces", ("rates-bundle",))),
    "glif-bundle": (
        "glif", Commands(maker(HOW_TO / "glif.md", "glif-bundle").text, settings=SHORT_GLIF),
    ),
}  # fmt: skip
