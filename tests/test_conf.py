"""Every file of conf/ composes, and every task builds from it."""

import inspect

import pytest
from hydra import compose, initialize_config_dir
from hydra.types import RunMode
from hydra.utils import get_method, instantiate
from omegaconf import DictConfig, OmegaConf

from paths import CONF
from raphe.core.statistics.splits import part_sizes
from raphe.harness.export import OWN
from raphe.tasks.celltype.network.kernel_size import largest_kernel
from raphe.tasks.celltype.spikes.cut_settings import Cut
from raphe.tasks.celltype.synthetic.simulated_recordings import Simulation
from raphe.tasks.celltype.training.keras_adam import KerasAdam

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


@pytest.mark.parametrize("override", [f"debug={name}" for name in DEBUGS])
def test_each_debug_set_up_composes(override: str) -> None:
    config = composed(override)
    OmegaConf.resolve(config)
    assert not OmegaConf.missing_keys(config)


def multirun(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", list(overrides), return_hydra_config=True)


# What the first lines of each say that it does.
PUBLISHED = {
    "data.split": "spike",
    "data.batch_size": 64,
    "trainer.max_epochs": 25,
    "callbacks.patience": None,
    "callbacks.keep": "last",
    "model.columns": 2,
    "model.dropout": 0.5,
    "model.optimizer._target_": "raphe.tasks.celltype.training.keras_adam.KerasAdam",
}
CLAIMS = {
    "calcium_distilled": {
        "tracking.experiment": "calcium_distilled",
        "data.teacher.bundle": "ensemble",
        "data.held_out": "none",
        "model.members": 1,
        "trainer.max_epochs": 40,
    },
    "calcium_folds": {
        "tracking.experiment": "calcium",
        "hydra.mode": RunMode.MULTIRUN,
        "sweep.by": "dataset",
        "evaluate.compare": True,
    },
    "calcium_ground_truth": {
        "tracking.experiment": "calcium_ground_truth",
        "data.held_out": "none",
        "trainer.max_epochs": 55,
    },
    "calcium_synthetic": {
        "tracking.experiment": "calcium",
        "data.held_out": "none",
        "trainer.max_epochs": 40,
        "callbacks.patience": None,
        "callbacks.keep": "last",
    },
    "celltypes": {
        "tracking.experiment": "celltypes",
        "hydra.mode": RunMode.MULTIRUN,
        "data.split": "animal",
        "data.folds": "all",
        "data.weigh": "classes",
        "sweep.summarise.baselines": True,
        "model.columns": 1,
    },
    "cross_validation": {
        "hydra.mode": RunMode.MULTIRUN,
        "data.split": "cell",
        "data.folds": 5,
        "sweep.summarise.members": "best",
    },
    "elephant_published": {
        "tracking.experiment": "elephant",
        "data.consecutive": 1,
        "trainer.max_epochs": 15,
        "callbacks.patience": None,
        "callbacks.keep": "last",
    },
    "elephant_retrain": {
        "data.consecutive": 1,
        "trainer.max_epochs": 5,
        "callbacks.patience": None,
        "callbacks.keep": "last",
    },
    "k_sweep": {
        "hydra.mode": RunMode.MULTIRUN,
        "hydra.sweeper.params": {"model.kernel": "range(1,33)"},
    },
    "leak_free": {"data.split": "day"},
    "lstm_glif_published": {
        "prepare.study.rate_hz": 200_000.0,
        "data.batch_size": 1,
        "data.shuffle": False,
        "trainer.max_epochs": 3,
        "callbacks.patience": None,
        "callbacks.keep": "last",
    },
    "paper": PUBLISHED,
    "paper_balanced": PUBLISHED | {"data.per_class": 13_554},
    "paper_synthetic": PUBLISHED
    | {
        "hydra.mode": RunMode.MULTIRUN,
        "hydra.sweeper.params": {"model.kernel": "range(20,32)"},
        "data.sessions.n_spikes": 63_450,
        "data.sessions.parents": "all",
        "trainer.max_epochs": 200 * 25,
    },
    "units_benchmark": {
        "tracking.experiment": "units_benchmark",
        "data.split": "given",
        "evaluate.simple": True,
        "evaluate.shuffles": 20,
        "callbacks.keep": "last",
    },
}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_each_experiment_composes_and_does_what_it_says(name: str) -> None:
    config = multirun(f"experiment={name}")
    values = {key: OmegaConf.select(config, key) for key in CLAIMS[name]}
    assert values == CLAIMS[name]
    task = OmegaConf.masked_copy(config, [key for key in config if key != "hydra"])
    OmegaConf.resolve(task)
    assert not OmegaConf.missing_keys(task)


def test_the_published_optimiser_and_parts_are_the_published_ones() -> None:
    config = composed("experiment=paper")
    assert list(config.data.fractions) == [0.70, 0.15, 0.15]
    optimizer = instantiate(config.model).configure_optimizers()
    assert isinstance(optimizer, KerasAdam)
    assert (optimizer.defaults["lr"], optimizer.defaults["eps"]) == (1e-3, 1e-7)


def test_the_published_sessions_train_on_what_was_published() -> None:
    data = composed("experiment=paper_synthetic").data
    n_train, _, _ = part_sizes(data.sessions.n_spikes, data.sessions.fractions)
    assert n_train == 44_415
    assert round(200 * data.sessions.n_spikes / 1e6, 1) == 12.7


def test_the_windows_of_units_are_spanned_as_said() -> None:
    kernel = composed("experiment=celltypes").model.kernel
    assert kernel / 40_000 == 0.2e-3
    assert largest_kernel(57) == 18


def test_the_settings_of_cut_and_simulation_are_those_of_the_command_line() -> None:
    prepare = composed().prepare
    assert instantiate(prepare.cut) == Cut()
    assert instantiate(prepare.simulation) == Simulation()
