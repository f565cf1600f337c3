"""Which members a sweep has."""

from pathlib import Path

from raphe.harness.sweeps.plan import SweepPlan

FOUR = {"model.kernel": ["8", "20"], "seed": ["1", "2"]}


def test_members_are_all_combinations_each_once() -> None:
    plan = SweepPlan("run", FOUR, 1, None)
    labels = [member.label for member in plan.members]
    assert labels[0] == "model.kernel=8 seed=1" and labels[-1] == "model.kernel=20 seed=2"
    assert plan.n_members == len(labels) == 4
    twice = SweepPlan("run", {"model.kernel": ["8", "8", "20"]}, 1, None)
    assert [member.label for member in twice.members] == ["model.kernel=8", "model.kernel=20"]
    assert twice.n_members == 2


def test_members_of_an_open_sweep_are_what_they_say(tmp_path: Path) -> None:
    SweepPlan("run", {"model.lr": ["interval(0.1,1)"]}, 1, fixed=["task=toy"]).write(tmp_path)
    plan = SweepPlan.read(tmp_path)
    assert plan.n_members is None
    assert plan.settings_of(["task=toy", "+model.lr=0.3", "seed=2"]) == {
        "model.lr": "0.3",
        "seed": "2",
    }
    ended = plan.ended_with(["model.lr=0.3 seed=2", "model.lr=0.5 seed=2", "model.lr=0.3 seed=2"])
    assert ended.parameters == {"model.lr": ["0.3", "0.5"], "seed": ["2"]}
    assert ended.n_members == 2


def test_jobs_keep_their_labels_over_several_launches() -> None:
    plan = SweepPlan("run", FOUR, 1, None)
    for seed in "21":
        plan = plan.with_launched([["task=toy", "model.kernel=8", f"seed={seed}"]])
    assert plan.launched == ["model.kernel=8 seed=2", "model.kernel=8 seed=1"]
