"""A few draws a row: exact figures, what the prior is for, and the table."""

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.special import expit


@pytest.fixture
def cells() -> ModuleType:
    return importlib.import_module("calibration_cells")


def test_figures_without_a_test_set_are_those_of_a_large_one(cells: ModuleType) -> None:
    d, factor, day_sd, n = 3.0, 2.5, 1.0, 400_000
    exact = cells.TwoNormals("x", d, factor, day_sd=day_sd).score(lambda stated: stated, None)
    rng = np.random.default_rng(0)
    log_odds = rng.normal(np.repeat([1, -1], n // 2) * d**2 / 2, np.hypot(d, day_sd))
    of_label = expit(np.repeat([1, -1], n // 2) * factor * log_odds)
    assert exact.nll == pytest.approx(-np.log(of_label).mean(), abs=0.005)
    assert exact.brier == pytest.approx(((1 - of_label) ** 2).mean(), abs=0.002)
    true = expit(log_odds * d**2 / (d**2 + day_sd**2))
    assert exact.ece == pytest.approx(np.abs(expit(factor * log_odds) - true).mean(), abs=0.002)


def test_the_prior_leaves_a_right_network_and_mends_a_wrong_one(cells: ModuleType) -> None:
    calibration, ways = map(importlib.import_module, ("calibration", "calibration_ways"))
    chosen = {way: ways.FITS[way] for way in ("none", "smoothed targets", "prior 0.5")}
    right, wrong = (
        calibration.measured(cells.TwoNormals("x", factor=factor), 30, chosen, seeds=10)
        for factor in (1.0, 0.5)
    )
    assert right.mean("prior 0.5", "ece") < 0.04 < right.mean("smoothed targets", "ece")
    assert right.excess("prior 0.5", "nll") < right.noise < right.excess("smoothed targets", "nll")
    assert wrong.mean("prior 0.5", "ece") < 0.5 * wrong.mean("none", "ece")


def test_the_table_has_a_row_for_each_kind_of_cells(tmp_path: Path, run_script) -> None:
    table = tmp_path / "calibration.md"
    small = ("--no-ensemble", "--seeds", 1, "--counts", 12)
    run_script("calibration.py", "--output", table, *small)
    text = table.read_text()
    assert text.count("| right | 12 |") == 4 and text.count("| 3 classes, right | 12 |") == 4
    assert "| smoothed targets |" in text
