"""The authors' saved Keras models as weights of a CellTypeNet.

A .keras file is a zip of config.json (the layers), metadata.json (the version) and model.weights.h5
(the weights, numbered within each layer). Keras names the groups of the weights by the layers' kind
and a counter, not by the layers' names, and versions count differently: 2.12 to 2.14 file them
under `_layer_checkpoint_dependencies` and skip numbers, 2.15 and 3 file them under `layers`. So the
layers of one kind are told apart by the order of their counters.
"""

import io
import json
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import Tensor

from raphe.core.errors import RapheError
from raphe.tasks.celltype.network.net import NORM_EPSILON, POOL, pooled_samples

AGAIN = "copy it anew, or save it in Keras again"
ANOTHER = "the published network alone can be read"
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
LAYERS = (
    "LayerNormalization",
    "Conv2D",
    "MaxPooling2D",
    "Conv2D",
    "MaxPooling2D",
    "Flatten",
    "Dropout",
    "Dense",
)
VARIABLE = re.compile(
    r"(?:layers|_layer_checkpoint_dependencies)/(?P<kind>\w+?)(?:_(?P<count>\d+))?/vars/(?P<index>\d+)"
)


class KerasFileError(RapheError):
    """A file is not a saved Keras model, or not one of the published network."""


def read_keras(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the arguments of a CellTypeNet and its weights, in their shapes there.

    Raises:
        KerasFileError: if the file is no .keras zip, misses a part, or holds another network; it
            names the layer and the setting that differ.
    """
    path = Path(path)
    config, weights = _open(path)
    settings = _settings(path, config)
    return settings, _state(path, settings, weights)


def _open(path: Path) -> tuple[dict[str, Any], dict[tuple[str, int], list[np.ndarray]]]:
    """Return the model's config and its weights by kind of layer and place among that kind."""
    if not path.is_file():
        raise KerasFileError(f"{path}: expected a .keras file, found none; check the path")
    with path.open("rb") as file:
        if file.read(len(HDF5_SIGNATURE)) == HDF5_SIGNATURE:
            raise KerasFileError(
                f"{path}: an .h5 file of older Keras, expected a .keras file; open it in Keras "
                "and save it again with model.save('name.keras')"
            )
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
            weights = archive.read("model.weights.h5")
    except KeyError as error:
        raise KerasFileError(
            f"{path}: not a whole .keras file: {error.args[0]}; {AGAIN}"
        ) from error
    except (zipfile.BadZipFile, zlib.error, ValueError) as error:
        raise KerasFileError(f"{path}: expected a .keras file (a zip): {error}; {AGAIN}") from error
    try:
        return config, _weights(weights)
    except Exception as error:  # damage shows in h5py as one of many kinds
        raise KerasFileError(
            f"{path}: model.weights.h5 cannot be read: {error}; {AGAIN}"
        ) from error


def _weights(content: bytes) -> dict[tuple[str, int], list[np.ndarray]]:
    variables_of: dict[tuple[str, int], dict[int, np.ndarray]] = {}

    def collect(name: str, item: h5py.Group | h5py.Dataset) -> None:
        match = VARIABLE.fullmatch(name.replace("\\", "/"))  # Keras 2 on Windows
        if match and isinstance(item, h5py.Dataset):
            layer = (match["kind"], int(match["count"] or 0))
            variables_of.setdefault(layer, {})[int(match["index"])] = item[()]

    with h5py.File(io.BytesIO(content), "r") as file:
        file.visititems(collect)
    placed: dict[tuple[str, int], list[np.ndarray]] = {}
    for kind, count in sorted(variables_of):
        place = sum(other == kind for other, _ in placed)
        variables = variables_of[kind, count]
        placed[kind, place] = [variables[index] for index in sorted(variables)]
    return placed


def _settings(path: Path, config: dict[str, Any]) -> dict[str, Any]:
    """Check the layers against the published ones; return what is free to differ."""
    try:
        layers = [(layer["class_name"], layer["config"]) for layer in config["config"]["layers"]]
    except (KeyError, TypeError) as error:
        raise KerasFileError(f"{path}: config.json lists no layers; {AGAIN}") from error
    shape = None
    if layers and layers[0][0] == "InputLayer":
        first = layers.pop(0)[1]
        shape = first.get("batch_shape") or first.get("batch_input_shape")
    kinds = tuple(kind for kind, _ in layers)
    if kinds != LAYERS:
        raise KerasFileError(
            f"{path}: expected the layers {', '.join(LAYERS)}; got {', '.join(kinds)}; {ANOTHER}"
        )
    configs = [layer_config for _, layer_config in layers]
    configs[0] = {"rms_scaling": False} | configs[0]  # a setting that Keras 2 does not have
    norm, conv1, _, conv2, _, _, dropout, _ = configs
    shape = shape or norm.get("batch_input_shape")
    if not shape or len(shape) != 4 or shape[2] not in (1, 2) or shape[3] != 1:
        raise KerasFileError(
            f"{path}: expected input of shape (None, 160, 2, 1), got {shape}; {ANOTHER}"
        )
    kernel = conv1.get("kernel_size", [None])[0]
    published = _published(kernel, columns=shape[2])
    for layer_config, (name, expected) in zip(configs, published.items(), strict=True):
        _compare(path, name, layer_config, expected)
    return {
        "kernel": kernel,
        "columns": shape[2],
        "filters": (conv1["filters"], conv2["filters"]),
        "dropout": dropout["rate"],
        "n_samples": shape[1],
    }


def _published(kernel: int, columns: int) -> dict[str, dict[str, Any]]:
    """Return each layer's settings that decide what the network computes, as Keras writes them."""
    conv = {
        "kernel_size": [kernel, 1],
        "strides": [1, 1],
        "padding": "valid",
        "dilation_rate": [1, 1],
        "groups": 1,
        "activation": "relu",
        "use_bias": True,
        "data_format": "channels_last",
    }
    pool = {"padding": "valid", "data_format": "channels_last"}
    return {
        "layer normalisation": {
            "axis": [1],
            "epsilon": NORM_EPSILON,
            "center": True,
            "scale": True,
            "rms_scaling": False,
        },
        "first convolution": conv,
        "first pooling": pool | {"pool_size": [POOL, 1], "strides": [POOL, 1]},
        "second convolution": conv,
        "second pooling": pool | {"pool_size": [POOL, columns], "strides": [POOL, columns]},
        "flatten": {"data_format": "channels_last"},
        "dropout": {},
        "dense layer": {"units": 2, "activation": "sigmoid", "use_bias": True},
    }


def _compare(path: Path, name: str, layer: dict[str, Any], expected: dict[str, Any]) -> None:
    for setting, value in expected.items():
        got = layer.get(setting)
        if isinstance(value, list) and isinstance(got, int):
            got = [got] * len(value)  # Keras writes 1 for (1, 1)
        if got != value:
            raise KerasFileError(
                f"{path}: {name}: expected {setting} {value}, got {got}; {ANOTHER}"
            )


def _state(
    path: Path, settings: dict[str, Any], weights: dict[tuple[str, int], list[np.ndarray]]
) -> dict[str, Tensor]:
    """Return the weights in the order of torch, each checked for its shape."""
    n_samples, kernel, (f1, f2) = settings["n_samples"], settings["kernel"], settings["filters"]
    positions = pooled_samples(n_samples, kernel)
    expected = {
        ("layer_normalization", 0): ("norm", [(n_samples,), (n_samples,)]),
        ("conv2d", 0): ("conv1", [(kernel, 1, 1, f1), (f1,)]),
        ("conv2d", 1): ("conv2", [(kernel, 1, f1, f2), (f2,)]),
        ("dense", 0): ("dense", [(positions * f2, 2), (2,)]),
    }
    state = {}
    for key, (name, shapes) in expected.items():
        arrays = weights.get(key, [])
        if (got := [array.shape for array in arrays]) != shapes:
            raise KerasFileError(
                f"{path}: weights of {name}: expected shapes {shapes}, got {got}; {AGAIN}"
            )
        if not all(np.isfinite(array).all() for array in arrays):
            raise KerasFileError(
                f"{path}: weights of {name}: some are NaN or infinite; leave it out"
            )
        weight, bias = (array.astype(np.float32) for array in arrays)
        state[f"{name}.weight"], state[f"{name}.bias"] = weight, bias
    for name in ("conv1", "conv2"):  # (k, 1, in, out) → (out, in, 1, k)
        state[f"{name}.weight"] = state[f"{name}.weight"].transpose(3, 2, 1, 0)
    # Keras flattens position by position, torch filter by filter.
    dense = state["dense.weight"].reshape(positions, f2, 2)
    state["dense.weight"] = dense.transpose(2, 1, 0).reshape(2, f2 * positions)
    return {name: torch.from_numpy(array.copy()) for name, array in state.items()}
