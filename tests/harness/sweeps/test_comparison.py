"""What MLflow's page shows of a sweep: members in order, the chosen one marked, figures over k."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient
from omegaconf import OmegaConf

from raphe.harness.sweeps.choice import Choice
from raphe.harness.sweeps.comparison import steps_of, track_comparison
from raphe.harness.sweeps.plan import SweepPlan
from raphe.harness.tracking import PARENT_TAG, SWEEP_TAG, RunFacts, Tracker

REPORT = OmegaConf.create(
    {"metrics": {"cells/auroc": None, "loss": None, "absent": None}, "counts": {"n_cells": "cells"}}
)


@pytest.fixture
def tracker(tmp_path: Path, tracking_store: Callable[[Path], Path]) -> Tracker:
    return Tracker("celltype", tracking_store(tmp_path / "mlruns"))


def plan_of(**parameters: list[str]) -> SweepPlan:
    named = {name.replace("_", "."): values for name, values in parameters.items()}
    return SweepPlan("parent", named, n_workers=1)


def member(tracker: Tracker, parent: str, kernel: int) -> RunFacts:
    run = tracker.begin(f"model.kernel={kernel}", {PARENT_TAG: parent})
    run.log_params({"model.kernel": str(kernel)})
    run.log_metrics({"train/loss": 1.0, "val/loss": 0.7}, step=1)
    tested = {"test/cells/auroc": 1 - kernel / 100, "test/loss": 0.5, "test/n_cells": 8.0}
    kept = {"kept/val/loss": kernel / 10, "kept/val/cells/auroc": 0.9}
    run.log_metrics({"swept/model.kernel": float(kernel), **tested, **kept})
    run.end("FINISHED")
    return tracker.get(run.run_id)


def test_a_sweep_compares_at_once_in_the_order_of_k_with_the_chosen_one_marked(
    tracker: Tracker,
) -> None:
    parent = tracker.begin("sweep model.kernel=9,10,2", {SWEEP_TAG: "k"})
    plan = plan_of(model_kernel=["9", "10", "2"])
    runs = {f"model.kernel={kernel}": member(tracker, parent.run_id, kernel) for kernel in (9, 2)}
    track_comparison(tracker, parent, plan, runs, Choice(1, "best", ""), REPORT)

    client = MlflowClient(tracker.uri)
    history = client.get_metric_history(parent.run_id, "over/model.kernel/test/cells/auroc")
    assert {entry.step: entry.value for entry in history} == {9: 0.91, 2: 0.98}
    metrics = client.get_run(parent.run_id).data.metrics
    assert metrics["chosen/model.kernel"] == 2.0
    assert "over/model.kernel/kept/val/loss" in metrics
    assert not [name for name in metrics if "train" in name or name.endswith("kernel/val/loss")]

    view = json.loads(client.get_experiment(tracker.experiment_id).tags[
        f"mlflow.sharedViewState.{parent.run_id}"])  # fmt: skip
    shown = client.search_runs(
        [tracker.experiment_id], view["searchFilter"], order_by=[f"{view['orderByKey']} ASC"]
    )
    assert [run.info.run_name for run in shown] == ["★ model.kernel=2", "model.kernel=9"]
    names = [column.split("`")[1] for column in view["selectedColumns"]]
    assert names == [
        *("swept/model.kernel", "kept/val/loss", "test/loss"),
        *("kept/val/cells/auroc", "test/cells/auroc", "test/n_cells"),
    ]
    charts = [(chart["xaxis"], chart["yaxis"]["key"]) for chart in view["compareRunCharts"]]
    over = {"key": "kernel", "dataAccessKey": "swept/model.kernel", "type": "METRIC"}
    assert charts == [(over, name) for name in names[1:5]]
    assert tracker.get(runs["model.kernel=2"].run_id).name == "model.kernel=2"

    # Repeated with another choice: the mark moves, and the parent has each point once.
    runs = {label: tracker.get(run.run_id) for label, run in runs.items()}
    track_comparison(tracker, parent, plan, runs, Choice(0, "one-se", ""), REPORT)
    nine, two = (client.get_run(run.run_id) for run in runs.values())
    assert (nine.info.run_name, two.info.run_name) == ("★ model.kernel=9", "model.kernel=2")
    assert nine.data.tags["raphe.chosen"] == "one-se"
    assert "raphe.chosen" not in two.data.tags
    assert client.get_run(parent.run_id).data.metrics["chosen/model.kernel"] == 9.0
    assert len(client.get_metric_history(parent.run_id, history[0].key)) == 2


def test_a_step_is_the_swept_number_where_it_is_whole_and_else_the_place() -> None:
    assert steps_of(plan_of(seed=["7", "-3"])) == ({"seed=7": 7, "seed=-3": -3}, "seed")
    placed = {"model.lr=0.1": 1, "model.lr=2": 2}
    assert steps_of(plan_of(model_lr=["0.1", "2"])) == (placed, "members")
    assert steps_of(plan_of(seed=["1", str(2**40)]))[1] == "members"
    alike = {"seed=1": 1, "seed=1.0": 2, "seed=2": 3}
    assert steps_of(plan_of(seed=["1", "1.0", "2"])) == (alike, "members")
    both, over = steps_of(plan_of(seed=["5", "6"], data_fold=["0"]))
    assert (list(both.values()), over) == ([1, 2], "members")
