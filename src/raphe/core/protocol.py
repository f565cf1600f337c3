"""What the harness and a task hand each other, so that neither imports the other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class SweptRun:
    """A member of a sweep that finished, for a task's summary over all of them."""

    label: str  # "data.fold=3 model.kernel=8"
    settings: Mapping[str, str]  # what is swept, as on the command line
    monitored: float  # the metric that is monitored, of the weights that were tested
    fetch: Callable[[str], Path]  # a local copy of what it tracked, by name; raises SettingError


@dataclass(frozen=True)
class TrainedRun:
    """A finished run that may become a member of an ensemble."""

    run_id: str
    label: str  # what its sweep varied, "model.kernel=7"
    checkpoint: Path


@dataclass(frozen=True)
class Exported:
    """What a task's export made, for the harness to print and to register.

    `loader` names the module whose `_load_pyfunc(folder)` gives an object that predicts; a bundle
    without one is not registered, for nothing could serve it.
    """

    bundle: Path
    summary: str  # for the terminal
    metrics: Mapping[str, float]
    loader: str | None = None
    example_input: np.ndarray | None = None  # as the loaded object takes it, items first
    example_output: Mapping[str, np.ndarray] | None = None  # what it gives for them, by name
