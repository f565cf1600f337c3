"""What a network must beat: the trace itself, deconvolution, and Elephant's published weights.

Each takes a conditioned trace (T,) at 100 Hz and gives a prediction (T,) in a unit of its own.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from scipy.signal import resample

from raphe.core.errors import SettingError
from raphe.core.extras import install
from raphe.tasks.calcium.elephant.network import ElephantNet
from raphe.tasks.calcium.elephant.weights_import import read_elephant
from raphe.tasks.calcium.features.spectrum import bandwidth_hz
from raphe.tasks.calcium.recordings.sampling import RATE_HZ, z_scored

Baseline = Callable[[np.ndarray], np.ndarray]
ELEPHANT = "Elephant"


def baselines(oasis: bool, elephant: Sequence[str | Path]) -> dict[str, Baseline]:
    """By name. Raises RapheError for a file of weights that is none, or without OASIS."""
    methods: dict[str, Baseline] = {"trace": lambda trace: np.asarray(trace, dtype=np.float64)}
    if oasis:
        methods["OASIS"] = deconvolution()
    if elephant:
        methods[ELEPHANT] = Elephant(elephant)
    return methods


def deconvolution() -> Baseline:
    """Non-negative deconvolution (Friedrich et al. 2017), everything estimated from the trace.

    Raises SettingError where the package is not installed.
    """
    try:
        from oasis.functions import deconvolve
    except ImportError:
        raise SettingError(
            "evaluate.oasis=true: expected the package oasis-deconv, found none; install it, "
            f"{install('oasis')}, or set evaluate.oasis=false"
        ) from None

    def spikes(trace: np.ndarray) -> np.ndarray:
        # At the frame rate: its model of the noise is white.
        n_frames = round(len(trace) / RATE_HZ * min(2 * bandwidth_hz(trace), RATE_HZ))
        frames = resample(np.asarray(trace, dtype=np.float64), n_frames)
        fired = np.asarray(deconvolve(frames, penalty=1).s)
        return np.interp(np.arange(len(trace)) * n_frames / len(trace), np.arange(n_frames), fired)

    return spikes


class Elephant:
    """The mean output of published weights, files of Keras (model1.h5 …)."""

    def __init__(self, files: Sequence[str | Path]) -> None:
        self.networks = []
        for file in files:
            network = ElephantNet()
            network.load_state_dict(read_elephant(Path(file)))
            self.networks.append(network)

    def __call__(self, trace: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(z_scored(trace).astype(np.float32))[None]
        return np.mean([network.infer(x)[0].numpy() for network in self.networks], axis=0)
