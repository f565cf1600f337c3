"""What a sweep compares on the terminal: its means over folds and seeds, and what they tell."""

import textwrap

import numpy as np
from rich.console import Console
from rich.table import Table

from raphe.core.metric_names import Estimate, kept
from raphe.core.sentences import counted, number, printable
from raphe.core.statistics.repeats import spread_of_seeds
from raphe.harness.report.means import Means, headline
from raphe.harness.report.shown import UNDEFINED, in_words
from raphe.harness.report.sweep_conclusion import decimals, with_interval
from raphe.harness.report.sweep_table import CHOSEN, HEADING, MOST_ROWS, heading, table_of

LEVEL = 0.05  # of p


def means_told(means: Means, each_fold_chooses: bool) -> list[str]:
    """Sentences: what is best by validation, its test, which others the test tells from it.

    Args:
        each_fold_chooses: a summary follows, in which each fold has chosen by its own validation.
    """
    results = means.results
    monitored, metric = kept(results.monitored), headline(means)
    what = in_words(results.names, monitored.rpartition("val/")[2])
    if means.reference is None:
        return [f"Each figure is {means.described}."]
    best = means.runs[means.reference]
    told = number(best.metrics[monitored])
    whom = f"{best.name} is best by validation," if means.compared else "validation"
    sentences = [f"Over repeats: {whom} {what} {told}, {means.described}."]
    tested = results.estimate(best, metric)
    if tested is None:
        return sentences
    label = in_words(results.names, results.headlines[0])
    sentences.append(f"Its test: {label} {with_interval(tested)}.")
    if compared := _compared(means, metric):
        sentences.append(compared)
    if each_fold_chooses and len(means.runs) > 1:
        sentences.append(
            "Cells that validate one fold are tested in another, so that this is no test of a "
            "choice; the summary is, for which each fold has chosen by its own validation."
        )
    return sentences


def meaning(means: Means) -> str:
    """What the intervals are of."""
    if means.n_folds > 1:
        return (
            f"Intervals: of t over {counted('fold', means.n_folds)}, made wider as their trainings "
            "share data (Nadeau and Bengio 2003)."
        )
    return (
        f"Intervals: of t over {counted('seed', means.n_seeds)}: what other seeds would come to on "
        "the same test; of other cells they say nothing."
    )


def print_means(means: Means, each_fold_chooses: bool) -> None:
    console = Console(highlight=False, markup=False)
    for sentence in means_told(means, each_fold_chooses):
        console.print(sentence)
    if means.compared:
        console.print(means_table(means))
    mark = f"{CHOSEN} best by {kept(means.members.monitored)}. " if means.compared else ""
    console.print(f"{mark}{meaning(means)} All means: means.csv of the run.")


def means_table(means: Means) -> Table:
    """A row for each setting: means, the interval of the test, its difference from the best."""
    results, metric = means.results, headline(means)
    label = "\n".join(textwrap.wrap(in_words(results.names, results.headlines[0]), HEADING))
    columns: list[tuple[str, list[str]]] = [
        ("", [CHOSEN if c == means.reference else "" for c in range(len(means.runs))])
    ]
    columns += [
        (heading(name), [printable(run.params[name]) for run in means.runs])
        for name in means.compared
    ]
    columns.append(("members", [str(n) for n in means.n_members]))
    monitored = kept(results.monitored)
    columns.append(
        (monitored.replace("/", "\n"), [_number(run.metrics.get(monitored)) for run in means.runs])
    )
    if (over := means.over.get(metric)) is not None:
        columns.append((f"{label}\ntest (95 %)", _intervals(over.mean, over.low, over.high)))
        if (less := means.differences(metric)) is not None:
            texts = _intervals(less.mean, less.low, less.high, sign="+")
            texts = ["" if c == means.reference else text for c, text in enumerate(texts)]
            columns.append(("less that of\nthe best (95 %)", texts))
        if means.n_seeds > 1:
            spread = spread_of_seeds(means.scores[metric])
            columns.append(("SD of\nseeds", [_number(value) for value in spread]))
    return table_of(columns, _order(means))


def _order(means: Means) -> list[int]:
    """As they were swept; where they are too many to be shown, the best by validation first."""
    places = list(range(len(means.runs)))
    if len(places) <= MOST_ROWS or means.reference is None:
        return places
    values = means.over[kept(means.members.monitored)].mean
    best = values[means.reference]
    return [int(c) for c in np.argsort(np.abs(values - best), kind="stable")]


def _compared(means: Means, metric: str) -> str:
    differences = means.differences(metric)
    if differences is None:
        return ""
    p = means.corrected(differences)
    n_others, n_apart = len(means.runs) - 1, int((p < LEVEL).sum())
    n_without = int(np.isnan(p).sum()) - 1
    without = f"; {n_without} cannot be compared" if n_without else ""
    return (
        f"In pairs of the same folds and seeds, the test tells {n_apart or 'none'} of "
        f"{counted('other', n_others)} from it (p < {LEVEL}, corrected after Holm for their "
        f"number){without}."
    )


def _intervals(mean: np.ndarray, low: np.ndarray, high: np.ndarray, sign: str = "") -> list[str]:
    rows = [Estimate(*map(float, ends)) for ends in zip(mean, low, high, strict=True)]
    places = decimals([row for row in rows if not np.isnan(row.value)])
    return [
        UNDEFINED
        if np.isnan(row.value)
        else f"{row.value:{sign}.{places}f}"
        + (
            ""
            if np.isnan(row.low)
            else f" ({row.low:{sign}.{places}f} to {row.high:{sign}.{places}f})"
        )
        for row in rows
    ]


def _number(value: float | None) -> str:
    return UNDEFINED if value is None or np.isnan(value) else number(value)
