"""Which sweep is taken where none is named: of a kind whose networks can be joined."""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from raphe.core.errors import SettingError
from raphe.harness.sweeps.finding import FINISHED_TAG, find_sweep
from raphe.harness.sweeps.kinds import KIND_TAG, Kind, kind_of
from raphe.harness.tracking import KEY_TAG, SWEEP_TAG, Tracker


def test_a_kind_tells_whether_the_networks_share_their_data() -> None:
    config = OmegaConf.create({"seed": 1, "data": {"seed": "${seed}"}, "prepare": {}})
    fixed = OmegaConf.create({"seed": 1, "data": {"seed": 3}, "prepare": {}})
    assert kind_of(config, ["model.kernel", "trainer.max_epochs"], []) is Kind.SETTINGS
    assert kind_of(config, ["data.fold", "model.kernel"], ["data.fold"]) is Kind.FOLDS
    assert kind_of(config, ["data.split"], []) is kind_of(config, ["task"], []) is Kind.DATA
    assert kind_of(config, ["seed", "model.kernel"], []) is Kind.DATA
    assert kind_of(fixed, ["seed"], []) is Kind.SEEDS
    assert kind_of(fixed, ["seed", "model.kernel"], []) is Kind.SETTINGS


def test_a_newer_cross_validation_is_passed_over_and_told(
    tmp_path: Path, tracking_store: Callable[[Path], Path]
) -> None:
    tracker = Tracker("celltype", tracking_store(tmp_path / "mlruns"))

    def sweep(kind: Kind, status: str, n_finished: int) -> str:
        tags = {SWEEP_TAG: "k", KIND_TAG: kind.tag, FINISHED_TAG: str(n_finished)}
        run = tracker.begin(f"{kind.title} x=1,2", tags)
        run.end(status)
        return run.run_id

    def single() -> str:
        run = tracker.begin("run", {KEY_TAG: "k"})
        run.end("FINISHED")
        return run.run_id

    only = single()
    sweep(Kind.DATA, "FINISHED", 2)
    found = find_sweep(tmp_path / "mlruns", None, None)
    assert found.sentence.startswith(
        f"Taken: run ({only}), the only finished run; there is no swee"
    )
    assert ". Passed over: sweep over data x=1,2 (" in found.sentence
    single()  # which of the two is meant?
    with pytest.raises(SettingError, match="no finished sweep over settings or seeds") as refused:
        find_sweep(tmp_path / "mlruns", None, None)
    assert "there is sweep over data x=1,2" in str(refused.value)
    assert "of the single runs there are several" in str(refused.value)
    taken = sweep(Kind.SEEDS, "FAILED", 1)  # one member is enough
    sweep(Kind.FOLDS, "FINISHED", 5)
    named = sweep(Kind.SETTINGS, "RUNNING", 0)
    sweep(Kind.BANK, "FAILED", 0)
    found = find_sweep(tmp_path / "mlruns", None, None)
    assert found.run.run_id == taken and found.tracker.experiment == "celltype"
    assert [passed.partition(" (")[0] for passed in found.passed_over] == [
        "bank x=1,2",
        "sweep x=1,2",
        "cross-validation x=1,2",
    ]
    assert found.sentence.startswith(f"Taken: ensemble of seeds x=1,2 ({taken}), the newest sweep")
    for reason in ("no member finished", "which is running", "trained on other cells"):
        assert reason in found.sentence
    found = find_sweep(tmp_path / "mlruns", None, named)
    assert (found.run.run_id, found.sentence) == (named, "")


def test_a_run_is_named_by_as_much_of_its_id_as_no_other_has(
    tmp_path: Path, tracking_store: Callable[[Path], Path]
) -> None:
    root = tracking_store(tmp_path / "o dd #=(%x" / "mlruns")
    tracker = Tracker("celltype", root)
    tags = {KEY_TAG: "k"}
    ids = [tracker.begin(f"run {n}", tags).run_id for n in range(17)]  # two begin with one digit
    assert find_sweep(root, None, ids[0][:12]).run.run_id == ids[0]
    first = sorted(ids)
    twice = next(a[0] for a, b in pairwise(first) if a[0] == b[0])
    with pytest.raises(SettingError, match=rf"run {twice}: begins the ids of \d+ runs, {twice}"):
        find_sweep(root, None, twice)
    database = re.escape(str(root / "mlflow.db"))
    with pytest.raises(SettingError, match=f"run x: {database} holds no such run; `raphe runs`"):
        find_sweep(root, None, "x")
    tracker.delete(ids[1])
    with pytest.raises(SettingError, match=f"{ids[1]}: was deleted from {database}; name another"):
        find_sweep(root, None, ids[1])
    with pytest.raises(SettingError, match=f"{database}: holds no finished sweep .* `--sweep RUN`"):
        find_sweep(root, None, None)
    with pytest.raises(SettingError, match="--experiment zz: there is none such; there are Def"):
        find_sweep(root, None, None, "zz")
