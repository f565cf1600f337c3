"""The trainer for a GPU, as far as it can be built without one."""

import pytest
import torch

from raphe.core.errors import SettingError
from raphe.harness.trainer import gpu_trainer

SETTINGS = {"accelerator": "cpu", "logger": False, "enable_checkpointing": False}


@pytest.fixture(autouse=True)
def as_before():
    kept = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    yield
    torch.set_float32_matmul_precision(kept[0])
    torch.backends.cudnn.allow_tf32 = kept[1]


@pytest.mark.parametrize(("precision", "tf32"), [("highest", False), ("high", True)])
def test_products_and_convolutions_have_the_precision_asked_for(precision: str, tf32: bool) -> None:
    gpu_trainer(precision, **SETTINGS, enable_progress_bar=False)
    assert torch.get_float32_matmul_precision() == precision
    assert torch.backends.cudnn.allow_tf32 is tf32


def test_another_precision_is_told() -> None:
    with pytest.raises(SettingError, match=r"matmul_precision=tf32: expected highest or high"):
        gpu_trainer("tf32", **SETTINGS)
