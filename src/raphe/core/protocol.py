"""What the harness and a task hand each other, so that neither imports the other."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from raphe.core.metric_names import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pytorch_lightning import LightningDataModule, LightningModule

# A figure of an evaluation, or the table of one, which is made if anybody wants it.
Draw = Callable[[], "Figure | str"]
CONCLUSION = "conclusion.txt"  # the text of an evaluation that stands before its table of results


@dataclass(frozen=True)
class UsedStore:
    """A store that a run reads, for the record of the run."""

    name: str  # as among the data's hashes
    source: Path
    contents: str  # "60 cells (30 SER, 30 NSER), 4321 spikes"
    is_test: bool = False  # tested on whole, of another store than training's


@dataclass(frozen=True)
class SweptRun:
    """A member of a sweep that finished, for a task's summary over all of them."""

    label: str  # "data.fold=3 model.kernel=8"
    settings: Mapping[str, str]  # what is swept, as on the command line
    monitored: float  # the metric that is monitored, of the weights that were tested
    fetch: Callable[[str], Path]  # a local copy of what it tracked, by name; raises SettingError


@dataclass(frozen=True)
class BaselineFigure:
    """A simple method's figure on the test of a run, for the table and figure of a sweep."""

    label: str  # "UDI threshold"
    metric: str  # without its part, "cells/auroc"
    estimate: Estimate


@dataclass(frozen=True)
class TrainedRun:
    """A finished run that may become a member of an ensemble."""

    run_id: str
    label: str  # what its sweep varied, "model.kernel=7"; "" of a single run
    checkpoint: Path
    chosen_for: str = ""  # by its sweep, as "with the lowest validation loss"; "" of all others

    def __str__(self) -> str:
        """As sentences name it, and as its user can find it: "model.kernel=7 (run 3f2a…)"."""
        return f"{self.label} (run {self.run_id})" if self.label else f"run {self.run_id}"


@dataclass(frozen=True)
class Comparison:
    """A new bundle beside an older one, on cells or recordings that neither was made with."""

    sentence: str  # with its numbers, or why it cannot be made
    is_worse: bool  # clearly: the whole interval of the difference says so


@dataclass(frozen=True)
class Exported:
    """What a task's export made, for the harness to print and to register.

    `loader` names the module whose `_load_pyfunc(folder)` gives an object that answers as
    raphe.core.bundles.pyfunc does; a bundle without one is not registered, for nothing could serve
    it. `compare` holds the bundle against an older one in a folder, by the new one's own test.
    """

    bundle: Path
    summary: str  # for the terminal
    metrics: Mapping[str, float]
    loader: str | None = None
    compare: Callable[[Path], Comparison] | None = None


@dataclass(frozen=True)
class FitSettings:
    """Of a training that a task asks for; the smallest of `monitor` is the best epoch."""

    max_epochs: int
    patience: int | None  # epochs without a better one before training stops; None: never
    seed: int
    monitor: str = "val/loss"


class Fit(Protocol):
    """Trains a network for a task that needs some of its own, as an audit does.

    It is the harness's: epochs that a seed repeats, checkpoints that are whole, training that goes
    on where a call was interrupted, on the accelerator that was chosen.
    """

    def __call__(
        self,
        name: str,
        build_model: "Callable[[], LightningModule]",
        data: "LightningDataModule",
        settings: FitSettings,
    ) -> "LightningModule":
        """Train, and test the weights of the best epoch on every test set; returns the model.

        Args:
            name: tells this training from others of the same model and stores.
            build_model: called once, after the seed is set.
            data: with `hashes`, the content hash of each of its stores by name.
            settings: of the training.

        Raises:
            RapheError: whatever model or data refuse, or a metric that is not logged.
        """
        ...


Fitting = Callable[[Path, str], AbstractContextManager[Fit]]  # folder of runs, cpu or gpu
