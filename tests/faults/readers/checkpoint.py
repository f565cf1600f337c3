"""Checkpoints of runs, as a tracking server may give them: weights alone, or refused."""

from collections.abc import Sequence
from pathlib import Path

import torch

from faults.reader import Reader
from raphe.core.errors import SettingError
from raphe.core.files.checkpoint import require_weights


def seeds(folder: Path) -> Sequence[Path]:
    file = folder / "model.ckpt"
    weights = {"layer.weight": torch.arange(12.0).reshape(3, 4), "layer.bias": torch.zeros(3)}
    torch.save({"state_dict": weights, "hyper_parameters": {"kernel": 3}, "epoch": 1}, file)
    return (file,)


def read(path: Path) -> int:
    require_weights(path, str(path))
    return path.stat().st_size


READER = Reader(".ckpt", seeds, read, (SettingError,))
