"""Checkpoints that Lightning loads, replaced whole or not at all."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from raphe.core.errors import SettingError
from raphe.core.files.atomic import make_folder, open_whole

TRAINING_STATE = {"epoch", "global_step", "state_dict", "optimizer_states"}


def write_checkpoint(module: pl.LightningModule, path: Path | str) -> Path:
    """Write weights that were not trained here, to be read by the module's `load_from_checkpoint`.

    Returns the path. Raises StoreError when the operating system refuses.
    """
    state = {
        "pytorch-lightning_version": pl.__version__,
        "epoch": 0,
        "global_step": 0,
        "state_dict": module.state_dict(),
        module.CHECKPOINT_HYPER_PARAMS_KEY: dict(module.hparams),
    }
    path = Path(path)
    make_folder(path.parent)
    return write_state(state, path)


def write_state(state: Mapping[str, Any], path: Path | str) -> Path:
    """Write the state of a training, as Lightning lays it out. Returns the path.

    Lightning's own writer uses the system's temporary folder, from which a move may be a copy.
    Raises StoreError when the operating system refuses.
    """
    with open_whole(path) as file:
        torch.save(state, file)
    return Path(path)


def training_fault(checkpoint: Path, weights: Mapping[str, torch.Tensor] | None = None) -> str:
    """Why training cannot go on from a checkpoint; "" where it can.

    Args:
        checkpoint: as Lightning or `write_state` wrote it, or whatever stands there.
        weights: of the model that is to go on, by name.
    """
    if not checkpoint.is_file():
        return "is not there"
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except Exception:  # of a file that was cut or is another's anything may come
        return "is cut, damaged or no checkpoint"
    if not isinstance(state, dict) or not state.keys() >= TRAINING_STATE:
        return "holds no whole state of a training"
    if weights is not None and _shapes(state["state_dict"]) != _shapes(weights):
        return "is of another network"
    return ""


def _shapes(weights: object) -> dict[str, tuple[int, ...]]:
    if not isinstance(weights, Mapping):
        return {}
    return {name: tuple(getattr(value, "shape", ())) for name, value in weights.items()}


def require_weights(checkpoint: Path, run: str) -> None:
    """Refuse a run's checkpoint that holds more than weights and plain values, or names code.

    Raises SettingError.
    """
    nothing_run = "nothing of it was run; leave that run out, or train it again"
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        settings = state.get("hyper_parameters", {})
        is_whole = isinstance(state["state_dict"], Mapping) and isinstance(settings, Mapping)
    except Exception:  # whatever a file of somebody else's holds
        is_whole, settings = False, {}
    if not is_whole:
        raise SettingError(f"{run}: its checkpoint is no file of weights alone; {nothing_run}")
    if code := [str(name) for name in settings if str(name).startswith("_")]:
        raise SettingError(f"{run}: its checkpoint names code ({code[0]}); {nothing_run}")
