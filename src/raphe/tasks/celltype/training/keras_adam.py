"""Adam as Keras computes it, by the fused kernel of torch's Adam."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from raphe.core.ranges import Positive, check_ranges


class KerasAdam(torch.optim.Adam):
    """Adam with Keras' defaults, and with epsilon where Keras has it.

    With m and v the running means of a weight's gradient and of its square, both begun at 0, t the
    number of the step from 1, and a = 1 - beta1^t, b = 1 - beta2^t the corrections for that begin:

        Keras    lr · √b / a · m / (√v + eps)
        torch    lr / a · m / (√(v / b) + eps)  =  lr · √b / a · m / (√v + eps · √b)

    So each step is torch's with eps / √b as its epsilon: 32 times eps at first, eps after some
    thousand steps. As in Keras one t counts for all weights, which here all have a gradient in
    every step.

    Args:
        params: the weights.
        lr: learning rate.
        eps: Keras' epsilon.

    Raises:
        SettingError: for a setting out of range.
    """

    _n_steps: int | None = None  # None: what the state says; asked once, as an accelerator holds it

    def __init__(
        self, params: Iterable[nn.Parameter], lr: Positive = 1e-3, eps: Positive = 1e-7
    ) -> None:
        check_ranges(KerasAdam, locals(), "model.optimizer")
        super().__init__(params, lr, eps=eps, fused=True)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Also how a checkpoint's state is loaded."""
        super().__setstate__(state)
        self._n_steps = None

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        if self._n_steps is None:
            counts = (int(kept.get("step", 0)) for kept in self.state.values())
            self._n_steps = max(counts, default=0)
        self._n_steps += 1
        epsilons = [group["eps"] for group in self.param_groups]
        for group, eps in zip(self.param_groups, epsilons, strict=True):
            group["eps"] = eps / math.sqrt(1 - group["betas"][1] ** self._n_steps)
        try:
            return super().step(closure)
        finally:  # a checkpoint holds the epsilon that was set
            for group, eps in zip(self.param_groups, epsilons, strict=True):
                group["eps"] = eps
