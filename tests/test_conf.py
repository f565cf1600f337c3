"""Every file of conf/ composes, and every task builds from it."""

import inspect

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import get_method, instantiate
from omegaconf import DictConfig, OmegaConf

from paths import CONF
from raphe.harness.export import OWN
from raphe.tasks.celltype.spikes.cut_settings import Cut
from raphe.tasks.celltype.synthetic.simulated_recordings import Simulation

TASKS = sorted(path.stem for path in (CONF / "task").glob("*.yaml"))
EXPERIMENTS = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))
DEBUGS = sorted(path.stem for path in (CONF / "debug").glob("*.yaml"))


def composed(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", list(overrides))


def test_there_is_a_default_task() -> None:
    assert composed().tracking.experiment == "celltype"
    assert "celltype" in TASKS


@pytest.mark.parametrize("task", TASKS)
def test_each_task_fills_what_the_harness_reads_and_builds(task: str) -> None:
    config = composed(f"task={task}")
    for section in ("prepare", "data", "model", "evaluate", "monitor", "report", "tracking"):
        assert section in config, section
    OmegaConf.resolve(config)
    for section in ("prepare", "data", "model", "evaluate"):
        assert callable(get_method(config[section]._target_))
    model = instantiate(config.model)
    assert model.configure_optimizers().param_groups[0]["lr"] > 0


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("section", ["prepare", "data", "model"])
def test_each_setting_of_a_task_is_an_argument_of_what_it_builds(task: str, section: str) -> None:
    settings = composed(f"task={task}")[section]
    known = inspect.signature(get_method(settings._target_)).parameters
    assert set(settings) - {"_target_"} <= set(known)


def test_each_setting_of_the_export_is_the_harness_s_or_an_argument_of_what_it_calls() -> None:
    settings = composed().export
    known = inspect.signature(get_method(settings._target_)).parameters
    assert set(settings) - {"_target_", *OWN} <= set(known)


@pytest.mark.parametrize("task", TASKS)
def test_data_do_not_follow_the_seed_where_their_own_is_fixed(task: str) -> None:
    """Else networks of several seeds, one split, would make no ensemble: see raphe export."""
    first, second = (composed(f"task={task}", "data.seed=1", f"seed={seed}") for seed in (7, 8))
    for section in ("prepare", "data"):
        assert first[section] == second[section]


@pytest.mark.parametrize("override", [f"experiment={name}" for name in EXPERIMENTS])
def test_each_experiment_composes(override: str) -> None:
    config = composed(override)
    OmegaConf.resolve(config)
    assert not OmegaConf.missing_keys(config)


@pytest.mark.parametrize("override", [f"debug={name}" for name in DEBUGS])
def test_each_debug_set_up_composes(override: str) -> None:
    config = composed(override)
    OmegaConf.resolve(config)
    assert not OmegaConf.missing_keys(config)


def test_k_sweep_runs_every_kernel_of_the_paper() -> None:
    hydra = OmegaConf.load(CONF / "experiment" / "k_sweep.yaml").hydra
    assert hydra.mode == "MULTIRUN"
    assert dict(hydra.sweeper.params) == {"model.kernel": "range(1,33)"}


def test_the_published_set_up_is_the_published_one() -> None:
    config = composed("experiment=paper_balanced")
    assert config.data.split == "spike"
    assert config.data.per_class == 13554
    assert list(config.data.fractions) == [0.70, 0.15, 0.15]
    assert (config.seed, config.data.batch_size, config.trainer.max_epochs) == (42, 64, 25)
    assert (config.model.columns, config.model.dropout) == (2, 0.5)
    assert config.callbacks.keep == "last"
    optimizer = instantiate(config.model).configure_optimizers()
    assert (optimizer.defaults["lr"], optimizer.defaults["eps"]) == (1e-3, 1e-7)


def test_the_settings_of_cut_and_simulation_are_those_of_the_command_line() -> None:
    prepare = composed().prepare
    assert instantiate(prepare.cut) == Cut()
    assert instantiate(prepare.simulation) == Simulation()
