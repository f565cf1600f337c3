"""The network: one window as published, and a whole trace exactly as its windows."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from raphe.core.errors import SettingError
from raphe.tasks.calcium.elephant import network as net
from raphe.tasks.calcium.elephant.network import CHUNK, ElephantNet


@pytest.fixture(scope="module")
def network() -> ElephantNet:
    torch.manual_seed(0)
    return ElephantNet().eval()


def published(network: ElephantNet, window: np.ndarray) -> float:
    """One window (128,) through the published layers, written out in NumPy."""
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    x = window[:, None]  # (time, channel)
    for name, pooled in (("conv1", False), ("conv2", True), ("conv3", True)):
        kernel, bias = state[f"{name}.weight"], state[f"{name}.bias"]  # (out, in, tap)
        taps = kernel.shape[2]
        x = np.stack([np.tensordot(kernel, x[t : t + taps].T) for t in range(len(x) - taps + 1)])
        x = np.maximum(x + bias, 0)
        if pooled:
            x = np.maximum(x[0::2], x[1::2])
    x = np.maximum(x @ state["dense.weight"].T + state["dense.bias"], 0)  # (14, 300)
    return float(x.ravel() @ state["readout.weight"][0] + state["readout.bias"][0])


def windows_of(x: torch.Tensor) -> torch.Tensor:
    return x.unfold(1, 128, 1)  # (N, T − 127, 128)


def test_it_has_the_published_number_of_parameters(network: ElephantNet) -> None:
    assert sum(parameter.numel() for parameter in network.parameters()) == 120_131


def test_weights_begin_as_in_keras() -> None:
    """Glorot's uniform limit √(6 / (in + out)), each counted with the kernel's taps."""
    fans = {
        "conv1": 41 * (1 + 50),
        "conv2": 21 * (50 + 60),
        "conv3": 7 * (60 + 70),
        "dense": 70 + 300,
        "readout": 4200 + 1,
    }
    for name, layer in ElephantNet().named_children():
        limit = np.sqrt(6 / fans[name])
        assert 0.97 * limit < layer.weight.abs().max() <= limit
        assert not layer.bias.any()


def test_one_window_is_the_published_computation(network: ElephantNet) -> None:
    windows = torch.randn(4, 128, generator=torch.Generator().manual_seed(1))
    expected = [published(network, window.numpy()) for window in windows]
    with torch.no_grad():
        np.testing.assert_allclose(network(windows)[:, 0], expected, atol=1e-5)


@settings(max_examples=15)
@given(n_traces=st.integers(1, 3), n_samples=st.integers(129, 200), seed=st.integers(0, 99))
def test_a_whole_trace_gives_what_its_windows_give(n_traces, n_samples, seed) -> None:
    torch.manual_seed(seed)
    network, x = ElephantNet(), torch.randn(n_traces, n_samples)
    with torch.no_grad():
        each = network(windows_of(x).reshape(-1, 128)).view(n_traces, -1)
        whole = network(x)
    assert whole.shape == (n_traces, n_samples - 127)
    torch.testing.assert_close(whole, each, atol=1e-5, rtol=0)


def test_gradients_of_a_stretch_are_those_of_its_windows(network: ElephantNet) -> None:
    x = torch.randn(2, 140)
    stretch = torch.autograd.grad(network(x).square().sum(), list(network.parameters()))
    windows = network(windows_of(x).reshape(-1, 128))
    for gradient, other in zip(
        stretch,
        torch.autograd.grad(windows.square().sum(), list(network.parameters())),
        strict=True,
    ):
        torch.testing.assert_close(gradient, other, atol=1e-5, rtol=1e-4)


def test_inference_joins_its_chunks_without_a_seam(network: ElephantNet, monkeypatch) -> None:
    x = torch.randn(2, 700)
    assert CHUNK > 700
    whole = network.infer(x)
    monkeypatch.setattr(net, "CHUNK", 97)
    torch.testing.assert_close(network.infer(x), whole, atol=1e-6, rtol=0)


def test_the_ends_are_0_as_in_the_original(network: ElephantNet) -> None:
    x = torch.randn(1, 400)
    rate = network.infer(x)[0]
    with torch.no_grad():
        inner = network(windows_of(x)[0])[:, 0]
    assert not rate[:32].any() and not rate[-96:].any()
    torch.testing.assert_close(rate[32:-96], inner[:-1], atol=1e-5, rtol=0)  # n − 128 windows


@pytest.mark.parametrize("n_samples", [1, 127, 128])
def test_a_trace_no_longer_than_a_window_has_no_rate(network: ElephantNet, n_samples: int) -> None:
    assert not network.infer(torch.randn(2, n_samples)).any()


@pytest.mark.parametrize("shape", [(128,), (2, 127), (2, 1, 128)])
def test_another_shape_is_refused(network: ElephantNet, shape: tuple[int, ...]) -> None:
    with pytest.raises(SettingError, match=r"takes calcium \(N, T\) of T ≥ 128 samples, got"):
        network(torch.zeros(shape))
