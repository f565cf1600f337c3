"""The single-recording network: layers without weight sharing, as written out in NumPy."""

import numpy as np
import pytest
import torch

from raphe.tasks.calcium.elephant.single_network import LocallyConnected, SingleNet


@pytest.fixture(scope="module")
def network() -> SingleNet:
    torch.manual_seed(0)
    return SingleNet().eval()


def local(x: np.ndarray, layer: LocallyConnected) -> np.ndarray:
    """Each place (taps, channels) of x (T, C) through weights of its own."""
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    rows = []
    for place in range(len(weight)):
        start = place * layer.stride
        seen = x[start : start + layer.taps].ravel()  # tap by tap
        rows.append(np.maximum(seen @ weight[place] + bias[place, 0], 0))
    return np.stack(rows)


def written_out(network: SingleNet, window: np.ndarray) -> float:
    x = local(local(window[:, None], network.local1), network.local2)
    x = x.reshape(2, 2, 16).max(axis=1)
    dense, readout = network.dense, network.readout
    x = np.maximum(x @ dense.weight.detach().numpy().T + dense.bias.detach().numpy(), 0)
    return float(x.ravel() @ readout.weight.detach().numpy()[0] + readout.bias.item())


def test_layers_have_the_published_shapes(network: SingleNet) -> None:
    """35 × 32 × 32, 4 × 1024 × 16, 16 × 32 and 64 weights, and their biases."""
    counts = [sum(p.numel() for p in layer.parameters()) for layer in network.children()]
    assert counts == [35 * 33 * 32, 4 * 1025 * 16, 17 * 32, 65, 0]


def test_it_computes_what_is_written_out(network: SingleNet) -> None:
    windows = torch.randn(3, 100, generator=torch.Generator().manual_seed(1))
    expected = [written_out(network, window.numpy()) for window in windows]
    with torch.no_grad():
        np.testing.assert_allclose(network(windows)[:, 0], expected, atol=1e-5)


def test_a_whole_trace_is_its_windows_but_the_last(network: SingleNet) -> None:
    x = torch.randn(10_000)
    with torch.no_grad():
        expected = torch.cat([network(x[None, j : j + 100])[0] for j in (0, 1, 8192, 9899)])
    rate = network.infer(x)
    assert rate.shape == (9900,)
    torch.testing.assert_close(rate[[0, 1, 8192, 9899]], expected, atol=1e-6, rtol=0)


def test_half_is_dropped_in_training_alone(network: SingleNet) -> None:
    x = torch.randn(5, 100)
    assert torch.equal(network(x), network(x))
    learning = SingleNet().train()
    assert not torch.equal(learning(x), learning(x))
