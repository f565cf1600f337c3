"""Sweepers that do not enumerate: their members announce themselves."""

from importlib import import_module

import pytest
from hydra.core.plugins import Plugins

from raphe.harness.sweeps.kinds import KIND_TAG
from raphe.harness.tracking import PLANNED_TAG

SWEEPER = "hydra/sweeper=descent"


@pytest.fixture
def descend(train):
    """`train` with the toy's sweeper, which Hydra would find by itself in a process of its own."""
    Plugins.instance().register(import_module("hydra_plugins.toy_sweeper").DescentSweeper)
    return lambda *overrides: train(SWEEPER, *overrides, multirun=True)


def degrees(runs) -> list[str]:
    return [run.data.params["model.degree"] for run in runs().children()]


def test_members_that_a_sweeper_finds_are_reported_and_go_on(
    descend, runs, epochs, monkeypatch, capfd
) -> None:
    values = {"1": 0.5, "2": 0.25, "3": 0.375}  # the third is no better
    monkeypatch.setattr(
        "raphe.harness.run._kept_value",
        lambda facts, metric: values[facts.params["model.degree"]],
    )
    assert descend("seed=7", *epochs.settings, "hydra.sweeper.most=5") == 0
    assert degrees(runs) == ["1", "2", "3"]
    (parent,) = runs().parents()
    assert parent.data.tags[PLANNED_TAG] == "3" and parent.data.tags[KIND_TAG] == "settings"
    described = parent.data.tags["mlflow.note.content"]
    assert "Sweep over 3 values of `model.degree` (1…3), a run for each." in described
    assert {run.data.tags["mlflow.runName"].lstrip("★ ") for run in runs().children()} == {
        f"model.degree={degree}" for degree in values
    }
    assert "over/model.degree/test/loss" in parent.data.metrics

    trained = epochs.begun
    assert descend("seed=7", *epochs.settings, "hydra.sweeper.most=5") == 0
    assert epochs.begun == trained and len(runs().parents()) == 1
    assert "3 of 3 members had finished before" in capfd.readouterr().out


def test_a_member_that_fails_is_told_and_the_sweeper_has_no_value_of_it(
    descend, runs, capfd
) -> None:
    assert descend("hydra.sweeper.first=0") == 1
    told = capfd.readouterr().err
    assert "error: model.degree=0: expected 1 or more" in told and "1 failed" in told
    assert degrees(runs) == ["0"]  # a NaN is no lower value
    assert [run.info.status for run in runs().parents()] == ["FAILED"]


def test_what_knows_no_members_beforehand_is_refused_where_they_must_be_known(descend) -> None:
    told = descend("experiment=asked")
    assert told.startswith("error: hydra/sweeper: model.degree takes the values that the data tell")
