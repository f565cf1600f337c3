"""Grad-CAM and integrated gradients against captum's, and against what hiding a part does.

The network is written here once more, of torch's own layers in the order in which Keras has them.
"""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients, LayerGradCam
from torch import Tensor, nn
from torch.nn import functional

from paths import OWN_DATA
from raphe.tasks.celltype.network.evidence import IG_STEPS, Explainer, standardise
from raphe.tasks.celltype.network.keras_weights import read_keras
from raphe.tasks.celltype.network.net import NORM_EPSILON, CellTypeNet

KERAS = OWN_DATA / "keras"
SPAN = 8  # samples that are hidden at once


class Layers(nn.Module):
    """From standardised current (N, T) to logits (N, C)."""

    def __init__(self, net: CellTypeNet) -> None:
        super().__init__()
        self.net, self.last = net, nn.ReLU()  # of the last convolution, of the current's column

    def forward(self, standardised: Tensor) -> Tensor:
        net = self.net
        features = self.column(standardised, self.last)
        if net.columns == 2:
            time = functional.layer_norm(net.time_s[None], (net.n_samples,), eps=NORM_EPSILON)
            features = torch.maximum(features, self.column(time, functional.relu))
        # Once more, which changes nothing but where both columns are 0: there no gradient passes.
        return net.dense(functional.relu(features).flatten(1))

    def column(self, x: Tensor, last: Callable[[Tensor], Tensor]) -> Tensor:
        x = (x * self.net.norm.weight + self.net.norm.bias)[:, None, None]  # (N, 1, 1, T)
        x = functional.max_pool2d(functional.relu(self.net.conv1(x)), (1, 2))
        return functional.max_pool2d(last(self.net.conv2(x)), (1, 2))


def published(name: str) -> CellTypeNet:
    settings, state = read_keras(KERAS / f"{name}.keras")
    net = CellTypeNet(**settings)
    net.load_state_dict(state)
    return net


def of_one_column(kernel: int) -> CellTypeNet:
    torch.manual_seed(kernel)
    net = CellTypeNet(kernel, columns=1)
    for parameter in net.parameters():  # not only the defaults: zeros hide a bias left out
        parameter.data += 0.05 * torch.randn_like(parameter)
    return net


NETWORKS = {
    "published k = 20": lambda: published("ModConvBinNormN20"),
    "published k = 5": lambda: published("ModConvBinNormN5"),
    "current alone, k = 1": lambda: of_one_column(1),
    "current alone, k = 7": lambda: of_one_column(7),
}


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> Layers:
    return Layers(NETWORKS[request.param]().double().eval())


@pytest.fixture
def explainer(network: Layers) -> Explainer:
    state = {name: value.numpy() for name, value in network.net.state_dict().items()}
    return Explainer.from_state(state, network.net.columns, rate_hz=40_000.0)


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    """Spikes that Keras was tested on: float32 (16, 160)."""
    return np.load(KERAS / "inputs.npy")[::8, :, 1]


def seen_by_places(network: Layers) -> np.ndarray:
    """The middle of the samples that each place of the last convolution sees: float64 (L₂,)."""
    net = network.net
    x = torch.zeros(1, net.n_samples, dtype=torch.float64, requires_grad=True)
    # Sums in place of maxima, and weights of 1: whatever is seen has a gradient.
    ones = torch.ones(1, 1, net.conv1.kernel_size[1], dtype=torch.float64)
    places = functional.conv1d(functional.avg_pool1d(functional.conv1d(x[None], ones), 2), ones)
    middles = []
    for place in places[0, 0]:
        (gradient,) = torch.autograd.grad(place, x, retain_graph=True)
        middles.append(np.flatnonzero(gradient[0].numpy()).mean())
    return np.array(middles)


def test_the_layers_are_the_network(network: Layers, windows: np.ndarray) -> None:
    with torch.no_grad():
        expected = network.net(torch.from_numpy(windows).double()).numpy()
        logits = network(torch.from_numpy(standardise(windows))).numpy()
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("label", [0, 1])
def test_grad_cam_is_captum_s(
    network: Layers, explainer: Explainer, windows: np.ndarray, label: int
) -> None:
    cam = LayerGradCam(network, network.last).attribute(
        torch.from_numpy(standardise(windows)), target=label, relu_attributions=True
    )
    places = cam.detach().numpy()[:, 0, 0]  # (N, L₂)
    top = places.max(axis=1, keepdims=True)
    assert (top > 0).any()
    places = places / np.where(top > 0, top, 1)
    samples, middle = np.arange(windows.shape[1]), seen_by_places(network)
    expected = [np.interp(samples, middle, row) for row in places]
    np.testing.assert_allclose(explainer.grad_cam(windows, label), expected, rtol=0, atol=1e-6)


def test_integrated_gradients_are_captum_s(
    network: Layers, explainer: Explainer, windows: np.ndarray
) -> None:
    some = windows[:2]
    expected = IntegratedGradients(network).attribute(
        torch.from_numpy(standardise(some)), target=1, n_steps=IG_STEPS, method="riemann_middle"
    )
    attributions = explainer.integrated_gradients(some, 1)
    np.testing.assert_allclose(attributions, expected.detach().numpy(), rtol=0, atol=1e-6)


def test_what_the_gradients_add_is_what_hiding_a_part_takes_away(windows: np.ndarray) -> None:
    """Occlusion knows no gradient: a part set to the flat trace, the logit that is lost."""
    net = published("ModConvBinNormN5").double().eval()
    network, standardised = Layers(net), torch.from_numpy(standardise(windows))
    state = {key: value.numpy() for key, value in net.state_dict().items()}
    explainer = Explainer.from_state(state, net.columns, rate_hz=40_000.0)
    lost = []
    with torch.no_grad():
        whole = network(standardised)[:, 0]
        for start in range(0, windows.shape[1], SPAN):
            hidden = standardised.clone()
            hidden[:, start : start + SPAN] = 0
            lost.append((whole - network(hidden)[:, 0]).numpy())
    added = explainer.integrated_gradients(windows, 0).reshape(len(windows), -1, SPAN).sum(axis=2)
    assert np.corrcoef(np.ravel(np.transpose(lost)), added.ravel())[0, 1] > 0.98
    size = np.abs(added).mean()
    assert np.abs(np.transpose(lost) - added).mean() < 0.25 * size
