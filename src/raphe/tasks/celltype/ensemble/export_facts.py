"""What a bundle's manifest says of the ensemble: JSON values, and the card is written from them.

n cells, C classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np

from raphe.core.metric_names import VAL, metric
from raphe.core.sentences import counted
from raphe.core.statistics.calibration import brier, reliability
from raphe.core.statistics.decision import Decision
from raphe.core.statistics.linear_figures import is_of_a_class
from raphe.tasks.celltype.ensemble.candidates import CandidatePredictions
from raphe.tasks.celltype.ensemble.choice_cells import (
    ChoiceCells,
    log_loss,
    mean_of,
    optimism_of,
)
from raphe.tasks.celltype.ensemble.selection import (
    choose,
    compared,
    is_choice,
    n_candidates,
    standing,
)
from raphe.tasks.celltype.features.training_domain import training_domain
from raphe.tasks.celltype.metrics.cell_level import (
    Headline,
    group_cells,
    headlines,
    interval_note,
)
from raphe.tasks.celltype.metrics.names import CELLS
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.spikes.cut_settings import MIN_RATE_HZ, Cut
from raphe.tasks.celltype.stores.spike_set import Cell, SpikeSet, baseline_of
from raphe.tasks.celltype.training.data import CellTypeData

VALIDATION = "validation"
OWN = (VALIDATION, "test")  # sets whose cells are of the store that was trained on
LEAK = (
    "Trained on a split by spike: the cells tested on were also trained on, so the figures are too "
    "good, probabilities are not calibrated, and no verdict is ever “not sure”."
)


def note(data: CellTypeData) -> str:
    """The sentences that must stand beside every verdict, or ""."""
    return f"{data.note_of_networks} {LEAK if data.split == 'spike' else ''}".strip()


def window(spikes: SpikeSet) -> dict[str, Any]:
    """What an ensemble that was trained on these takes, and how it is cut from a recording."""
    return window_of(spikes.n_samples, spikes.rate_hz, spikes.unit, spikes.facts)


def window_of(
    n_samples: int, rate_hz: float, unit: str, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """As `window`, from the facts of a store; none of them where there is no store."""
    cut = cut_of(n_samples, rate_hz, unit, facts)
    return {
        "n_samples": n_samples,
        "rate_hz": rate_hz,
        "unit": unit,
        "preprocessing": "none: each member standardises a window by its own mean and SD",
        "baseline_ms": baseline_of(facts),
        "cut": None if cut is None else asdict(cut),
    }


def cut_of(n_samples: int, rate_hz: float, unit: str, facts: Mapping[str, Any]) -> Cut | None:
    """As the store says, and as published where it says nothing; None where windows differ."""
    if rate_hz < MIN_RATE_HZ:
        return None
    cut = Cut(**{"rate_hz": rate_hz, **facts.get("cut", {})})
    return cut if (cut.n_samples, cut.unit) == (n_samples, unit) else None


def training(data: CellTypeData) -> dict[str, Any]:
    """What the members were trained on: stores, split, cells, days, and how these cells were."""
    spikes = data.original
    rows = data.spike_split.rows("train")
    cells = [spikes.cells[index] for index in np.unique(spikes.cell[rows])]
    return {
        "store_hashes": data.hashes,
        "split": data.spike_split.facts,
        "n_spikes": len(rows),
        "cells": {
            name: sorted(cell.cell_id for cell in cells if cell.label == label)
            for label, name in enumerate(spikes.classes)
        },
        "chosen_on": sorted(
            spikes.cells[index].cell_id
            for index in np.unique(spikes.cell[data.spike_split.rows("val")])
        ),
        "days": sorted({cell.day for cell in cells if cell.day}),
        "animals": sorted({cell.animal for cell in cells if cell.animal}),
        "class_shares": data.class_shares.tolist(),
        "domain": training_domain(spikes, rows),
    }


def selection(
    way: str,
    kernels: Sequence[int],
    cells: ChoiceCells | None,
    predictions: Mapping[str, CandidatePredictions],
    times: np.ndarray,
    held_out: bool = True,
    chosen_by_sweep: tuple[int, str] | None = None,
    chose_epochs: bool = True,
) -> dict[str, Any]:
    """How members were chosen, what other ways give on every set, and what the choice flatters.

    Args:
        way: as asked, see `choose`.
        kernels: of the M candidates.
        cells: what the choice was made by; None: nothing.
        predictions: of every set.
        times: how often each candidate counts by that way, int64 (M,).
        held_out: whether the cells were not trained on; if they were, they cannot tell.
        chosen_by_sweep: the candidate that the sweep itself chose, and what is said of it.
        chose_epochs: whether validation said which epoch of each network is kept.
    """
    facts: dict[str, Any] = {
        "way": way,
        "by_validation": is_choice(way, kernels),
        "held_out": held_out,
        "chose_epochs": chose_epochs,
        "n_networks": len(kernels),
        "kernels": sorted(set(kernels)),
        "differs": _differs(way, kernels, times, chosen_by_sweep),
        "compared": _comparison(kernels, cells, predictions, {way: times}),
        "optimism": None,
    }
    if is_choice(way, kernels) and cells is not None and held_out:
        optimism = optimism_of(partial(choose, way, kernels), cells)
        facts["optimism"] = {
            **{name: None if v != v else v for name, v in asdict(optimism).items()},
            "sentence": optimism.sentence(
                n_candidates(way, kernels), standing(way, kernels), cells.is_calibrated
            ),
        }
    return facts


def _differs(
    way: str,
    kernels: Sequence[int],
    times: np.ndarray,
    chosen_by_sweep: tuple[int, str] | None,
) -> str:
    """Where cells chose other networks than the sweep did: a sentence with both choices."""
    if chosen_by_sweep is None or not is_choice(way, kernels) or times[chosen_by_sweep[0]]:
        return ""
    sizes = f"kernel{'s' * (len({kernels[i] for i in np.flatnonzero(times).tolist()}) > 1)}"
    return (
        f"The sweep's own choice differs: it is {chosen_by_sweep[1]}; here "
        f"{sizes} {_named(kernels, times)} {'are' if sizes == 'kernels' else 'is'} chosen, by the "
        "validation loss over cells, which count alike however many spikes they have."
    )


def _comparison(
    kernels: Sequence[int],
    cells: ChoiceCells | None,
    predictions: Mapping[str, CandidatePredictions],
    chosen: Mapping[str, np.ndarray],
) -> list[dict[str, Any]]:
    """What each way to choose members gives, on every set: raw means over spikes and members.

    `kernels` are of the M candidates, `chosen` says how often each counts by a way: int64 (M,).
    """
    ways: dict[str, np.ndarray | str] = dict(chosen)
    if cells is not None:
        ways = {**compared(kernels, cells), **chosen}
    rows: list[dict[str, Any]] = []
    for way, times in ways.items():
        if isinstance(times, str):
            rows.append({"way": way, "impossible": times})
            continue
        sets = {name: _raw(of_set, times) for name, of_set in predictions.items()}
        rows.append({"way": way, "members": _named(kernels, times), "sets": sets})
    return rows


def _raw(predictions: CandidatePredictions, times: np.ndarray) -> dict[str, float]:
    probability = mean_of(predictions.of_cells, times)
    right = probability.argmax(axis=1) == predictions.label
    return {
        "n_cells": len(right),
        "n_right": int(right.sum()),
        "log_loss": log_loss(probability, predictions.label),
    }


def _named(kernels: Sequence[int], times: np.ndarray) -> str:
    """As "20–30", "8, 24 (3 times)" or "5–7 (2 networks each)": kernel sizes of the chosen, with
    how many networks have each and how often they count, where that is not once."""
    times_of: dict[int, list[int]] = {}
    for row in np.flatnonzero(times).tolist():
        times_of.setdefault(kernels[row], []).append(int(times[row]))
    chosen = [(kernel, sorted(of_kernel)) for kernel, of_kernel in sorted(times_of.items())]
    # Neighbours that count alike have the same distance to their place in the list.
    runs = groupby(enumerate(chosen), key=lambda item: (item[1][0] - item[0], item[1][1]))
    return ", ".join(_span([item for _, item in run]) for _, run in runs)


def _span(run: Sequence[tuple[int, list[int]]]) -> str:
    (first, times), (last, _) = run[0], run[-1]
    span = f"{first}" if first == last else f"{first}–{last}"
    counts = []
    if len(times) > 1:
        counts.append(counted("network", len(times)) + " each" * (first != last))
    if sum(times) > len(times):
        counts.append(counted("time", sum(times)))
    return f"{span} ({', '.join(counts)})" if counts else span


def figures(
    cells: Mapping[str, Sequence[Cell]],
    classes: Sequence[str],
    predictions: Mapping[str, CandidatePredictions],
    times: np.ndarray,
    decision: Decision,
    split: str | None = None,
) -> dict[str, Any]:
    """Each set's figures by cell, of calibrated probabilities: of all cells, and of those called.

    `cells` are those of each set's store, `times` is how often each candidate counts, int64 (M,),
    `split` by what those of validation and the test part were held out of what was trained on.
    NaN, which JSON has not, becomes None.
    """
    return {
        name: _figures(
            cells[name], classes, of_set, times, decision, split if name in OWN else None
        )
        for name, of_set in predictions.items()
    }


def _figures(
    cells: Sequence[Cell],
    classes: Sequence[str],
    predictions: CandidatePredictions,
    times: np.ndarray,
    decision: Decision,
    split: str | None,
) -> dict[str, Any]:
    probability = decision.calibration(predictions.pooled(times, decision.pooling))
    decided = decision.not_sure.decided(probability)
    right = probability.argmax(axis=1) == predictions.label
    stated = reliability(probability.max(axis=1), right)
    of_all, note = _headlines(probability, predictions, cells, classes, split)
    of_called, note_of_called = _headlines(probability, predictions, cells, classes, split, decided)
    if note_of_called not in ("", note):
        note += f" Of those called: {note_of_called[:1].lower()}{note_of_called[1:]}"
    return {
        "n_spikes": predictions.n_spikes,
        "n_cells": len(decided),
        "n_called": int(decided.sum()),
        "n_called_wrong": int((decided & ~right).sum()),
        "log_loss": log_loss(probability, predictions.label),
        "brier": brier(probability, predictions.label),
        "expected_calibration_error": stated.expected_error,
        "all_cells": of_all,
        "called_cells": of_called,
        "intervals": note,
    }


def _headlines(
    probability: np.ndarray,
    predictions: CandidatePredictions,
    cells: Sequence[Cell],
    classes: Sequence[str],
    split: str | None,
    rows: np.ndarray | slice = slice(None),
) -> tuple[list[dict[str, Any]], str]:
    """The figures of some of the cells, and for what their intervals hold."""
    label, cell = predictions.label[rows], predictions.cell[rows]
    if not len(label):
        return [], ""
    of_rows = probability[rows]
    verdicts = Predictions(of_rows, of_rows, label, cell)
    groups = group_cells(verdicts, cells, split=split)
    figures = headlines("cells", verdicts, groups, classes)
    return [_as_json(headline) for headline in figures], interval_note(figures, groups)


def _as_json(headline: Headline) -> dict[str, Any]:
    return {
        key: None if value != value else value
        for key, value in asdict(headline).items()
        if key not in ("level", "se")
    }


def metrics(figures: Mapping[str, Any]) -> dict[str, float]:
    """The figures of all cells under the names that a tracked run has, `test/cells/auroc`."""
    by_name: dict[str, float] = {}
    for name, of_set in figures.items():
        part = VAL if name == VALIDATION else name
        of_cells = {
            headline["name"]: headline["value"]
            for headline in of_set["all_cells"]
            if headline["value"] is not None and not is_of_a_class(headline["name"])
        }
        of_cells["coverage"] = of_set["n_called"] / of_set["n_cells"]
        of_cells["brier"] = of_set["brier"]
        by_name |= {metric(part, CELLS, figure): value for figure, value in of_cells.items()}
        by_name |= {metric(part, "", n): float(of_set[n]) for n in ("n_cells", "n_spikes")}
    return by_name
