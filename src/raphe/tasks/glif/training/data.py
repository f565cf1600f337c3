"""Simulated experiments for a posterior: training ones without end, the same ones to test on.

B traces, T samples, P quantities, F features.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from raphe.core.errors import SettingError
from raphe.core.protocol import UsedStore
from raphe.core.ranges import Count, Seed, check_ranges
from raphe.tasks.glif.features.least_squares import estimate_quantities
from raphe.tasks.glif.synthetic.fitted_cells import HeldOut, read_cells, split_by_specimen
from raphe.tasks.glif.synthetic.prior import Prior, read_prior
from raphe.tasks.glif.synthetic.prior_scaler import PriorScaler
from raphe.tasks.glif.synthetic.simulated_experiments import (
    FAMILIES,
    Experiment,
    Family,
    Measured,
    Population,
    RealCells,
    measure,
)

TEST_SETS = ("prior", "test", "unseen_family")


class PosteriorBatch(NamedTuple):
    """Of B neurons under one experiment; standardised quantities, see `least_squares`."""

    traces: Tensor  # float32 (B, 2, T): voltage in mV, current in pA
    features: Tensor  # (B, F)
    centre: Tensor  # (B, P)
    spread: Tensor  # (B, P)
    truth: Tensor  # (B, P)
    spiked: Tensor  # bool (B,)


class Batches:
    """Batches of one population and experiment, numbered from `first(epoch)` on."""

    def __init__(
        self, draw: Callable[[int], Measured], scaler: PriorScaler, n: int, first: Callable[[], int]
    ) -> None:
        self.draw, self.scaler, self.n, self.first = draw, scaler, n, first

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[PosteriorBatch]:
        first = self.first()
        for number in range(first, first + self.n):
            yield batch_of(self.draw(number), self.scaler)


def batch_of(measured: Measured, scaler: PriorScaler) -> PosteriorBatch:
    """What was measured of B neurons, with its least-squares estimate and the truth."""
    estimate = estimate_quantities(measured.traces, measured.rate_hz, scaler)
    truth = scaler.standardised(measured.values).astype(np.float32)
    return PosteriorBatch(
        traces=torch.from_numpy(measured.traces),
        features=torch.from_numpy(estimate.features),
        centre=torch.from_numpy(estimate.centre),
        spread=torch.from_numpy(estimate.spread),
        truth=torch.from_numpy(truth),
        spiked=torch.from_numpy(measured.spike_count > 0),
    )


class PosteriorData(pl.LightningDataModule):
    """Train on neurons of a prior; test on others of it, and on real cells that it has not seen.

    The test sets: `prior` (drawn from it: calibration holds there if anywhere), `test` (models
    fitted to held-out real cells) and `unseen_family` (the same cells under stimuli of a kind never
    trained on). Without a table of cells the last two draw from the prior as well.

    Args:
        prior: file made by `prepare`.
        cells: table of fitted cells that it was made of, or None.
        held_out: share of the specimens that the prior has not seen.
        experiment: what is drawn for training and, with other neurons and noise, for testing.
        unseen_family: of stimuli.
        batch_size: neurons under one experiment.
        batches: of an epoch.
        n_val, n_test: neurons of a validation and of each test set; whole batches.
        seed: of everything that is drawn.

    Raises:
        RapheError: a setting that cannot be, or a table that cannot be read.
    """

    test_names = TEST_SETS

    def __init__(
        self,
        prior: str | Path,
        cells: str | Path | None = None,
        held_out: HeldOut = 0.3,
        experiment: Experiment | None = None,
        unseen_family: Family = "chirp",
        batch_size: Count = 64,
        batches: Count = 100,
        n_val: Count = 512,
        n_test: Count = 1024,
        seed: Seed = 42,
    ) -> None:
        super().__init__()
        check_ranges(PosteriorData.__init__, locals(), "data")
        self.experiment = experiment or Experiment()
        if unseen_family not in FAMILIES or unseen_family in self.experiment.families:
            raise SettingError(
                f"data.unseen_family={unseen_family}: expected one of {', '.join(FAMILIES)} that "
                f"is not trained on ({', '.join(self.experiment.families)})"
            )
        self.batch_size, self.batches, self.seed = batch_size, batches, seed
        self.n_val, self.n_test, self.unseen_family = n_val, n_test, unseen_family
        self.prior_file = Path(prior)
        self.prior: Prior = read_prior(prior)
        self.cells, self.held_out = cells, held_out
        self.scaler = PriorScaler.of(self.prior)

    @cached_property
    def tested(self) -> Population:
        """Neurons that the prior was not made of."""
        if self.cells is None:
            return self.prior
        _, unseen = split_by_specimen(
            read_cells(self.cells, self.prior.level), 1 - self.held_out, self.seed
        )
        return RealCells(unseen)

    @property
    def hashes(self) -> dict[str, str]:
        return {"prior": self.prior.content_hash}

    @property
    def used_stores(self) -> list[UsedStore]:
        whose = "typical neurons" if self.cells is None else "fitted real cells"
        contents = f"prior of GLIF level {self.prior.level}, from {whose}"
        return [UsedStore("prior", self.prior_file, contents)]

    @property
    def facts(self) -> dict[str, object]:
        """What completes the model's settings."""
        return {
            "level": self.prior.level,
            "mean": self.scaler.mean.tolist(),
            "deviation": self.scaler.deviation.tolist(),
        }

    @property
    def note(self) -> str:
        if self.cells is None:
            return "Simulated neurons of typical parameters, no table of fitted cells."
        return "Simulated voltages; parameters of the test sets are those of fitted real cells."

    def train_dataloader(self) -> Batches:
        return Batches(
            self.train_batch,
            self.scaler,
            self.batches,
            lambda: self._epoch() * self.batches,
        )

    def val_dataloader(self) -> Batches:
        n = -(-self.n_val // self.batch_size)
        return Batches(lambda number: self._measured("val", number), self.scaler, n, lambda: 0)

    def test_dataloader(self) -> list[Batches]:
        return [
            Batches(
                partial(self.test_batch, name),
                self.scaler,
                self.n_test_batches,
                lambda: 0,
            )
            for name in TEST_SETS
        ]

    @property
    def n_test_batches(self) -> int:
        return -(-self.n_test // self.batch_size)

    def train_batch(self, number: int) -> Measured:
        """A batch of training: epochs go on counting."""
        return self._measured("train", number)

    def test_batch(self, name: str, number: int) -> Measured:
        """A batch of a test set, the same each time."""
        experiment = self.experiment
        if name == "unseen_family":
            experiment = replace(experiment, families=(self.unseen_family,))
        population = self.prior if name == "prior" else self.tested
        number += TEST_SETS.index(name) * self.n_test_batches
        return measure(population, experiment, self.batch_size, self.seed, number, "test")

    def _measured(self, part: str, number: int) -> Measured:
        return measure(self.prior, self.experiment, self.batch_size, self.seed, number, part)

    def _epoch(self) -> int:
        return self.trainer.current_epoch if self.trainer is not None else 0


def set_titles(data: PosteriorData) -> Mapping[str, str]:
    """What to call each test set in a figure."""
    cells = "held-out real cells" if data.cells is not None else "typical neurons"
    return {
        "prior": "Drawn from the prior",
        "test": cells[0].upper() + cells[1:],
        "unseen_family": f"{cells[0].upper() + cells[1:]}, {data.unseen_family.replace('_', ' ')}",
    }
