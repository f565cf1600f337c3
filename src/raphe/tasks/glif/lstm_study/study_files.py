"""The study's own files: its weights, its stimulus read off a figure, its losses."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from raphe.core.errors import SettingError
from raphe.core.files.checkpoint import load_module
from raphe.core.recordings.arrays import load_array, load_arrays
from raphe.tasks.glif.lstm_study.grid import UNITS, in_si
from raphe.tasks.glif.lstm_study.module import LstmGlifModule
from raphe.tasks.glif.lstm_study.network import LstmPublished
from raphe.tasks.glif.lstm_study.weights_import import read_lstm_glif
from raphe.tasks.glif.metrics.names import TARGETS

WEIGHTS, DIGITISED, LOSSES = (
    "weights.npz",
    "noise2_first_250ms_digitised.npz",
    "train_losses.npy",
)
RATE_HZ = 200_000.0


@dataclass(frozen=True)
class Digitised:
    """The recorded Noise 2 as the study feeds it, read off its figure; N samples at 200 kHz."""

    current_a: np.ndarray  # float64 (N,)
    voltage_v: np.ndarray  # (N,): AllenSDK's response of the fitted cell


@dataclass(frozen=True)
class StudyFiles:
    """What of the study a folder holds."""

    net: LstmPublished
    digitised: Digitised
    train_losses: np.ndarray  # (epochs,) mean of each


def read_study_files(folder: Path) -> StudyFiles:
    """Read the study's files. Raises RapheError naming the one that cannot be used."""
    net = LstmPublished()
    net.load_state_dict(read_lstm_glif(folder / WEIGHTS))
    losses = load_array(folder / LOSSES, SettingError)
    return StudyFiles(net.eval(), read_digitised(folder / DIGITISED), losses)


def read_digitised(path: Path) -> Digitised:
    """Read the digitised stimulus and the fitted cell's response. Raises SettingError."""
    arrays = load_arrays(path, SettingError)
    names = "stimulus_200kHz_A", "voltage_fitted_cell_V"
    if missing := [name for name in names if name not in arrays]:
        raise SettingError(
            f"{path}: expected the arrays {' and '.join(names)}, got no {missing[0]}"
        )
    return Digitised(*(arrays[name] for name in names))


def answer(checkpoint: Path, digitised: Digitised) -> list[str]:
    """What a checkpoint's network says of the fitted cell's response, a line for each target."""
    remedy = "name one that `raphe import lstm-glif` or a run wrote"
    module = load_module(LstmGlifModule, checkpoint, str(checkpoint), remedy).eval()
    voltage_mv = torch.from_numpy((1e3 * digitised.voltage_v).astype(np.float32))
    with torch.no_grad():
        scaled = module(voltage_mv[None])[0].numpy()
    return [
        f"{name:8} {value:.6g} {unit} (scaled: {raw:.6f})"
        for name, value, unit, raw in zip(TARGETS, in_si(scaled), UNITS, scaled, strict=True)
    ]
