"""Explanations against torch's own derivatives of the same network."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from raphe.tasks.celltype.network.evidence import Explainer, standardise
from raphe.tasks.celltype.network.net import CellTypeNet

LABEL = 0


@pytest.fixture(scope="module")
def windows():
    rng = np.random.default_rng(3)
    time = np.arange(160)
    spike = -80 * np.exp(-(((time - 42) / 4) ** 2)) + 30 * np.exp(-(((time - 60) / 15) ** 2))
    return (spike + rng.normal(0, 5, (6, 160))).astype(np.float32)


def random_net(kernel, columns):
    torch.manual_seed(kernel)
    net = CellTypeNet(kernel, columns=columns).double().eval()
    for parameter in net.parameters():  # not only the defaults: zeros hide a bias left out
        parameter.data += 0.05 * torch.randn_like(parameter)
    return net


def explainer_of(net, columns):
    state = {name: value.numpy() for name, value in net.state_dict().items()}
    return Explainer.from_state(state, columns, rate_hz=40_000.0)


@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize("kernel", [1, 2, 7, 20, 32])
def test_logits_are_the_networks(windows, kernel, columns):
    net = random_net(kernel, columns)
    with torch.no_grad():
        expected = (net(torch.from_numpy(windows).double()) - net.dense.bias).numpy()
    logits = explainer_of(net, columns).logits(standardise(windows))
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize("kernel", [1, 2, 7, 20, 32])
def test_the_gradient_is_autograds(windows, kernel, columns, monkeypatch):
    net = random_net(kernel, columns)
    standardised = standardise(windows)
    normed = torch.from_numpy(standardised).requires_grad_()
    layer_norm = functional.layer_norm

    def of_the_ramp_alone(column, *args, **kwargs):  # the time column is one more row
        spikes, ramp = column.tensor_split([len(windows)])
        return torch.cat([spikes, layer_norm(ramp, *args, **kwargs)])

    monkeypatch.setattr(functional, "layer_norm", of_the_ramp_alone)
    net(normed)[:, LABEL].sum().backward()
    gradient = explainer_of(net, columns)._gradient(standardised, LABEL)
    np.testing.assert_allclose(gradient, normed.grad.numpy(), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("kernel", [1, 2, 7, 20, 30])
def test_attributions_sum_to_the_logit_over_a_flat_trace(windows, kernel):
    explainer = explainer_of(random_net(kernel, 2), 2)
    flat = explainer.logits(np.zeros((1, 160)))[:, LABEL]
    gained = explainer.logits(standardise(windows))[:, LABEL] - flat
    attributions = explainer.integrated_gradients(windows, LABEL)
    assert (
        np.abs(attributions.sum(axis=1) - gained) < 0.01 * np.abs(attributions).sum(axis=1)
    ).all()


@pytest.mark.parametrize("kernel", range(1, 33))
def test_grad_cam_is_finite_for_every_kernel(windows, kernel):
    explainer = explainer_of(random_net(kernel, 2), 2)
    for label in (0, 1):
        cam = explainer.grad_cam(np.concatenate([windows, np.zeros((1, 160))]), label)
        assert cam.shape == (7, 160)
        assert np.isfinite(cam).all()
        assert cam.min() >= 0
        assert cam.max() <= 1


def test_a_class_without_evidence_has_a_map_of_zeros(windows):
    net = random_net(20, 2)
    net.dense.weight.data[LABEL] = -net.dense.weight.data[LABEL].abs()
    cam = explainer_of(net, 2).grad_cam(windows, LABEL)
    np.testing.assert_array_equal(cam, 0)


@pytest.mark.parametrize("kernel", [1, 8, 20])
def test_grad_cam_points_at_the_moment_that_decides(kernel):
    """A network that sees nothing but the trough: one filter, a weight on one place."""
    net = CellTypeNet(kernel, columns=1, filters=(1, 1)).double()
    for parameter in net.parameters():
        parameter.data.zero_()
    net.norm.weight.data.fill_(1)
    net.conv1.weight.data.fill_(-1 / kernel)
    net.conv2.weight.data.fill_(1 / kernel)
    net.dense.weight.data[LABEL] = 1
    trough = 90
    window = np.zeros((1, 160))
    window[0, trough - 1 : trough + 2] = -50
    cam = explainer_of(net, 1).grad_cam(window, LABEL)[0]
    middle = (cam * np.arange(160)).sum() / cam.sum()
    assert middle == pytest.approx(trough, abs=1.5)
