"""Export as the harness does it: which runs, whose data, and what is registered."""

import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from omegaconf import DictConfig, OmegaConf

from raphe import cli
from raphe.core.bundles.bundle import CARD, open_bundle
from raphe.core.bundles.manifest import BundleKind
from raphe.core.errors import SettingError
from raphe.core.files.locks import lock_file
from raphe.harness import registry
from raphe.harness.export import CHECKPOINT
from raphe.harness.export_data import require_same_data
from raphe.harness.sweeps.finding import find_sweep
from raphe.harness.tracking import RunFacts

KIND = BundleKind("toy/ensemble", (CARD,), ("config.yaml", "{}.ckpt", "a.ckpt", "toy.ckpt"), {})
TOY = Path(__file__).parent / "toy"


@pytest.fixture(scope="module")
def runs_root(tmp_path_factory: pytest.TempPathFactory, tracking_store) -> Path:
    """One tracking store for all tests here, with one sweep."""
    return tracking_store(tmp_path_factory.mktemp("export") / "mlruns")


@pytest.fixture
def client(runs_root: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{runs_root / 'mlflow.db'}")


@pytest.fixture
def sweep(train: Callable[..., int], runs: Callable, runs_root: Path) -> str:
    """Run id of a sweep over degrees 1, 2 and 0, the last of which cannot be."""
    if not (runs_root / "artifacts").exists():
        assert train("model.degree=1,2,0", multirun=True) == 1
    (parent,) = runs().parents()
    return parent.info.run_id


@pytest.fixture
def export(train: Callable[..., int], tmp_path: Path) -> Callable[..., int]:
    def call(*overrides: str) -> int:
        return train("stage=export", f"export.out={tmp_path / 'bundle'}", *overrides)

    return call


def test_the_newest_sweep_is_exported_and_registered(
    sweep: str,
    export: Callable[..., int],
    client: MlflowClient,
    tmp_path: Path,
    capsys,
    monkeypatch,
) -> None:
    capsys.readouterr()
    assert export() == 0
    told = capsys.readouterr().out
    assert "1 of 3 runs did not finish; left out: model.degree=0 (failed)" in told
    assert "the toy's 2" in told and "registered as models:/toy@champion" in told

    bundle = open_bundle(tmp_path / "bundle", KIND)
    assert {"1.ckpt", "2.ckpt"} < set(bundle.manifest["files"])
    provenance = bundle.manifest["provenance"]
    assert provenance["sweep"] == sweep
    assert provenance["not_finished"] == ["model.degree=0 (failed)"]
    assert "degree: 1" in bundle.file("config.yaml").read_text()

    version = client.get_model_version_by_alias("toy", "champion")
    run = client.get_run(version.run_id)
    assert (run.info.status, run.data.metrics) == ("FINISHED", {"x": 1.0})
    described = run.data.tags["mlflow.note.content"]
    assert "Export of sweep model.degree=1,2,0, in the folder `" in described
    assert "the toy's 2" in described
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(client.tracking_uri)
    try:
        monkeypatch.setattr(sys, "path", list(sys.path))  # MLflow adds to it
        model = mlflow.pyfunc.load_model("models:/toy@champion")
    finally:
        mlflow.set_tracking_uri(before)
    assert model.metadata.signature.inputs.input_names() == ["numbers"]
    assert model.predict(model.input_example) == [0.0]
    assert model.predict([{"numbers": [1.0, 2.0]}, {"numbers": [5.0]}]) == [3.0, 5.0]
    uri = client.tracking_uri
    line = f"MLFLOW_TRACKING_URI={uri} mlflow models serve -m models:/toy@champion"
    assert f"{line} --env-manager local\n" in told
    assert f"raphe serve {tmp_path / 'bundle'}\n" in told


def test_a_version_that_is_clearly_worse_does_not_become_champion_unless_told(
    sweep: str,
    export: Callable[..., int],
    client: MlflowClient,
    runs_root: Path,
    tmp_path: Path,
    capsys,
) -> None:
    def champion() -> str:
        return str(client.get_model_version_by_alias("crown", "champion").version)

    again = ["export.register_as=crown", "export.overwrite=true"]
    assert export(*again, "export.members=unbeaten") == 0
    assert "Version 1 of crown is its first champion." in capsys.readouterr().out
    assert export(*again) == 0
    told = capsys.readouterr().out
    assert "registered as models:/crown/2\nVersion 1 stays the champion of crown" in told
    assert "The older is of unbeaten. To change that: raphe runs --champion crown 2" in told
    assert champion() == "1"
    assert client.get_model_version("crown", "2").tags == {
        "raphe.compared": "The older is of unbeaten."
    }
    assert export(*again, "export.champion=move") == 0
    told = capsys.readouterr().out
    assert "Version 3 of crown is the champion in place of version 1. To go back:" in told
    assert champion() == "3"
    shutil.rmtree(tmp_path / "bundle")
    assert export(*again, "export.champion=forever") == 1
    assert "expected compare, move or keep" in capsys.readouterr().err
    assert not (tmp_path / "bundle").exists()

    command = ["runs", "--runs", str(runs_root), "--champion", "crown"]
    assert cli.main([*command, "1"]) == 0 and champion() == "1"
    assert "Version 1 of crown is the champion in place of version 3." in capsys.readouterr().out
    assert cli.main([*command, "9"]) == 1
    assert "there is no such version; there are 1, 2 and 3" in capsys.readouterr().err
    assert cli.main(["runs", "--runs", str(runs_root), "--champion", "crwn", "1"]) == 1
    assert "--champion crwn: no such model is registered" in capsys.readouterr().err
    assert champion() == "1"


def test_the_champion_is_the_last_one_exported(
    sweep: str, export: Callable[..., int], client: MlflowClient
) -> None:
    assert export() == 0
    first = client.get_model_version_by_alias("toy", "champion").version
    assert export() == 1  # the bundle is there already
    assert client.get_model_version_by_alias("toy", "champion").version == first
    assert export("export.overwrite=true") == 0
    assert int(client.get_model_version_by_alias("toy", "champion").version) == int(first) + 1


def test_a_single_run_is_an_ensemble_of_one(
    sweep: str, export: Callable[..., int], runs: Callable, tmp_path: Path
) -> None:
    child = next(run for run in runs().children() if run.info.status == "FINISHED")
    n_runs = len(runs().all())
    assert export(f"export.sweep={child.info.run_id}", "export.register_as=null") == 0
    files = open_bundle(tmp_path / "bundle", KIND).manifest["files"]
    assert [name for name in files if name.endswith(".ckpt")] == ["1.ckpt"]
    assert len(runs().all()) == n_runs  # nothing was registered


def test_the_command_exports_with_the_settings_the_sweep_had(
    sweep: str,
    train: Callable[..., int],  # so that the toy can be imported
    runs_root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys,
) -> None:
    monkeypatch.chdir(tmp_path)  # where no conf is
    arguments = ["export", "--runs", str(runs_root), "--members", "best", "--out", "there"]
    arguments += ["--config-dir", str(TOY / "conf")]
    of_toy = ["--experiment", "toy"]
    assert cli.main([*arguments, *of_toy, "--no-register"]) == 0
    bundle = open_bundle(tmp_path / "there", KIND)
    assert bundle.file("MODEL_CARD.md").read_text() == "best"
    assert cli.main([*arguments, "--sweep", sweep[:8]]) == 1
    assert "there: exists already; pass --overwrite" in capsys.readouterr().err
    assert cli.main([*arguments, *of_toy, "--overwrite"]) == 0
    assert "registered as models:/toy@champion" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("killed_in", "version"),
    [("raphe.harness.registry.register", "1"), ("raphe.harness.export.crown", "2")],
)
def test_a_bundle_whose_export_was_killed_before_its_end_is_registered_next_time(
    sweep: str,
    export: Callable[..., int],
    client: MlflowClient,
    runs: Callable,
    monkeypatch,
    capfd,
    killed_in: str,
    version: str,
) -> None:
    def killed(*_: object) -> None:  # which nothing handles
        raise SystemExit(137)

    register_as = f"export.register_as=after-{killed_in.rpartition('.')[2]}"
    with monkeypatch.context() as patch:
        patch.setattr(killed_in, killed)
        assert export(register_as) == 137
    assert export(register_as, "export.members=best") == 1  # is another bundle
    assert "exists already" in capfd.readouterr().err
    assert export(register_as) == 0
    assert "was cut off before it was registered; redone" in capfd.readouterr().out
    name = register_as.partition("=")[2]
    assert str(client.get_model_version_by_alias(name, "champion").version) == version
    assert "RUNNING" not in [run.info.status for run in runs().all()]
    assert export(register_as) == 1  # it is registered now
    assert "exists already" in capfd.readouterr().err


def test_a_second_export_to_the_same_folder_is_told_of_the_first(
    sweep: str, export: Callable[..., int], runs_root: Path, capfd
) -> None:
    before = set((runs_root / "work").glob("*.lock"))
    assert export("export.register_as=null") == 0
    (lock,) = set((runs_root / "work").glob("*.lock")) - before
    with lock_file(lock):
        assert export("export.overwrite=true") == 1
    assert "another export is making or registering this bundle; wait" in capfd.readouterr().err


def test_networks_in_files_are_registered_under_a_name_that_was_asked_for(
    train: Callable[..., int], runs_root: Path, tmp_path: Path, client: MlflowClient, capfd
) -> None:
    (tmp_path / "a.ckpt").write_bytes(b"weights")
    files = [f"export.checkpoints.files=[{tmp_path / 'a.ckpt'}]", "stage=export"]
    named = "export.checkpoints.register_as=others"
    assert train(*files, f"export.out={tmp_path / 'bundle'}", named) == 0
    assert "registered as models:/others@champion" in capfd.readouterr().out
    assert train(*files) == 1
    assert "name a folder to make for the bundle, as --out BUNDLE" in capfd.readouterr().err


def test_a_run_of_another_task_is_refused_by_both_names(
    sweep: str, export: Callable[..., int], capfd
) -> None:
    capfd.readouterr()
    assert export("task=glif", "tracking.experiment=toy") == 1
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert f"{sweep}: is a run of task toy, and these settings are of task glif; " in line
    assert line.endswith(f"use `raphe export --sweep {sweep}`")


def test_code_that_a_record_names_is_not_run(
    sweep: str, export: Callable[..., int], runs: Callable, tmp_path: Path, capfd
) -> None:
    """Whoever can write to a tracking server could run code as the person who exports."""
    last = next(run for run in runs().children() if run.info.status == "FINISHED")
    for run in (runs().client.get_run(sweep), last):
        record = Path(run.info.artifact_uri.removeprefix("file://")) / "config.yaml"
        whole, marker = record.read_text(), tmp_path / "executed"
        inner = f"{{_target_: pathlib.Path, _args_: [{marker}]}}"
        harm = f"{{_target_: pathlib.Path.touch, _args_: [{inner}]}}"
        settings = OmegaConf.create(whole)
        settings.prepare = OmegaConf.create(harm)
        record.write_text(OmegaConf.to_yaml(settings))
        try:
            capfd.readouterr()
            assert export() == 1
        finally:
            record.write_text(whole)
        (line,) = capfd.readouterr().err.strip().splitlines()
        assert "its record names code, prepare._target_=pathlib.Path.touch, where" in line
        assert not marker.exists() and not (tmp_path / "bundle").exists()


def test_a_checkpoint_that_holds_more_than_weights_is_refused(
    sweep: str, export: Callable[..., int], runs: Callable, tmp_path: Path, capfd
) -> None:
    child = next(run for run in runs().children() if run.info.status == "FINISHED")
    file = Path(child.info.artifact_uri.removeprefix("file://")) / "checkpoint" / "model.ckpt"
    whole = file.read_bytes()
    file.write_bytes(b"")
    try:
        capfd.readouterr()
        assert export(f"export.sweep={child.info.run_id}") == 1
    finally:
        file.write_bytes(whole)
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert f"{child.info.run_id}): its checkpoint is no file of weights alone; nothing of" in line
    assert not (tmp_path / "bundle").exists()


def test_data_that_changed_since_are_refused(
    sweep: str, export: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capfd
) -> None:
    import toy_task

    monkeypatch.setattr(toy_task.ToyData, "hashes", {"points": "0" * 64})
    capfd.readouterr()
    assert export() == 1
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert line.startswith("error: store points ") and "put the old store back" in line


def test_members_trained_on_different_data_are_refused(
    sweep: str, train: Callable[..., int], export: Callable[..., int], capfd
) -> None:
    other = "tracking.experiment=other"
    assert train("data.seed=1,2", other, multirun=True) == 0
    assert export(other) == 1
    told = capfd.readouterr().err
    assert "there is sweep over data data.seed=1,2 (" in told
    (named,) = re.findall(r"data.seed=1,2 \((\w+)\)", told)
    assert export(other, f"export.sweep={named}") == 1
    told = capfd.readouterr().err.strip()
    assert "data.seed=2 and data.seed=1 differ in their data (data.seed is 2 and 1)" in told
    assert told.endswith("train them again with one data.seed for all")


def trained_with(store_hash: str, **prepare: int) -> tuple[RunFacts, DictConfig]:
    facts = RunFacts("", "FINISHED", f"a run {prepare}", {}, {"store_hash.points": store_hash}, {})
    return facts, OmegaConf.create({"seed": 1, "data": {"seed": 1}, "prepare": prepare})


def test_how_a_store_was_prepared_counts_where_another_came_of_it() -> None:
    runs = [trained_with("aa", shift=1, seed=1), trained_with("aa", shift=1, seed=2)]
    require_same_data(*zip(*runs, strict=True))
    runs.append(trained_with("bb", shift=2, seed=1))
    with pytest.raises(SettingError, match=r"\(prepare.shift is 2 and 1\)"):
        require_same_data(*zip(*runs, strict=True))


def test_a_sweep_without_a_finished_member_is_no_sweep_to_export(
    sweep: str, train: Callable[..., int], export: Callable[..., int], capfd
) -> None:
    hopeless = "tracking.experiment=hopeless"
    assert train("model.degree=0,-1", hopeless, multirun=True) == 1
    assert export(hopeless) == 1
    told = capfd.readouterr().err
    assert "no finished sweep over settings or seeds in experiment hopeless" in told
    assert "of which no member finished" in told


def test_an_artifact_that_was_deleted_is_told(
    sweep: str, export: Callable[..., int], runs: Callable, capfd
) -> None:
    child = next(run for run in runs().children() if run.info.status == "FINISHED")
    folder = Path(child.info.artifact_uri.removeprefix("file://"))
    (folder / "checkpoint").rename(folder / "moved")
    try:
        assert export() == 1
    finally:
        (folder / "moved").rename(folder / "checkpoint")
    told = f"run {child.info.run_id}: its artifact checkpoint/model.ckpt cannot be had"
    assert told in capfd.readouterr().err


@pytest.mark.parametrize(("name", "limit"), [("config.yaml", 2**18), (CHECKPOINT, 2**30)])
def test_an_artifact_of_any_size_is_not_copied(
    sweep: str,
    export: Callable[..., int],
    runs: Callable,
    monkeypatch,
    capfd,
    name: str,
    limit: int,
) -> None:
    child = next(run for run in runs().children() if run.info.status == "FINISHED")
    file = Path(child.info.artifact_uri.removeprefix("file://")) / name
    whole = file.read_bytes()
    os.truncate(file, limit + 1)  # takes no place on the disk
    copied: list[str] = []
    download = MlflowClient.download_artifacts
    monkeypatch.setattr(
        MlflowClient,
        "download_artifacts",
        lambda client, run, path, folder: (
            copied.append(path) or download(client, run, path, folder)
        ),
    )
    try:
        capfd.readouterr()
        assert export(f"export.sweep={child.info.run_id}") == 1
    finally:
        file.write_bytes(whole)
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert f"{child.info.run_id}: its artifact {name} has " in line and "MB, expected at mo" in line
    assert name not in copied


def test_a_named_experiment_gives_its_newest_run_or_sweep(
    train: Callable[..., int], runs_root: Path
) -> None:
    single = "tracking.experiment=single"
    assert train("model.degree=1", single) == 0
    assert train("model.degree=1,3", single, multirun=True) == 0
    assert "raphe.sweep" in find_sweep(runs_root, None, None, "single").run.tags
    assert train("model.degree=2", single) == 0
    found = find_sweep(runs_root, None, None, "single")
    assert registry.members(found.tracker, found.run) == [found.run]
    assert found.run.params["model.degree"] == "2"
    assert found.run.name == "run model.degree=2"
    name = f"run model.degree=2 ({found.run.run_id})"
    assert found.sentence == f"Taken: {name}, the newest finished run."


def test_a_run_that_is_not_there_is_told(sweep: str, export: Callable[..., int], capfd) -> None:
    assert export("export.sweep=xyz") == 1
    assert "holds no such run" in capfd.readouterr().err


def test_a_task_without_an_export_is_told(sweep: str, export: Callable[..., int], capfd) -> None:
    assert export("~export._target_") == 1
    assert "names no export._target_" in capfd.readouterr().err


def test_a_folder_without_runs_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="there are no tracked runs here"):
        find_sweep(tmp_path / "elsewhere", None, None)
    assert not (tmp_path / "elsewhere").exists()


def test_a_name_that_no_model_can_have_is_told_before_any_work(
    sweep: str, export: Callable[..., int], tmp_path: Path, capfd
) -> None:
    assert export("export.register_as=a/b") == 1
    assert "register_as=a/b: expected a name without / and :" in capfd.readouterr().err
    assert not (tmp_path / "bundle").exists()
    for name in ("a:b", " "):
        with pytest.raises(SettingError):
            registry.check_name(name)
    registry.check_name(None)


def test_a_stage_that_is_not_one_is_told(train: Callable[..., int], capfd) -> None:
    assert train("stage=exprot") == 1
    assert "stage=exprot: expected train or export" in capfd.readouterr().err


def test_an_export_is_no_sweep(train: Callable[..., int]) -> None:
    assert "leave out -m" in train("stage=export", "seed=1,2", multirun=True)  # exits with a line
