"""Banks: members trained together and kept, stopped, tested and tracked as those of a sweep."""

import os
import signal
from pathlib import Path

import pytest
import torch

from raphe.core.errors import RapheError
from raphe.harness.banks.member_epochs import MemberEpochs
from raphe.harness.tracking import PARENT_TAG
from waiting import HANG_S

BANK = ["model=bank", "threads=1"]  # one thread: members are tested in this process
UNSTEADY = ["trainer.max_epochs=12", "callbacks.patience=2", "model.lr=0.05"]


def statuses(children: list) -> dict[str, str]:
    return {run.data.params["model.degree"]: run.info.status for run in children}


def artifact(runs, run_id: str, name: str, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return Path(runs().client.download_artifacts(run_id, name, str(folder)))


def test_members_are_what_a_sweep_makes_of_them(train, runs, tmp_path: Path) -> None:
    same = ["bank.values=[1,2,3]", "threads=1", *UNSTEADY]
    assert train("model.degree=1,2,3", *same, multirun=True) == 0
    assert train("model=bank", *same) == 0
    swept, banked = runs().parents()
    assert banked.info.status == "FINISHED"
    assert runs().artifacts(banked.info.run_id) == runs().artifacts(swept.info.run_id)
    tables = [
        artifact(runs, run.info.run_id, "sweep.csv", tmp_path / run.info.run_id).read_text()
        for run in (swept, banked)
    ]
    without_ids = [[line.split(",")[2:] for line in table.splitlines()] for table in tables]
    assert without_ids[0] == without_ids[1]

    from toy_task import ToyModule  # `train` has put it on the path

    n_epochs = set()
    children = {
        parent: sorted(
            (run for run in runs().children() if run.data.tags[PARENT_TAG] == parent),
            key=lambda run: run.data.params["model.degree"],
        )
        for parent in (swept.info.run_id, banked.info.run_id)
    }
    for one, other in zip(*children.values(), strict=True):
        assert one.data.params == other.data.params
        assert one.data.metrics == other.data.metrics
        assert one.info.run_name == other.info.run_name
        assert one.data.tags["raphe.key"] == other.data.tags["raphe.key"]
        assert runs().artifacts(one.info.run_id) == runs().artifacts(other.info.run_id)
        for metric in ("train/loss", "val/loss"):
            histories = [runs().history(run.info.run_id, metric) for run in (one, other)]
            assert histories[0] == histories[1]
        n_epochs.add(len(histories[0]))
        kept = [
            ToyModule.load_from_checkpoint(
                artifact(runs, run.info.run_id, "checkpoint/model.ckpt", tmp_path / run.info.run_id)
            )
            for run in (one, other)
        ]
        assert kept[0].hparams == kept[1].hparams
        torch.testing.assert_close(kept[0].state_dict(), kept[1].state_dict(), rtol=0, atol=0)
    assert n_epochs == {3, 5, 7}  # each stopped early, at its own time


def test_a_failed_member_stops_no_other_and_repeating_trains_only_it(
    train, runs, tmp_path: Path, capfd
) -> None:
    epochs_file = tmp_path / "epochs"
    bank = [*BANK, "bank.values=[0,1,2]", f"model.epochs_file={epochs_file}"]
    for _ in range(2):
        assert train(*bank) == 1
        told = capfd.readouterr().err
        assert "error: model.degree=0: expected 1 or more" in told
        assert told.splitlines()[-1].startswith("error: not every member of the bank finished")
        (parent,) = runs().parents()
        assert parent.info.status == "FAILED"
        assert "failed.txt" in runs().artifacts(parent.info.run_id)
        expected = {"0": "FAILED", "1": "FINISHED", "2": "FINISHED"}
        assert statuses(runs().children()) == expected
        assert epochs_file.read_text().split() == list("001122")


def test_a_member_that_fails_in_its_test_is_tested_again_and_not_trained(
    train, runs, tmp_path: Path
) -> None:
    epochs_file, once = tmp_path / "epochs", tmp_path / "fail_in_test_once"
    once.touch()
    bank = [*BANK, f"model.epochs_file={epochs_file}", f"model.fail_in_test_if={once}"]
    assert train(*bank) == 1
    assert statuses(runs().children()) == {"1": "FAILED", "2": "FAILED"}
    once.unlink()
    assert train(*bank) == 0
    assert statuses(runs().children()) == {"1": "FINISHED", "2": "FINISHED"}
    assert epochs_file.read_text().split() == list("001122")


def test_a_bank_stopped_after_its_last_epoch_trains_no_further(
    train, runs, tmp_path: Path, monkeypatch
) -> None:
    epochs_file = tmp_path / "epochs"
    settings = ["callbacks.patience=1", "model.lr=0.0", f"model.epochs_file={epochs_file}"]

    def fail(*_: object) -> None:
        raise RapheError("stopped as asked")

    with monkeypatch.context() as patch:
        patch.setattr(MemberEpochs, "write_checkpoints", fail)
        assert train(*BANK, *settings) == 1
    assert [run.info.status for run in runs().all()] == ["FAILED"] * 3
    assert train(*BANK, *settings) == 0
    assert epochs_file.read_text().split() == list("0011")
    assert [run.info.status for run in runs().all()] == ["FINISHED"] * 3


@pytest.mark.ci
def test_a_killed_bank_goes_on_and_equals_an_unbroken_one(train, start_train, epochs, runs) -> None:
    bank = [*BANK, "trainer.max_epochs=4", *epochs.settings]
    epochs.hold_at(6)  # both in their third epoch
    process = start_train(*bank)
    epochs.wait(6, process)
    process.kill()
    process.communicate()
    epochs.let_go()
    assert train(*bank) == 0
    assert epochs.begun == list("001122" + "2233")
    broken = runs().children()
    assert len(broken) == 2 and len(runs().parents()) == 1

    assert train(*bank, "resume=false") == 0
    unbroken = runs().children()[2:]
    assert set(statuses(broken + unbroken).values()) == {"FINISHED"}
    for one, other in zip(broken, unbroken, strict=True):
        for metric in ("train/loss", "val/loss", "test/loss"):
            histories = [runs().history(run.info.run_id, metric) for run in (one, other)]
            assert histories[0] == histories[1]
        assert runs().epochs(one) == runs().epochs(other)


@pytest.mark.ci
def test_an_interrupted_bank_is_marked_killed(start_train, epochs, runs) -> None:
    epochs.hold_at(1)
    process = start_train(*BANK, *epochs.settings)
    epochs.wait(1, process)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=HANG_S)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert [run.info.status for run in runs().all()] == ["KILLED"] * 3


@pytest.mark.ci
def test_two_workers_test_the_members(train_with_workers, runs) -> None:
    assert train_with_workers("model=bank", "bank.values=[1,2,3]", "threads=2") == 0
    assert statuses(runs().children()) == dict.fromkeys("123", "FINISHED")


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["model.degree=3"], "model.degree=3: with model=bank, expected bank.values=[3]"),
        (["bank.values=[]"], "bank.values=[]: expected a list of different values of model.degree"),
        (["bank.values=[1,1]"], "bank.values=[1, 1]: expected a list of different values"),
        (["bank.setting=data.n_points"], "expected a setting of the model"),
        (["bank.setting=model.degre"], "expected a setting of the model"),
        (["~bank._target_"], "names no bank._target_"),
        (
            ["monitor.metric=val/los"],
            "monitor.metric=val/los: expected a metric of the validation",
        ),
    ],
)
def test_a_bank_that_cannot_be_is_told_in_one_line(
    train, capfd, overrides: list[str], told: str
) -> None:
    assert train(*BANK, *overrides) == 1
    line = capfd.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("error: ") and told in line


def test_a_bank_in_a_multirun_is_refused(train, runs_root: Path) -> None:
    before = (runs_root / "mlflow.db").read_bytes()
    told = train(*BANK, "model.degree=1,2", multirun=True)  # what the process exits with
    assert told.startswith("error: model=bank: trains all its members in one run; leave out -m")
    assert (runs_root / "mlflow.db").read_bytes() == before
