"""Two ways of training the members of a bank on a batch; both train the same weights.

M members, N spikes, T samples, C classes.
"""

import copy
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from raphe.core.errors import SettingError
from raphe.tasks.celltype.network.stacked_nets import StackedNets
from raphe.tasks.celltype.training.module import CellTypeModule, one_hot_loss

Result = TypeVar("Result")


@dataclass(frozen=True)
class BankMember:
    model: CellTypeModule
    optimizer: torch.optim.Optimizer
    generator: torch.Generator  # of its dropout


class Way(Protocol):
    """Holds the members from the begin of an epoch to its end."""

    def train(self, current: Tensor, label: Tensor) -> Sequence[Tensor]:
        """Step each member on a batch (N, T) in pA, (N,); return the M logits (N, C) before it."""

    def logits(self, current: Tensor) -> Sequence[Tensor]:
        """Return the M logits (N, C) without dropout."""

    def close(self) -> None:
        """Bring weights and optimiser states into the members; the way is not used again."""


class OneByOne:
    """For a processor: each network at its true size, in threads that each run one at a time."""

    def __init__(self, members: Sequence[BankMember], n_threads: int) -> None:
        self._members = members
        # torch lets go of Python's lock in its operations.
        self._threads = ThreadPoolExecutor(
            n_threads, initializer=torch.set_num_threads, initargs=(1,)
        )

    def train(self, current: Tensor, label: Tensor) -> list[Tensor]:
        """(N, T) in pA, (N,) → M × (N, C), see Way."""
        mixed = _autocast_here(current.device.type)

        def step(member: BankMember) -> Tensor:
            member.optimizer.zero_grad()
            with mixed():
                logits = member.model.net(current, member.generator)
                loss = one_hot_loss(logits, label, member.model.class_weights)
            loss.backward()
            member.optimizer.step()
            return logits.detach()

        return self._each(step)

    def logits(self, current: Tensor) -> list[Tensor]:
        """(N, T) in pA → M × (N, C), see Way."""
        mixed = _autocast_here(current.device.type)

        def predict(member: BankMember) -> Tensor:
            with torch.inference_mode(), mixed():
                return member.model.net(current)

        return self._each(predict)

    def close(self) -> None:
        self._threads.shutdown()

    def _each(self, function: Callable[[BankMember], Result]) -> list[Result]:
        return list(self._threads.map(function, self._members))


class Batched:
    """For an accelerator: all members in one set of operations.

    Raises:
        SettingError: for members that differ in more than kernel and dropout, or an optimiser that
            keeps other than one number for each weight.
    """

    def __init__(self, members: Sequence[BankMember]) -> None:
        self._members = members
        self._stack = StackedNets([member.model.net for member in members])
        _require_same_optimizer(members)
        self._optimizer = members[0].model.optimizer_factory(self._stack.weights.values())
        for key, weight in self._stack.weights.items():
            states = self._states(key)
            for name in states[0]:  # empty before the first step
                kept = self._together(key, [state[name] for state in states])
                self._optimizer.state[weight][name] = kept

    def train(self, current: Tensor, label: Tensor) -> Tensor:
        """(N, T) in pA, (N,) → (M, N, C), see Way."""
        self._optimizer.zero_grad()
        logits = self._stack.logits(current, [member.generator for member in self._members])
        weights = [member.model.class_weights for member in self._members]
        loss = sum(
            one_hot_loss(member_logits, label, weight)
            for member_logits, weight in zip(logits, weights, strict=True)
        )
        with torch.autocast(current.device.type, enabled=False):
            loss.backward()
            self._optimizer.step()
        return logits.detach()

    def logits(self, current: Tensor) -> Tensor:
        """(N, T) in pA → (M, N, C), see Way."""
        return self._stack.logits(current)

    def close(self) -> None:
        self._stack.write_back()
        for key, weight in self._stack.weights.items():
            for name, kept in self._optimizer.state[weight].items():
                apart = self._apart(key, kept)
                for state, value in zip(self._states(key), apart, strict=True):
                    state[name] = value

    def _states(self, key: str) -> list[dict[str, Any]]:
        """What each member's optimiser keeps of its weight `key`."""
        return [
            member.optimizer.state[member.model.net.get_parameter(key)] for member in self._members
        ]

    def _together(self, key: str, kept: Sequence[Any]) -> Any:
        if self._is_of_each_weight(kept[0]):
            return self._stack.stack(key, kept)
        return copy.deepcopy(kept[0])  # the count of steps

    def _apart(self, key: str, kept: Any) -> list[Any]:
        if self._is_of_each_weight(kept):
            if kept.shape != self._stack.weights[key].shape:
                raise SettingError(
                    f"model.optimizer: a bank on an accelerator takes those that keep one number "
                    f"for each weight, as Adam, not {type(self._optimizer).__name__}; set "
                    "bank.way=one_by_one"
                )
            return self._stack.unstack(key, kept)
        return [copy.deepcopy(kept) for _ in self._members]

    @staticmethod
    def _is_of_each_weight(kept: Any) -> bool:
        return isinstance(kept, Tensor) and kept.ndim > 0


def _autocast_here(device: str) -> Callable[[], torch.autocast]:
    """This thread's mixed precision, for other threads to enter."""
    enabled, dtype = torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)
    return partial(torch.autocast, device, dtype, enabled)


def _require_same_optimizer(members: Sequence[BankMember]) -> None:
    first = members[0].optimizer
    for member in members:
        if member.optimizer.defaults != first.defaults:
            raise SettingError(
                "a bank on an accelerator needs members with one setting of model.optimizer, got "
                f"{first.defaults} and {member.optimizer.defaults}; set bank.way=one_by_one"
            )
