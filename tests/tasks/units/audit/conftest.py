"""A trainer that trains nothing: what its networks say of units is planted."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from raphe.core.protocol import FitSettings
from raphe.tasks.units.training.data import UnitData

# Of the data of a training, and a generator: how far each unit is called its class, (N,) in SD.
Knows = Callable[[UnitData, np.random.Generator], np.ndarray]


class PlantedFit:
    """A `Fit` whose networks know of each unit what `knows` says.

    Raises KeyboardInterrupt in the training numbered `interrupted_in`.
    """

    def __init__(self, knows: Knows, interrupted_in: int | None = None) -> None:
        self.knows, self.interrupted_in = knows, interrupted_in
        self.names: list[str] = []

    def __call__(
        self, name: str, build_model: Callable, data: UnitData, settings: FitSettings
    ) -> SimpleNamespace:
        self.names.append(name)
        if len(self.names) == self.interrupted_in:
            raise KeyboardInterrupt
        rng = np.random.default_rng(len(self.names))
        known = self.knows(data, rng)
        scores = rng.normal(size=(len(data.label), len(data.store.classes)))
        scores[np.arange(len(data.label)), data.label] += known
        of_classes = np.exp(scores)
        return SimpleNamespace(probability=of_classes / of_classes.sum(axis=1, keepdims=True))


@pytest.fixture
def planted_fit():
    return PlantedFit
