"""From traces to a tracked run beside its baselines, to a bundle, to rates, through train.py."""

import csv
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from raphe import cli
from raphe.tasks.calcium.metrics.names import names

SMALL = [
    "task=calcium",
    "prepare.simulation.datasets=2",
    "prepare.simulation.recordings=3",
    "prepare.simulation.duration_s=20",
    "model.members=2",
    "model.channels=8",
    "data.batches=2",
    "data.batch_size=4",
    "data.length=512",
    "data.pretrain_epochs=1",
    "trainer.max_epochs=2",
    "tracking.system_metrics_every_s=null",
    "threads=1",
]


@pytest.mark.slow
def test_train_on_all_export_and_infer(
    train_py, places, tmp_path: Path, capfd, monkeypatch
) -> None:
    assert train_py(*SMALL, *places, "data.held_out=none") == 0
    printed = capfd.readouterr()
    assert "are kept; no data were held out to test them on." in " ".join(printed.out.split())
    assert "test results" not in printed.out and "Total length of" not in printed.err
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlruns' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("calcium")
    (run,) = client.search_runs([experiment.experiment_id])
    assert not [name for name in run.data.metrics if name.startswith("test/")]
    out = tmp_path / "bundle"
    export = ["stage=export", f"export.sweep={run.info.run_id}", f"export.out={out}"]
    assert train_py("task=calcium", *export, *places) == 0
    assert "No dataset was held out" in (out / "MODEL_CARD.md").read_text()
    again = ["export", "--sweep", run.info.run_id, "--runs", str(tmp_path / "mlruns")]
    assert cli.main([*again, "--members", "top:5"]) == 1
    assert (
        "export.members: this task's export takes no such setting; leave it out"
        in capfd.readouterr().err
    )
    np.save(tmp_path / "new.npy", np.random.default_rng(0).normal(size=(2, 600)))
    arguments = [str(tmp_path / "new.npy"), "--rate", "30", "--bundle", str(out)]
    monkeypatch.setattr("raphe.tasks.calcium.prediction.rate_folder.save_figure", lambda *_: None)
    assert cli.main(["predict", *arguments, "--out", str(tmp_path / "rates")]) == 0
    assert np.load(tmp_path / "rates" / "rates.npy").shape == (2, 600)


@pytest.mark.slow
def test_a_dataset_held_out_beside_its_baselines(train_py, places, tmp_path: Path) -> None:
    assert train_py(*SMALL, *places, "data.held_out=sim2") == 0
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlruns' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("calcium")
    (run,) = client.search_runs([experiment.experiment_id])
    metrics = run.data.metrics
    assert metrics["test/n_recordings"] == 3
    assert -1 <= metrics["test/cells/correlation"] <= 1
    assert not [name for name in metrics if name not in names()]
    file = client.download_artifacts(run.info.run_id, "test/comparison.csv", str(tmp_path))
    with Path(file).open() as table:
        rows = {row["method"]: row for row in csv.DictReader(table)}
    assert set(rows) == {"network", "trace"}
    assert float(rows["trace"]["correlation"]) == pytest.approx(
        metrics["test/cells/correlation_of_trace"], abs=1e-4
    )


@pytest.mark.slow
def test_every_dataset_is_held_out_in_turn(train_py, places, tmp_path: Path, capfd) -> None:
    assert train_py("experiment=calcium_folds", *SMALL[1:], *places) == 0
    printed = capfd.readouterr().out
    words = " ".join(printed.split())
    assert "with the spikes of 6 cells of 2 datasets" in words  # of fewer than 8: no interval
    assert "Whether it is better than trace cannot be told" in words
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlruns' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("calcium")
    runs = client.search_runs([experiment.experiment_id])
    (parent,) = (run for run in runs if "pooled/cells/correlation" in run.data.metrics)
    folds = [run.data.metrics["test/cells/correlation"] for run in runs if run is not parent]
    assert len(folds) == 2
    assert parent.data.metrics["pooled/cells/correlation"] == pytest.approx(
        np.mean(folds), abs=1e-5
    )
    file = client.download_artifacts(parent.info.run_id, "pooled/folds.csv", str(tmp_path))
    with Path(file).open() as table:
        rows = [(row["dataset"], row["method"]) for row in csv.DictReader(table)]
    assert rows == [(d, m) for d in ("sim1", "sim2", "mean") for m in ("network", "trace")]
