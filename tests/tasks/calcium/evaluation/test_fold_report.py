"""One report over all folds, of what each fold's run tracked."""

import csv
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from raphe.core.errors import SettingError
from raphe.core.protocol import SweptRun
from raphe.tasks.calcium.evaluation.comparison import as_csv
from raphe.tasks.calcium.evaluation.fold_report import FoldReport, conclusion, fold_names
from raphe.tasks.calcium.metrics.cell_report import CELL_FACTS
from raphe.tasks.calcium.metrics.known_neurons import groups_of, read_scores
from raphe.tasks.calcium.metrics.left_out import COLUMNS, MEAN, making_digest, read_left_out
from raphe.tasks.calcium.metrics.second_counts import seconds_csv

SCORES = {"a": [0.2, 0.4], "b": [0.5, 0.6, 0.7, 0.8] * 2}  # the network's; the trace has 0.1 less


def member(folder: Path, fold: str, scores: dict[str, list[float]] = SCORES) -> SweptRun:
    """A run that held `fold` out."""
    rows = [[f"{fold}/{n}", fold, value, value - 0.1] for n, value in enumerate(scores[fold])]
    path = folder / f"{fold}.csv"
    path.write_text(as_csv(["cell", "dataset", "network", "trace"], rows))
    whole = folder / f"{fold}-cells.csv"
    noise = {"a": 2.0, "b": ""}[fold]  # of b it is not known
    cells = [
        [f"{fold}/{n}", fold, 1, 60.0, 9, noise, 30, r, 2 * r] for n, r in enumerate(scores[fold])
    ]
    header = [*CELL_FACTS, "correlation", "rate_ratio"]
    whole.write_text(as_csv(header, cells))
    config = folder / "config.yaml"
    config.write_text("model:\n  members: 4\n")
    seconds = folder / f"{fold}-seconds.csv"
    seconds.write_text(seconds_csv({fold: Counter({(0, 0): 50, (6, 2): 30})}))
    files = {
        "test/methods.csv": path,
        "test/cells.csv": whole,
        "test/seconds.csv": seconds,
        "config.yaml": config,
    }
    return SweptRun(fold, {"data.held_out": fold}, 0.0, lambda name: files[name])


def test_neurons_of_known_noise_tell_what_to_expect(tmp_path: Path, rate_data) -> None:
    results = FoldReport()([member(tmp_path, "a"), member(tmp_path, "b")], [], rate_data)
    table = tmp_path / "neurons.csv"
    table.write_text(results["pooled/neurons.csv"])
    (group,) = groups_of(read_scores(table))
    assert (group.n, group.n_datasets, group.correlation) == (2, 1, pytest.approx(0.3))
    assert group.holds(2.0, 30.0)
    unknown = FoldReport()([member(tmp_path, "b")], [], rate_data)
    assert "pooled/neurons.csv" not in unknown


def test_every_dataset_counts_alike_in_the_mean(tmp_path: Path, rate_data) -> None:
    results = FoldReport()([member(tmp_path, "a"), member(tmp_path, "b")], [], rate_data)
    rows = list(csv.DictReader(results["pooled/folds.csv"].splitlines()))
    means = {(row["dataset"], row["method"]): float(row["correlation"]) for row in rows}
    assert means == pytest.approx(
        {("a", "network"): 0.3, ("a", "trace"): 0.2, ("b", "network"): 0.65, ("b", "trace"): 0.55,
         ("mean", "network"): 0.475, ("mean", "trace"): 0.375}
    )  # fmt: skip
    assert results["pooled/cells/correlation"].value == pytest.approx(
        0.475
    )  # over the cells it is 0.58
    assert results["pooled/cells/correlation_of_trace"].value == pytest.approx(0.375)
    pooled = results["pooled/cells/correlation"]
    low, high = pooled.low, pooled.high
    # Of two cells and of eight: Welch's interval.
    welch = stats.ttest_ind(SCORES["a"], np.negative(SCORES["b"]), equal_var=False)
    ends = welch.confidence_interval()
    assert (2 * low, 2 * high) == pytest.approx((ends.low, ends.high))
    assert results["pooled/cells.csv"].count("\n") == 11


def test_what_sets_left_out_reach_is_a_table_for_the_card(tmp_path: Path, rate_data) -> None:
    results = FoldReport()([member(tmp_path, "a"), member(tmp_path, "b")], [], rate_data)
    table = tmp_path / "left_out.csv"
    table.write_text(results["pooled/left_out.csv"])
    folds, told = read_left_out(table)
    rows = {(row.dataset, row.measure): row for row in told}
    assert (folds.left_out, folds.folds, folds.of_folds) == ("group", 2, 2)  # of no store's names
    assert folds.store == rate_data.store.content_hash
    assert len(rows) == 6
    few, many = rows["a", "correlation"], rows["b", "correlation"]
    assert (few.n, few.value) == (2, pytest.approx(0.3)) and np.isnan(few.low)
    assert (many.n, many.value) == (8, pytest.approx(0.65)) and many.low < 0.65 < many.high
    mean = rows[MEAN, "rate_ratio"]  # of the sets' medians
    assert (mean.n, mean.value) == (10, pytest.approx((0.6 + 1.3) / 2))
    table.write_text("dataset\na\n")
    with pytest.raises(
        SettingError, match=r"name a left_out\.csv that experiment=calcium_folds made"
    ):
        read_left_out(table)


def test_a_table_tells_what_was_left_out_and_how_much_is_missing(tmp_path, rate_data) -> None:
    for name, part, n_all in (
        ("sim1", "dataset", 2),
        (fold_names(rate_data, "cell")[0], "cell", 6),
    ):
        run = replace(member(tmp_path, "a"), settings={"data.held_out": name})
        table = tmp_path / "left_out.csv"
        missing = [{"data.held_out": "sim2"}]
        table.write_text(FoldReport()([run], missing, rate_data)["pooled/left_out.csv"])
        folds, _ = read_left_out(table)
        assert (folds.left_out, folds.folds, folds.of_folds) == (part, 1, n_all)


def test_only_what_makes_a_network_is_digested() -> None:
    text = (
        "seed: {0}\ndata: {{store: {1}, held_out: {2}, seed: {0}, length: 8}}\nmodel: {{w: {3}}}\n"
    )
    digests = [
        making_digest(text.format(*values))
        for values in ((1, "a", "b", "/x/m.ckpt"), (2, "c", "none", "m.ckpt"), (1, "a", "b", "n"))
    ]
    assert digests[0] == digests[1] != digests[2]
    longer = text.format(1, "a", "b", "m.ckpt").replace("8", "9")
    assert making_digest(longer) != digests[0]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (None, "expected a row for each data set and measure, got none"),
        ("a,auc,3,0.7,,", "expected a row of correlation for each data set, got none of a"),
        ("a,correlation,-3,0.4,,", "got n=-3, 0.4"),
        ("a,correlation,3,77,,", "expected a number from -1 to 1, got 77"),
        ("a,rate_ratio,3,inf,,", "expected a number from 0 to inf, got inf"),
        ("a,correlation,3,0.4,0.5,0.6", "expected low, value and high in this order"),
        ("a,correlation,3,0.4,,\na,correlation,3,0.4,,", "expected one row, got two"),
    ],
)
def test_a_table_that_cannot_be_is_refused(tmp_path: Path, row: str | None, sentence: str) -> None:
    table = tmp_path / "left_out.csv"
    lines = [f"{line},dataset,2,2,x,y" for line in (row or "").splitlines()]
    table.write_text("\n".join([",".join(COLUMNS), *lines]) + "\n")
    with pytest.raises(SettingError, match=f"left_out.csv: .*{re.escape(sentence)}"):
        read_left_out(table)


def test_the_summary_tells_every_fold_and_what_is_lacking(tmp_path: Path, rate_data) -> None:
    members = [member(tmp_path, "a"), member(tmp_path, "b")]
    text = FoldReport()(members, [{"data.held_out": "c"}], rate_data)["summary.txt"]
    assert "a     2   0.300                0.200\n" in text  # of fewer than eight no interval
    assert "b     8   0.650 (0.550–0.750)  0.550 (0.450–0.650)\n" in text
    assert text.endswith("Not finished: c.\n")


def row(method: str, correlation: float, low: float = np.nan, high: float = np.nan) -> dict:
    """Of a method whose difference to the network has this interval."""
    difference = {"network_less_it": 0.5 - correlation, "difference_low": low}
    difference["difference_high"] = high
    of_it = {"method": method, "cells": 9, "correlation": correlation}
    return {**of_it, "low": 0.4, "high": 0.6, **difference}


@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        ([row("trace", 0.3, 0.1, 0.3)], "It is better than trace: +0.200 (95 % interval +0.100 to"),
        (
            [row("trace", 0.3, 0.1, 0.3), row("oasis", 0.6, -0.2, -0.05)],
            "It is worse than oasis, the best other method: -0.100",
        ),
        ([row("oasis", 0.4, -0.1, 0.3)], "Whether it is better than oasis cannot be told: +0.100"),
        ([row("oasis", 0.4)], "cannot be told: +0.100 without an interval."),
        ([], "with the spikes of 9 cells of 2 datasets, each left out of training."),
    ],
)
def test_the_conclusion_comes_first_and_is_what_the_intervals_allow(others, sentence) -> None:
    tables = {"a": [], "b": [], "mean": [row("network", 0.5), *others]}
    assert sentence in conclusion(tables)
    assert conclusion(tables).startswith("The network reaches a correlation of 0.500 (0.400–0.600)")


def test_the_mean_stands_where_its_interval_does(tmp_path: Path, rate_data) -> None:
    axes = FoldReport()([member(tmp_path, "b")], [], rate_data)["pooled/folds.png"]().axes[0]
    points = [line.get_ydata() for line in axes.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(points[0], SCORES["b"])
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "b\nn = 8", "mean\nof 1 dataset",
    ]  # fmt: skip
    (low, high) = axes.containers[0][2][0].get_segments()[0][:, 1]
    of_cells = stats.t.interval(0.95, 7, np.mean(SCORES["b"]), stats.sem(SCORES["b"]))
    assert (low, high) == pytest.approx(of_cells)


def test_folds_are_datasets_or_cells(rate_data) -> None:
    assert fold_names(rate_data, "dataset") == ["sim1", "sim2"]
    assert fold_names(rate_data, "cell") == [f"sim{d}/{r}" for d in (1, 2) for r in range(3)]
    with pytest.raises(SettingError, match=r"sweep\.by=recording: expected dataset or cell"):
        fold_names(rate_data, "recording")


def test_two_runs_of_a_fold_are_refused(tmp_path: Path, rate_data) -> None:
    with pytest.raises(
        SettingError, match=r"data\.held_out=a: expected one run of each fold, got 2"
    ):
        FoldReport()([member(tmp_path, "a"), member(tmp_path, "a")], [], rate_data)
