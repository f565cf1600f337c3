"""Tables of a test: every method on the same units, every class, every unit."""

from collections.abc import Mapping, Sequence

import numpy as np

from raphe.core.files.csv_text import csv_text
from raphe.core.statistics.intervals import Difference
from raphe.tasks.units.metrics.verdicts import (
    BALANCED,
    Groups,
    Scored,
    Verdicts,
    balanced_difference,
    scores,
)
from raphe.tasks.units.stores.unit_store import UnitStore

NETWORK = "network"
MEAN_OF_FOLDS = "fold_balanced_accuracy"
OF_A_CLASS = " of "  # in the name of a figure
FIGURES = (BALANCED, "accuracy", "mcc", "macro_auroc", "auroc")
METHOD_COLUMNS = (
    "method", "figure", "value", "low", "high", "interval", "less_network", "less_network_low",
    "less_network_high", "p",
)  # fmt: skip


def scored_methods(
    methods: Mapping[str, Verdicts], classes: Sequence[str], groups: Groups
) -> dict[str, list[Scored]]:
    """Every figure of every method."""
    return {name: scores(verdicts, classes, groups) for name, verdicts in methods.items()}


def methods_csv(
    methods: Mapping[str, Verdicts],
    scored: Mapping[str, list[Scored]],
    classes: Sequence[str],
    groups: Groups,
) -> str:
    """One row a method and figure; beside the balanced accuracy how far it is above the
    network's, on the same units."""
    rows = []
    for name, verdicts in methods.items():
        by_name = {figure.name: figure for figure in scored[name]}
        for figure in (by_name[wanted] for wanted in FIGURES if wanted in by_name):
            ends = (figure.estimate.value, figure.estimate.low, figure.estimate.high)
            row = [name, figure.name, *map(_shown, ends), figure.over]
            if figure.name == BALANCED and name != NETWORK:
                row += _difference(balanced_difference(verdicts, methods[NETWORK], classes, groups))
            rows.append(_filled(row))
        rows.append(_filled([name, MEAN_OF_FOLDS, _shown(verdicts.fold_balanced_accuracy)]))
    return csv_text(METHOD_COLUMNS, rows)


def _filled(row: list[str]) -> list[str]:
    return row + [""] * (len(METHOD_COLUMNS) - len(row))


def classes_csv(scored: Mapping[str, list[Scored]], classes: Sequence[str]) -> str:
    """One row a method and class: the share of it that is called so, and of its calls the right."""
    two = {"sensitivity": 0, "specificity": 1, "ppv": 0, "npv": 1}
    rows = []
    for name, figures in scored.items():
        for figure in figures:
            kind, of_class, of = figure.name.partition(OF_A_CLASS)
            if not of_class and kind in two and len(classes) == 2:
                of = classes[two[kind]]
                kind = "sensitivity" if kind in ("sensitivity", "specificity") else "ppv"
            elif not of_class:
                continue
            estimate = figure.estimate
            ends = map(_shown, (estimate.value, estimate.low, estimate.high))
            rows.append([name, of, kind, *ends, figure.over])
    return csv_text(("method", "class", "figure", "value", "low", "high", "interval"), rows)


def cells_csv(store: UnitStore, methods: Mapping[str, Verdicts], stated: np.ndarray) -> str:
    """One row a unit: its class, its fold, the network's stated probabilities (N, C), and which
    class each method calls it."""
    header = [
        "unit", "true_class", "fold", *(f"probability_{name}" for name in store.classes),
        *(f"called_by_{name.replace(' ', '_')}" for name in methods),
    ]  # fmt: skip
    first = next(iter(methods.values()))
    rows = []
    for row, fact in enumerate(store.units.facts):
        called = [store.classes[verdicts.predicted[row]] for verdicts in methods.values()]
        said = (f"{value:.4f}" for value in stated[row])
        rows.append([fact.unit_id, fact.label, int(first.fold[row]), *said, *called])
    return csv_text(header, rows)


def _shown(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.4f}"


def _difference(difference: Difference) -> list[str]:
    ends = (difference.value, difference.low, difference.high)
    return [*map(_shown, ends), f"{difference.p:.2g}"]
