"""The published weights give here what they gave in Keras, and the published scores."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from raphe.core.errors import SettingError
from raphe.tasks.calcium.elephant.bundle import ElephantBundle
from raphe.tasks.calcium.elephant.export import import_elephant
from raphe.tasks.calcium.elephant.module import ElephantModule
from raphe.tasks.calcium.elephant.network import ElephantNet
from raphe.tasks.calcium.elephant.weights_import import ElephantFileError, read_elephant
from raphe.tasks.calcium.metrics.scores import score
from raphe.tasks.calcium.recordings.read_traces import read_traces
from raphe.tasks.calcium.recordings.sampling import z_scored

SAMPLES = [32, 33, 34, 1032, 4031]
OUTPUTS = {  # of Keras itself for set 4, column 0, at SAMPLES
    1: [-0.216650, -0.201218, -0.188069, -0.215629, -0.280920],
    2: [-0.192930, -0.186462, -0.181055, -0.209476, -0.170257],
    3: [-0.184814, -0.189354, -0.189203, -0.309117, -0.271172],
    4: [-0.175201, -0.188734, -0.200111, -0.251681, -0.186649],
    5: [-0.268525, -0.262402, -0.258558, -0.267953, -0.234036],
}
SCORES = {  # sets 4, 5, 6
    "mean": [0.4666, 0.3984, 0.6782],
    1: [0.4590, 0.4047, 0.6780],
    2: [0.4285, 0.3584, 0.6562],
    3: [0.4580, 0.3847, 0.6594],
    4: [0.4792, 0.4078, 0.6823],
    5: [0.4631, 0.4069, 0.6734],
}
SHAPES = [(41, 1, 50), (21, 50, 60), None, (7, 60, 70), None, (70, 300), None, (4200, 1)]


def keras_file(path: Path, shapes: list[tuple[int, ...] | None] = SHAPES, seed: int = 0) -> Path:
    """Random weights as Keras 2.0's save_weights lays them out; a layer of None has none."""
    rng = np.random.default_rng(seed)
    with h5py.File(path, "w") as file:
        names = []
        for index, shape in enumerate(shapes):
            names.append(f"layer_{index}")
            layer = file.create_group(names[-1])
            layer.attrs["weight_names"] = np.array([], "S20")
            if shape is not None:
                weights = {"kernel:0": shape, "bias:0": shape[-1:]}
                layer.attrs["weight_names"] = [f"layer_{index}/{name}" for name in weights]
                for name, size in weights.items():
                    layer[f"layer_{index}/{name}"] = rng.normal(0, 0.1, size)
        file.attrs["layer_names"] = names
    return path


def published(path: Path, window: np.ndarray) -> float:
    """A window (128,) through the layers in Keras' own order of axes, in NumPy."""
    with h5py.File(path) as file:
        layers = [file[name] for name in file.attrs["layer_names"]]
        kernels = [
            [layer[name][()] for name in layer.attrs["weight_names"]]
            for layer in layers
            if len(layer.attrs["weight_names"])
        ]
    x = window[:, None]  # (time, channel)
    for index, (kernel, bias) in enumerate(kernels[:3]):
        taps = len(kernel)
        x = np.stack(
            [np.tensordot(x[t : t + taps], kernel, 2) + bias for t in range(len(x) - taps + 1)]
        )
        x = np.maximum(x, 0)
        if index:
            x = x.reshape(-1, 2, x.shape[1]).max(axis=1)
    x = np.maximum(x @ kernels[3][0] + kernels[3][1], 0)
    return float((x.reshape(-1) @ kernels[4][0] + kernels[4][1])[0])


def test_weights_keep_their_meaning(tmp_path: Path) -> None:
    path = keras_file(tmp_path / "model.h5")
    network = ElephantNet()
    network.load_state_dict(read_elephant(path))
    window = np.random.default_rng(1).normal(size=128)
    with torch.no_grad():
        ours = network(torch.from_numpy(window).float()[None]).item()
    assert ours == pytest.approx(published(path, window), rel=1e-4)


def test_training_begins_with_published_weights(tmp_path: Path) -> None:
    path = keras_file(tmp_path / "model.h5")
    state = ElephantModule(weights=path).net.state_dict()
    for name, weights in read_elephant(path).items():
        torch.testing.assert_close(state[name], weights, rtol=0, atol=0)
    with pytest.raises(SettingError, match=r"none\.ckpt: expected a checkpoint, found none"):
        ElephantModule(weights=tmp_path / "none.ckpt")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("weights")
    return [keras_file(folder / f"model{seed}.h5", seed=seed) for seed in (0, 1)]


@pytest.fixture(scope="module")
def bundle(files: list[Path]) -> Path:
    return import_elephant(files, files[0].with_name("bundle"))


def test_a_bundle_says_what_the_networks_do(bundle, files, monkeypatch) -> None:
    """Also in several pieces, and where there is nothing but a window."""
    opened = ElephantBundle.open(bundle)
    monkeypatch.setattr("raphe.tasks.calcium.elephant.bundle.CHUNK", 100)
    for n in (100, 128, 130, 777):
        trace = np.random.default_rng(n).normal(3.0, 2.0, n)
        shown = torch.tensor(z_scored(trace)[None]).float()
        told = []
        for file in files:
            network = ElephantNet()
            network.load_state_dict(read_elephant(file))
            told.append(network.infer(shown)[0].numpy())
        answer = opened.infer(trace)
        np.testing.assert_allclose(answer, np.mean(told, axis=0), rtol=0, atol=1e-4)
        assert (n <= 128) == (not answer.any())


def test_one_file_named_twice_is_refused(files, tmp_path: Path) -> None:
    with pytest.raises(ElephantFileError, match="expected different files of weights"):
        import_elephant([files[0], files[0]], tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (
            [*SHAPES[:-1], (4100, 1)],
            r"readout: expected shapes \[\(4200, 1\), .* got \[\(4100, 1\)",
        ),
        (SHAPES[:-1], "expected 5 layers with weights, got 4"),
    ],
)
def test_another_network_is_named(tmp_path: Path, shapes, message: str) -> None:
    with pytest.raises(ElephantFileError, match=message):
        read_elephant(keras_file(tmp_path / "model.h5", shapes))


def test_what_holds_no_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ElephantFileError, match="found none"):
        import_elephant([tmp_path / "absent.h5"], tmp_path / "bundle")
    path = tmp_path / "model.h5"
    path.write_bytes(b"not HDF5")
    with pytest.raises(ElephantFileError, match="expected weights saved by Keras' save_weights"):
        read_elephant(path)
    h5py.File(path, "w").close()
    with pytest.raises(ElephantFileError, match="expected weights saved by Keras' save_weights"):
        read_elephant(path)
    with h5py.File(keras_file(path), "a") as file:
        file["layer_0/layer_0/bias:0"][3] = np.nan
    with pytest.raises(ElephantFileError, match="conv1: some weights are NaN"):
        read_elephant(path)
    assert not (tmp_path / "bundle").exists()


@pytest.fixture(scope="module")
def answers(real_data) -> dict[int, list[list[np.ndarray]]]:
    """What each model says of each recording of the sets 4, 5, 6, and the spikes as model 0."""
    said: dict[int, list[list[np.ndarray]]] = {}
    for dataset in (4, 5, 6):
        calcium, spikes = (
            read_traces(real_data("spikefinder", f"{dataset}.train.{kind}.csv.gz"))
            for kind in ("calcium", "spikes")
        )
        traces = [trace[~np.isnan(trace)] for _, trace, *_ in calcium]
        said.setdefault(0, []).append([trace[~np.isnan(trace)] for _, trace, *_ in spikes])
        for model in OUTPUTS:
            network = _network(real_data, model)
            said.setdefault(model, []).append([_said(network, trace) for trace in traces])
    return said


def _network(real_data, model: int) -> ElephantNet:
    network = ElephantNet().eval()
    network.load_state_dict(read_elephant(real_data("elephant", f"model{model}.h5")))
    return network


def _said(network: ElephantNet, trace: np.ndarray) -> np.ndarray:
    return network.infer(torch.tensor(z_scored(trace)[None]).float())[0].numpy()


@pytest.mark.parametrize("model", OUTPUTS)
def test_outputs_are_those_of_keras(real_data, model: int) -> None:
    trace = next(iter(read_traces(real_data("spikefinder", "4.train.calcium.csv.gz"))))[1]
    answer = _said(_network(real_data, model), trace[~np.isnan(trace)])
    np.testing.assert_allclose(answer[SAMPLES], OUTPUTS[model], rtol=0, atol=1e-4)


@pytest.mark.ci
@pytest.mark.parametrize("model", SCORES)
def test_scores_are_the_published_ones(answers, model: int | str) -> None:
    models = OUTPUTS if model == "mean" else [model]
    for dataset, expected in enumerate(SCORES[model]):
        said = zip(*(answers[each][dataset] for each in models), strict=True)
        rates = [np.mean(recording, axis=0) for recording in said]
        pairs = zip(rates, answers[0][dataset], strict=True)
        correlations = [score([rate], [train])["correlation"] for rate, train in pairs]
        assert np.mean(correlations) == pytest.approx(expected, abs=2e-3)
