"""A few held-out sets a row: promises counted by day hold for new days, by cell they need not."""

import importlib

import pytest


@pytest.mark.parametrize(("n_days", "per_day"), [(2, 15), (25, 3)])
def test_promises_by_day_are_kept_on_bad_days(n_days: int, per_day: int) -> None:
    promise = importlib.import_module("promise")
    outcomes = promise.over_days(n_days, per_day, 0.3, 0.05, repeats=300)
    assert outcomes["new days", "by day"].kept
    assert outcomes["the same days", "by cell"].kept
    assert (outcomes["new days", "by day"].promised == 0.05) == (n_days >= 19)
    if n_days == 2:
        assert not outcomes["new days", "by cell"].kept


def test_weights_keep_the_promise_for_another_mix() -> None:
    outcomes = importlib.import_module("promise").over_classes(100, 0.1, 0.05, repeats=300)
    assert outcomes["weighted"].kept and not outcomes["unweighted"].kept
