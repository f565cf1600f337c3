"""Every command that works for long, small enough to be killed twenty times, and what it needs.

A command runs in a folder of its own that holds what the steps before it made, under the names that
its words give; what it should leave there is compared with what an unbroken one leaves.
"""

import hashlib
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from paths import PROJECT

RAPHE = (sys.executable, "-m", "raphe")
TEXTS = (".md", ".json", ".yaml", ".html", ".csv")
MADE = re.compile(rb"20\d\d-\d\d-\d\d( at |T)\d\d:\d\d(:\d\d\+00:00)?")
MOST_MINUTES = 60  # of a step, more is a hang
SMALL = (
    "trainer.max_epochs=2",
    "data.batch_size=16",
    "threads=1",
    "tracking.system_metrics_every_s=null",
)
CALCIUM = (
    "task=calcium", "prepare.simulation.datasets=2", "prepare.simulation.recordings=3",
    "prepare.simulation.duration_s=20", "model.members=2", "model.channels=8", "data.batches=2",
    "data.batch_size=4", "data.length=512", "data.pretrain_epochs=1", "trainer.max_epochs=2",
    "tracking.system_metrics_every_s=null", "threads=1",
)  # fmt: skip
GLIF = (
    "task=glif", "model.n_samples=100", "data.batches=10", "data.batch_size=32", "data.n_val=16",
    "data.n_test=16", "data.experiment.length_s=[0.5,0.6]", "trainer.accumulate_grad_batches=1",
    "trainer.max_epochs=2", "tracking.system_metrics_every_s=null", "threads=1",
)  # fmt: skip


@dataclass(frozen=True)
class LongCommand:
    """One to be killed.

    Args:
        words: after `raphe`, paths relative to its folder.
        needs: names of STEPS, whose folders it finds beside it.
        leaves: what it should have left in its folder, to be compared.
        is_quick: in CI, too.
        goes_on: the same command works again once it is through; another is refused then.
    """

    words: Sequence[str]
    needs: Sequence[str]
    leaves: Callable[[Path], object]
    is_quick: bool = False
    goes_on: bool = False


def environment(folder: Path, prepared: Path) -> dict[str, str]:
    """One thread, temporary files where they can be counted, fonts found once for all."""
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(PROJECT / "src"), os.environ.get("PYTHONPATH", "")]),
        "OMP_NUM_THREADS": "1",
        "TMPDIR": str(temporary),
        "MPLCONFIGDIR": str(prepared / "matplotlib"),
    }


def raphe(folder: Path, prepared: Path, *words: str) -> None:
    """Run a command that is to succeed, or leave something out."""
    done = subprocess.run(
        [*RAPHE, *words], cwd=folder, env=environment(folder, prepared), capture_output=True,
        text=True, timeout=60 * MOST_MINUTES, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1) and "error:" not in done.stderr, done.stderr


def files(*names: str) -> Callable[[Path], object]:
    """The bytes of every file below these folders, by name."""

    def read(folder: Path) -> object:
        return {
            str(path.relative_to(folder)): hashlib.sha256(_undated(path, folder)).hexdigest()
            for name in names
            for path in sorted((folder / name).rglob("*"))
            if path.is_file() and path.name != ".lock"
        }

    return read


def _undated(path: Path, folder: Path) -> bytes:
    """A file's bytes without the time at which a prediction was made, and where."""
    content = path.read_bytes()
    if path.suffix not in TEXTS:
        return content
    return MADE.sub(b"", content).replace(os.fsencode(folder), b"")


def arrays(*names: str) -> Callable[[Path], object]:
    """Of .npz files in folders what is in them, a zip holds the hour; the bytes of all others."""

    def read(folder: Path) -> object:
        content = files(*names)(folder)
        for name in list(content):
            if name.endswith(".npz"):
                with np.load(folder / name) as file:
                    content[name] = {key: file[key].tobytes() for key in file.files}
        return content

    return read


def finished_runs(folder: Path) -> object:
    """What the tracked runs that are finished came to, whatever they are called; no run is left."""
    from mlflow import MlflowClient

    database = folder / "mlruns" / "mlflow.db"
    if not database.exists():  # MLflow would make one, which is what the killed command was at
        return {}
    client = MlflowClient(f"sqlite:///{database}")
    runs = [
        run
        for experiment in client.search_experiments()
        for run in client.search_runs([experiment.experiment_id])
    ]
    assert all(run.info.status != "RUNNING" for run in runs), "a run is left RUNNING"
    return {  # a single run that had finished is made again, to the same numbers
        json.dumps(
            {
                name: "nan" if math.isnan(value) else f"{value:.6g}"
                for name, value in sorted(run.data.metrics.items())
                if not (name.endswith("_s") or "second" in name or "system/" in name)
            }
        )
        for run in runs
        if run.info.status == "FINISHED"
    }


def bundle(folder: Path) -> object:
    """A bundle's graph and weights; its card and manifest hold ids of runs."""
    names = files("bundle")(folder)
    assert (folder / "bundle" / "manifest.json").is_file()
    return {name: value for name, value in names.items() if not name.endswith(TEXTS)}, sorted(names)


def _single_spikes(folder: Path, prepared: Path) -> None:
    """The spikes of the store as files of one each, as arrays of the authors and as windows."""
    from raphe.tasks.celltype.stores.open_spikes import open_spikes

    spikes = open_spikes(prepared / "spikes" / "spikes")
    current = np.asarray(spikes.read(np.arange(spikes.n)), np.float64)  # (N, T)
    time_s = np.arange(current.shape[1]) / spikes.rate_hz
    cells = [spikes.cells[int(cell)] for cell in np.asarray(spikes.cell[np.arange(spikes.n)])]
    names = [f"{cell.cell_id}_trigger_{number}" for number, cell in enumerate(cells)]
    for number, (cell, name) in enumerate(zip(cells, names, strict=True)):
        if number % 4:  # a quarter is enough
            continue
        place = folder / "singles" / spikes.classes[cell.label] / cell.cell_id
        place.mkdir(parents=True, exist_ok=True)
        rows = (
            f"{time:.6f},{value:.6g}" for time, value in zip(time_s, current[number], strict=True)
        )
        (place / f"{name}.csv").write_text("time,current\n" + "\n".join(rows) + "\n")
    trios = folder / "trios"
    trios.mkdir()
    both = np.stack([np.broadcast_to(time_s, current.shape), current], axis=2)[..., None]
    np.save(trios / "training_Observations.npy", np.ascontiguousarray(both))
    labels = np.array([[1 if spikes.classes[cell.label] == "SER" else 0] for cell in cells])
    np.save(trios / "training_Labels.npy", labels)
    np.save(trios / "training_Cellulars.npy", np.array(names)[:, None])
    np.save(folder / "windows.npy", current.astype(np.float32))
    lines = (f"{spikes.classes[cell.label]},{cell.cell_id}" for cell in cells)
    (folder / "units.csv").write_text("label,cell_id\n" + "\n".join(lines) + "\n")


def _traces(folder: Path, prepared: Path) -> None:
    rng = np.random.default_rng(0)
    pairs = folder / "pairs"
    pairs.mkdir()
    for name in ("one", "two"):
        spikes = rng.poisson(0.03, (6000, 8))
        decay = np.exp(-np.arange(200) / 40)
        calcium = np.stack([np.convolve(column, decay)[:6000] for column in spikes.T], axis=1)
        calcium += 0.1 * rng.normal(size=calcium.shape)
        header = ",".join(map(str, range(8)))
        for kind, table in (("calcium", calcium), ("spikes", spikes)):
            file = pairs / f"{name}.{kind}.csv"
            np.savetxt(file, table, delimiter=",", header=header, comments="", fmt="%.5g")
    np.save(folder / "new.npy", rng.normal(size=(40, 3000)).astype(np.float32))


def _voltage(folder: Path, prepared: Path) -> None:
    """A few neurons under a step of current."""
    from raphe.tasks.glif.neurons.models import Neurons
    from raphe.tasks.glif.neurons.simulation import simulate

    current = np.zeros(30_000)
    current[500:1000], current[3000:] = 50e-12, 1.4 * 28e-3 / 200e6
    rng, cells = np.random.default_rng(0), []
    for capacitance_f in (80e-12, 90e-12, 100e-12):
        neuron = Neurons(1, capacitance_f, 200e6, threshold_v=28e-3, dead_time_s=4e-3)
        voltage = simulate(neuron, current, 1 / 50_000).voltage_v[0] - 0.072
        cells.append(voltage + 1e-4 * rng.normal(size=len(voltage)))
    np.save(folder / "voltage.npy", np.stack(cells))
    np.save(folder / "current.npy", np.stack([current] * len(cells)))


def _by_commands(*commands: Sequence[str]) -> Callable[[Path, Path], None]:
    def run(folder: Path, prepared: Path) -> None:
        for words in commands:
            raphe(folder, prepared, *words)

    return run


SIMULATE = ("simulate", "recordings", "--n-ser", "9", "--n-nser", "9", "--days", "3",
            "--duration-s", "6")  # fmt: skip
SWEEP = ("train", "-m", "model.kernel=3,20", "data.store=spikes", *SMALL)
EXPORT = ("export", "--out", "bundle", "--no-register")
STEPS: dict[str, tuple[Sequence[str], Callable[[Path, Path], None]]] = {  # what each needs itself
    "recordings": ((), _by_commands(SIMULATE)),
    "spikes": (("recordings",), _by_commands(("extract", "recordings", "spikes"))),
    "masks": (("recordings",), _by_commands(("masks", "recordings", "masks", "--masks", "90"))),
    "singles": (("spikes",), _single_spikes),
    "traces": ((), _traces),
    "voltage": ((), _voltage),
    "sweep": (("spikes",), _by_commands(SWEEP)),
    "bundle": (("spikes", "sweep"), _by_commands(EXPORT)),
    "rate-bundle": (
        (),
        _by_commands(
            ("train", *CALCIUM, "data.held_out=none"), (*EXPORT, "--experiment", "calcium")
        ),
    ),
    "posterior-bundle": ((), _by_commands(("train", *GLIF), (*EXPORT, "--experiment", "glif"))),
}
LONG_COMMANDS = {
    "simulate": LongCommand(SIMULATE, (), files("recordings"), is_quick=True),
    "extract": LongCommand(
        ("extract", "recordings", "store"), ("recordings",), files("store"), is_quick=True
    ),
    "import csv": LongCommand(
        ("import", "csv", "singles", "store"), ("singles",), files("store"), is_quick=True
    ),
    "import npy": LongCommand(
        ("import", "npy", "trios", "store"), ("singles",), files("store"), is_quick=True
    ),
    "import windows": LongCommand(
        ("import", "windows", "windows.npy", "units.csv", "store", "--rate-hz", "40000", "--unit",
         "pA", "--label-column", "label", "--cell-column", "cell_id"),
        ("singles",), files("store"), is_quick=True,
    ),
    "import traces": LongCommand(
        ("import", "traces", "pairs", "store", "--rate", "100"), ("traces",), files("store"),
        is_quick=True,
    ),
    "masks": LongCommand(
        ("masks", "recordings", "store", "--masks", "300"), ("recordings",), files("store"),
        is_quick=True,
    ),
    "synthesize": LongCommand(
        ("synthesize", "spikes", "masks", "store", "--per-class", "60000", "--shard-size", "30000",
         "--workers", "2"),
        ("spikes", "masks"), files("store"), is_quick=True, goes_on=True,
    ),
    "train celltype": LongCommand(
        ("train", "data.store=spikes", *SMALL), ("spikes",), finished_runs, goes_on=True
    ),
    "train calcium": LongCommand(("train", *CALCIUM), (), finished_runs, goes_on=True),
    "train glif": LongCommand(("train", *GLIF), (), finished_runs, goes_on=True),
    "sweep": LongCommand(SWEEP, ("spikes",), finished_runs, goes_on=True),
    "sweep, two workers": LongCommand(
        (*SWEEP, "hydra.launcher.n_jobs=2"), ("spikes",), finished_runs,
        goes_on=True,
    ),
    "bank": LongCommand(
        ("train", "model=bank", "bank.values=[3,20]", "data.store=spikes", *SMALL), ("spikes",),
        finished_runs, goes_on=True,
    ),
    "cross-validate": LongCommand(
        ("train", "experiment=cross_validation", "data.folds=3", "data.store=spikes", *SMALL),
        ("spikes",), finished_runs, goes_on=True,
    ),
    "audit": LongCommand(
        ("audit", "spikes", "--masks", "masks", "--out", "audit", "--max-epochs", "2", "--folds",
         "3", "--n-spikes", "300"),
        ("spikes", "masks"), arrays("audit"), goes_on=True,
    ),
    "export": LongCommand(("export", "--out", "bundle"), ("spikes", "sweep"), bundle),
    "predict celltype": LongCommand(
        ("predict", "recordings", "--bundle", "bundle", "--out", "verdicts"),
        ("recordings", "bundle"), files("verdicts"),
    ),
    "predict calcium": LongCommand(
        ("predict", "new.npy", "--rate", "30", "--bundle", "bundle", "--out", "rates", "--spikes",
         "--as", "csv"),
        ("traces", "rate-bundle"), files("rates"),
    ),
    "predict glif": LongCommand(
        ("predict", "voltage.npy", "--stimulus", "current.npy", "--rate", "50000", "--bundle",
         "bundle", "--out", "parameters"),
        ("voltage", "posterior-bundle"), arrays("parameters"),
    ),
}  # fmt: skip


def prepare(prepared: Path, names: Iterable[str]) -> None:
    """Make what steps of these names make, each once, in a folder of its own name."""
    for name in names:
        needs, fill = STEPS[name]
        prepare(prepared, needs)
        place, made = prepared / name, prepared / f"{name}.made"
        if made.exists():
            continue
        subprocess.run(["rm", "-rf", str(place)], check=True)
        place.mkdir(parents=True)
        link(prepared, needs, place)
        before = {path.name for path in place.iterdir()}
        fill(place, prepared)
        kept = {path.name for path in place.iterdir()} - before - {"tmp"}
        made.write_text("\n".join(sorted(kept)))


def results_of(prepared: Path, names: Iterable[str]) -> list[Path]:
    """What steps have made, and those before them."""
    found: dict[str, Path] = {}
    for name in names:
        for path in results_of(prepared, STEPS[name][0]):
            found.setdefault(path.name, path)
        for made in (prepared / f"{name}.made").read_text().splitlines():
            found.setdefault(made, prepared / name / made)
    return list(found.values())


def link(prepared: Path, names: Iterable[str], folder: Path) -> None:
    """Copy what steps have made into a folder, with all that those before them made."""
    for path in results_of(prepared, names):
        subprocess.run(["cp", "-a", str(path), str(folder / path.name)], check=True)
