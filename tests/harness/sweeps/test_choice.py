"""The member that a sweep chooses: the best, or the smallest number within one standard error."""

import math

import pytest
from omegaconf import OmegaConf

from raphe.harness.settings.composed import CHOICES
from raphe.harness.sweeps.choice import SweptMember, choose, choose_run
from raphe.harness.tracking import RunFacts

REPORT = {"names": {"_target_": "raphe.tasks.celltype.metrics.names.names"}}
METRIC = "validation loss over spikes"


def members(*values: float, standard_error: float | None = None) -> list[SweptMember]:
    """With kernels 4, 8, 12, …"""
    return [
        SweptMember(f"model.kernel={4 * n}", 4.0 * n, value, standard_error)
        for n, value in enumerate(values, 1)
    ]


def test_the_best_has_the_lowest_value_and_a_tie_goes_to_the_smaller_number() -> None:
    choice = choose(members(0.5, 0.3, 0.3, 0.4)[::-1], "best", METRIC)
    assert choice.index == 2
    assert choice.sentence == (
        "Chosen by validation: model.kernel=8, with the lowest validation loss over spikes 0.300. "
        "Being the best of 4, it is too good; no figure of the test had a part in the choice."
    )
    assert choose(members(0.5, 0.3, 0.9), "best", METRIC, "max").index == 2


def test_one_standard_error_takes_the_smallest_number_within_it() -> None:
    choice = choose(members(0.5, 0.34, 0.3, 0.31, standard_error=0.05), "one-se", METRIC)
    assert (choice.index, choice.rule) == (1, "one-se")
    assert choice.sentence == (
        "Chosen by validation: model.kernel=8, the smallest within one standard error (0.050) of "
        "the lowest validation loss over spikes 0.300 (model.kernel=12)."
    )
    highest = members(0.5, 0.86, 0.9, standard_error=0.05)
    assert choose(highest, "one-se", "kept/val/accuracy", "max").index == 1


@pytest.mark.parametrize(
    ("swept", "why"),
    [
        (members(0.5, 0.31, 0.3), "its standard error is not known"),
        (
            [SweptMember("a=x", None, 0.5, 1.0), SweptMember("a=y", None, 0.3, 1.0)],
            "not one number",
        ),
    ],
)
def test_where_the_rule_cannot_be_used_the_best_stands_and_says_why(
    swept: list[SweptMember], why: str
) -> None:
    choice = choose(swept, "one-se", METRIC)
    assert (choice.index, choice.rule) == (len(swept) - 1, "best")
    assert why in choice.sentence


def test_a_member_without_a_value_is_never_chosen_and_one_alone_is_no_choice() -> None:
    assert choose(members(math.nan, 0.3, 0.4), "best", METRIC).index == 1
    assert choose(members(math.nan, math.inf), "best", METRIC) is None
    assert choose(members(0.3), "best", METRIC) is None


def test_the_only_member_with_a_value_is_the_best_of_none() -> None:
    for rule in CHOICES:
        choice = choose(members(math.nan, 0.3, standard_error=0.1), rule, "loss")
        assert (choice.index, choice.rule) == (1, "best")
        assert choice.sentence == (
            "Chosen by validation: model.kernel=8, the only one with a result, loss 0.300."
        )


def test_a_smaller_seed_is_no_simpler_one() -> None:
    runs = [
        RunFacts(seed, "FINISHED", f"seed={seed}", {}, {"seed": seed}, {"kept/val/loss": loss})
        for seed, loss in (("1", 0.42), ("2", 0.4))
    ]
    config = OmegaConf.create(
        {"choose": CHOICES[1], "monitor": {"metric": "val/loss", "mode": "min"}, "report": REPORT}
    )
    choice = choose_run(runs, ["seed"], config, {"1": 0.1, "2": 0.1})
    assert (choice.index, choice.rule) == (1, "best")
    assert "not one number that goes from simple to complex" in choice.sentence


def test_the_kept_epochs_own_figure_decides_and_no_other() -> None:
    runs = [
        RunFacts(
            str(kernel),
            "FINISHED",
            f"model.kernel={kernel}",
            {},
            {"model.kernel": str(kernel)},
            {"kept/val/loss": kept, "val/loss": last, "test/loss": last},
        )
        for kernel, kept, last in ((4, 0.42, 0.1), (8, 0.4, 0.2), (20, 0.5, 0.05))
    ]
    monitor = {"metric": "val/loss", "mode": "min"}
    config = OmegaConf.create({"choose": "best", "monitor": monitor, "report": REPORT})
    assert choose_run(runs, ["model.kernel"], config, {}).index == 1
    config.choose = "one-se"
    assert choose_run(runs, ["model.kernel"], config, {"8": 0.03}).index == 0
