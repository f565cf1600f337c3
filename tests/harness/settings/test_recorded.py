"""A run's record gives values and never code, whatever somebody wrote into it."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import DictConfig, OmegaConf

from raphe.core.errors import SettingError
from raphe.harness.settings.configuration import composed_settings
from raphe.harness.settings.recorded import MOST_BYTES, Recorded

RUN = "sweep seed=1,2 0123"


@pytest.fixture(scope="module")
def local() -> DictConfig:
    return composed_settings()


@pytest.fixture(scope="module")
def settings(local: DictConfig) -> dict[str, Any]:
    return OmegaConf.to_container(local, resolve=True)


@pytest.fixture
def laid_over(local: DictConfig, settings: dict[str, Any]) -> Callable[..., DictConfig]:
    """The local settings with those of a record in which something was changed."""

    def call(name: str, value: Any, own: tuple[str, ...] = ()) -> DictConfig:
        changed = section = copy.deepcopy(settings)
        *sections, key = name.split(".")
        for word in sections:
            section = section.setdefault(word, {})
        section[key] = value
        return Recorded(RUN, {"task": "celltype"}, changed).laid_over(local, own)

    return call


def read(text: str, **record: Any) -> Recorded:
    about = {"format": 1, "choices": {"task": "celltype"}} | record
    return Recorded.read((yaml.safe_dump({"record": about}) + text).encode(), RUN)


def test_a_record_as_it_was_written_gives_the_settings_it_was_made_of(
    local: DictConfig, settings: dict[str, Any]
) -> None:
    recorded = read(OmegaConf.to_yaml(local, resolve=True))
    again = OmegaConf.to_container(recorded.laid_over(local), resolve=True)
    assert again == OmegaConf.to_container(local, resolve=True)


HARM = {"_target_": "os.system", "_args_": ["touch executed"]}
TARGETS = [
    "sympy.sympify", "joblib.load", "pandas.read_pickle", "numpy.load", "pathlib.Path.write_text",
    "shutil.copyfile", "os.system", "timeit.timeit", "cProfile.run", "builtins.eval",
    "hydra.utils.instantiate", "raphe.core.files.atomic.recover",
    "raphe.tasks.celltype.stores.extract.extract",
]  # fmt: skip


SECTIONS = ("prepare", "data", "export", "evaluate", "trainer", "model", "report.names")


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_that_is_not_the_local_one_is_refused(
    laid_over: Callable[..., DictConfig], target: str
) -> None:
    section = SECTIONS[TARGETS.index(target) % len(SECTIONS)]
    with pytest.raises(SettingError) as refused:
        laid_over(f"{section}._target_", target)
    told = str(refused.value)
    assert told.startswith(f"{RUN}: its record names code, {section}._target_={target[:40]}")
    assert "where your own settings have " in told and "\n" not in told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("prepare", HARM),
        ("data.store", HARM),
        ("data.synthetic", {"of": [HARM]}),
        ("data.test_stores.more", HARM),
        ("data.fractions", [0.7, 0.15, HARM]),
        ("data.recipe", HARM),
        ("model.optimizer._target_", "joblib.load"),
        ("model.optimizer._target_", "torch.optim.swa_utils.update_bn"),
        ("model.optimizer._target_", ["torch.optim.Adam"]),
        ("model.optimizer._partial_", False),
        ("model.loss", HARM),
        ("callbacks.more", [HARM]),
        ("callbacks.more", [[[{"a": HARM}]]]),
        ("prepare.simulation._args_", [1]),
        ("prepare._recursive_", False),
        ("prepare._convert_", "all"),
        ("prepare._partial_", True),
        ("export._partial_", 1),
        ("report.metrics", [HARM]),
        ("report.baselines._target_", "os.system"),
        ("report.names", HARM),
        ("tracking.read_with", HARM),
        ("seed", HARM),
        ("more", HARM),
        ("sweep.summarise", HARM),
    ],
)
def test_code_is_refused_wherever_it_stands(
    laid_over: Callable[..., DictConfig], name: str, value: Any
) -> None:
    with pytest.raises(SettingError, match=r"names code|is no such setting|expected"):
        laid_over(name, value)


def test_an_optimizer_of_torch_is_named_in_words_alone(
    laid_over: Callable[..., DictConfig], local: DictConfig
) -> None:
    config = laid_over("model.optimizer._target_", "torch.optim.SGD")
    assert config.model.optimizer._target_ == local.model.optimizer._target_


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model.kernel", "touch"),
        ("model.kernel", 0),
        ("data.split", "by nothing"),
        ("data.batch_size", 2.5),
        ("export.error_rate", "all"),
        ("export.pooling", "sum"),
        ("prepare.simulation.n_ser", [1]),
        ("data.cache", "/somewhere"),
        ("prepare.unknown", 1),
        ("seed", "one"),
        ("data", None),
        ("prepare", "x"),
        ("trainer", None),
    ],
)
def test_a_value_that_its_setting_cannot_have_is_refused(
    laid_over: Callable[..., DictConfig], name: str, value: Any
) -> None:
    with pytest.raises(SettingError, match=f"{name}="):
        laid_over(name, value)


def test_where_something_is_written_is_not_the_records_to_say(
    laid_over: Callable[..., DictConfig], settings: dict[str, Any]
) -> None:
    for name, value in {
        "data_root": "/elsewhere", "runs_root": "/elsewhere", "prepare.folder": "/elsewhere",
        "tracking.uri": "http://elsewhere", "export.out": "/elsewhere", "export.overwrite": True,
        "export.champion": "move", "export.sweep": "0123",
    }.items():  # fmt: skip
        config = laid_over(name, value)
        assert OmegaConf.to_container(config, resolve=True) == settings


def test_values_are_the_records_but_for_those_of_the_command_line(
    laid_over: Callable[..., DictConfig],
) -> None:
    config = laid_over("evaluate.pooling", "median")
    assert (config.evaluate.pooling, config.export.pooling) == ("median", "mean")  # as it ran
    config = laid_over("data.store", "spikes")
    assert config.data.store == "spikes"
    assert laid_over("data.store", "spikes", own=("data.store",)).data.store is None
    assert laid_over("data.test_stores.more", "spikes").data.test_stores.more == "spikes"


def test_where_a_store_lies_now_is_the_persons_to_say(settings: dict[str, Any]) -> None:
    recorded = Recorded(RUN, {"task": "celltype"}, copy.deepcopy(settings))
    for section in ("data", "prepare"):
        recorded.settings[section]["store"] = "/where/it/was"
    config = recorded.over_local(["data.store=moved", "data_root=there"])
    assert (config.data.store, config.prepare.store) == ("moved", "moved")
    assert config.prepare.folder == "there/celltype"


@pytest.mark.parametrize("setting", ["seed=7", "data.seed=7", "++data.split=day", "model.kernel=3"])
def test_a_setting_of_the_training_is_no_setting_of_its_export(setting: str) -> None:
    """A seed of its own would divide the cells anew, and test on those that were trained on."""
    with pytest.raises(SettingError, match="changes nothing of an export") as refused:
        Recorded(RUN, {"task": "celltype"}, {}).over_local([setting])
    assert str(refused.value).startswith(f"{setting}: ")


@pytest.mark.parametrize(
    "value", ["${oc.env:HOME}", "${hydra:runtime.cwd}", "x${seed}", "${now:%Y}", "???", "${"]
)
def test_nothing_in_a_record_stands_for_another_value(value: str) -> None:
    for text in (f"data: {{store: '{value}'}}", f"data: {{'{value}': 1}}", f"a: [['{value}']]"):
        with pytest.raises(SettingError, match=r"stands for another value|is damaged"):
            read(text)


LAUGHS = "\n".join(
    ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))]
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (LAUGHS, "an alias in line"),
        ("a: &x 1\nb: *x", "an alias in line"),
        ("a: !!python/object/apply:os.system [touch executed]", "a tag in line"),
        ("a: !!str 1", "a tag in line"),
        ("a: " + "[" * 5000 + "]" * 5000, "too deep a section in line"),
        ("a: '" + "x" * MOST_BYTES + "'", "kB, where settings have some kB"),
        ("a: [1", "is damaged"),
        ("a: 1\na: 2", "is damaged"),
        ("a: 1\n---\nb: 1", "is damaged"),
        ("a: \x00", "is damaged"),
    ],
)
def test_what_raphe_never_writes_is_refused_before_it_is_built(text: str, why: str) -> None:
    with pytest.raises(SettingError, match=why) as refused:
        read(text)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"seed: 1", "has no format: an earlier raphe wrote it, or"),
        (b"- 1", "is damaged"),
        (b"", "has no format: an earlier raphe wrote it, or"),
        (b"\xff\xfe", "is damaged"),
        (b"record: 1", "has no format: an earlier raphe wrote it, or"),
        (b"record: {format: 2, choices: {}}", "has format 2, this raphe .* reads format 1; update"),
        (b"record: {format: true, choices: {}}", "has no format: an earlier raphe wrote it, or"),
        (b"record: {format: 1}", "does not say which settings were chosen"),
        (b"record: {format: 1, choices: {task: [1]}}", "does not say which settings were chosen"),
        (b"record: {format: 1, choices: {1: celltype}}", "does not say which"),
    ],
)
def test_a_record_of_no_or_another_format_is_told(text: bytes, why: str) -> None:
    with pytest.raises(SettingError, match=why):
        Recorded.read(text, RUN)


@pytest.mark.parametrize("task", ["../celltype", "nobodys", "celltype,glif", "a b", "[celltype]"])
def test_a_task_is_one_that_the_settings_here_know(task: str) -> None:
    with pytest.raises(SettingError, match="the settings here know calcium, celltype, "):
        read("seed: 1", choices={"task": task}).over_local()


def test_a_choice_is_one_of_the_local_files(tmp_path: Path) -> None:
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "own.yaml").write_text(
        "# @package _global_\ntracking: {experiment: own}\ndata: {_target_: lab.Data}\n"
    )
    recorded = read(
        "data: {_target_: lab.Data, rate_hz: 3.0}",
        choices={"task": "own", "trainer": "gpu", "debug": "../../x", "hydra/launcher": "slurm"},
    )
    config = recorded.over_local(config_dir=tmp_path)
    assert config.data == {"_target_": "lab.Data", "rate_hz": 3.0}
    assert config.trainer.accelerator == "gpu"
    with pytest.raises(SettingError, match="a task of your own lies in a folder, as --config-dir"):
        recorded.over_local()


def test_a_bundle_is_handed_no_place_of_this_machine() -> None:
    recorded = read("runs_root: runs\ndata: {store: /home/ann/spikes, more: [/home/ann/b]}")
    assert recorded.handed_on() == {"data": {"store": "spikes", "more": ["b"]}}
