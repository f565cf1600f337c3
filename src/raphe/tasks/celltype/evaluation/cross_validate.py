"""One answer out of all folds of a cross-validation: each cell as its fold's networks call it.

Whatever is chosen (networks, calibration, the "not sure" band) is chosen in each fold on its own
validation cells, so that no test cell has a say in how it is called. M networks of a fold.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from raphe.core.errors import SettingError
from raphe.core.protocol import SweptRun
from raphe.core.statistics.abstention import ErrorRate
from raphe.core.statistics.calibration import Method
from raphe.core.statistics.cell_probability import Pooling
from raphe.core.statistics.decision import Decision
from raphe.tasks.celltype.ensemble.candidates import CandidatePredictions
from raphe.tasks.celltype.ensemble.choice_cells import ChoiceCells
from raphe.tasks.celltype.ensemble.selection import NAMED_RANGES, choose
from raphe.tasks.celltype.evaluation.baseline_cells import BaselineCells, read_baseline_cells
from raphe.tasks.celltype.evaluation.evaluate import Artifacts, Evaluation, artifacts, with_note
from raphe.tasks.celltype.evaluation.fold_report import fold_artifacts
from raphe.tasks.celltype.evaluation.pooled_result import Fold, PooledResult
from raphe.tasks.celltype.metrics.held_out import held_out_units
from raphe.tasks.celltype.metrics.predictions import Predictions, read_predictions
from raphe.tasks.celltype.training.data import CellTypeData

FOLD, KERNEL = "data.fold", "model.kernel"
BEST = "best"
WAYS = rf"{BEST}|greedy|all|top:\d+|\d+-\d+|{'|'.join(NAMED_RANGES)}"


def fold_numbers(data: CellTypeData) -> range:
    """The folds to sweep over. Raises SettingError where none are asked for."""
    if data.spike_split.folds is None:
        raise SettingError(
            "data.folds=null: expected a number of folds, or all to leave out one cell, day or "
            "animal at a time (data.split)"
        )
    return range(int(data.spike_split.fold_of_cell.max()) + 1)


@dataclass(frozen=True)
class CrossValidation:
    """Pools the folds of a sweep over `data.fold`, see raphe.harness.sweeps.section.

    Where more is swept than the folds, each fold chooses among its networks.

    Args:
        members: "best" is the network of the best monitored metric; or as `selection.choose`,
            which looks at the log loss of cells: top:5, greedy, all, 20-30.
        metric: the monitored one.
        mode: "min" or "max", what is better of it.
        pooling, calibration, error_rate, baselines: see Evaluation.

    Raises:
        SettingError: for settings that cannot be.
    """

    members: str = BEST
    metric: str = "val/loss"
    mode: Literal["min", "max"] = "min"
    pooling: Pooling = "mean"
    calibration: Method = "temperature"
    error_rate: ErrorRate = 0.05
    baselines: bool = True

    def __post_init__(self) -> None:
        Evaluation(self.pooling, self.calibration, self.error_rate, self.baselines)
        if not re.fullmatch(WAYS, str(self.members)):
            raise SettingError(
                f"sweep.summarise.members={self.members}: expected best, top:N, greedy, all or a "
                "range of kernels as 20-30"
            )

    def __call__(
        self,
        members: Sequence[SweptRun],
        missing: Sequence[Mapping[str, str]],
        data: CellTypeData,
    ) -> Artifacts:
        """Artifacts of the set of all folds, `pooled/…`, with what tells the folds apart."""
        of_fold: dict[int, list[SweptRun]] = {}
        for run in members:
            of_fold.setdefault(int(run.settings[FOLD]), []).append(run)
        results = [self._fold(number, runs, data) for number, runs in sorted(of_fold.items())]
        folds = [fold for fold in results if fold is not None]
        if not folds:
            raise SettingError("every network of every fold diverged; lower model.optimizer.lr")
        pooled = PooledResult.of(
            folds,
            (data.split,) if data.split in ("animal", "source") else ("day", "animal"),
            classes=data.original.classes,
            known_cells=data.original.cells,
            pooling=self.pooling,
            split=data.split,
        )
        pooled_artifacts = with_note(artifacts(pooled, pooled.baselines), data.note)
        unfinished = [(int(settings[FOLD]), _varied(settings)) for settings in missing]
        of_folds = fold_artifacts(pooled, data, self.metric, unfinished, pooled_artifacts)
        return pooled_artifacts | of_folds

    def _fold(self, number: int, runs: Sequence[SweptRun], data: CellTypeData) -> Fold | None:
        """None where every network of it diverged."""
        number_of = {cell.cell_id: index for index, cell in enumerate(data.original.cells)}
        finite = [
            (run, val, test)
            for run in runs
            if _are_finite(
                val := _predictions(run, "val", number_of),
                test := _predictions(run, "test", number_of),
            )
        ]
        if not finite:
            return None
        runs, validated, tests = zip(*finite, strict=True)
        _require_own_cells(number, tests[0], data)
        validation, tested = _side_by_side(validated), _side_by_side(tests)
        times = self._chosen(runs, validation)
        pooled = validation.pooled(times, self.pooling)
        decision = Decision.fit(
            pooled,
            validation.label,
            self.pooling,
            self.calibration,
            self.error_rate,
            held_out_units(data.split, [data.original.cells[index] for index in validation.cell]),
        )
        cells = tested.pooled(times, self.pooling)
        stated = decision.calibration(cells)
        monitored = np.array([run.monitored for run in runs])
        return Fold(
            number=number,
            chosen={_varied(run.settings): int(n) for run, n in zip(runs, times, strict=True) if n},
            monitored=float((monitored * times).sum() / times.sum()),
            n_validation=len(validation.label),
            spikes=_mean(tests, times),
            cells=Predictions(cells, cells, tested.label, tested.cell),
            stated=stated,
            decided=decision.not_sure.decided(stated),
            baselines=self._baselines(runs[0], number_of, data),
        )

    def _chosen(self, runs: Sequence[SweptRun], validation: CandidatePredictions) -> np.ndarray:
        """How often each network counts: int64 (M,)."""
        if self.members == BEST:
            monitored = np.array([run.monitored for run in runs])
            worse = np.nan_to_num(monitored if self.mode == "min" else -monitored, nan=np.inf)
            return (np.arange(len(runs)) == worse.argmin()).astype(np.int64)
        kernels = [int(run.settings.get(KERNEL, 0)) for run in runs]
        return choose(self.members, kernels, ChoiceCells.of(validation))

    def _baselines(
        self, run: SweptRun, number_of: Mapping[str, int], data: CellTypeData
    ) -> BaselineCells | None:
        if not self.baselines:
            return None
        return read_baseline_cells(
            run.fetch("test/baseline_cells.csv"), number_of, data.original.classes
        )


def _varied(settings: Mapping[str, str]) -> str:
    """What tells a network from the others of its fold, "model.kernel=8"."""
    return " ".join(f"{name}={value}" for name, value in settings.items() if name != FOLD)


def _predictions(run: SweptRun, part: str, number_of: Mapping[str, int]) -> Predictions:
    """With cells numbered as in the store."""
    predictions, _ = read_predictions(run.fetch(f"{part}/predictions.csv"))
    index = np.array([number_of[cell_id] for cell_id in predictions.cell_ids])
    return Predictions(
        predictions.probability, predictions.sigmoid, predictions.label, index[predictions.cell]
    )


def _are_finite(*predictions: Predictions) -> bool:
    return all(np.isfinite(part.probability).all() for part in predictions)


def _require_own_cells(number: int, test: Predictions, data: CellTypeData) -> None:
    of_fold = np.flatnonzero(data.spike_split.fold_of_cell == number)
    if not np.array_equal(np.unique(test.cell), of_fold):
        raise SettingError(
            f"data.fold={number}: its networks were tested on other cells than those of the fold; "
            "test on original spikes (data.sessions.parents=train)"
        )


def _side_by_side(predictions: Sequence[Predictions]) -> CandidatePredictions:
    """Of the same spikes, asked in the same order."""
    cell, label = predictions[0].cell, predictions[0].label
    assert all(np.array_equal(of_network.cell, cell) for of_network in predictions)
    order = np.argsort(cell, kind="stable")
    cells, first = np.unique(cell[order], return_index=True)
    probability = np.stack([of_network.probability[order] for of_network in predictions])
    return CandidatePredictions(probability, first, cells, label[order][first])


def _mean(predictions: Sequence[Predictions], times: np.ndarray) -> Predictions:
    """Each spike's mean over the networks."""
    probability, sigmoid = (
        np.average([getattr(of_network, name) for of_network in predictions], axis=0, weights=times)
        for name in ("probability", "sigmoid")
    )
    return Predictions(probability, sigmoid, predictions[0].label, predictions[0].cell)
