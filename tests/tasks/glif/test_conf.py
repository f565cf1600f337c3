"""The task's settings, and the study's where they must be."""

import pytest
from hydra import compose, initialize_config_dir
from hydra.errors import MissingConfigException
from hydra.utils import instantiate
from omegaconf import DictConfig

from paths import CONF
from raphe.tasks.glif.lstm_study.study import Study


def composed(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", list(overrides))


def test_the_published_set_up_is_the_published_one() -> None:
    config = composed("experiment=lstm_glif_published")
    assert instantiate(config.prepare.study) == Study()
    assert (config.data.batch_size, config.data.shuffle) == (1, False)
    assert (config.trainer.max_epochs, config.callbacks.keep) == (3, "last")
    assert config.callbacks.patience is None and config.model.net == "lstm_published"
    optimizer = instantiate(config.model).configure_optimizers()
    assert type(optimizer).__name__ == "Adam" and optimizer.defaults["lr"] == 0.01


def test_the_task_is_the_study_in_small() -> None:
    study = instantiate(composed("task=lstm_glif").prepare.study)
    assert study.n_train < 1000 and study.simulated / study.rate_hz == 0.26
    assert (study.sweeps, study.rheobase_a) == (Study().sweeps, Study().rheobase_a)


def test_the_posterior_is_the_plain_task() -> None:
    config = composed("task=glif")
    assert config.model._target_.endswith("training.module.PosteriorModule")
    assert config.tracking.experiment == "glif" and config.prepare.level == 1
    with pytest.raises(MissingConfigException):
        composed("experiment=glif_posterior")
