"""Checkpoints that are replaced whole or not at all, wherever temporary files lie."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO


def write_checkpoint(checkpoint: Mapping[str, Any], path: Path) -> None:
    beside = path.with_name(f".{path.name}")
    torch.save(checkpoint, beside)
    beside.replace(path)


class AtomicCheckpointIO(TorchCheckpointIO):
    """Lightning's own writes to the system's temporary folder, from which a move may be a copy."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        write_checkpoint(checkpoint, Path(path))
