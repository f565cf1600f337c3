"""From a simulation to a tracked, tested run through the real train.py."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from raphe.tasks.glif.lstm_study.module import LstmGlifModule
from raphe.tasks.glif.metrics.names import lstm_study_names

SMALL = [
    "prepare.study.n_train=40",
    "prepare.study.n_val=10",
    "prepare.study.n_test=10",
    "prepare.study.simulated=600",
    "prepare.study.fed=500",
    "trainer.max_epochs=2",
    "tracking.system_metrics_every_s=null",
    "threads=1",
]


@pytest.mark.slow
def test_a_run_is_tracked_with_the_studys_figures(train_py, places, tmp_path: Path) -> None:
    assert train_py("task=lstm_glif", *SMALL, *places) == 0
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlruns' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("lstm_glif")
    (run,) = client.search_runs([experiment.experiment_id])
    metrics = run.data.metrics
    assert not [name for name in metrics if name not in lstm_study_names()]
    assert metrics["test/n_traces"] == 10 and metrics["test/constant_loss"] > 0
    shown = {file.path for file in client.list_artifacts(run.info.run_id, "cells")}
    assert {"cells/responses.png", "cells/strip.png", "cells/cells.csv"} <= shown
    file = client.download_artifacts(run.info.run_id, "checkpoint/model.ckpt", str(tmp_path))
    module = LstmGlifModule.load_from_checkpoint(file)
    assert len(module.hparams.target_mean) == 5 and len(module.history["train"]) >= 1


def test_what_cannot_be_is_one_line(train_py, places, tmp_path: Path, capsys) -> None:
    assert train_py("task=lstm_glif", "model.net=gru", *SMALL, *places) == 1
    assert "model.net=gru: expected one of lstm_published" in capsys.readouterr().err
