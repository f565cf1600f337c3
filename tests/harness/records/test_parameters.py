"""Which settings are shown as a run's parameters, and what is swept as numbers."""

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from paths import CONF
from raphe.harness.records.parameters import parameters, swept_numbers, values_text
from raphe.harness.settings import composed

TASKS = sorted(path.stem for path in (CONF / "task").glob("*.yaml"))


def composed_with(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", list(overrides))


@pytest.mark.parametrize("task", TASKS)
def test_what_is_read_with_another_are_settings_and_no_parameter_is_of_reports(task: str) -> None:
    config = composed_with(f"task={task}")
    for name in (*config.tracking.read_with, *config.tracking.read_without):
        others = config.tracking.read_without.get(name) or [config.tracking.read_with[name]]
        for setting in (name, *others):
            section, _, key = setting.rpartition(".")
            assert key in OmegaConf.select(config, section), f"{setting} of {task}"
    shown = parameters(config, {})
    settings = composed.flat(config)
    assert len(shown) < 55 and max(map(len, shown.values())) < 100
    sections = {name.partition(".")[0] for name in shown}
    assert not sections & {"report", "export", "hydra", "tracking", "bank", "sweep"}
    assert not [name for name in shown if name.rpartition(".")[2].startswith("_")]
    assert shown["model.optimizer"] == settings["model.optimizer._target_"].rpartition(".")[2]
    for name, text in shown.items():
        assert str(settings.get(name, text)).lower() in {text.lower(), "none"}


def test_a_store_that_is_given_leaves_out_how_one_would_be_simulated() -> None:
    simulated = parameters(composed_with(), {})
    given = parameters(composed_with("data.store=spikes"), {})
    assert {"prepare.simulation.n_ser", "prepare.cut.threshold_pa"} <= set(simulated) - set(given)
    assert given["data.store"] == "spikes" and "data.synthetic_ratio" not in given
    online = composed_with("data.store=spikes", "data.synthetic=online", "data.folds=5")
    assert {"data.synthetic_ratio", "data.recipe.width", "data.fold"} <= set(parameters(online, {}))


def test_what_is_swept_is_always_a_parameter_and_its_numbers_are_metrics() -> None:
    swept = {"model.kernel": "7", "trainer": "cpu", "threads": "2", "model.optimizer.lr": "1e-2"}
    shown = parameters(composed_with("model.kernel=7", "model.optimizer.lr=1e-2"), swept)
    assert [shown[name] for name in swept] == ["7", "cpu", "null", "0.01"]
    assert swept_numbers({**swept, "seed": "nan", "data.split": "day"}) == {
        "swept/model.kernel": 7.0,
        "swept/threads": 2.0,
        "swept/model.optimizer.lr": 0.01,
    }


def test_a_range_is_written_only_where_no_number_is_missing() -> None:
    assert values_text([str(k) for k in range(1, 33)]) == "1…32"
    assert values_text(["20", "22", "24", "26"]) == "20,22,24,26"
    assert values_text(["2", "1"]) == "2,1" and values_text(["a"]) == "a"
    assert values_text([str(2**i) for i in range(8)]) == "1,2,4,8,16,…,128 (8 values)"
