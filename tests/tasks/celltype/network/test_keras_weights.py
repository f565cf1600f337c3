"""Saved Keras models as weights, and what is no such model.

tests/data/keras holds three models, trained and saved in Keras 2.15 and 3.15, one input and the
outputs of each. Keras itself is not needed.
"""

import io
import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from paths import OWN_DATA
from raphe.tasks.celltype.network.keras_weights import KerasFileError, read_keras
from raphe.tasks.celltype.training.module import CellTypeModule

FOLDER = OWN_DATA / "keras"
MODELS = {"ModConvBinNormN5": 5, "ModConvBinNormN20": 20, "ModConvBinNormN20-keras3": 20}
K20 = FOLDER / "ModConvBinNormN20.keras"


def parts(path: Path) -> tuple[dict, bytes]:
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("config.json")), archive.read("model.weights.h5")


def save(path: Path, config: dict, weights: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", weights)
    return path


@pytest.mark.parametrize(("name", "kernel"), MODELS.items())
def test_settings_come_from_the_file(name, kernel):
    settings, state = read_keras(FOLDER / f"{name}.keras")
    assert settings == {
        "kernel": kernel,
        "columns": 2,
        "filters": (32, 64),
        "dropout": 0.5,
        "n_samples": 160,
    }
    assert {name: tuple(value.shape) for name, value in state.items()} == {
        name: tuple(value.shape) for name, value in CellTypeModule(kernel).net.state_dict().items()
    }


@pytest.mark.parametrize("separator", ["/", "\\"])
def test_older_layout_of_the_weights(tmp_path, separator):
    """Keras 2.12 to 2.14 counted each layer twice and filed it under another name."""
    config, weights = parts(K20)
    renamed = {"conv2d_1": "conv2d_2"}
    content = io.BytesIO()
    with h5py.File(io.BytesIO(weights)) as old, h5py.File(content, "w") as new:
        for name in ("layer_normalization", "conv2d", "conv2d_1", "dense"):
            for index in "01":
                path = ("_layer_checkpoint_dependencies", renamed.get(name, name), "vars", index)
                new[separator.join(path)] = old["layers"][name]["vars"][index][()]
    older = save(tmp_path / "older.keras", config, content.getvalue())
    for name, value in read_keras(K20)[1].items():
        torch.testing.assert_close(read_keras(older)[1][name], value, rtol=0, atol=0)


def altered(tmp_path: Path, layer: int, **changes) -> Path:
    config, weights = parts(K20)
    config["config"]["layers"][layer]["config"].update(changes)
    return save(tmp_path / "altered.keras", config, weights)


@pytest.mark.parametrize(
    ("layer", "changes", "message"),
    [
        (0, {"batch_input_shape": [None, 160, 3, 1]}, r"input of shape .* got \[None, 160, 3, 1\]"),
        (1, {"axis": [2]}, r"layer normalisation: expected axis \[1\], got \[2\]"),
        (1, {"epsilon": 1e-5}, "layer normalisation: expected epsilon 0.001, got 1e-05"),
        (1, {"rms_scaling": True}, "layer normalisation: expected rms_scaling False, got True"),
        (2, {"activation": "tanh"}, "first convolution: expected activation relu, got tanh"),
        (2, {"filters": 16}, r"weights of conv1: expected shapes \[\(20, 1, 1, 16\)"),
        (3, {"pool_size": [3, 1]}, r"first pooling: expected pool_size \[2, 1\], got \[3, 1\]"),
        (4, {"kernel_size": [7, 1]}, r"second convolution: expected kernel_size \[20, 1\]"),
        (4, {"padding": "same"}, "second convolution: expected padding valid, got same"),
        (5, {"strides": [2, 1]}, r"second pooling: expected strides \[2, 2\], got \[2, 1\]"),
        (8, {"activation": "softmax"}, "dense layer: expected activation sigmoid, got softmax"),
        (8, {"units": 3}, "dense layer: expected units 2, got 3"),
    ],
)
def test_another_architecture_is_named(tmp_path, layer, changes, message):
    with pytest.raises(KerasFileError, match=message):
        read_keras(altered(tmp_path, layer, **changes))


def test_another_order_of_layers_is_named(tmp_path):
    config, weights = parts(K20)
    del config["config"]["layers"][3]
    with pytest.raises(KerasFileError, match="got LayerNormalization, Conv2D, Conv2D"):
        read_keras(save(tmp_path / "short.keras", config, weights))


def test_weights_that_are_not_numbers(tmp_path):
    config, weights = parts(K20)
    content = io.BytesIO(weights)
    with h5py.File(content, "r+") as file:
        file["layers/dense/vars/1"][0] = np.nan
    with pytest.raises(KerasFileError, match="weights of dense: some are NaN"):
        read_keras(save(tmp_path / "nan.keras", config, content.getvalue()))


def test_missing_layer_in_the_weights(tmp_path):
    config, weights = parts(K20)
    content = io.BytesIO(weights)
    with h5py.File(content, "r+") as file:
        del file["layers/conv2d_1"]
    with pytest.raises(KerasFileError, match=r"weights of conv2: expected shapes .* got \[\]"):
        read_keras(save(tmp_path / "part.keras", config, content.getvalue()))


def test_missing_member(tmp_path):
    path = tmp_path / "part.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(KerasFileError, match=r"model\.weights\.h5"):
        read_keras(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not a zip", "expected a .keras file"),
        (b"", "expected a .keras file"),
        (K20.read_bytes()[:-1000], "expected a .keras file"),
    ],
)
def test_not_a_zip(tmp_path, content, message):
    path = tmp_path / "model.keras"
    path.write_bytes(content)
    with pytest.raises(KerasFileError, match=message):
        read_keras(path)


def test_damaged_weights(tmp_path):
    config, weights = parts(K20)
    with pytest.raises(KerasFileError, match=r"model\.weights\.h5 cannot be read"):
        read_keras(save(tmp_path / "cut.keras", config, weights[: len(weights) // 2]))


def test_h5_of_older_keras_names_the_remedy(tmp_path):
    path = tmp_path / "model.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = "{}"
    with pytest.raises(KerasFileError, match=r"model\.save\('name\.keras'\)"):
        read_keras(path)
