"""A value outside its range is refused before anything heavy is loaded, as by its constructor."""

import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import get_object
from omegaconf import OmegaConf

from paths import CONF
from raphe.core.errors import RapheError, SettingError
from raphe.core.ranges import Limit, Numbers, written
from raphe.harness.settings import composed
from raphe.harness.settings.overrides import check
from raphe.harness.settings.signatures import arguments

TASKS = sorted(path.stem for path in (CONF / "task").glob("*.yaml"))
EXPERIMENTS = sorted(
    path.stem for path in (CONF / "experiment").glob("*.yaml") if "_target_" in path.read_text()
)  # the others set what tasks have
CHOICES = [f"task={name}" for name in TASKS] + [f"experiment={name}" for name in EXPERIMENTS]
REST = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
HEAVY = {"torch", "pytorch_lightning", "mlflow", "numpy", "pandas", "scipy", "sklearn"}


class Limited(NamedTuple):
    """A setting whose argument has a range, its section, and a value outside."""

    choice: str
    name: str
    section: dict[str, Any]
    outside: Any

    @property
    def given(self) -> str:
        return f"{self.name}={written(self.outside)}"


@cache
def config_of(choice: str) -> dict[str, Any]:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return OmegaConf.to_container(compose("train", [choice]), resolve=True)


def limited(choice: str) -> Iterator[Limited]:
    def walk(section: dict[str, Any], path: str) -> Iterator[Limited]:
        accepted = arguments(str(section.get("_target_"))) or {}
        for key, value in section.items():
            name = f"{path}{key}"
            if isinstance(value, dict):
                yield from walk(value, f"{name}.")
            elif key in accepted and accepted[key].limits:
                (limit,) = accepted[key].limits
                yield Limited(choice, name, section, outside(limit))

    return walk(config_of(choice), "")


def outside(limit: Limit) -> Any:
    """A number below the range; a list of them."""
    if isinstance(limit, Numbers):
        return [outside(limit.each)] * (limit.n or 1)
    return int(limit.least) - 1


@cache
def all_limited() -> tuple[Limited, ...]:
    """Each argument once, of the first choice that sets it."""
    every = {
        (setting.section["_target_"], setting.name): setting
        for choice in reversed(CHOICES)
        for setting in limited(choice)
    }
    return tuple(every.values())


def test_command_line_and_constructor_say_the_same() -> None:
    assert len(all_limited()) > 50
    for setting in all_limited():  # many and each quick: no test of its own
        say_the_same(setting)


def say_the_same(setting: Limited) -> None:
    with pytest.raises(SettingError) as of_command_line:
        check([setting.choice, setting.given])
        raise AssertionError(f"{setting.choice} {setting.given}: was not refused")
    head, _, sentence = str(of_command_line.value).partition(": ")
    assert head == setting.given
    assert sentence.startswith("expected ") and f", got {written(setting.outside)}" in sentence

    target = setting.section["_target_"]
    taker = get_object(target)
    required = {
        name: None
        for name, parameter in inspect.signature(taker).parameters.items()
        if parameter.default is parameter.empty and parameter.kind not in REST
    }
    taken = arguments(target)
    given = required | {key: value for key, value in setting.section.items() if key in taken}
    key = setting.name.rpartition(".")[2]
    with pytest.raises(RapheError) as of_constructor:
        taker(**given | {key: setting.outside})
    head, _, same = str(of_constructor.value).partition(": ")
    assert key in head
    assert same == sentence


@pytest.mark.parametrize("choice", CHOICES)
def test_what_is_set_by_default_is_within(choice: str) -> None:
    composed.check_ranges(config_of(choice))


def test_it_is_told_before_anything_heavy_is_loaded() -> None:
    of_tasks = [setting for setting in all_limited() if setting.choice.startswith("task=")]
    one_each = {setting.section["_target_"]: setting for setting in of_tasks}.values()
    given = [setting.given for setting in one_each]
    assert {setting.choice for setting in one_each} == {f"task={task}" for task in TASKS}
    code = "import json, sys; from raphe.harness.start.program import train\n"
    code += "codes = [train(given) for given in json.load(sys.stdin)]\n"
    code += "print(codes == [1] * len(codes), *{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True,
        input=json.dumps([[setting.choice, setting.given] for setting in one_each]),
    )  # fmt: skip
    told, *modules = done.stdout.split()
    assert told == "True", done.stderr
    assert not HEAVY & set(modules)
    assert [line.split(":")[1] for line in done.stderr.splitlines()] == [f" {s}" for s in given]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("-m model.kernel=0,3", "model.kernel=0: expected a whole number of samples from 1 up"),
        ("-m model.kernel=range(0,4)", "model.kernel=0: expected"),
        ("model.dropout=1", "model.dropout=1: expected a share from 0 to less than 1, got 1"),
        ("data.fractions=[0.9,0.2]", "expected three numbers (train, validation, test) that sum"),
        ("data.fractions=[0.9,0.2,0.1]", "expected three numbers (train, validation, test)"),
        ("data.recipe.width=4", "expected an odd number of samples, one in the centre, from 1 up"),
        ("prepare.simulation.days=101", "days=101: expected a whole number from 1 to 100, got 101"),
        ("evaluate.error_rate=2", "expected a share between 0 and 1, as 0.05, got 2; no network"),
        ("data.synthetic_ratio=0", "above 0, got 0; to train without synthetic spikes set"),
        ("task=calcium data.length=402", "expected a multiple of 4 samples from 4 up, got 402"),
        ("task=calcium model.latency_s=0.1", "expected a multiple of 0.04 s from 0 up, or null"),
        ("task=calcium data.synthesis.noise=[3,1]", "expected a range [low, high] from 0 up"),
        ("task=glif data.experiment.length_s=[2,70]", "[shortest, longest] from 0.2 to 60 s"),
        ("task=glif prepare.level=6", "prepare.level=6: expected a GLIF level from 1 to 5, got 6"),
    ],
)
def test_each_kind_of_range_has_its_sentence(given: str, message: str) -> None:
    with pytest.raises(SettingError) as refused:
        check(given.split())
    assert message in str(refused.value)


def test_what_may_stand_for_a_number_passes() -> None:
    check(["data.folds=all", "data.recipe.gain=recording", "data.per_class=null"])
    check(["task=calcium", "model.latency_s=0.12", "prepare.conditioning.baseline_s=null"])


def test_a_value_of_a_file_counts_too(tmp_path: Path, train_py: Any, capsys: Any) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text("# @package _global_\nmodel: {kernel: 0}\n")
    assert train_py(f"--config-dir={tmp_path}", "experiment=mine") == 1
    assert "error: model.kernel=0: expected a whole number of samples" in capsys.readouterr().err


def test_a_value_of_a_bank_counts_too(train_py: Any, capsys: Any) -> None:
    assert train_py("model=bank", "bank.values=[20,0]") == 1
    assert "error: model.kernel=0: expected a whole number of samples" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("task", "metric"),
    [("celltype", "val/cells/auroc"), ("celltype", "val/n_spikes"), ("celltype", "test/loss"),
     ("glif", "val/cells/r2_capacitance"), ("calcium", "val/los")],
)  # fmt: skip
def test_a_metric_that_no_epoch_has_is_refused_before_anything_is_prepared(
    task: str, metric: str
) -> None:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", [f"task={task}", f"monitor.metric={metric}"])
        with pytest.raises(SettingError, match=f"^monitor.metric={metric}: expected a metric of"):
            composed.check_values(config)
        composed.check_values(compose("train", [f"task={task}"]))


def test_a_seed_is_refused_by_the_name_that_it_was_set_by() -> None:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", ["seed=-1", "data.store=spikes"])
    with pytest.raises(SettingError, match=r"^seed=-1: expected a whole number of 0 or more"):
        composed.check_values(config)


@pytest.mark.parametrize("text", ["seed=null", "seed=true", "stage=null", "callbacks.keep=false"])
def test_a_value_is_told_as_it_is_written(text: str) -> None:
    with initialize_config_dir(str(CONF), version_base=None):
        config = compose("train", ["task=calcium", text])
    with pytest.raises(SettingError, match=f"^{text}: expected "):
        composed.check_values(config)
