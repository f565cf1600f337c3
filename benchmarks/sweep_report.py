"""How long the report over a sweep takes, and how much memory, by its members.

    python benchmarks/sweep_report.py

The members' runs are written straight into the database of a folder of runs, with as many
parameters, tags and metrics as a network of the celltype task has, their intervals and their states
beside; what is timed is all that a sweep does once its last member has ended.
"""

import contextlib
import io
import itertools
import resource
import sqlite3
import tempfile
import time
import uuid
from pathlib import Path

import numpy as np
from hydra import compose, initialize_config_dir
from machine import REPOSITORY, options_of, write_table
from omegaconf import DictConfig, OmegaConf, open_dict

from raphe.core.files.csv_text import csv_text
from raphe.harness.report.csv_tables import COLUMNS as OF_INTERVALS
from raphe.harness.report.csv_tables import INTERVALS
from raphe.harness.sweeps.kinds import Kind
from raphe.harness.sweeps.parent import SweepParent
from raphe.harness.sweeps.states import MemberState, write_state
from raphe.harness.tracking import (
    DATA_TAG,
    KEY_TAG,
    NOTE_TAG,
    PARENT_TAG,
    SWEEP_TAG,
    Tracker,
)

FIGURES = ("auroc", "sensitivity", "specificity", "balanced_accuracy", "brier", "accuracy")
PARTS, LEVELS = ("kept/val", "test", "nonhomogeneous"), ("cells", "spikes")
N_PARAMS, COLUMNS = (
    60,
    ("members", "what is swept", "s", "CPU s", "peak memory, MB", "of it before"),
)
GRIDS = {
    "three settings": {"model.kernel": 10, "model.dropout": 10, "model.optimizer.lr": 10},
    "kernels × seeds": {"model.kernel": 20, "seed": 50},
}


def settings() -> DictConfig:
    with initialize_config_dir(str(REPOSITORY / "conf"), version_base="1.3"):
        config = compose("train", overrides=["data.seed=1"], return_hydra_config=True)
    with open_dict(config.hydra):
        config.hydra.runtime.choices = {"task": "celltype"}
    return OmegaConf.masked_copy(config, [name for name in config if name != "hydra"])


def metrics_of(rng: np.random.Generator) -> dict[str, float]:
    names = [f"{part}/{level}/{name}" for part in PARTS for level in LEVELS for name in FIGURES]
    values = dict(zip(names, rng.uniform(0.6, 1.0, len(names)), strict=True))
    losses = {f"{part}/loss": rng.uniform(0.2, 0.6) for part in (*PARTS, "train", "val")}
    counts = {f"{part}/{name}": 30.0 for part in PARTS for name in ("n_cells", "n_spikes")}
    return {**values, **losses, **counts, "epochs/trained": 25.0, "epochs/kept": 17.0}


def write_members(database: Path, artifacts: Path, parent: SweepParent, folder: Path) -> None:
    """Every member of the plan as a finished run, with its state and its intervals."""
    rng = np.random.default_rng(0)
    store = sqlite3.connect(database)
    ((experiment,),) = store.execute("select experiment_id from experiments where name='celltype'")
    runs, tags, params, latest = [], [], [], []
    for number, member in enumerate(parent.plan.members):
        run_id = uuid.uuid4().hex
        uri = (artifacts / run_id / "artifacts").as_uri()
        runs.append((run_id, member.label, "FINISHED", number, number + 1, uri, experiment))
        carried = {
            "mlflow.runName": member.label,
            PARENT_TAG: parent.plan.parent_run_id,
            KEY_TAG: run_id,
            DATA_TAG: "d",
            NOTE_TAG: "Simulated cells.",
            "mlflow.note.content": "One network. " * 20,
        }
        settings_of = {f"data.setting_{n}": "20.0" for n in range(N_PARAMS)} | member.settings
        metrics = metrics_of(rng)
        rows = [
            [name, *(f"{v:.7g}" for v in (value, value - 0.05, value + 0.05, 0.025))]
            for name, value in metrics.items()
            if name.count("/") > 1
        ]
        intervals = csv_text(OF_INTERVALS, rows)
        tags += [(*item, run_id) for item in (carried | tags_of(intervals)).items()]
        params += [(*item, run_id) for item in settings_of.items()]
        latest += [(*item, 0, 0, 0, run_id) for item in metrics.items()]
        place = artifacts / run_id / "artifacts" / INTERVALS
        place.parent.mkdir(parents=True)
        place.write_text(intervals)
        write_state(folder, number, MemberState(member.label, "FINISHED", run_id=run_id))
    with store:
        store.executemany(
            "insert into runs (run_uuid, name, status, start_time, end_time, artifact_uri, "
            "experiment_id, source_type, lifecycle_stage, user_id) "
            "values (?, ?, ?, ?, ?, ?, ?, 'LOCAL', 'active', '')",
            runs,
        )
        store.executemany("insert into tags (key, value, run_uuid) values (?, ?, ?)", tags)
        store.executemany("insert into params (key, value, run_uuid) values (?, ?, ?)", params)
        store.executemany(
            "insert into latest_metrics (key, value, timestamp, step, is_nan, run_uuid) "
            "values (?, ?, ?, ?, ?, ?)",
            latest,
        )
    store.close()


def tags_of(intervals: str) -> dict[str, str]:
    """As a member that ends keeps its intervals beside the artifact."""
    try:
        from raphe.harness.report.csv_tables import INTERVALS_TAG
    except ImportError:  # of an older raphe, to be compared with
        return {}
    return {INTERVALS_TAG: intervals}


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report(config: DictConfig, counts: dict[str, int], root: Path) -> tuple[float, float, float]:
    """Seconds, seconds of CPU and the peak of memory before, of one report."""
    config.runs_root = str(root)
    tracker = Tracker.from_settings(config)
    parameters = {name: [str(n) for n in range(1, 1 + count)] for name, count in counts.items()}
    folder, tags = root / "sweep", {SWEEP_TAG: "s", DATA_TAG: "d"}
    parent = SweepParent(tracker, config, Kind.SETTINGS, tags, folder, parameters, n_workers=1)
    parent.start()
    write_members(root / "mlflow.db", root / "artifacts" / "celltype", parent, folder)
    before = peak_mb()
    begun, cpu = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        assert parent.finish()
    return time.perf_counter() - begun, time.process_time() - cpu, before


def main() -> None:
    parser = options_of(__doc__, "sweep_report")
    parser.add_argument("--times", type=float, nargs="+", default=(1, 10), help="1000 members")
    parser.add_argument("--grids", nargs="+", default=list(GRIDS), choices=list(GRIDS))
    options = parser.parse_args()
    rows = []
    for times, name in itertools.product(options.times, options.grids):
        counts = dict(GRIDS[name])
        first = next(iter(counts))
        counts[first] = max(1, round(counts[first] * times))
        with tempfile.TemporaryDirectory() as folder:
            seconds, cpu, before = report(settings(), counts, Path(folder))
        swept = " × ".join(f"{n} of {setting}" for setting, n in counts.items())
        n_members = int(np.prod(list(counts.values())))
        rows.append(
            (n_members, swept, f"{seconds:.1f}", f"{cpu:.1f}", f"{peak_mb():.0f}", f"{before:.0f}")
        )
        print(*rows[-1], sep=" | ", flush=True)
    write_table(
        options.output,
        "The report over a sweep",
        "`python benchmarks/sweep_report.py`; simulated figures, runs in SQLite on a local disk. "
        "Timed: all that a sweep does once its last member has ended. The peak of memory is the "
        "process's, with what it held before, torch and MLflow among it.",
        COLUMNS,
        rows,
    )


if __name__ == "__main__":
    main()
