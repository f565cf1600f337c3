"""Elephant's published weights (Keras 2.0 HDF5) as weights of an ElephantNet.

The layers' names count through a session and differ from file to file: they are taken by order.
"""

from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor

from raphe.core.errors import RapheError
from raphe.tasks.calcium.elephant.network import DENSE, FILTERS, KERNELS, STEPS

# Layers with weights, in their order: (name here, shapes of kernel and bias as Keras writes them).
LAYERS = (
    ("conv1", [(KERNELS[0], 1, FILTERS[0]), (FILTERS[0],)]),
    ("conv2", [(KERNELS[1], FILTERS[0], FILTERS[1]), (FILTERS[1],)]),
    ("conv3", [(KERNELS[2], FILTERS[1], FILTERS[2]), (FILTERS[2],)]),
    ("dense", [(FILTERS[2], DENSE), (DENSE,)]),
    ("readout", [(STEPS * DENSE, 1), (1,)]),
)


class ElephantFileError(RapheError):
    """A file holds no Keras weights, or those of another network."""


def read_elephant(path: Path) -> dict[str, Tensor]:
    """Return the weights of an ElephantNet that computes what the Keras network did.

    Raises:
        ElephantFileError: if the file is no HDF5 of Keras weights, or of another network; it names
            the layer and the shape that differ.
    """
    path = Path(path)
    if not path.is_file():
        raise ElephantFileError(f"{path}: expected a file of Keras weights (.h5), found none")
    try:
        with h5py.File(path, "r") as file:
            layers = [_arrays(file[name]) for name in file.attrs["layer_names"]]
    except (OSError, KeyError) as error:
        raise ElephantFileError(
            f"{path}: expected weights saved by Keras' save_weights: {error}"
        ) from error
    layers = [arrays for arrays in layers if arrays]  # poolings have none
    if len(layers) != len(LAYERS):
        raise ElephantFileError(
            f"{path}: expected {len(LAYERS)} layers with weights, got {len(layers)}"
        )
    state = {}
    for (name, shapes), arrays in zip(LAYERS, layers, strict=True):
        if (got := [array.shape for array in arrays]) != shapes:
            raise ElephantFileError(f"{path}: {name}: expected shapes {shapes}, got {got}")
        if not all(np.isfinite(array).all() for array in arrays):
            raise ElephantFileError(f"{path}: {name}: some weights are NaN or infinite")
        kernel, bias = arrays
        # (tap, in, out) → (out, in, tap); (in, out) → (out, in)
        state[f"{name}.weight"] = torch.from_numpy(np.ascontiguousarray(kernel.T))
        state[f"{name}.bias"] = torch.from_numpy(bias)
    return state


def _arrays(layer: h5py.Group) -> list[np.ndarray]:
    return [layer[name][()].astype(np.float32) for name in layer.attrs["weight_names"]]
