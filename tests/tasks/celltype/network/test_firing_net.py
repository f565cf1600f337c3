"""The network that looks at firing, beside the published one."""

import numpy as np
import pytest
import torch

from raphe.core.errors import SettingError
from raphe.tasks.celltype.ensemble.bundle_runtime import EnsembleGraph
from raphe.tasks.celltype.ensemble.onnx_graph import ensemble_graph
from raphe.tasks.celltype.features.firing_inputs import DIMS
from raphe.tasks.celltype.network.ensemble_forward import EnsembleForward
from raphe.tasks.celltype.network.firing_net import Firing, FiringNet
from raphe.tasks.celltype.network.net import CellTypeNet

WINDOW = {"kernel": 2, "filters": (4, 6), "n_samples": 16}


def firing_net(seed: int = 0, n_classes: int = 2) -> FiringNet:
    """All weights away from where they start, as after training."""
    torch.manual_seed(seed)
    net = FiringNet(Firing(), DIMS, **WINDOW, n_classes=n_classes)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += parameter.requires_grad * 0.3 * torch.randn_like(parameter)
        net.firing.mean.normal_()
        net.firing.scale.uniform_(0.5, 2)
    return net.eval()


def asked(n: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    """Spikes, and their cells' firing: known, of one branch, or not at all."""
    torch.manual_seed(1)
    current, firing = 30 * torch.randn(n, 16), 3 * torch.randn(n, sum(DIMS))
    firing[: n // 3] = torch.nan
    firing[n // 3 : n // 2, : DIMS[0]] = torch.nan
    firing[n // 2 : n // 2 + 2, DIMS[0] :] = torch.nan
    return current, firing


def test_without_firing_it_is_the_published_network() -> None:
    net = firing_net()
    published = CellTypeNet(**WINDOW).eval()
    published.load_state_dict(
        {name: value for name, value in net.state_dict().items() if not name.startswith("firing.")}
    )
    current, firing = asked()
    unknown = torch.full_like(firing, torch.nan)
    for given in (None, unknown):
        torch.testing.assert_close(net(current, firing=given), published(current), rtol=0, atol=0)
    seen = net(current, firing=firing) - published(current)
    assert (seen[:4] == 0).all() and (seen[4:].abs() > 1e-3).all()


def test_its_first_weights_are_those_of_the_published_network() -> None:
    torch.manual_seed(7)
    net = FiringNet(Firing(), DIMS, **WINDOW)
    torch.manual_seed(7)
    for name, value in CellTypeNet(**WINDOW).state_dict().items():
        assert torch.equal(net.state_dict()[name], value)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_ensemble_and_its_graph_give_what_each_network_gives(n_classes: int) -> None:
    torch.manual_seed(3)
    nets = [firing_net(1, n_classes), CellTypeNet(**WINDOW, n_classes=n_classes).eval()]
    nets.append(firing_net(2, n_classes))
    current, firing = asked()
    with torch.inference_mode():
        expected = torch.stack(
            [
                net.class_probability(
                    net(current, firing=firing) if isinstance(net, FiringNet) else net(current)
                )
                for net in nets
            ]
        )
    fast = EnsembleForward(nets)(current, firing)
    torch.testing.assert_close(fast, expected, rtol=0, atol=1e-5)
    graph = EnsembleGraph(ensemble_graph(nets, [1, 1, 1]))
    given = graph.predict(current.numpy(), firing.numpy()).members
    np.testing.assert_allclose(given, expected.numpy(), atol=1e-5)
    alone = EnsembleForward(nets)(current).numpy()
    np.testing.assert_allclose(graph.predict(current.numpy()).members, alone, atol=1e-5)
    assert np.abs(alone - given).max() > 0.01


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(SettingError, match=r"model\.firing\.hidden=0"):
        Firing(hidden=0)
