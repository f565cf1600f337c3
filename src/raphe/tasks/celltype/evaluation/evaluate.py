"""What a test says of a network: figures by cell and by spike, with intervals, tables, pictures.

Spikes of one cell are alike, so the cell comes first, called by its pooled probability, and every
figure that counts spikes has the count of cells beside it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import get_args

import numpy as np
import torch

from raphe.core.errors import SettingError
from raphe.core.metric_names import KEPT_VAL, Estimate
from raphe.core.protocol import CONCLUSION, Draw
from raphe.core.ranges import check_ranges
from raphe.core.statistics.abstention import ErrorRate, risk_coverage
from raphe.core.statistics.calibration import Method, brier
from raphe.core.statistics.cell_probability import Pooling, check_pooling
from raphe.core.statistics.decision import Decision
from raphe.core.statistics.linear_figures import is_of_a_class
from raphe.tasks.celltype.evaluation.baseline_cells import BaselineCells, baseline_cells
from raphe.tasks.celltype.evaluation.baseline_report import baseline_artifacts
from raphe.tasks.celltype.evaluation.class_evidence import (
    class_evidence,
    evidence_csv,
    evidence_figure,
)
from raphe.tasks.celltype.evaluation.conclusion import conclusion
from raphe.tasks.celltype.evaluation.figures import (
    confusion_figure,
    roc_figure,
)
from raphe.tasks.celltype.evaluation.probability_figures import (
    reliability_figure,
    risk_coverage_figure,
)
from raphe.tasks.celltype.evaluation.set_report import cells_csv, confusion_json, headline_text
from raphe.tasks.celltype.evaluation.spikes_needed import spikes_needed, spikes_needed_figure
from raphe.tasks.celltype.metrics.cell_level import (
    Headline,
    headlines,
    headlines_csv,
    mean_loss,
    share_of_cells,
)
from raphe.tasks.celltype.metrics.held_out import held_out_units
from raphe.tasks.celltype.metrics.predictions import Predictions, predictions_csv
from raphe.tasks.celltype.metrics.set_result import SetResult
from raphe.tasks.celltype.training.data import CellTypeData
from raphe.tasks.celltype.training.module import CellTypeModule

SEED = 0  # of resampling: the same predictions give the same intervals

Artifacts = dict[str, Draw | str | float | Estimate]


@dataclass(frozen=True)
class Evaluation:
    """Sums up each test set of a tested model; see `artifacts`. Raises SettingError.

    Calibration and the "not sure" band are settled on the validation cells; too few of them make
    the band alone. Split by spike there are none that were not trained on, and neither is made. All
    predictions are kept as `<set>/predictions.csv`, also those of validation, the decision as
    `decision.json`, and what must stand beside every result as `note.txt`.

    Args:
        pooling: of a cell's spikes into one probability: mean, median or trimmed.
        calibration: of a cell's probability: temperature or platt.
        error_rate: wanted share of cells that are called wrong; the rest is "not sure".
        baselines: whether to train simple classifiers on the same cells, and report them beside.
    """

    pooling: Pooling = "mean"
    calibration: Method = "temperature"
    error_rate: ErrorRate = 0.05
    baselines: bool = True

    def __post_init__(self) -> None:
        check_pooling(self.pooling)
        if self.calibration not in get_args(Method):
            raise SettingError(
                f"evaluate.calibration={self.calibration}: expected {' or '.join(get_args(Method))}"
            )
        check_ranges(Evaluation, vars(self), "evaluate")
        if not isinstance(self.baselines, bool):
            raise SettingError(f"evaluate.baselines={self.baselines}: expected true or false")

    def __call__(self, model: CellTypeModule, data: CellTypeData) -> Artifacts:
        classes = data.facts["classes"]
        held_out = validation_predictions(model, data)
        contents: Artifacts = {"val/predictions.csv": predictions_csv(held_out, classes)}
        contents |= kept_figures(held_out, data, self.pooling)
        if data.note:
            contents["note.txt"] = f"{data.note}\n"
        decision = None
        if data.split != "spike" and _is_finite(held_out):
            cells = held_out.per_cell(self.pooling)
            decision = Decision.fit(
                cells.probability,
                cells.label,
                self.pooling,
                self.calibration,
                self.error_rate,
                held_out_units(data.split, [data.original.cells[index] for index in cells.cell]),
                data.mix,
            )
            contents["decision.json"] = json.dumps(decision.facts(), indent=2) + "\n"
        stores = {"test": data.original, **data.tests}
        baselines = baseline_cells(data, self.pooling) if self.baselines else {}
        for name, predictions in model.predictions.items():
            split = data.split if stores[name] is data.original else None
            result = SetResult(
                name, predictions, classes, stores[name].cells, self.pooling, decision, split
            )
            contents |= artifacts(result, baselines.get(name))
            if name == "test" and _is_finite(predictions):
                contents[CONCLUSION] = conclusion(result, baselines.get(name)) + "\n"
        if _is_finite(model.predictions["test"]):
            contents |= _evidence(model, data)
        return with_note(contents, data.note)


def with_note(contents: Artifacts, note: str) -> Artifacts:
    """The same, and below each headline the note that must stand beside every result."""
    below = f"\nNote: {note}\n" if note else ""
    return {
        name: f"{content}{below}" if name.endswith("headline.txt") else content
        for name, content in contents.items()
    }


def _evidence(model: CellTypeModule, data: CellTypeData) -> Artifacts:
    """Which part of the spike spoke for each class, on the test part of the data's own store; the
    gradients take longer than a small network's epoch, so that they are taken if it is drawn."""
    spikes, predictions = data.original, model.predictions["test"]
    axis, rows = spikes.time_axis, data.spike_split.rows("test")
    of_classes = cache(partial(class_evidence, model, spikes, rows, predictions))
    return {
        "test/class_evidence.csv": lambda: evidence_csv(of_classes(), axis, spikes.unit),
        "test/class_evidence.png": lambda: evidence_figure(of_classes(), axis, spikes.unit),
    }


def validation_predictions(model: CellTypeModule, data: CellTypeData) -> Predictions:
    """What a model says of the validation part."""
    was_training = model.training
    model.eval()
    parts = []
    with torch.inference_mode():
        for current, label, cell in data.val_dataloader()[0]:
            current, cell = current.to(model.device), cell.to(model.device)
            logits = model.logits_of(data.original, current, cell)
            parts.append((logits.float().cpu(), label, cell.cpu()))
    model.train(was_training)
    logits, label, cell = (torch.cat(part).numpy() for part in zip(*parts, strict=True))
    return Predictions.from_logits(logits, label, cell, data.test_cell_ids["test"])


def artifacts(result: SetResult, baselines: BaselineCells | None = None) -> Artifacts:
    """Figures, tables and metrics of one set, with `baselines` on its cells beside them.

    Returns:
        Under `<set>/…`: confusion.png, roc.png (of more than one class), reliability.png,
        risk_coverage.png and spikes_needed.png (of cells with several spikes) to be drawn;
        headline.txt, headline.csv, cells.csv, confusion.json, spikes_needed.csv and
        predictions.csv as text; with baselines what `baseline_artifacts` makes; and metrics of the
        run, with intervals: cells/… and, where cells have several, spikes/… for every headline,
        and with a decision cells/coverage, the share called, and cells/wrong_calls, the share
        called wrong; without: cells/brier and cells/aurc.

        Of a network that diverged predictions.csv alone.
    """
    contents: Artifacts = {"predictions.csv": predictions_csv(result.spikes, result.classes)}
    if _is_finite(result.spikes):
        figures = _headlines(result)
        contents |= {
            "headline.txt": headline_text(result, figures),
            "headline.csv": headlines_csv(figures),
            "cells.csv": cells_csv(result),
            "confusion.json": confusion_json(result),
            "confusion.png": partial(confusion_figure, result),
            "reliability.png": partial(reliability_figure, result),
            "risk_coverage.png": partial(risk_coverage_figure, result),
        }
        if len(np.unique(result.spikes.label)) > 1:
            contents["roc.png"] = partial(roc_figure, result)
        needed = spikes_needed(
            result.spikes, np.random.default_rng(SEED), result.pooling, result.decision
        )
        if len(needed.counts) > 1:
            contents["spikes_needed.csv"] = needed.table()
            contents["spikes_needed.png"] = partial(spikes_needed_figure, result.name, needed)
        contents |= _estimates(figures)
        contents |= _of_verdicts(result)
        if baselines is not None:
            contents |= baseline_artifacts(result, baselines)
    return {f"{result.name}/{name}": content for name, content in contents.items()}


def kept_figures(
    held_out: Predictions, data: CellTypeData, pooling: Pooling
) -> dict[str, float | Estimate]:
    """Of the validation part, as the weights that were kept have them: every headline, the loss
    with its standard error, and how many cells and spikes there are. Nothing if it diverged."""
    if not _is_finite(held_out):
        return {}
    result = SetResult(
        KEPT_VAL, held_out, data.facts["classes"], data.original.cells, pooling, split=data.split
    )
    figures: dict[str, float | Estimate] = {
        "loss": mean_loss(held_out, result.groups),
        "n_cells": float(len(result.cells.label)),
        "n_spikes": float(len(held_out.label)),
        **_estimates(_headlines(result)),
    }
    return {f"{KEPT_VAL}/{name}": value for name, value in figures.items()}


def _headlines(result: SetResult) -> list[Headline]:
    return [
        headline
        for level, predictions in result.levels.items()
        for headline in headlines(
            level, predictions, result.groups, result.classes, result.compared_within(predictions)
        )
    ]


def _estimates(figures: Sequence[Headline]) -> dict[str, Estimate]:
    return {
        f"{headline.level}/{headline.name}": Estimate(headline.value, headline.low, headline.high)
        for headline in figures
        if not is_of_a_class(headline.name)
    }


def _of_verdicts(result: SetResult) -> dict[str, float | Estimate]:
    curve = risk_coverage(result.stated.max(axis=1), result.right)
    figures: dict[str, float | Estimate] = {
        "cells/brier": brier(result.stated, result.cells.label),
        "cells/aurc": curve.area,
    }
    if result.decided is not None:
        every_cell = np.ones(len(result.decided), bool)
        called, wrong = result.decided, result.decided & ~result.right
        shares = [
            share_of_cells(name, counted_in, every_cell, result.cells, result.groups)
            for name, counted_in in (("coverage", called), ("wrong_calls", wrong))
        ]
        figures |= _estimates(shares)
    return figures


def _is_finite(predictions: Predictions) -> bool:
    return bool(np.isfinite(predictions.probability).all())
