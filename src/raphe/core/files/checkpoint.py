"""Weights that were not trained here, as a checkpoint that Lightning loads."""

from pathlib import Path

import pytorch_lightning as pl
import torch

from raphe.core.files.atomic import reporting


def write_checkpoint(module: pl.LightningModule, path: Path | str) -> Path:
    """Write what the module's `load_from_checkpoint` reads: whole, or not at all. Returns the path.

    Raises StoreError when the operating system refuses.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    with reporting(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(
            {
                "pytorch-lightning_version": pl.__version__,
                "epoch": 0,
                "global_step": 0,
                "state_dict": module.state_dict(),
                module.CHECKPOINT_HYPER_PARAMS_KEY: dict(module.hparams),
            },
            partial,
        )
        partial.replace(path)
    return path
