import pytest
import torch

from raphe.core.errors import SettingError
from raphe.tasks.units.network.unit_net import UnitNet


def test_a_missing_branch_adds_nothing() -> None:
    torch.manual_seed(0)
    net = UnitNet(3, (4, 0, 2), 5).eval()
    x = torch.randn(7, 6)
    alone = x.clone()
    alone[:, 4:] = torch.nan
    assert net(x).shape == (3, 7, 5)
    other = net.branches[1]
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.normal_()
    before = net(alone)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.normal_()
    torch.testing.assert_close(net(alone), before)
    assert not torch.allclose(net(x), before)


def test_members_do_not_know_each_other() -> None:
    torch.manual_seed(0)
    net = UnitNet(2, (4, 3, 2), 2).eval()
    x = torch.randn(6, 9)
    net(x)[0].sum().backward()
    for parameter in net.parameters():
        assert parameter.grad is None or not parameter.grad[1].any()


def test_a_branch_always_stays_in_training() -> None:
    net = UnitNet(50, (4, 3, 2), 2, branch_dropout=0.9)
    kept = net.kept(torch.ones(50, 40, 3, dtype=torch.bool))
    assert kept.any(dim=2).all() and 0 < kept.mean() < 1


def test_a_size_that_cannot_be_is_refused() -> None:
    with pytest.raises(SettingError, match=r"model\.hidden=0"):
        UnitNet(1, (4, 0, 0), 2, hidden=0)
