"""The task's settings are the defaults of what they build, and Elephant's where they must be."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from paths import CONF
from raphe import cli
from raphe.tasks.calcium.commands.trace_options import conditioning_of, trace_options
from raphe.tasks.calcium.elephant.focus import Focus
from raphe.tasks.calcium.recordings.conditioning import AS_IT_IS, Conditioning
from raphe.tasks.calcium.recordings.trace_set import TraceOptions
from raphe.tasks.calcium.synthetic.simulated_recordings import Simulation
from raphe.tasks.calcium.synthetic.synthesizer import Synthesis
from raphe.tasks.calcium.training.stretches import Augmentation


def composed(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", list(overrides))


@pytest.mark.parametrize("task", ["calcium", "elephant", "elephant_embedding"])
def test_the_settings_are_the_defaults_of_what_they_build(task: str) -> None:
    prepare = composed(f"task={task}").prepare
    assert instantiate(prepare.simulation) == Simulation()
    assert instantiate(prepare.files) == TraceOptions()
    assert instantiate(prepare.conditioning) == Conditioning()


def test_the_new_recordings_of_a_focus_are_conditioned_as_those_trained_on() -> None:
    assert instantiate(composed("task=elephant").data.focus) == Focus()
    focus = composed("task=elephant", "prepare.conditioning.baseline_s=20").data.focus
    assert instantiate(focus).conditioning == Conditioning(baseline_s=20.0)


def test_the_published_set_up_is_the_published_one() -> None:
    config = composed("experiment=elephant_published")
    assert (config.data.batch_size, config.data.consecutive) == (256, 1)
    assert (config.trainer.max_epochs, config.callbacks.keep) == (15, "last")
    assert config.callbacks.patience is None
    optimizer = instantiate(config.model).configure_optimizers()
    assert optimizer.defaults["lr"] == 0.01 and optimizer.defaults["eps"] == 1e-8
    assert optimizer.defaults["initial_accumulator_value"] == 0


def test_retraining_is_short_and_slow() -> None:
    config = composed("experiment=elephant_retrain")
    optimizer = instantiate(config.model).configure_optimizers()
    assert (config.trainer.max_epochs, optimizer.defaults["lr"]) == (5, 0.0033)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], Conditioning()),
        (["--baseline", "0"], Conditioning(baseline_s=None)),
        (["--baseline", "20"], Conditioning(baseline_s=20.0)),
        (["--as-it-is"], AS_IT_IS),
    ],
)
def test_the_command_line_conditions_alike(arguments: list[str], expected: Conditioning) -> None:
    options = cli.parse(["import", "traces", "in", "out", *arguments])
    assert conditioning_of(options, []) == expected
    assert trace_options(options) == TraceOptions()


def test_the_rate_network_s_task_says_what_its_classes_do() -> None:
    config = composed("task=calcium")
    synthesis, default = instantiate(config.data.synthesis), Synthesis()
    assert synthesis.kinds == default.kinds

    def drawn(ranges: Synthesis) -> dict[str, object]:
        return {
            name: tuple(value) if isinstance(value, Sequence) else value
            for name, value in vars(ranges).items()
            if value not in ranges.kinds
        }

    assert drawn(synthesis) == drawn(default)
    assert instantiate(config.data.augmentation) == Augmentation()
    assert instantiate(config.export.conditioning) == Conditioning()
    as_it_is = composed("task=calcium", "prepare.conditioning.baseline_s=null")
    assert instantiate(as_it_is.export.conditioning) == Conditioning(baseline_s=None)
    module = instantiate(config.model)
    assert module.configure_optimizers().defaults["lr"] == 3e-3
    assert config.data.pretrain_epochs < config.trainer.max_epochs


def test_synthetic_training_alone_ends_where_recordings_would_begin() -> None:
    config = composed("experiment=calcium_synthetic", "data.pretrain_epochs=7")
    assert config.trainer.max_epochs == config.data.pretrain_epochs == 7
    assert config.data.held_out == "none"


@pytest.mark.parametrize(
    "path",
    [path for task in ("calcium", "elephant") for path in CONF.glob(f"experiment/{task}_*.yaml")],
    ids=lambda path: path.stem,
)
def test_an_experiment_overrides_its_task_and_builds_nothing_else(path: Path) -> None:
    """What has data or a network of its own is a task."""
    settings = OmegaConf.load(path)
    (task,) = (entry["override /task"] for entry in settings.defaults if "override /task" in entry)
    assert (CONF / "task" / f"{task}.yaml").is_file()
    for section in ("prepare", "data", "model", "export"):
        assert "_target_" not in settings.get(section, {})
