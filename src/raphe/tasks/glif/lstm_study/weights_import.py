"""The published weights of the "LSTM GLIF" study (NumPy, no pickle) as a checkpoint."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from raphe.core.errors import RapheError
from raphe.core.files.checkpoint import write_checkpoint
from raphe.core.recordings.arrays import load_arrays
from raphe.tasks.glif.lstm_study.module import LstmGlifModule

LAYERS = {"encode_lstm": "lstm", "model_param": "readout"}  # the study's name: ours


class LstmGlifFileError(RapheError):
    """A file holds no weights of the study's network."""


def import_lstm_glif(file: Path, checkpoint: Path) -> Path:
    """Write a checkpoint that LstmGlifModule.load_from_checkpoint reads, and return its path.

    Raises:
        LstmGlifFileError: as read_lstm_glif.
    """
    module = LstmGlifModule("lstm_published")
    module.net.load_state_dict(read_lstm_glif(file))
    return write_checkpoint(module, checkpoint)


def read_lstm_glif(path: Path) -> dict[str, Tensor]:
    """Return the weights of an LstmPublished that computes what the study's network did.

    Raises:
        LstmGlifFileError: the file is no .npz, or holds another network; it names what differs.
    """
    path = Path(path)
    arrays = {
        name: array.astype(np.float32)
        for name, array in load_arrays(path, LstmGlifFileError).items()
        if array.dtype.kind == "f"
    }
    expected = LstmGlifModule("lstm_published").net.state_dict()
    state: dict[str, Tensor] = {}
    for name, tensor in expected.items():
        theirs = _their_name(name)
        if theirs not in arrays or arrays[theirs].shape != tuple(tensor.shape):
            got = arrays[theirs].shape if theirs in arrays else "none"
            raise LstmGlifFileError(
                f"{path}: {theirs}: expected shape {tuple(tensor.shape)}, got {got}"
            )
        if not np.isfinite(arrays[theirs]).all():
            raise LstmGlifFileError(f"{path}: {theirs}: some weights are NaN or infinite")
        state[name] = torch.from_numpy(arrays[theirs])
    return state


def _their_name(name: str) -> str:
    layer, _, rest = name.partition(".")
    (theirs,) = (key for key, ours in LAYERS.items() if ours == layer)
    return f"{theirs}.{rest}"
