"""A sweep over kernels, seeds and folds: what the kernels come to, and whether they differ."""

import csv
import io
import itertools

import numpy as np
import pytest
from omegaconf import OmegaConf
from rich.console import Console
from scipy import stats

from raphe.harness.report.means import means_of
from raphe.harness.report.means_table import meaning, means_table, means_told
from raphe.harness.report.sweep_artifacts import sweep_artifacts
from raphe.harness.report.sweep_results import SweepResults
from raphe.harness.tracking import RunFacts

SETTINGS = {
    "names": {"_target_": "raphe.tasks.celltype.metrics.names.names"},
    "metrics": ["cells/auroc", "loss"],
    "headlines": ["cells/auroc"],
    "counts": ["n_cells"],
    "axes": {},
}
AUROC = {"1": 0.70, "8": 0.90, "20": 0.896}


def swept(folds: int, seeds: int, kernels: dict[str, float] = AUROC) -> SweepResults:
    """Kernels by folds and seeds: a fold is hard for all of them."""
    rng = np.random.default_rng(0)
    hardness = 0.05 * rng.normal(size=folds)
    names = ["model.kernel", "seed", "data.fold"]
    runs = []
    for (k, auroc), seed, fold in itertools.product(kernels.items(), range(seeds), range(folds)):
        value = auroc + hardness[fold] + 0.004 * rng.normal()
        metrics = {
            "test/cells/auroc": value,
            "kept/val/cells/auroc": value,
            "kept/val/loss": 1 - value,
            "test/loss": 1 - value,
            "test/n_cells": 6.0,
            "swept/model.kernel": float(k),
        }
        settings = dict(zip(names, (k, str(seed), str(fold)), strict=True))
        label = " ".join(f"{name}={value}" for name, value in settings.items())
        runs.append(RunFacts(label, "FINISHED", label, {}, settings, metrics))
    varied = [name for name in names if len({run.params[name] for run in runs}) > 1]
    return SweepResults(runs, varied, OmegaConf.create(SETTINGS), "val/loss")


def of_kernel(results: SweepResults, k: str) -> np.ndarray:
    """The test's AUROC by fold, the mean over seeds."""
    of_fold: dict[str, list[float]] = {}
    for run in results.runs:
        if run.params["model.kernel"] == k:
            of_fold.setdefault(run.params["data.fold"], []).append(run.metrics["test/cells/auroc"])
    return np.array([np.mean(values) for values in of_fold.values()])


def test_a_kernel_comes_to_the_mean_over_folds_of_the_mean_over_seeds() -> None:
    results = swept(folds=5, seeds=3)
    means = means_of(results, ["data.fold"], "min")
    assert means is not None and means.described == "the mean over 5 folds of the mean over 3 seeds"
    assert [run.name for run in means.runs] == [f"model.kernel={k}" for k in AUROC]
    for run, k in zip(means.runs, AUROC, strict=True):
        assert run.metrics["test/cells/auroc"] == pytest.approx(of_kernel(results, k).mean())
        assert run.metrics["test/n_cells"] == 30  # all folds together
    assert list(means.n_members) == [15, 15, 15]


def test_kernels_are_compared_fold_by_fold() -> None:
    results = swept(folds=5, seeds=3)
    means = means_of(results, ["data.fold"], "min")
    assert means is not None and means.runs[means.reference].name == "model.kernel=8"
    less = means.differences("test/cells/auroc")
    pairs = of_kernel(results, "1") - of_kernel(results, "8")
    error = np.sqrt((1 / 5 + 1 / 4) * pairs.var(ddof=1))
    assert less.mean[0] == pytest.approx(pairs.mean())
    assert less.p[0] == pytest.approx(2 * stats.t.sf(abs(pairs.mean()) / error, 4))
    over = means.over["test/cells/auroc"]
    assert less.high[0] - less.low[0] < (over.high[0] - over.low[0]) / 3  # hard folds cancel
    told = means_told(means, each_fold_chooses=True)
    assert told[0].startswith(
        "Over repeats: model.kernel=8 is best by validation, loss over spikes 0.0"
    )
    assert "the test tells 1 of 2 others from it (p < 0.05, corrected after Holm" in told[2]
    assert "no test of a choice" in told[3]
    assert "t over 5 folds" in meaning(means)


def test_what_is_missing_is_missing_on_both_sides() -> None:
    results = swept(folds=5, seeds=3)
    gone = {"model.kernel=1 seed=0 data.fold=0", "model.kernel=8 seed=1 data.fold=0"}
    runs = [run for run in results.runs if run.name not in gone]
    means = means_of(
        SweepResults(runs, results.parameters, results.settings, "val/loss"), ["data.fold"], "min"
    )
    left = {run.name: run.metrics["test/cells/auroc"] for run in runs}
    pair = left["model.kernel=1 seed=2 data.fold=0"] - left["model.kernel=8 seed=2 data.fold=0"]
    others = (of_kernel(results, "1") - of_kernel(results, "8"))[1:]
    less = means.differences("test/cells/auroc")
    assert less.mean[0] == pytest.approx(np.mean([pair, *others]))
    assert list(means.n_members) == [14, 14, 15]


def test_seeds_alone_tell_of_no_other_cells() -> None:
    means = means_of(swept(folds=1, seeds=4, kernels={"8": 0.9}), [], "min")
    assert means.compared == [] and means.described == "the mean over 4 seeds"
    assert "of other cells they say nothing" in meaning(means)
    told = means_told(means, each_fold_chooses=False)
    assert told[0].startswith("Over repeats: validation loss over spikes 0.") and len(told) == 2


def test_what_is_not_repeated_has_no_means() -> None:
    assert means_of(swept(folds=1, seeds=1), [], "min") is None


def test_they_are_kept_as_a_table_and_drawn_over_the_kernel() -> None:
    results = swept(folds=5, seeds=3)
    means = means_of(results, ["data.fold"], "min")
    artifacts = sweep_artifacts(results, means)
    rows = list(csv.DictReader(io.StringIO(artifacts["means.csv"])))
    (row,) = (r for r in rows if r["metric"] == "test/cells/auroc" and r["model.kernel"] == "20")
    assert row["members"] == "15"
    assert float(row["mean"]) == pytest.approx(of_kernel(results, "20").mean(), rel=1e-6)
    assert float(row["low"]) < float(row["mean"]) < float(row["high"])
    assert float(row["p"]) <= float(row["p_holm"]) <= 1
    caption = artifacts["sweep.png"]().caption
    assert caption.startswith("3 values of model.kernel, each the mean over 5 folds of the mean")
    assert "They are of t over these repeats." in caption


def test_the_table_has_a_row_for_each_kernel() -> None:
    means = means_of(swept(folds=5, seeds=3), ["data.fold"], "min")
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(means_table(means))
    lines = console.export_text().splitlines()
    (best,) = (line.split() for line in lines if "→" in line)
    assert best[1:3] == ["8", "15"] and " to " in " ".join(best)
    (one,) = (line for line in lines if line.split()[:2] == ["1", "15"])
    assert one.count(" to ") == 2 and "-0.2" in one


def test_of_many_the_best_are_shown() -> None:
    kernels = {str(k): 0.5 + k / 1000 for k in range(1, 101)}
    means = means_of(swept(folds=2, seeds=2, kernels=kernels), ["data.fold"], "min")
    table = means_table(means)
    assert table.row_count == 50 and table.caption == "The best 50 of 100 by validation."
