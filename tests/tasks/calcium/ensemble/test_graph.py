"""The graph of a causal ensemble answers as torch does."""

import numpy as np
import pytest
import torch

from raphe.tasks.calcium.ensemble.bundle import RateGraph
from raphe.tasks.calcium.ensemble.graph import rate_graph
from raphe.tasks.calcium.features.network_input import NetworkInput
from raphe.tasks.calcium.network.rate_net import RateEnsemble


@pytest.mark.parametrize(("latency", "heads"), [(None, 1), (None, 2), (0, 1), (5, 1)])
def test_a_graph_answers_and_waits_as_its_networks_do(latency: int | None, heads: int) -> None:
    torch.manual_seed(0)
    ensemble = RateEnsemble(2, 8, (1, 2), latency, heads).eval()
    for member in ensemble.members:
        for block in member.blocks:
            torch.nn.init.normal_(block.adapt.weight, std=0.3)
    ensemble.gain[:] = torch.tensor([0.5, 2.0, 3.0, 0.2])[: 2 * heads]
    shown = NetworkInput(5 * torch.randn(1001).numpy(), np.array([-1.2], np.float32))
    expected = RateGraph(rate_graph(ensemble)).expected(shown)
    of_torch = ensemble.infer(*(torch.from_numpy(part)[None] for part in shown))[:, 0]
    np.testing.assert_allclose(expected, of_torch.numpy(), atol=1e-5, rtol=1e-4)
