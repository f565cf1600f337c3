"""A few sets a row: intervals hold the truth of new days where those of cells do not."""

import importlib

import numpy as np
import pytest

from raphe.core.statistics.linear_figures import linear_figures


@pytest.fixture
def script():
    return importlib.import_module("interval_coverage")


@pytest.mark.parametrize("own_days", [False, True])
def test_the_truth_is_that_of_many_days(script, own_days):
    design = script.OWN if own_days else script.BOTH
    setting = script.Setting(5001, 4, 1.0, design)
    predictions = setting.draw(np.random.default_rng(0))
    values = {figure.name: figure.value for figure in linear_figures(predictions, script.TWO)}
    assert values == pytest.approx(setting.truth(), abs=0.015)


def test_an_odd_number_of_days_has_more_of_one_class(script):
    setting = script.Setting(7, 2000, 0.0, script.OWN)
    predictions = setting.draw(np.random.default_rng(1))
    values = {figure.name: figure.value for figure in linear_figures(predictions, script.TWO)}
    assert values == pytest.approx(setting.truth(), abs=0.02)
    assert setting.truth()["ppv"] > setting.truth()["npv"] + 0.05


def test_days_are_counted_now_and_were_not_before(script):
    covered = script.coverage(script.Setting(5, 20, 1.0), repeats=50)
    for name, now in covered["now"].items():
        before = covered["before"][name]
        assert now.share >= 0.9, name
        assert before.share < 0.9 and before.median < now.median, name


def test_two_days_of_a_class_are_not_counted(script):
    setting = script.Setting(5, 20, 0.0, script.OWN)
    covered = script.coverage(setting, repeats=3, before=False)["now"]
    assert str(covered["specificity"]) == "these days only"
    assert np.isnan(covered["specificity"].share) and covered["sensitivity"].n_only == 0


def test_p_keeps_its_level(script):
    shares = script.share_of_small_p(script.Setting(5, 20, 1.0), repeats=30)
    assert max(shares["now"].values()) <= 0.14
