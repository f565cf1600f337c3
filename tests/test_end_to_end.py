"""From recordings to a tracked sweep through the real train.py, with a small simulation."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hydra.utils import call
from mlflow import MlflowClient

from raphe import cli
from raphe.harness.settings.configuration import composed_settings
from raphe.harness.tracking import PARENT_TAG
from raphe.tasks.celltype.metrics.names import names
from raphe.tasks.celltype.synthetic.simulated_recordings import Simulation, simulate
from raphe.tasks.celltype.training.module import CellTypeModule

SMALL = ["prepare.simulation.n_ser=9", "prepare.simulation.n_nser=9", "prepare.simulation.days=3"]
TOO_LONG = "model.kernel=60 leaves nothing to pool in a window of 160 samples; the largest that"
SHORT = ["prepare.simulation.duration_s=5", "trainer.max_epochs=2", "data.batch_size=16"]


def client(home: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{home / 'mlruns' / 'mlflow.db'}")


def runs_of(home: Path, experiment: str) -> list:
    found = client(home).get_experiment_by_name(experiment)
    return client(home).search_runs([found.experiment_id])


def artifact(home: Path, run_id: str, name: str, to: Path) -> Path:
    return Path(client(home).download_artifacts(run_id, name, str(to)))


def test_a_sweep_from_nothing(home: Path, tmp_path: Path) -> None:
    assert "say nothing about biology" in " ".join((home / "told.txt").read_text().split())

    runs = runs_of(home, "celltype")
    (parent,) = [run for run in runs if "raphe.sweep" in run.data.tags]
    of_sweep = [run for run in runs if run.data.tags.get(PARENT_TAG) == parent.info.run_id]
    children = {run.data.params["model.kernel"]: run for run in of_sweep}
    assert {k: run.info.status for k, run in children.items()} == {
        "3": "FINISHED",
        "20": "FINISHED",
    }
    table = artifact(home, parent.info.run_id, "sweep.csv", tmp_path).read_text().splitlines()
    rows = {row["model.kernel"]: row for row in csv.DictReader(table)}
    for k in ("3", "20"):
        metrics = children[k].data.metrics
        for name in ("test", "nonhomogeneous"):
            assert 0 <= metrics[f"{name}/spikes/accuracy"] <= 1
            auroc = metrics[f"{name}/cells/auroc"]
            assert float(rows[k][f"{name}/cells/auroc"]) == pytest.approx(auroc, rel=1e-6)
        assert not [name for name in metrics if name not in names()]
    checkpoint = artifact(home, children["20"].info.run_id, "checkpoint/model.ckpt", tmp_path)
    assert CellTypeModule.load_from_checkpoint(checkpoint).hparams.kernel == 20


@pytest.mark.ci
def test_a_bank_gives_what_the_sweep_gives(
    train_py, tmp_path: Path, places: list[str], monkeypatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # of the processes that test the members
    same = [*places, *SMALL, *SHORT, "threads=1", "callbacks.patience=null", "baselines=false"]
    kernels = ["1", "4", "20"]
    assert train_py("-m", f"model.kernel={','.join(kernels)}", *same, "tracking.experiment=a") == 0
    assert train_py("model=bank", f"bank.values=[{','.join(kernels)}]", *same,
                    "tracking.experiment=b") == 0  # fmt: skip
    swept, banked = (
        {run.data.params["model.kernel"]: run for run in runs_of(tmp_path, experiment)
         if "raphe.sweep" not in run.data.tags}
        for experiment in "ab"
    )  # fmt: skip
    assert set(swept) == set(banked) == set(kernels)
    for kernel in kernels:
        one, other = swept[kernel].data.metrics, banked[kernel].data.metrics
        assert {name: value for name, value in one.items() if "system/" not in name} == {
            name: value for name, value in other.items() if "system/" not in name
        }
        run_id = banked[kernel].info.run_id
        checkpoint = artifact(tmp_path, run_id, "checkpoint/model.ckpt", tmp_path)
        assert CellTypeModule.load_from_checkpoint(checkpoint).hparams.kernel == int(kernel)


def test_from_recordings_through_a_store_to_cells(
    train_py, tmp_path: Path, places: list[str], capsys
) -> None:
    recordings, store = tmp_path / "recordings", tmp_path / "store"
    simulate(recordings, Simulation(n_ser=6, n_nser=6, days=2, duration_s=5.0, seed=7))
    (recordings / "SER" / "broken.abf").write_bytes(b"not a recording")
    assert cli.main(["extract", str(recordings), str(store)]) == 1
    assert "broken.abf" in capsys.readouterr().err
    assert cli.main(["check", str(store)]) == 0

    arguments = [*places, *SHORT[1:], "tracking.experiment=own", f"data.store={store}"]
    assert train_py(*arguments, "model.columns=1") == 0
    (run,) = runs_of(tmp_path, "own")
    text = artifact(tmp_path, run.info.run_id, "test/cells.csv", tmp_path).read_text().splitlines()
    cells = {row["cell"] for row in csv.DictReader(text)}
    assert cells and cells <= {path.stem for path in recordings.glob("*SER/*.abf")}
    assert not np.isnan(run.data.metrics["test/loss"])


@pytest.mark.slow
def test_recordings_named_in_the_settings_are_cut_once(
    train_py, tmp_path: Path, places: list[str]
) -> None:
    recordings = tmp_path / "more"
    simulate(recordings, Simulation(n_ser=5, n_nser=5, days=2, duration_s=5.0, seed=8))
    arguments = [
        *places,
        *SHORT[1:],
        "tracking.experiment=more",
        f"prepare.recordings={recordings}",
        "baselines=false",
    ]
    assert train_py(*arguments) == 0
    (store,) = (tmp_path / "data" / "celltype").glob("extracted-*")
    made = store.stat().st_mtime_ns
    prepared = call(composed_settings(arguments).prepare)  # as the same command begins
    assert store in map(Path, prepared.values())
    assert store.stat().st_mtime_ns == made


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("data.store=nowhere", "make it with `raphe extract RECORDINGS nowhere`"),
        ("prepare.recordings=nowhere", "expected a folder of recordings"),
        ("model.kernel=0", "model.kernel=0: expected a whole number of samples from 1 up"),
        ("evaluate.calibration=isotonic", "expected temperature or platt"),
        ("model.kernel=60", TOO_LONG),
        ("model=bank bank.values=[1,60]", TOO_LONG),
        ("model.kernel=40 prepare.cut.post_ms=2", "in a window of 120 samples"),
        ("data.split=rig", "expected cell, day, animal, source or spike"),
    ],
)
def test_what_cannot_work_is_told_in_one_line(
    train_py, places: list[str], tmp_path: Path, capfd, override: str, told: str
) -> None:
    made = tmp_path / "data"
    assert train_py(*override.split(), *places, *SMALL, *SHORT) == 1
    (line,) = [line for line in capfd.readouterr().err.splitlines() if line.strip()]
    assert line.startswith("error: ") and told in line
    assert not [*made.rglob("*.abf"), *made.rglob("*.npy")]


def test_a_sweep_that_cannot_work_is_refused_before_its_data_are_made(
    train_py, places: list[str], tmp_path: Path
) -> None:
    told = train_py("-m", "model.kernel=1,20,60", *places)
    assert told.startswith(f"error: {TOO_LONG}")  # what the process exits with
    assert not (tmp_path / "data").exists()
