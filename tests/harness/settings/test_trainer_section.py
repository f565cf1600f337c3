"""What Lightning's trainer would not take is one sentence, before torch is loaded."""

from typing import Any, get_args

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from paths import CONF
from raphe.core.errors import SettingError
from raphe.harness.settings import composed
from raphe.harness.settings.signatures import trainer_arguments


def section(*overrides: str) -> Any:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", list(overrides)).trainer


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("trainer.precision=foo", "trainer.precision=foo: expected 16-mixed, "),
        ("trainer.devices=x", "trainer.devices=x: expected how many"),
        ("trainer.devices=0", "trainer.devices=0: expected how many"),
        ("trainer.devices=[]", "trainer.devices=[]: expected how many"),
        ("trainer.devices=true", "trainer.devices=True: expected how many"),
        ("trainer.accelerator=foo", "trainer.accelerator=foo: expected cpu, gpu,"),
        ("+trainer.foo=1", "trainer.foo: Lightning's trainer takes no such setting; leave"),
        ("+trainer.min_epoch=1", "did you mean trainer.min_epochs?"),
        ("+trainer.logger=true", "trainer.logger: is set by raphe itself"),
    ],
)
@pytest.mark.parametrize("trainer", ["cpu", "gpu"])
def test_what_lightning_would_not_take(trainer: str, given: str, message: str) -> None:
    with pytest.raises(SettingError) as refused:
        composed.check_trainer(section(f"trainer={trainer}", given))
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "given",
    [
        "trainer.devices=auto",
        "trainer.devices=-1",
        "trainer.devices=[0,1]",
        "trainer.precision=32",
        "trainer.precision=bf16-mixed",
        "trainer.accelerator=auto",
        "+trainer.min_epochs=3",
        "+trainer.gradient_clip_val=1",
    ],
)
@pytest.mark.parametrize("trainer", ["cpu", "gpu"])
def test_what_lightning_takes(trainer: str, given: str) -> None:
    composed.check_trainer(section(f"trainer={trainer}", given))


def test_a_trainer_of_the_users_own_may_take_what_it_likes() -> None:
    composed.check_trainer(OmegaConf.create({"_target_": "mine.Trainer", "speed": 3}))


def test_the_lists_are_lightnings() -> None:
    from lightning_fabric.connector import _PRECISION_INPUT_STR, _PRECISION_INPUT_STR_ALIAS
    from pytorch_lightning import Trainer
    from pytorch_lightning.accelerators import AcceleratorRegistry

    words = get_args(_PRECISION_INPUT_STR) + get_args(_PRECISION_INPUT_STR_ALIAS)
    assert set(composed.PRECISIONS + composed.SHORT_PRECISIONS) == set(words)
    assert set(AcceleratorRegistry.available_accelerators()) <= set(composed.ACCELERATORS)
    assert "min_epochs" in trainer_arguments("pytorch_lightning.Trainer")
    assert trainer_arguments("pytorch_lightning.Trainer") >= composed.GIVEN
    assert Trainer.__module__ == "pytorch_lightning.trainer.trainer"
