"""The ONNX graph gives what torch gives."""

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from raphe.core.bundles.onnx_graph import OPSET
from raphe.tasks.celltype.ensemble.bundle_runtime import (
    INPUT,
    OUTPUTS,
    SPIKES_AT_ONCE,
    EnsembleGraph,
)
from raphe.tasks.celltype.ensemble.onnx_graph import ensemble_graph
from raphe.tasks.celltype.network.net import CellTypeNet


def trained(seed: int, **settings: int) -> CellTypeNet:
    """A network all of whose weights, the layer norm's too, are away from where they start."""
    torch.manual_seed(seed)
    net = CellTypeNet(**settings).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return net


def windows(n: int, n_samples: int = 160) -> np.ndarray:
    """Noise of many sizes on many baselines, and the flat trace."""
    rng = np.random.default_rng(0)
    scale = rng.choice([0.01, 1, 50, 3000], (n, 1))
    baseline = scale * rng.choice([0, -4, 20], (n, 1))
    current_pa = (rng.normal(size=(n, n_samples)) * scale + baseline).astype(np.float32)
    current_pa[0] = 0
    return current_pa


def by_torch(nets: Sequence[nn.Module], x: torch.Tensor) -> np.ndarray:
    with torch.inference_mode():
        return np.stack([net.class_probability(net(x)).numpy() for net in nets])


@pytest.mark.parametrize("columns", [1, 2])
def test_every_published_kernel_agrees_with_torch(columns: int) -> None:
    nets = [trained(k, kernel=k, columns=columns) for k in range(1, 33)]
    current_pa = windows(40)
    probabilities = EnsembleGraph(ensemble_graph(nets, [1] * 32), threads=1).predict(current_pa)
    expected = by_torch(nets, torch.from_numpy(current_pa))
    assert expected.min() < 0.1 and expected.max() > 0.9  # they do say something
    np.testing.assert_allclose(probabilities.members, expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(probabilities.ensemble, expected.mean(axis=0), rtol=0, atol=1e-5)


def test_a_baseline_a_thousand_times_the_spike_loses_nothing() -> None:
    nets = [trained(k, kernel=k) for k in (1, 20, 32)]
    rng = np.random.default_rng(0)
    current_pa = (10_000 + 10 * rng.normal(size=(30, 160))).astype(np.float32)
    probabilities = EnsembleGraph(ensemble_graph(nets, [1] * 3), threads=1).predict(current_pa)
    exact = by_torch([net.double() for net in nets], torch.from_numpy(current_pa).double())
    np.testing.assert_allclose(probabilities.members, exact, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("n_samples", "n_classes"), [(16, 2), (61, 3), (97, 5)])
def test_other_windows_and_classes_agree_with_torch(n_samples: int, n_classes: int) -> None:
    nets = [trained(k, kernel=k, n_samples=n_samples, n_classes=n_classes) for k in (1, 3, 5)]
    current_pa = windows(20, n_samples)
    probabilities = EnsembleGraph(ensemble_graph(nets, [1, 1, 1]), threads=1).predict(current_pa)
    expected = by_torch(nets, torch.from_numpy(current_pa))
    np.testing.assert_allclose(probabilities.members, expected, rtol=0, atol=1e-5)


def test_a_member_counts_by_its_weight() -> None:
    nets = [trained(k, kernel=k, n_samples=16) for k in (1, 2)]
    probabilities = EnsembleGraph(ensemble_graph(nets, [3, 1]), threads=1).predict(windows(5, 16))
    expected = 0.75 * probabilities.members[0] + 0.25 * probabilities.members[1]
    np.testing.assert_allclose(probabilities.ensemble, expected, atol=1e-6)


@pytest.mark.parametrize("n", [0, 1, SPIKES_AT_ONCE, SPIKES_AT_ONCE + 1])
def test_blocks_make_no_difference(n: int) -> None:
    graph = EnsembleGraph(ensemble_graph([trained(0, kernel=2, n_samples=16)], [1]), threads=1)
    current_pa = windows(max(n, 1), 16)[:n]
    probabilities = graph.predict(current_pa)
    assert probabilities.ensemble.shape == (n, 2) and probabilities.members.shape == (1, n, 2)
    for row in (0, n - 1)[: min(n, 2)]:
        alone = graph.predict(current_pa[row : row + 1]).ensemble[0]
        np.testing.assert_allclose(probabilities.ensemble[row], alone, atol=1e-6)


def test_the_file_states_its_opset_and_names() -> None:
    model = onnx.load_from_string(ensemble_graph([trained(0, kernel=20)], [1]))
    assert [value.version for value in model.opset_import] == [OPSET]
    assert [value.name for value in model.graph.input] == [INPUT]
    assert tuple(value.name for value in model.graph.output) == OUTPUTS
