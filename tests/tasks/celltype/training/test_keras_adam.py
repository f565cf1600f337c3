"""Adam against Keras' update written out in numpy, over restarts and in a bank's hands."""

import copy
import io
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from raphe.core.errors import SettingError
from raphe.tasks.celltype.network.net import CellTypeNet
from raphe.tasks.celltype.training.bank_ways import BankMember, Batched
from raphe.tasks.celltype.training.keras_adam import KerasAdam
from raphe.tasks.celltype.training.module import CellTypeModule, one_hot_loss

TORCH_ADAM = partial(torch.optim.Adam, lr=1e-3, eps=1e-7)
N_STEPS = 10


class Transcribed:
    """Adam.update_step of Keras 2.15 and 3, in float64."""

    def __init__(self, weights, lr=1e-3, beta_1=0.9, beta_2=0.999, eps=1e-7) -> None:
        self.weights = list(weights)
        self.lr, self.beta_1, self.beta_2, self.eps = lr, beta_1, beta_2, eps
        self.values = [weight.detach().double().numpy().copy() for weight in self.weights]
        self.m = [np.zeros_like(value) for value in self.values]
        self.v = [np.zeros_like(value) for value in self.values]
        self.iterations = 0

    def step(self) -> None:
        local_step = self.iterations + 1
        alpha = self.lr * np.sqrt(1 - self.beta_2**local_step) / (1 - self.beta_1**local_step)
        for weight, value, m, v in zip(self.weights, self.values, self.m, self.v, strict=True):
            gradient = weight.grad.double().numpy()
            m += (gradient - m) * (1 - self.beta_1)
            v += (np.square(gradient) - v) * (1 - self.beta_2)
            value -= m * alpha / (np.sqrt(v) + self.eps)
            with torch.no_grad():
                weight.copy_(torch.from_numpy(value))
        self.iterations += 1


def gradients() -> list[torch.Tensor]:
    """Of ten steps; from far below epsilon, where its place counts most, to far above."""
    rng = np.random.default_rng(0)
    return list(torch.tensor(rng.normal(size=(N_STEPS, 40)) * np.logspace(-10, 0, 40)))


def after(optimizer, weight: nn.Parameter, steps) -> torch.Tensor:
    for gradient in steps:
        weight.grad = gradient
        optimizer.step()
    return weight.detach()


def begun() -> nn.Parameter:
    return nn.Parameter(torch.linspace(-1, 1, 40, dtype=torch.float64))


def test_weights_are_keras_s_and_not_torch_s() -> None:
    moved = {
        factory: after(factory([weight := begun()]), weight, gradients())
        for factory in (Transcribed, KerasAdam, TORCH_ADAM)
    }
    torch.testing.assert_close(moved[KerasAdam], moved[Transcribed], rtol=0, atol=1e-12)
    assert (moved[TORCH_ADAM] - moved[Transcribed]).abs().max() > 1e-3


@pytest.mark.parametrize("kernel", [1, 20])
def test_losses_of_the_first_ten_steps_are_keras_s(kernel: int) -> None:
    random = torch.Generator().manual_seed(kernel)
    label = torch.randint(0, 2, (N_STEPS, 64), generator=random)
    current = 30 * torch.randn(N_STEPS, 64, 160, generator=random) - 20 * label[..., None]
    torch.manual_seed(kernel)
    net = CellTypeNet(kernel, dropout=0.0)

    def losses(factory) -> np.ndarray:
        own = copy.deepcopy(net)
        optimizer = factory(own.parameters())
        losses = []
        for x, y in zip(current, label, strict=True):
            own.zero_grad()
            loss = one_hot_loss(own(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return np.array(losses)

    transcribed = losses(Transcribed)
    np.testing.assert_allclose(losses(KerasAdam), transcribed, rtol=0, atol=2e-6)
    assert np.abs(losses(TORCH_ADAM) - transcribed).max() > 1e-5


def test_a_restart_goes_on_where_the_checkpoint_was() -> None:
    steps = gradients()
    expected = after(KerasAdam([weight := begun()]), weight, steps)
    weight = begun()
    first = KerasAdam([weight])
    after(first, weight, steps[:4])
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second = KerasAdam([weight])
    second.load_state_dict(torch.load(file, weights_only=True))
    assert second.param_groups[0]["eps"] == 1e-7  # as set, not as its last step had it
    torch.testing.assert_close(after(second, weight, steps[4:]), expected, rtol=0, atol=0)


def test_a_used_optimizer_takes_the_count_of_what_it_loads() -> None:
    steps = gradients()
    weight = begun()
    optimizer = KerasAdam([weight])
    fresh = copy.deepcopy(optimizer.state_dict())
    after(optimizer, weight, steps)
    optimizer.load_state_dict(fresh)
    optimizer.state.clear()
    with torch.no_grad():
        weight.copy_(begun())
    expected = after(KerasAdam([other := begun()]), other, steps)
    torch.testing.assert_close(after(optimizer, weight, steps), expected, rtol=0, atol=0)


def test_a_bank_s_members_keep_their_count_from_epoch_to_epoch() -> None:
    """Each epoch on an accelerator has an optimiser of its own, which is given their state."""
    random = torch.Generator().manual_seed(0)
    current, label = torch.randn(32, 24, generator=random), torch.arange(32) % 2
    facts = {"n_samples": 24, "rate_hz": 1.0, "class_weights": (1e-4, 1e-4)}  # gradients like eps

    def member() -> CellTypeModule:
        torch.manual_seed(1)
        module = CellTypeModule(2, filters=(2, 3), dropout=0.0, **facts)
        for name, weight in module.net.named_parameters():
            if "bias" in name:  # where all are 0 rounding decides what a rectifier lets pass
                nn.init.uniform_(weight, 0.1, 0.2)
        return module

    alone, module = member(), member()
    optimizer = alone.configure_optimizers()
    in_bank = BankMember(module, module.configure_optimizers(), torch.Generator())
    for _ in range(3):
        optimizer.zero_grad()
        one_hot_loss(alone(current), label, alone.class_weights).backward()
        optimizer.step()
        epoch = Batched([in_bank])
        epoch.train(current, label)
        epoch.close()
    torch.testing.assert_close(module.state_dict(), alone.state_dict(), rtol=0, atol=5e-6)


def test_what_no_step_can_have_is_told() -> None:
    with pytest.raises(SettingError, match=r"model\.optimizer\.lr=-1: expected a number above 0"):
        KerasAdam([begun()], lr=-1)
