"""Whether a unit is like those of training, in all of its named features together.

A feature is scaled by the spread of training's units on its side of their median; features of one
branch, and all of them, have a Mahalanobis distance. How far is too far was found on units of folds
that the test had not seen. N units, k features.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from raphe.core.firing.features import ACG_FEATURES, ISI_FEATURES
from raphe.core.sentences import counted, number
from raphe.core.statistics.outlyingness import (
    deviate,
    in_spreads,
    limits,
    mean_and_covariance,
    sides,
)
from raphe.tasks.units.features.unit_inputs import Layout
from raphe.tasks.units.features.waveform_features import FEATURES
from raphe.tasks.units.recordings.unit_set import BRANCHES, WORDS

FALSE_ALARMS = 0.05  # stated: at most so many units like those of training are called unlike them
CALIBRATED_TO = 0.025  # of the held-out units: a few groups tell a limit only roughly
FEWEST_UNITS = round(1 / FALSE_ALARMS)
NAMED = 2  # features in a sentence
IS = {"waveform": "is", "isi": "are", "acg": "is"}  # after WORDS
SINGLE, ALL = "single", "all"
OF_BRANCH = (
    FEATURES,
    tuple(f"isi_{name}" for name in ISI_FEATURES),
    tuple(f"acg_{name}" for name in ACG_FEATURES),
)


def _columns(layout: Layout) -> dict[str, np.ndarray]:
    """Of each branch that there is, which of the D inputs are its named features."""
    place = {name: number for number, name in enumerate(layout.names)}
    return {
        branch: np.array([place[name] for name in names])
        for branch, names in zip(BRANCHES, OF_BRANCH, strict=True)
        if branch in layout.branches
    }


def training_domain(inputs: np.ndarray, layout: Layout, fold: np.ndarray) -> dict[str, Any]:
    """What the units of training (N, D) are like, and the test for one unlike them: JSON values.

    `test` is None for fewer than FEWEST_UNITS.
    """
    columns = np.concatenate(list(_columns(layout).values()))
    values = inputs[:, columns]  # (N, k)
    facts: dict[str, Any] = {"n_units": len(values), "test": None}
    if len(values) < FEWEST_UNITS or not np.isfinite(values).all(axis=1).any():
        return facts
    scores = []
    for left_out in np.unique(fold):
        of_others = _fitted(values[fold != left_out])
        scores += [_scores(row, of_others, layout) for row in values[fold == left_out]]
    low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    test = {name: np.round(array, 6).tolist() for name, array in _fitted(values).items()}
    test |= {"low": np.round(low, 6).tolist(), "high": np.round(high, 6).tolist()}
    of_parts = limits(np.array(scores), CALIBRATED_TO).tolist()
    return facts | {"test": test, "limits": dict(zip(_parts(layout), of_parts, strict=True))}


def unlike_training(
    inputs: np.ndarray, layout: Layout, domain: Mapping[str, Any]
) -> list[list[str]]:
    """In what each unit (N, D) is unlike those of training, a sentence each; none for one like
    them. Of a tuned bundle: unlike the units that it was tuned to, and unlike those before.
    """
    if before := domain.get("before"):
        own = unlike_training(inputs, layout, {**domain, "before": None})
        earlier = unlike_training(inputs, layout, before)
        return [unlike if beside else [] for unlike, beside in zip(own, earlier, strict=True)]
    if domain["test"] is None:
        return [[] for _ in inputs]
    test = {name: np.array(values) for name, values in domain["test"].items()}
    of_branch = _columns(layout)
    columns = np.concatenate(list(of_branch.values()))
    names = [layout.names[column] for column in columns]
    allowed = np.array([domain["limits"][part] for part in _parts(layout)])
    told = []
    for values in inputs[:, columns]:
        beyond = _scores(values, test, layout) > allowed
        told.append(_sentences(values, test, names, beyond, layout) if beyond.any() else [])
    return told


def _sentences(
    values: np.ndarray,
    test: Mapping[str, np.ndarray],
    names: Sequence[str],
    beyond: np.ndarray,
    layout: Layout,
) -> list[str]:
    """One on each branch that is too far out; where only all taken together is, on the farthest."""
    away = np.nan_to_num(np.abs(_scaled(values, test)))
    sizes = [len(columns) for columns in _columns(layout).values()]
    rows_of = np.split(np.arange(len(away)), np.cumsum(sizes)[:-1])
    told = [rows for rows, is_beyond in zip(rows_of, beyond, strict=False) if is_beyond]
    told = told or [next(rows for rows in rows_of if away.argmax() in rows)]
    sentences = []
    for rows in told:
        farthest = rows[np.argsort(-away[rows])[:NAMED]]
        most = " and ".join(
            f"{names[row].replace('_', ' ')} {number(values[row])} (in training "
            f"{number(test['low'][row])} to {number(test['high'][row])})"
            for row in farthest
        )
        branch = BRANCHES[next(n for n, of in enumerate(OF_BRANCH) if names[rows[0]] in of)]
        sentences.append(
            f"the {WORDS[branch]} {IS[branch]} unlike any in training, most of all {most}"
        )
    return sentences


def not_compared(domain: Mapping[str, Any]) -> str:
    """Why nothing can be compared, a sentence; "" where it can."""
    if domain["test"] is not None:
        return ""
    return (
        "whether a unit is like those of training cannot be told from "
        f"{counted('unit', domain['n_units'])}: {FEWEST_UNITS} are needed"
    )


def _parts(layout: Layout) -> list[str]:
    return [*layout.branches, ALL, SINGLE]


def _fitted(values: np.ndarray) -> dict[str, np.ndarray]:
    of_sides = sides(values)
    mean, covariance = mean_and_covariance(in_spreads(values, *of_sides))
    centre, below, above = of_sides
    return {
        "centre": centre, "below": below, "above": above, "mean": mean, "covariance": covariance
    }  # fmt: skip


def _scaled(values: np.ndarray, test: Mapping[str, np.ndarray]) -> np.ndarray:
    return in_spreads(values, test["centre"], test["below"], test["above"])


def _scores(values: np.ndarray, test: Mapping[str, np.ndarray], layout: Layout) -> np.ndarray:
    """How far out one unit's features (k,) are: by each branch, NaN for one that it lacks, by all,
    and the farthest."""
    scaled = _scaled(values, test)
    sizes = [len(columns) for columns in _columns(layout).values()]
    branch = np.repeat(np.arange(len(sizes)), sizes)
    known = np.isfinite(scaled)
    rows_of = [np.flatnonzero(known & (branch == number)) for number in range(len(sizes))]
    distances = [
        deviate((scaled - test["mean"])[rows], test["covariance"][np.ix_(rows, rows)])
        if len(rows)
        else np.nan
        for rows in (*rows_of, np.flatnonzero(known))
    ]
    return np.array([*distances, np.nanmax(np.abs(scaled), initial=0.0)])
