"""From a simulation to a tracked, scored run through the real train.py."""

import csv
from pathlib import Path

import pytest
from mlflow import MlflowClient

from raphe.tasks.calcium.elephant.module import ElephantModule
from raphe.tasks.calcium.metrics.names import elephant_names

SMALL = [
    "prepare.simulation.datasets=2",
    "prepare.simulation.recordings=3",
    "prepare.simulation.duration_s=20",
    "trainer.max_epochs=1",
    "tracking.system_metrics_every_s=null",
    "threads=1",
]


@pytest.mark.slow
def test_a_sweep_over_the_dataset_held_out(train_py, places, tmp_path: Path, capfd) -> None:
    assert train_py("-m", "task=elephant", "data.held_out=sim1,sim2", *SMALL, *places) == 0
    assert "say nothing about biology" in " ".join(capfd.readouterr().out.split())
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlruns' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("elephant")
    runs = client.search_runs([experiment.experiment_id])
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert {run.data.params["data.held_out"] for run in children} == {"sim1", "sim2"}
    for run in children:
        metrics = run.data.metrics
        assert metrics["test/n_recordings"] == 3
        assert not [name for name in metrics if name not in elephant_names()]
        assert (
            -1 <= metrics["test/cells/correlation"] <= 1
            and metrics["test/cells/error_both_smoothed"] > 0
        )
        file = client.download_artifacts(run.info.run_id, "test/cells.csv", str(tmp_path))
        with Path(file).open() as table:
            held_out = {row["dataset"] for row in csv.DictReader(table)}
        assert held_out == {run.data.params["data.held_out"]}
        file = client.download_artifacts(run.info.run_id, "checkpoint/model.ckpt", str(tmp_path))
        assert ElephantModule.load_from_checkpoint(file).hparams.rate_mean_per_s > 0


def test_what_cannot_be_is_one_line(train_py, places, tmp_path: Path, capsys) -> None:
    assert train_py("task=elephant", "data.held_out=sim9", *SMALL, *places) == 1
    assert "data.held_out=sim9: expected a dataset (sim1, sim2)" in capsys.readouterr().err
