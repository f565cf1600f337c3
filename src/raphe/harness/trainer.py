"""Lightning's trainer as the harness wants it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.plugins.io import TorchCheckpointIO

from raphe.core.errors import SettingError
from raphe.core.files.checkpoint import write_state
from raphe.harness.settings.composed import MATMUL_PRECISIONS


class AtomicCheckpointIO(TorchCheckpointIO):
    """Checkpoints that are there whole, the new one or the one before."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        write_state(checkpoint, path)


def build_trainer(config: DictConfig, work: Path, callbacks: Sequence[Callback]) -> pl.Trainer:
    """The configured trainer; what it writes by itself goes to `work`."""
    return instantiate(
        config.trainer,
        logger=False,
        default_root_dir=str(work),
        enable_progress_bar=False,
        plugins=[AtomicCheckpointIO()],
        callbacks=list(callbacks),
    )


def gpu_trainer(float32_matmul_precision: str, **settings: Any) -> pl.Trainer:
    """A trainer whose float32 products are as precise as torch.set_float32_matmul_precision says.

    That covers convolutions too: "highest" is float32, "high" TF32. Raises SettingError.
    """
    if float32_matmul_precision not in MATMUL_PRECISIONS:
        raise SettingError(
            f"trainer.float32_matmul_precision={float32_matmul_precision}: expected "
            f"{' or '.join(MATMUL_PRECISIONS)}"
        )
    torch.set_float32_matmul_precision(float32_matmul_precision)
    torch.backends.cudnn.allow_tf32 = float32_matmul_precision != "highest"
    return pl.Trainer(**settings)
