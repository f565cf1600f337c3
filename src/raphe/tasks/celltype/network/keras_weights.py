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
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import Tensor

from raphe.core.errors import RapheError
from raphe.core.sentences import printable
from raphe.tasks.celltype.network.kernel_size import POOL, pooled_samples
from raphe.tasks.celltype.network.net import NORM_EPSILON

AGAIN = "copy it anew, or save it in Keras again"
LARGEST_PART = 100 * 2**20  # bytes, unpacked; the published networks have 0.2 MB
LARGEST_CONFIG = 10 * 2**20
MOST_SAMPLES, MOST_FILTERS = 2**14, 2**12
LONGEST_REASON = 200
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
            config = json.loads(_part(path, archive, "config.json", LARGEST_CONFIG))
            weights = _part(path, archive, "model.weights.h5", LARGEST_PART)
    except KerasFileError:
        raise
    except Exception as error:  # damage shows in a zip as one of many kinds
        raise KerasFileError(
            f"{path}: expected a .keras file (a zip): {_words(error)}; {AGAIN}"
        ) from error
    try:
        return config, _weights(weights)
    except Exception as error:  # and in h5py
        raise KerasFileError(
            f"{path}: model.weights.h5 cannot be read: {_words(error)}; {AGAIN}"
        ) from error


def _part(path: Path, archive: zipfile.ZipFile, name: str, largest: int) -> bytes:
    """Unpack one file of the zip, whatever size the zip says it has."""
    if name not in archive.namelist():
        raise KerasFileError(f"{path}: not a whole .keras file, it holds no {name}; {AGAIN}")
    with archive.open(name) as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise KerasFileError(
            f"{path}: {name} unpacks to more than {largest // 2**20} MB, as no published network's "
            f"does; {ANOTHER}"
        )
    return content


def _words(error: Exception) -> str:
    return _shown(" ".join(str(error).split())) or "it is damaged"


def _weights(content: bytes) -> dict[tuple[str, int], list[np.ndarray]]:
    variables_of: dict[tuple[str, int], dict[int, np.ndarray]] = {}

    def collect(name: str, item: h5py.Group | h5py.Dataset) -> None:
        match = VARIABLE.fullmatch(name.replace("\\", "/"))  # Keras 2 on Windows
        if match and isinstance(item, h5py.Dataset):
            layer = (match["kind"], int(match["count"] or 0))
            if item.nbytes > LARGEST_PART or item.external or item.is_virtual:
                raise ValueError(f"{name} is larger than {LARGEST_PART // 2**20} MB, or elsewhere")
            variables_of.setdefault(layer, {})[int(match["index"])] = item[()]

    with h5py.File(io.BytesIO(content), "r") as file:
        file.visititems(collect)  # which follows no link, to another file neither
    placed: dict[tuple[str, int], list[np.ndarray]] = {}
    for kind, count in sorted(variables_of):
        place = sum(other == kind for other, _ in placed)
        variables = variables_of[kind, count]
        placed[kind, place] = [variables[index] for index in sorted(variables)]
    return placed


def _settings(path: Path, config: dict[str, Any]) -> dict[str, Any]:
    """Check the layers against the published ones; return what is free to differ."""
    layers = _layers(path, config)
    shape = None
    if layers and layers[0][0] == "InputLayer":
        first = layers.pop(0)[1]
        shape = first.get("batch_shape") or first.get("batch_input_shape")
    kinds = tuple(kind for kind, _ in layers)
    if kinds != LAYERS:
        raise KerasFileError(
            f"{path}: expected the layers {', '.join(LAYERS)}; got "
            f"{_shown(', '.join(kinds)) or 'none'}; {ANOTHER}"
        )
    configs = [layer_config for _, layer_config in layers]
    configs[0] = {"rms_scaling": False} | configs[0]  # a setting that Keras 2 does not have
    norm, conv1, _, conv2, _, _, dropout, _ = configs
    n_samples, columns = _input(path, shape or norm.get("batch_input_shape"))
    kernel = conv1.get("kernel_size")
    kernel = kernel[0] if isinstance(kernel, list) and kernel else kernel
    n_kernel = _whole(path, "first convolution: kernel_size", kernel, n_samples)
    settings = {
        "kernel": n_kernel,
        "columns": columns,
        "filters": (
            _whole(path, "first convolution: filters", conv1.get("filters"), MOST_FILTERS),
            _whole(path, "second convolution: filters", conv2.get("filters"), MOST_FILTERS),
        ),
        "dropout": _rate(path, dropout.get("rate")),
        "n_samples": n_samples,
    }
    published = _published(n_kernel, columns)
    for layer_config, (name, expected) in zip(configs, published.items(), strict=True):
        _compare(path, name, layer_config, expected)
    if pooled_samples(n_samples, n_kernel) < 1:
        raise KerasFileError(
            f"{path}: nothing is left of {n_samples} samples after convolutions of "
            f"{n_kernel}; {ANOTHER}"
        )
    return settings


def _layers(path: Path, config: Any) -> list[tuple[str, dict[str, Any]]]:
    try:
        layers = [(layer["class_name"], layer["config"]) for layer in config["config"]["layers"]]
    except (KeyError, TypeError) as error:
        raise KerasFileError(f"{path}: config.json lists no layers; {AGAIN}") from error
    if not all(isinstance(kind, str) and isinstance(config, dict) for kind, config in layers):
        raise KerasFileError(f"{path}: config.json lists layers that are none; {AGAIN}")
    return layers


def _input(path: Path, shape: Any) -> tuple[int, int]:
    """Samples and columns of the input."""
    is_shape = isinstance(shape, list) and len(shape) == 4
    if not is_shape or shape[2] not in (1, 2) or shape[3] != 1:
        raise KerasFileError(
            f"{path}: expected input of shape (None, 160, 2, 1), got {_shown(shape)}; {ANOTHER}"
        )
    return _whole(path, "input: samples", shape[1], MOST_SAMPLES), int(shape[2])


def _whole(path: Path, what: str, value: Any, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise KerasFileError(
            f"{path}: {what}: expected a whole number from 1 to {most}, got {_shown(value)}; "
            f"{ANOTHER}"
        )
    return value


def _rate(path: Path, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
        raise KerasFileError(
            f"{path}: dropout: expected a rate from 0 to below 1, got {_shown(value)}; {ANOTHER}"
        )
    return value


def _shown(value: Any) -> str:
    return printable(value)[:LONGEST_REASON]


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
                f"{path}: {name}: expected {setting} {value}, got {_shown(got)}; {ANOTHER}"
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
        if not all(array.dtype.kind == "f" and np.isfinite(array).all() for array in arrays):
            raise KerasFileError(
                f"{path}: weights of {name}: some are NaN, infinite or no numbers; leave it out"
            )
        weight, bias = (array.astype(np.float32) for array in arrays)
        state[f"{name}.weight"], state[f"{name}.bias"] = weight, bias
    for name in ("conv1", "conv2"):  # (k, 1, in, out) → (out, in, 1, k)
        state[f"{name}.weight"] = state[f"{name}.weight"].transpose(3, 2, 1, 0)
    # Keras flattens position by position, torch filter by filter.
    dense = state["dense.weight"].reshape(positions, f2, 2)
    state["dense.weight"] = dense.transpose(2, 1, 0).reshape(2, f2 * positions)
    return {name: torch.from_numpy(array.copy()) for name, array in state.items()}
