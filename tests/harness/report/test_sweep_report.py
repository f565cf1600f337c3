"""A sweep as table, words and figure: validation beside test, the choice marked, intervals told."""

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf
from rich.console import Console

from raphe.core.metric_names import Estimate
from raphe.core.protocol import BaselineFigure
from raphe.harness.report.sweep_conclusion import decimals, sweep_conclusion
from raphe.harness.report.sweep_figure import sweep_figure
from raphe.harness.report.sweep_results import SweepResults
from raphe.harness.report.sweep_table import sweep_table, table_of
from raphe.harness.sweeps.choice import SweptMember, choose
from raphe.harness.tracking import SEEN_TAG, RunFacts

SETTINGS = {
    "names": {"_target_": "raphe.tasks.celltype.metrics.names.names"},
    "metrics": ["cells/sensitivity", "cells/auroc", "cells/balanced_accuracy", "loss"],
    "headlines": ["cells/auroc", "cells/macro_auroc", "cells/balanced_accuracy"],
    "counts": ["n_cells", "n_spikes"],
    "axes": {},
}
SHARES = ("cells/sensitivity", "cells/auroc", "cells/balanced_accuracy")


def swept(
    auroc: dict[str, float], half: float, losses: Sequence[float], n_cells: int = 48, **others: Any
) -> SweepResults:
    """A sweep over k: the test's AUROC of each k, half the width of all intervals."""
    runs, intervals = [], {}
    for (k, value), loss in zip(auroc.items(), losses, strict=True):
        shares = {f"{part}/{name}": value for part in ("test", "kept/val") for name in SHARES}
        counts = {f"{part}/n_cells": float(n_cells) for part in ("test", "kept/val")}
        numbers = {"kept/val/loss": loss, "test/loss": 0.4, "val/loss": 9.0}
        metrics = {**shares, **counts, **numbers}
        runs.append(RunFacts(k, "FINISHED", f"model.kernel={k}", {}, {"model.kernel": k}, metrics))
        intervals[k] = {
            name: Estimate(v, max(0.0, v - half), min(1.0, v + half)) for name, v in shares.items()
        }
    members = [SweptMember(run.name, None, run.metrics["kept/val/loss"]) for run in runs]
    choice = choose(members, "best", "kept/val/loss")
    facts = {"intervals": intervals, "choice": choice} | others
    return SweepResults(runs, ["model.kernel"], OmegaConf.create(SETTINGS), "val/loss", **facts)


def printed(results: SweepResults, width: int) -> list[str]:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(sweep_table(results))
    return console.export_text().splitlines()


@pytest.mark.parametrize("width", [80, 100])
def test_one_table_has_validation_beside_test_and_the_choice_marked(width: int) -> None:
    lines = printed(swept({"1": 0.7, "16": 0.9, "32": 0.8}, 0.07, [0.5, 0.25, 0.3]), width)
    assert max(map(len, lines)) <= width
    first, chosen, last = (line.split() for line in lines if line.strip()[:1] in list("→13"))
    assert chosen == ["→", "16", "0.250", *(2 * ["0.90", "0.90", "(0.83–0.97)"])]
    assert first == ["1", "0.500", *(2 * ["0.70", "0.70", "(0.63–0.77)"])]
    assert last[0] == "32"
    heading = " ".join(lines).split("─")[0]
    assert heading.count("validation") == 2 and heading.count("test (95 %)") == 2


@pytest.mark.parametrize("width", [80, 100])
def test_no_number_of_two_swept_settings_is_cut(width: int) -> None:
    interval = ["0.97 (0.82–0.99)", "0.96 (0.81–0.98)"]
    heads = ["model.\nkernel", "data.\nseed", "kept\nval\nloss", "AUROC of\ncells\nvalidation",
             "AUROC of\ncells\ntest (95 %)", "accuracy of\ncells\nvalidation",
             "accuracy of\ncells\ntest (95 %)"]  # fmt: skip
    texts = [["3", "20"], ["1", "2"], ["0.544", "0.563"], ["1.00", "0.98"], interval,
             ["0.91", "0.92"], interval]  # fmt: skip
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(table_of(list(zip(heads, texts, strict=True)), [0, 1]))
    told = console.export_text()
    assert "…" not in told
    for text in (*heads, *(text for column in texts for text in column)):
        assert all(word in told for word in text.split())


def test_the_test_of_the_chosen_one_is_told_with_its_interval_and_the_best_baseline() -> None:
    baselines = [
        BaselineFigure("UDI threshold", "cells/auroc", Estimate(0.75, 0.6, 0.85)),
        BaselineFigure("trees, window", "cells/auroc", Estimate(0.95, 0.9, 0.99)),
    ]
    results = swept({"1": 0.5, "8": 0.9}, 0.05, [0.5, 0.25], baselines=baselines)
    chosen, tested, baseline, apart = sweep_conclusion(results)
    assert chosen.startswith("Chosen by validation: model.kernel=8, with the lowest ")
    assert tested == "Its test: AUROC of cells 0.90 (95 % interval 0.85 to 0.95), from 48 cells."
    assert baseline == (
        "The best simple baseline on the same test, trees, window: "
        "0.95 (95 % interval 0.90 to 0.99)."
    )
    assert apart == "The test tells every other value of model.kernel from the chosen one."


def test_what_was_trained_on_is_not_called_validation_and_chooses_nothing() -> None:
    shown = swept({"1": 0.7, "16": 0.9}, 0.07, [0.5, 0.25])
    runs = [replace(run, tags={SEEN_TAG: "yes"}) for run in shown.runs]
    for run in runs:
        for name in [name for name in run.metrics if name.startswith("test/")]:
            del run.metrics[name]
    results = replace(shown, runs=runs, choice=None)
    (told,) = sweep_conclusion(results)
    assert told.startswith("None of them is chosen: they were trained on all, also on what they")
    table = " ".join(" ".join(printed(results, 80)).split())
    assert "trained on" in table and "test" not in table
    figure = sweep_figure(results, "kernel size k (samples)")
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert [text.partition(" (n")[0] for text in legend] == ["trained on"]
    for text in (table, figure.caption, *legend):
        assert "alidation" not in text and "chosen" not in text
    assert "no test of them" in figure.caption


def test_two_cells_compare_no_values() -> None:
    """One is right with 1.00, the other wrong with 0.00: of two cells that tells nothing."""
    results = swept({"8": 0.0, "20": 1.0}, 0.84, [0.5, 0.25], n_cells=2)
    assert sweep_conclusion(results)[-1] == (
        "Values of model.kernel are not told apart here, from 2 cells: the intervals of all others "
        "overlap that of the chosen one."
    )


def test_some_are_told_apart_and_some_are_not() -> None:
    results = swept({"1": 0.5, "8": 0.9, "9": 0.88}, 0.05, [0.5, 0.25, 0.3])
    assert sweep_conclusion(results)[-1] == (
        "The test tells 1 value of model.kernel from the chosen one; 1 is not told apart here "
        "(their intervals overlap)."
    )


def test_every_other_value_is_not_told_from_the_chosen_one_where_one_has_no_test() -> None:
    results = swept({"1": 0.5, "8": 0.9, "9": 0.5}, 0.05, [0.5, 0.25, 0.3])
    del results.intervals["9"]["test/cells/auroc"]
    told = "The test tells 1 value of model.kernel from the chosen one; 1 cannot be compared, for "
    assert sweep_conclusion(results)[-1] == f"{told}want of an interval."
    del results.runs[2].metrics["test/cells/auroc"]
    assert sweep_conclusion(results)[-1] == f"{told}want of an interval."
    failed = swept({"1": 0.5, "8": 0.9}, 0.05, [0.5, 0.25], failed=["model.kernel=60"])
    assert sweep_conclusion(failed)[-1] == f"{told}want of an interval."


def test_a_baseline_without_a_figure_hides_no_other() -> None:
    baselines = [
        BaselineFigure("UDI", "cells/auroc", Estimate(np.nan, np.nan, np.nan)),
        BaselineFigure("trees, window", "cells/auroc", Estimate(0.95, 0.9, 0.99)),
    ]
    results = swept({"1": 0.5, "8": 0.9}, 0.05, [0.5, 0.25], baselines=baselines)
    assert "test, trees, window: 0.95" in sweep_conclusion(results)[2]


def test_without_intervals_values_cannot_be_compared() -> None:
    results = swept({"1": 0.5, "8": 0.9}, 0.05, [0.5, 0.25], intervals={})
    assert sweep_conclusion(results)[1:] == [
        "Its test: AUROC of cells 0.90, from 48 cells.",
        "Values of model.kernel cannot be compared: no interval from 48 cells.",
    ]
    assert "(" not in "".join(printed(results, 100)[5:])


def test_decimals_are_those_that_the_interval_allows() -> None:
    assert decimals([Estimate(0.9, 0.1, 1.0)]) == decimals([Estimate(0.9, 0.85, 0.95)]) == 2
    assert decimals([Estimate(0.9, 0.899, 0.901)]) == 3
    assert decimals([Estimate(123.0, 100.0, 150.0), Estimate(50.0, np.nan, np.nan)]) == 0


def test_the_figure_marks_the_choice_and_cuts_no_axis() -> None:
    baselines = [BaselineFigure("UDI threshold", "cells/auroc", Estimate(0.75, 0.6, 0.85))]
    values = {str(k): 0.6 + 0.01 * k for k in range(1, 33)}
    losses = [0.5 - 0.001 * k for k in range(1, 32)] + [0.6]
    results = swept(values, 0.15, losses, failed=["model.kernel=60"], baselines=baselines)
    figure = sweep_figure(results, "kernel size k (samples)")
    sensitivity, auroc, accuracy, loss = figure.axes
    for panel in (sensitivity, auroc, accuracy):
        assert panel.get_ylim() == pytest.approx((0.4, 1.018))  # room for half a marker
    assert loss.get_ylim()[0] == 0.0 and loss.get_ylim()[1] > 0.6
    assert set(auroc.get_xticks()) <= set(range(1, 33)) and auroc.get_xlim()[1] < 40
    of_label = {line.get_label(): line for line in auroc.lines}
    assert list(of_label["chosen by validation"].get_xdata()) == [31, 31]
    assert list(of_label["UDI threshold"].get_ydata()) == [0.75, 0.75]
    assert {"validation (n = 48 cells)", "test (n = 48 cells)"} <= set(of_label)
    assert "UDI threshold" not in {line.get_label() for line in sensitivity.lines}
    assert "b, AUROC of cells" in figure.caption and "n = 48 cells" in figure.caption
    assert "The vertical line marks the chosen one. Chosen by validation: model.kernel=31" in (
        figure.caption
    )
    assert figure.caption.endswith("Without a result: model.kernel=60.")


def test_a_wide_interval_of_a_loss_does_not_flatten_its_curve() -> None:
    results = swept({"1": 0.7, "8": 0.9}, 0.05, [0.6, 0.25])
    for run in results.runs:
        loss = run.metrics["kept/val/loss"]
        results.intervals[run.run_id]["kept/val/loss"] = Estimate(loss, loss - 200, loss + 200)
    figure = sweep_figure(results, "k")
    loss = figure.axes[-1]
    assert loss.get_ylim() == (0.0, 1.2) and loss.get_title() == "Loss over spikes (nats)"
    cut = [line for line in loss.lines if line.get_gid() == "cut interval"]
    assert [(line.get_marker(), set(line.get_ydata())) for line in cut] == [
        ("v", {0.0}),
        ("^", {1.2}),
    ]
    assert all(len(line.get_xdata()) == 2 for line in cut)
    assert "Arrowheads: intervals that go on beyond the axis. Loss over spikes: " in figure.caption


@pytest.mark.parametrize(
    ("numbers", "ticks"),
    [
        (range(1, 9), list(range(1, 9))),
        (range(1, 31), [1, 5, 9, 13, 17, 21, 25, 29]),
        ((1, 2, 3, 4, 30), [1, 30]),
    ],
)
def test_ticks_are_in_equal_steps_and_leave_room(numbers: Sequence[int], ticks: list[int]) -> None:
    results = swept({str(k): 0.9 for k in numbers}, 0.05, [0.5] * len(numbers))
    assert list(sweep_figure(results, "k").axes[0].get_xticks()) == ticks


def test_a_sweep_over_one_number_has_one_tick() -> None:
    assert list(sweep_figure(swept({"6": 0.9}, 0.05, [0.5]), "k").axes[0].get_xticks()) == [6]


def test_a_wide_range_of_numbers_stands_on_a_logarithmic_scale() -> None:
    results = swept({"0.0001": 0.7, "0.001": 0.8, "0.01": 0.9}, 0.1, [0.5, 0.4, 0.3])
    assert sweep_figure(results, "learning rate").axes[0].get_xscale() == "log"
