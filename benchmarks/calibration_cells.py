"""Cells whose probabilities a network states wrongly in some known way, for calibration.py.

N cells to judge by, n cells to calibrate on, C classes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from scipy.special import expit, logit, softmax
from simulated_ensemble import SimulatedEnsemble

from raphe.core.statistics.calibration import brier, reliability
from raphe.core.statistics.cell_probability import cell_probability
from raphe.tasks.celltype.verdicts.cell_input import Reading
from raphe.tasks.celltype.verdicts.find_cells import find_cells
from raphe.tasks.celltype.verdicts.judge import Judge

CELLS_A_DAY = 10
LEAST = 1e-12  # of a probability whose logarithm is taken

Rescaling = Callable[[np.ndarray], np.ndarray]  # probabilities (N, C) → probabilities (N, C)


@dataclass(frozen=True)
class Score:
    """How far stated probabilities are from the true ones."""

    ece: float  # mean distance between stated and true probability of the class called
    nll: float
    brier: float
    nll_sd: float  # of one cell's


class Cells(Protocol):
    """Cells of a network that is wrong in some way: some to calibrate on, others to judge by."""

    name: str
    n_classes: int

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Probabilities (n, C) and labels (n,) of n cells, and the numbers of the drawn, if any."""

    def score(self, rescaling: Rescaling, drawn: np.ndarray) -> Score:
        """Of cells that were not drawn."""


@dataclass(frozen=True)
class TwoNormals:
    """Two classes whose log odds are normal: mean ± d²/2, variance d², as of linear discriminants.

    A network states `factor` times the log odds, and `offset` more. A day shifts the log odds of
    all its cells by a normal of `day_sd`; then the true probability of a cell on a new day has log
    odds that are d²/(d² + day_sd²) times as large. Figures are integrals over all new cells.
    """

    name: str
    d: float = 3.0  # 93 % of cells are called right
    factor: float = 1.0
    offset: float = 0.0
    day_sd: float = 0.0
    share: float = 0.5  # of the first class
    n_classes: int = 2

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        label = rng.permutation(np.arange(n) >= round(self.share * n)).astype(int)  # as splits do
        mean = np.where(label == 0, 1, -1) * self.d**2 / 2
        day = np.arange(n) // CELLS_A_DAY
        shift = rng.normal(0, self.day_sd, day.max() + 1)[day]
        return self._stated(rng.normal(mean, self.d) + shift), label, np.array([], int)

    def _stated(self, log_odds: np.ndarray) -> np.ndarray:
        return of_log_odds(self.factor * (log_odds + logit(self.share)) + self.offset)

    @cached_property
    def _new_cells(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Stated (N, 2) and true (N, 2) probabilities, and the weight (N,) of each."""
        variance = self.d**2 + self.day_sd**2
        log_odds = np.linspace(-1, 1, 4001) * (self.d**2 / 2 + 8 * np.sqrt(variance))
        centres = np.array([[0.5], [-0.5]]) * self.d**2
        density = np.exp(-((log_odds - centres) ** 2) / (2 * variance))
        weight = np.array([self.share, 1 - self.share]) @ density
        true = of_log_odds(log_odds * self.d**2 / variance + logit(self.share))
        return self._stated(log_odds), true, weight / weight.sum()

    def score(self, rescaling: Rescaling, drawn: np.ndarray) -> Score:
        return _exact(rescaling, *self._new_cells)


@dataclass(frozen=True)
class Normals:
    """As TwoNormals, of C classes whose means lie equally far from each other."""

    name: str
    n_classes: int = 3
    d: float = 3.0
    factor: float = 1.0

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        label = rng.permutation(np.arange(n) % self.n_classes)
        return softmax(self.factor * self._logits(label, rng), axis=1), label, np.array([], int)

    def _logits(self, label: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """True log probabilities, but for a constant: (n, C)."""
        means = self.d / np.sqrt(2) * np.eye(self.n_classes)
        return (means[label] + rng.normal(size=(len(label), self.n_classes))) @ means.T

    @cached_property
    def _new_cells(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        n = 6000
        logits = self._logits(np.arange(n) % self.n_classes, np.random.default_rng(0))
        return softmax(self.factor * logits, 1), softmax(logits, 1), np.full(n, 1 / n)

    def score(self, rescaling: Rescaling, drawn: np.ndarray) -> Score:
        return _exact(rescaling, *self._new_cells)


@dataclass(frozen=True)
class EnsembleCells:
    """Cells that a trained ensemble was asked about; its log odds `factor` times as large."""

    name: str
    probability: np.ndarray  # (N, 2), pooled over spikes and members
    label: np.ndarray  # (N,)
    factor: float = 1.0
    n_classes: int = 2

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        halves = [np.flatnonzero(self.label == label) for label in (0, 1)]
        sizes = n // 2, n - n // 2
        drawn = np.concatenate(
            [rng.choice(h, k, False) for h, k in zip(halves, sizes, strict=True)]
        )
        return self._stated[drawn], self.label[drawn], drawn

    @cached_property
    def _stated(self) -> np.ndarray:
        return softmax(self.factor * np.log(np.maximum(self.probability, LEAST)), axis=1)

    def score(self, rescaling: Rescaling, drawn: np.ndarray) -> Score:
        rest = np.setdiff1d(np.arange(len(self.label)), drawn)
        stated, label = rescaling(self._stated[rest]), self.label[rest]
        right = stated.argmax(axis=1) == label
        of_label = stated[np.arange(len(rest)), label]
        ece = reliability(stated.max(axis=1), right).expected_error
        nll = -np.log(np.maximum(of_label, LEAST))
        return Score(ece, float(nll.mean()), brier(stated, label), float(nll.std()))

    def floor(self, n_drawn: int, rng: np.random.Generator, repeats: int = 200) -> float:
        """The binned ECE that exactly right probabilities would have on as many test cells."""
        scores = []
        for _ in range(repeats):
            stated = rng.choice(self._stated, len(self.label) - n_drawn, replace=False)
            right = rng.random(len(stated)) < stated.max(axis=1)
            scores.append(reliability(stated.max(axis=1), right).expected_error)
        return float(np.mean(scores))


def of_log_odds(log_odds: np.ndarray) -> np.ndarray:
    return np.stack([expit(log_odds), expit(-log_odds)], axis=-1)


def _exact(rescaling: Rescaling, stated: np.ndarray, true: np.ndarray, weight: np.ndarray) -> Score:
    told = rescaling(stated)
    called = told.argmax(axis=1)[:, None]
    distance = np.abs(np.take_along_axis(told - true, called, axis=1))[:, 0]
    of_class = -np.log(np.maximum(told, 1e-300))
    nll = weight @ (true * of_class).sum(axis=1)
    nll_squared = weight @ (true * of_class**2).sum(axis=1)
    squared = (true * (1 - 2 * told) + told**2).sum(axis=1)  # expectation of Brier's over classes
    scale = 2 if told.shape[1] == 2 else 1
    return Score(
        float(weight @ distance),
        float(nll),
        float(weight @ squared / scale),
        float(np.sqrt(max(0.0, nll_squared - nll**2))),
    )


CELLS: tuple[Cells, ...] = (
    TwoNormals("right"),
    TwoNormals("logits × 2.5", factor=2.5),
    TwoNormals("logits × 0.5", factor=0.5),
    TwoNormals("right, hard classes (77 %)", d=1.5),
    TwoNormals("right, all but separate (99.9 %)", d=6.0),
    TwoNormals("logits × 2.5, all but separate", d=6.0, factor=2.5),
    TwoNormals("right, 20 % of the first class", share=0.2),
    TwoNormals("log odds + 1", offset=1.0),
    TwoNormals("days of SD 1", day_sd=1.0),
    TwoNormals("days of SD 1, logits × 2.5", day_sd=1.0, factor=2.5),
    Normals("3 classes, right"),
    Normals("3 classes, logits × 2.5", factor=2.5),
    Normals("3 classes, logits × 0.5", factor=0.5),
)


def ensemble_cells(folder: Path, scratch: Path) -> list[Cells]:
    """New simulated cells of new days, as a trained ensemble states them and 2.5 or 0.5 times."""
    ensemble = SimulatedEnsemble(folder=folder)
    judge = Judge(ensemble.bundle(scratch / "bundle"))
    pooled, label = [], []
    for cell in find_cells([ensemble.new_cells()])[0]:
        members = judge.ensemble.predict(cell.read(Reading(judge.cut)).waveforms).members
        pooled.append(cell_probability(members))
        label.append(judge.ensemble.classes.index(cell.paths[0].parent.name))
    probability, labels = np.array(pooled), np.array(label)
    return [
        EnsembleCells(f"ensemble{words}", probability, labels, factor)
        for words, factor in (("", 1.0), (", logits × 2.5", 2.5), (", logits × 0.5", 0.5))
    ]
