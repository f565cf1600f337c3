"""What the command line sets is checked against the defaults, before anything heavy is loaded."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import hydra
import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl

from paths import CONF, PROJECT
from raphe.core.errors import SettingError
from raphe.core.ranges import Range
from raphe.harness.settings.overrides import check, keep_texts
from raphe.harness.settings.signatures import Accepted, arguments
from raphe.harness.start.program import train

TASKS = sorted(path.stem for path in (CONF / "task").glob("*.yaml"))
HEAVY = {"torch", "pytorch_lightning", "mlflow", "numpy", "pandas", "scipy", "sklearn"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("model.kernal=3", "no setting is called model.kernal; did you mean model.kernel?"),
        ("kernel=8", "no setting is called kernel; did you mean model.kernel?"),
        ("kernal=8", "no setting is called kernal; did you mean model.kernel?"),
        ("optimizer.lr=1e-3", "did you mean model.optimizer.lr?"),
        ("+model.kernal=3", "no setting is called model.kernal; did you mean model.kernel?"),
        ("+model.momentum=3", "no setting is called model.momentum;"),
        (
            "model.filters=[32,a]",
            "expected a list of whole numbers, such as [32,64], got a word",
        ),
        ("data.fractions=[0.7,0.3,no]", "expected a list of numbers, such as [0.7,0.15,0.15], got"),
        ("+foo=1", "no setting is called foo;"),
        ("+foo.bar=1", "no setting is called foo.bar;"),
        ("+sed=3", "no setting is called sed; did you mean seed?"),
        ("~model.kernal", "no setting is called model.kernal; did you mean model.kernel?"),
        ("-m model.kernal=1,2", "no setting is called model.kernal"),
        ("task=calcium model.chanels=8", "did you mean model.channels?"),
        ("model.optimizer.lr=fast", "lr=fast: expected a number, such as 0.001, got a word"),
        ("-m model.kernel=3,x", "model.kernel=x: expected a whole number, such as 20, got a word"),
        ("model.kernel=2.5", "expected a whole number, such as 20, got a number"),
        ("model.kernel=true", "expected a whole number, such as 20, got true or false"),
        ("data.per_class=many", "expected a whole number or null, got a word"),
        ("data.fractions=0.5", "expected a list of numbers, such as [0.7,0.15,0.15], got a number"),
        ("data.recipe.gain=loud", "expected a number or recording, such as 1.0"),
        ("evaluate.calibration=plat", "expected temperature or platt; did you mean platt?"),
        ("data.split=cells", "expected cell, day, animal, source or spike; did you mean cell?"),
        ("trainer.max_epochs=long", "trainer.max_epochs=long: expected a whole number"),
        ("runs_root=2026", "as a word it needs quotes: 'runs_root=\"2026\"'"),
        ("task=celltipe", "task=celltipe: expected calcium, celltype,"),
        ("task=celltipe", "did you mean celltype?"),
        ("-m experiment=paper,k_swep", "did you mean k_sweep?"),
        ("hydra/launcher=slrum", "did you mean slurm?"),
        ("foo", "foo: expected a setting with its value, foo=VALUE;"),
        ("model.kernel", "model.kernel: expected a setting with its value, model.kernel=VALUE;"),
        ("model.kernel=8,20", "model.kernel=8,20: several values are a sweep; add -m"),
        ("data.store=a=(b", "the value cannot be read; if it is one word, it needs quotes"),
        ("data.store=tmp/ü", "if it is one word, it needs quotes: 'data.store=\"tmp/ü\"'"),
        ("data.store=[a]", "got a list; as a word it needs quotes: 'data.store=\"[a]\"'"),
        ("data.store=a,b", "one word with such signs needs quotes: 'data.store=\"a,b\"'"),
        ("ü=1", "ü=1: expected a setting with its value, as seed=42"),
        ("=x", "=x: expected a setting with its value, as seed=42"),
        ("experiment=null", "experiment=null: expected calcium_distilled, "),
        ("--foo", "there is no option --foo; settings are given as NAME=VALUE"),
        ("data.store=", "data.store=: expected a value, got nothing; is a variable empty?"),
        ("-m seed=1 runs_root=", "runs_root=: expected a value, got nothing; is a variable"),
        ("model=nosuch", "model=nosuch: expected bank or with_firing, or leave it out"),
        ("monitor=nosuch", "monitor is a section; name a setting in it, as monitor.metric=VALUE"),
        ("--cfg nosuch", "--cfg nosuch: expected job, hydra or all"),
        ("--info confg", "--info confg: expected all, config, defaults, defaults-tree, plugins or"),
        ("seed=1 --cfg", "--cfg/-c: expected one argument"),
        ("--mutlirun seed=1", "there is no option --mutlirun; did you mean --multirun?"),
    ],
)
def test_what_no_run_can_have_is_one_sentence(given: str, message: str) -> None:
    with pytest.raises(SettingError) as refused:
        check(given.split())
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "--help",
        "--cfg job model.kernel=3",
        "-m model.kernel=range(1,33) hydra/launcher=local hydra.launcher.n_jobs=2",
        "model=bank bank.values=[20,24]",
        "callbacks.patience=null threads=2",
        "data.store=null",
        "experiment=k_sweep model.kernel=8,20",
        "--multirun model.kernel=8,20",
        "data.recipe.gain=recording",
        "data.store=spikes runs_root='2026' data.folds=all",
        "trainer.devices=auto trainer.deterministic=warn trainer.precision=32",
        "+data.test_stores.mine=store",
        "+trainer.min_epochs=3",
        "~data.test_stores.nonhomogeneous",
        "model.optimizer.lr=1",
        "prepare.cut.threshold_pa=null prepare.cut.mad_factor=5",
        "data.seed=${seed}",
        "+width=4 model.kernel=${width}",
        "+sweep.values={data.fold:[0,1]} data.folds=2",
        "model.kernel=3 --config-name=other",  # settings of the user's own
    ],
)
def test_what_runs_may_have_passes(given: str) -> None:
    check(given.split())


@pytest.mark.parametrize("task", TASKS)
def test_the_defaults_of_every_task_pass_as_their_own_overrides(task: str) -> None:
    from hydra import compose, initialize_config_dir

    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", [f"task={task}"])
    values = [
        f"{section}.{name}={value}"
        for section in ("data", "model", "trainer", "monitor")
        for name, value in config[section].items()
        if isinstance(value, int | float | bool) and not name.startswith("_")
    ]
    assert len(values) > 5
    check([f"task={task}", *values])


def test_a_folder_of_more_settings_counts(tmp_path: Path) -> None:
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "mine.yaml").write_text("# @package _global_\nmodel:\n  width: 3\n")
    check([f"--config-dir={tmp_path}", "task=mine", "model.width=4"])
    check(["--config-dir", str(tmp_path), "task=mine", "model.width=4"])
    with pytest.raises(SettingError, match=r"did you mean model\.width"):
        check([f"--config-dir={tmp_path}", "task=mine", "model.widht=4"])


def test_what_a_target_takes_is_read_from_its_source() -> None:
    recipe = arguments("raphe.tasks.celltype.synthetic.synthesizer.Recipe")
    assert recipe["smoothing"] == Accepted(words=("mean", "savgol"))  # by the name of a Literal
    assert recipe["gain"].types == (int, float) and "recording" in recipe["gain"].words
    assert arguments("torch.optim.Adam") is None
    assert arguments("raphe.tasks.celltype.synthetic.synthesizer.Nothing") is None
    assert arguments("raphe.nowhere.Nothing") is None
    module = arguments("raphe.tasks.celltype.training.module.CellTypeModule")
    assert module["kernel"] == Accepted(
        (int,), limits=(Range(1, noun="a whole number of samples"),)
    )
    assert module["optimizer"].anything


def answers(given: list[str], folder: Path) -> tuple[list[str], str]:
    """What a process that is given one command after the other has loaded after each of them, as
    "COMMAND: CODE MODULES", and what it said. One process, as a start takes longer than they do."""
    code = "import sys; from raphe.harness.start.program import train\n"
    code += f"for given in {given!r}:\n"
    code += "    try: code = train(given.split())\n    except SystemExit: code = 0\n"
    code += f"    loaded = sorted({HEAVY!r} & set(sys.modules))\n"
    code += "    print('answer', given + ':', code, *loaded)\n"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("answer ")]
    return [line.removeprefix("answer ") for line in lines], done.stderr


def test_an_answer_comes_before_anything_heavy(tmp_path: Path) -> None:
    done = ["--help", "--cfg job"]
    refused = ["model.kernal=3", "-m model.kernel=1,x", "seed=-1", "trainer=gpu", "stage=export"]
    told, errors = answers([*done, *refused], tmp_path)
    assert told == [f"{given}: {int(given in refused)}" for given in (*done, *refused)], errors


def test_a_store_that_is_not_there_is_told_before_torch_is_loaded(tmp_path: Path) -> None:
    given = [f"task={task} data.store=nowhere" for task in TASKS if task != "glif"]  # it has none
    told, errors = answers(given, tmp_path)
    assert [line.split()[:3] for line in told] == [[*f"{one}:".split(), "1"] for one in given]
    light = {"torch", "pytorch_lightning", "mlflow"}
    assert not [line for line in told if light & set(line.split())], told
    assert errors.count("error: data.store=nowhere: no such store") == len(given), errors


def test_a_command_composes_its_settings_twice(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    composed = []
    compose = ConfigLoaderImpl.load_configuration

    def counted(loader: ConfigLoaderImpl, *arguments, **options):
        composed.append(options)
        return compose(loader, *arguments, **options)

    monkeypatch.setattr("raphe.harness.settings.overrides.compose", hydra.compose)  # not the kept
    monkeypatch.setattr(ConfigLoaderImpl, "load_configuration", counted)
    assert train(["model.kernel=3", "seed=-1"]) == 1  # which is told by what runs
    assert len(composed) == 2  # to check what was given, and to run
    assert train(["model.kernal=3"]) == 1
    assert len(composed) == 3
    assert capsys.readouterr().err.count("error: ") == 2


def test_the_answer_is_the_same_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, train_py: Callable[..., int], capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    assert train_py("model.kernal=3") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: no setting is called model.kernal; did you mean model.kernel?")
    assert list(tmp_path.iterdir()) == []


def test_outside_the_virtual_environment_one_sentence_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(PROJECT / "train.py")],  # without site-packages
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ") and "make setup" in line


@pytest.mark.parametrize(
    ("given", "code"),
    [("--foo", 2), ("--cfg nosuch", 2), ("--cfg", 2), ("foo", 2), ("=x", 2), ("model.kernal=3", 1)],
)
def test_what_is_no_setting_is_wrong_usage(given: str, code: int, capsys) -> None:
    assert train(given.split()) == code
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("export.sweep=316e1234", "export.sweep='316e1234'"),  # infinity
        ("export.sweep=12345678", "export.sweep='12345678'"),
        ("tracking.experiment=true", "tracking.experiment='true'"),
        ("export.sweep=abc", "export.sweep=abc"),
        ("export.sweep='316e1234'", "export.sweep='316e1234'"),
        ("export.register_as=null", "export.register_as=null"),
        ("data.store=one,two", "data.store=one,two"),
        ("seed=7", "seed=7"),
    ],
)
def test_a_name_that_looks_like_a_number_stays_a_name(given: str, kept: str) -> None:
    assert keep_texts(["-m", given]) == ["-m", kept]
