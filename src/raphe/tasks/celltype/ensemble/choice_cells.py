"""What each choice of members loses on the cells that it is made by, and how much that flatters.

The least of many losses is less than that candidate's loss on new cells. So the choice is repeated
in resamples of the cells, days as wholes, and judged on those that were not drawn (bootstrap bias
corrected cross-validation, Tsamardinos, Greasidou & Borboudakis 2018), there beside the final
choice: which cells are left out moves both alike and cancels, so nothing chosen is nothing
corrected. As the choice in a resample sees fewer different cells, the correction is rather too
large than too small.

M candidates, n cells, C classes, G groups.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from raphe.core.sentences import counted
from raphe.core.statistics.calibration import Calibration, Method, fit_calibration, items_wanted
from raphe.tasks.celltype.ensemble.candidates import CandidatePredictions
from raphe.tasks.celltype.metrics.cell_level import group_cells
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.stores.spike_set import Cell

SMALLEST_PROBABILITY = 1e-7  # about float32's next below 1; one sure mistake must not decide alone
N_PARTS = 5  # of the groups, each calibrated on the others
N_RESAMPLES = 500
FEWEST_GROUPS = 5  # with 4 every ninth resample would hold no more than two of them
SEED = 2018
LEAST_TOLD = 0.0005  # of an optimism: less is 0.000


@dataclass(frozen=True)
class ChoiceCells:
    """What candidates say of validation cells.

    A loss is −ln P(true class) of a calibrated probability; each cell's calibration is fitted on
    cells of other groups. Cells that are too few for that stay as they are.
    """

    probability: np.ndarray  # (M, n, C)
    label: np.ndarray  # (n,)
    group: np.ndarray  # (n,) int: cells of one day, of one animal, or each by itself
    noun: str = "cell"  # of a group
    calibration: Method | None = None
    _known: dict[bytes, np.ndarray] = field(default_factory=dict, repr=False)  # loss by times

    @classmethod
    def of(
        cls,
        predictions: CandidatePredictions,
        cells: Sequence[Cell] = (),
        calibration: Method | None = None,
    ) -> "ChoiceCells":
        """Of a set's cells, which are grouped by day or animal where `cells`, its store's, tell."""
        probability, label = predictions.of_cells, predictions.label
        verdicts = Predictions(probability[0], probability[0], label, predictions.cell)
        groups = group_cells(verdicts, cells)
        group = groups.of_cell[predictions.cell]
        return cls(probability, label, group, groups.noun, calibration)

    @property
    def n_groups(self) -> int:
        return len(np.unique(self.group))

    @property
    def losses(self) -> np.ndarray:
        """Of each candidate alone, (M, n)."""
        return self.losses_of(np.eye(len(self.probability), dtype=np.int64))

    def losses_of(self, choices: Iterable[np.ndarray]) -> np.ndarray:
        """Of ensembles, (choices, n); each says how often every candidate counts, int64 (M,)."""
        return np.stack([self.loss(times) for times in choices])

    def loss(self, times: np.ndarray) -> np.ndarray:
        """Of one ensemble, (n,)."""
        key = np.asarray(times, np.int64).tobytes()
        if key not in self._known:
            self._known[key] = self._loss(mean_of(self.probability, times))
        return self._known[key]

    def drawn(self, rows: np.ndarray, group: np.ndarray) -> "DrawnCells":
        """Some of the cells, perhaps one several times, under groups of their own, (rows,) each."""
        return DrawnCells(
            self.probability[:, rows], self.label[rows], group, self.noun, whole=self, rows=rows
        )

    def standard_error(self, loss: np.ndarray) -> float:
        """Of the mean of losses (n,), over groups as wholes; NaN for one group."""
        numbers = np.unique(self.group, return_inverse=True)[1]
        excess = np.bincount(numbers, loss - loss.mean())  # (G,)
        n_groups = len(excess)
        if n_groups < 2:
            return float("nan")
        return float(np.sqrt(n_groups / (n_groups - 1) * (excess**2).sum()) / len(loss))

    @property
    def is_calibrated(self) -> bool:
        """Whether losses are taken after calibration: cells are enough, and of several groups."""
        return (
            self.calibration is not None and not items_wanted(len(self.label)) and self.n_groups > 1
        )

    def _loss(self, probability: np.ndarray) -> np.ndarray:
        if self.calibration is None or not self.is_calibrated:
            return losses_of_truth(probability, self.label)
        calibrated = probability.copy()
        part = np.unique(self.group, return_inverse=True)[1] % N_PARTS
        for number in np.unique(part):
            own = part == number
            fitted: Calibration = fit_calibration(
                probability[~own], self.label[~own], self.calibration
            )
            calibrated[own] = fitted(probability[own])
        return losses_of_truth(calibrated, self.label)


@dataclass(frozen=True)
class DrawnCells(ChoiceCells):
    """A resample: its losses are those that the cells have among all, calibrated there."""

    whole: ChoiceCells = field(kw_only=True)
    rows: np.ndarray = field(kw_only=True)

    def loss(self, times: np.ndarray) -> np.ndarray:
        return self.whole.loss(times)[self.rows]


def losses_of_truth(probability: np.ndarray, label: np.ndarray) -> np.ndarray:
    """−ln P(true class) of each row: probability (n, C), label (n,)."""
    return negative_log(probability[np.arange(len(label)), label])


def negative_log(of_truth: np.ndarray) -> np.ndarray:
    return -np.log(np.maximum(of_truth, SMALLEST_PROBABILITY))


def log_loss(probability: np.ndarray, label: np.ndarray) -> float:
    """Mean of −ln P(true class) over rows: probability (n, C), label (n,)."""
    return float(losses_of_truth(probability, label).mean())


def mean_of(probability: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The ensemble's probability (n, C) from its members' (M, n, C), each counted `times`."""
    return np.tensordot(times / times.sum(), probability, axes=1)


@dataclass(frozen=True)
class Optimism:
    """Mean loss of what was chosen; `corrected`, `low` and `high` are NaN where it is not known."""

    apparent: float  # on the cells that it was chosen by
    corrected: float  # as of cells that had no part in the choice
    low: float  # 2.5 and 97.5 % of the resamples' losses: of about 37 % of the cells each,
    high: float  # so wider than an interval of `corrected`
    n_groups: int
    noun: str  # day, animal or cell

    @property
    def is_known(self) -> bool:
        return bool(np.isfinite(self.corrected))

    def sentence(self, n_candidates: str, standing: str, is_calibrated: bool) -> str:
        """What stands beside the chosen, below a table of losses before calibration.

        `n_candidates` as "32 kernel sizes", `standing` is what its loss is among theirs, as "is the
        lowest of 32 kernel sizes", see `selection.standing`.
        """
        groups = counted(self.noun, self.n_groups)
        if not self.is_known:
            return (
                f"By how much the choice among {n_candidates} flatters the validation figures "
                f"cannot be told from {groups}: {FEWEST_GROUPS} are needed."
            )
        excess = self.corrected - self.apparent
        too_low = excess >= LEAST_TOLD
        found = f"and so too low by {excess:.3f}"
        if not too_low:
            found = "yet not too low as far as can be told"
        which = " after calibration (the table's is before it)" if is_calibrated else ""
        return (
            f"The validation loss over cells of what was chosen, {self.apparent:.3f}{which}, "
            f"{standing}, {found}: with the choice repeated in resamples of the {groups} and "
            f"judged on the {self.noun}s left out it is {self.corrected:.3f} (2.5 to 97.5 % of the "
            f"resamples {self.low:.3f} to {self.high:.3f}; Tsamardinos et al. 2018)."
        )


def optimism_of(
    choose: Callable[[ChoiceCells], np.ndarray],
    cells: ChoiceCells,
    n_resamples: int = N_RESAMPLES,
    seed: int = SEED,
) -> Optimism:
    """Repeat a choice, which gives int64 (M,) of cells, in resamples of their groups."""
    final_loss = cells.loss(choose(cells))  # (n,)
    apparent = float(final_loss.mean())
    numbers = np.unique(cells.group, return_inverse=True)[1]
    n_groups = cells.n_groups
    if n_groups < FEWEST_GROUPS:
        return Optimism(apparent, np.nan, np.nan, np.nan, n_groups, cells.noun)
    rng = np.random.default_rng(seed)
    rows_of = [np.flatnonzero(numbers == group) for group in range(n_groups)]
    excess, n_left_out, means = 0.0, 0, []
    for _ in range(n_resamples):
        draw = rng.integers(0, n_groups, n_groups)
        left_out = ~np.isin(numbers, draw)
        if not left_out.any():
            continue
        rows = np.concatenate([rows_of[group] for group in draw])
        of_draw = np.repeat(np.arange(n_groups), [len(rows_of[group]) for group in draw])
        loss = cells.loss(choose(cells.drawn(rows, of_draw)))[left_out]
        excess += (loss - final_loss[left_out]).sum()
        n_left_out += len(loss)
        means.append(loss.mean())
    low, high = np.quantile(means, (0.025, 0.975))
    return Optimism(
        apparent,
        float(apparent + excess / n_left_out),
        float(low),
        float(high),
        n_groups,
        cells.noun,
    )
