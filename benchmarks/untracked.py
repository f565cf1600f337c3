"""Training through Lightning with nothing beside it: no tracking, checkpoints, bars or messages."""

from typing import Any

import pytorch_lightning as pl

from raphe.harness.process import quieten


def untracked_trainer(**settings: Any) -> pl.Trainer:
    """A trainer on the CPU; `settings` are Lightning's own."""
    quieten()
    return pl.Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        **settings,
    )
