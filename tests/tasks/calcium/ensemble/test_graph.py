"""The graph of a causal ensemble answers as torch does."""

import numpy as np
import onnx
import pytest
import torch
import yaml

from raphe.core.bundles.bundle import check_bundle
from raphe.core.bundles.shipped import shipped_bundle
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
    ensemble.gain_power.fill_(0.4)
    shown = NetworkInput(5 * torch.randn(1001).numpy(), np.array([-1.2], np.float32))
    expected = RateGraph(rate_graph(ensemble)).expected(shown)
    of_torch = ensemble.infer(*(torch.from_numpy(part)[None] for part in shown))[:, 0]
    np.testing.assert_allclose(expected, of_torch.numpy(), atol=1e-5, rtol=1e-4)


def test_the_bundle_that_ships_has_the_graph_that_is_written_today() -> None:
    """A graph of an older order of operations answers the same, and a fifth slower."""
    bundle = check_bundle(shipped_bundle("calcium"))
    network = yaml.safe_load(bundle.file("config.yaml").read_text())["model"]
    ensemble = RateEnsemble(network["members"], network["channels"], network["dilations"])
    shipped = onnx.load_from_string(bundle.file("model.onnx").read_bytes())
    written = onnx.load_from_string(rate_graph(ensemble.eval()))
    kinds = [[node.op_type for node in model.graph.node] for model in (shipped, written)]
    assert kinds[0] == kinds[1]
