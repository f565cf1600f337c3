"""Shapes, gaps and memory of the network that reads voltage and current."""

import subprocess
import sys

import pytest
import torch

from raphe.core.errors import SettingError
from raphe.tasks.glif.network.trace_encoder import EncoderSize, TraceEncoder, least_samples

SMALL = EncoderSize(filters=(4, 4, 4), units=5, heads=2, features=3)


def traces(n: int, samples: int, seed: int = 0) -> torch.Tensor:
    torch.manual_seed(seed)
    voltage, current = torch.randn(2, n, samples)
    return torch.stack([-70 + 5 * voltage, 100 * current], dim=1)


def test_each_trace_has_its_features() -> None:
    torch.manual_seed(0)
    net, x = TraceEncoder(SMALL).eval(), traces(3, 2000)
    together = net(x)
    assert together.shape == (3, 3)
    for row in range(3):
        torch.testing.assert_close(together[row : row + 1], net(x[row : row + 1]))


def test_every_stretch_of_a_trace_is_seen() -> None:
    """Unlike the last states: a change anywhere, of voltage or current, changes the features."""
    torch.manual_seed(0)
    net, x = TraceEncoder(SMALL).eval(), traces(1, 10_000).requires_grad_()
    net(x).square().sum().backward()
    seen = x.grad[0, :, :9900].abs().unflatten(1, (99, 100)).sum(dim=2)  # (2, 99)
    assert (seen > 1e-3 * seen.median()).all()


def test_dead_time_is_not_zero_voltage() -> None:
    torch.manual_seed(0)
    net, x = TraceEncoder(SMALL).eval(), traces(1, 2000)
    gap = x.clone()
    gap[0, 0, 500:600] = torch.nan
    filled = x.clone()
    filled[0, 0, 500:600] = -65.0
    assert torch.isfinite(net(gap)).all()
    assert (net(gap) - net(filled)).abs().max() > 1e-4
    gap[0, 0] = torch.nan  # a neuron that has stopped
    assert torch.isfinite(net(gap)).all()


def test_the_shortest_trace_leaves_one_step() -> None:
    net, n = TraceEncoder(SMALL), least_samples()
    assert net(traces(1, n)).shape == (1, 3)
    with pytest.raises(SettingError, match=rf"of {n} samples or more, got \(1, 2, {n - 1}\)"):
        net(traces(1, n - 1))
    with pytest.raises(SettingError, match=r"got \(4, 2000\)"):
        net(torch.zeros(4, 2000))
    bad = traces(1, 2000)
    bad[0, 1, 7] = torch.nan
    with pytest.raises(SettingError, match="current: expected finite samples in pA, got NaN"):
        net(bad)
    with pytest.raises(SettingError, match=r"filters=.*: expected 3 whole numbers"):
        EncoderSize(filters=(4, 4))


STEP = """
import resource, torch
from raphe.tasks.glif.network.trace_encoder import TraceEncoder
torch.set_num_threads(1)
net = TraceEncoder()
optimizer = torch.optim.Adam(net.parameters())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for _ in range(2):
    x = torch.randn(64, 2, 50_000)
    net(x).square().mean().backward()
    optimizer.step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
def test_batches_of_64_train_on_50000_samples_within_2_gb() -> None:
    done = subprocess.run([sys.executable, "-c", STEP], capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 < 2e9  # ru_maxrss counts kB on Linux
