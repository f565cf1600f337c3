"""A sweep's networks asked together, as export asks them, say what each says alone."""

import numpy as np
import torch

from raphe.tasks.celltype.ensemble.bundle_runtime import EnsembleGraph
from raphe.tasks.celltype.ensemble.candidates import Candidate, CandidatePredictions
from raphe.tasks.celltype.ensemble.onnx_graph import ensemble_graph
from raphe.tasks.celltype.network.ensemble_forward import EnsembleForward
from raphe.tasks.celltype.network.net import CellTypeNet


def test_asked_together_they_say_what_each_says_alone_and_the_graph_says() -> None:
    torch.manual_seed(0)
    nets = [CellTypeNet(kernel).eval() for kernel in (1, 6, 7, 20, 31)]
    current, cell = 40 * torch.randn(300, 160), torch.arange(300) * 7 % 11
    label = cell % 2
    batches = list(zip(current.split(128), label.split(128), cell.split(128), strict=True))
    together = CandidatePredictions.of(EnsembleForward(nets), batches, "made-up")
    order = np.argsort(cell.numpy(), kind="stable")
    with torch.inference_mode():
        for net, probability in zip(nets, together.probability, strict=True):
            alone = net.class_probability(net(current))[order]
            np.testing.assert_allclose(probability, alone, rtol=0, atol=1e-6)
        published = EnsembleForward(nets, as_published=True)(current)
        for net, outputs in zip(nets, published, strict=True):
            np.testing.assert_allclose(outputs, net(current).sigmoid(), rtol=0, atol=1e-6)
    graph = EnsembleGraph(ensemble_graph(nets, [1] * len(nets)))
    of_graph = graph.predict(current.numpy()).members[:, order]
    np.testing.assert_allclose(together.probability, of_graph, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(together.cell, np.arange(11))
    np.testing.assert_array_equal(together.label, np.arange(11) % 2)
    assert together.n_spikes == 300


def test_a_network_with_a_weight_that_is_not_finite_has_diverged() -> None:
    net = CellTypeNet(3)
    candidate = Candidate("k=3", "run r", 3, net)
    assert not candidate.diverged
    with torch.no_grad():
        net.conv1.weight[0, 0, 0, 0] = float("inf")
    assert candidate.diverged
