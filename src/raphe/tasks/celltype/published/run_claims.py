"""Both definitions, the papers' and the plain one, of a network's own predictions."""

from collections.abc import Sequence

import numpy as np

from raphe.core.claims import Claim, note_claim, percent
from raphe.core.errors import SettingError
from raphe.core.metric_names import Estimate
from raphe.core.sentences import counted
from raphe.core.statistics.figure_interval import Headline
from raphe.tasks.celltype.metrics.cell_level import headlines
from raphe.tasks.celltype.metrics.contingency import CELL_RATES, ContingencyTable
from raphe.tasks.celltype.metrics.keras_sensitivity import keras_sensitivity
from raphe.tasks.celltype.metrics.predictions import Predictions, sensitivity_at_specificity
from raphe.tasks.celltype.metrics.set_result import SetResult
from raphe.tasks.celltype.published.run_folder import Epochs, RunResults

VALIDATION = "val"
SESSION, CELLS = "session/", "/cells/"  # session/<set>/cells/<rate>
SPECIFICITY = 0.5


def run_claims(run: RunResults) -> list[Claim]:
    """Every test set of one run. Raises SettingError for other than two classes."""
    claims = note_claim(run.name, run.note)
    for name in test_sets(run):
        result = run.sets[name]
        require_two_classes(run.name, result)
        source = f"{run.name}, {contents(result)}"
        claims += [*cell_claims(source, result), *_spike_claims(source, result)]
        if name == "test" and VALIDATION in run.sets:
            claims.append(_split_claim(source, result, run.sets[VALIDATION]))
    return claims


def session_claims(name: str, networks: Sequence[Epochs]) -> list[Claim]:
    """Rates of cells averaged over the sessions of a training, and over networks if several.

    None for networks that were not trained in sessions.
    """
    columns = sorted({column for epochs in networks for column in epochs})
    sets = [
        column.removeprefix(SESSION).partition(CELLS)[0]
        for column in columns
        if column.startswith(SESSION) and column.endswith(CELLS + CELL_RATES[0])
    ]
    return [claim for set_name in sets for claim in _session_claims_of(name, set_name, networks)]


def test_sets(run: RunResults) -> list[str]:
    """Names of the sets a network was tested on; "test" first."""
    return sorted(set(run.sets) - {VALIDATION}, key=lambda name: (name != "test", name))


def cell_claims(source: str, result: SetResult) -> list[Claim]:
    """Rates of the cells that a network or an ensemble calls.

    The papers compare the means of both sigmoids, here each is first divided by their sum.
    """
    theirs = verdicts_as_published(result.cells)
    ppv, npv = theirs.of_called()
    ours = _plain(result, "cells")
    pred = 'normalize="pred"'
    return [
        Claim(
            source,
            "true positive rate of cells",
            f"{100 * ppv:.1f} %, {theirs.first_right}/{theirs.n_called_first}",
            f"sensitivity {_with_counts(ours['sensitivity'])}",
            f"{pred} divides by the cells called so: a predictive value.",
            ppv,
            ours["sensitivity"],
        ),
        Claim(
            source,
            "true negative rate of cells",
            f"{100 * npv:.1f} %, {theirs.others_right}/{theirs.n_called_other}",
            f"specificity {_with_counts(ours['specificity'])}",
            f"{pred} divides by the cells called so: a predictive value.",
            npv,
            ours["specificity"],
        ),
        Claim(
            source,
            "AUC of cells",
            f"{(ppv + npv) / 2:.3f}",
            f"AUROC {_number(ours['auroc'])}",
            "From verdicts, with truth and verdict exchanged, it is the mean of both predictive "
            "values; from probabilities it is how often a pair is ranked right.",
            (ppv + npv) / 2,
            ours["auroc"],
        ),
    ]


def _spike_claims(source: str, result: SetResult) -> list[Claim]:
    predictions = result.spikes
    pooled = keras_sensitivity(predictions.sigmoid, predictions.label, SPECIFICITY)
    score, positive = predictions.probability[:, 0], predictions.label == 0
    exact = sensitivity_at_specificity(score, positive, SPECIFICITY)
    truth = np.eye(2, dtype=bool)[predictions.label]
    recall = float((predictions.sigmoid > 0.5)[truth].mean())
    ours = _plain(result, "spikes")["sensitivity"]
    return [
        Claim(
            source,
            f"sensitivity at specificity {SPECIFICITY} of spikes",
            f"{pooled:.4f}",
            f"{exact:.4f}",
            "Keras pools both one-hot columns and tries 200 thresholds; here only the first class "
            "counts as positive, at every threshold.",
            pooled,
            Estimate(exact, float("nan"), float("nan")),
        ),
        Claim(
            source,
            "recall of spikes",
            f"{recall:.4f}",
            f"sensitivity {_with_counts(ours)}",
            "Keras' recall counts both classes as positives.",
            recall,
            ours,
        ),
    ]


def _session_claims_of(name: str, set_name: str, networks: Sequence[Epochs]) -> list[Claim]:
    columns = {rate: f"{SESSION}{set_name}{CELLS}{rate}" for rate in CELL_RATES}
    scored = [epochs for epochs in networks if columns["sensitivity"] in epochs]
    rates = {
        rate: np.concatenate([epochs[column] for epochs in scored])
        for rate, column in columns.items()
    }
    rates = {rate: values[np.isfinite(values)] for rate, values in rates.items()}
    n_known = len(rates["sensitivity"])  # of a session that calls no cell so its share is not
    n_sessions = max(np.isfinite(epochs[columns["sensitivity"]]).sum() for epochs in scored)
    source = f"{name}, {set_name} set after each of {counted('session', int(n_sessions))}"
    if len(networks) > 1:
        source += f", {counted('network', len(scored))}"
    return [
        Claim(
            source,
            f"true {sign} rate of cells, mean over sessions",
            f"{_mean_and_best(rates[theirs])}, false {other} "
            f"{100 * (1 - rates[theirs].mean()):.1f} %" + _where_known(rates[theirs], n_known),
            f"{ours} {_mean_and_best(rates[ours])}",
            "The papers' matrices are shares of the cells called so, and a false rate is the rest "
            "to 100 %. Verdicts here are each network's own, in the papers those of the consensus.",
            float(rates[theirs].mean()),
            Estimate(float(rates[ours].mean()), float("nan"), float("nan")),
        )
        for sign, other, theirs, ours in (
            ("positive", "negative", "ppv", "sensitivity"),
            ("negative", "positive", "npv", "specificity"),
        )
        if len(rates[theirs]) and len(rates[ours])
    ]


def _mean_and_best(values: np.ndarray) -> str:
    return f"{100 * values.mean():.1f} %, at best {100 * values.max():.1f} %"


def _where_known(values: np.ndarray, n: int) -> str:
    return f", where any cell is called so: {len(values)} of {n}" if len(values) < n else ""


def _split_claim(source: str, test: SetResult, validation: SetResult) -> Claim:
    held_out = {validation.cell_name(index) for index in validation.cells.cell}
    shared_cells = [index for index in test.cells.cell if test.cell_name(index) in held_out]
    shared = np.isin(test.spikes.cell, shared_cells).mean()
    by = "by spike, as published" if shared else "by cell or by day"
    return Claim(
        source,
        "split",
        "by spike",
        f"{by}: {100 * shared:.1f} % of the test spikes are of cells in validation too",
        "Spikes of one cell are alike: a network that knows the cell knows the answer. Compare a "
        "run of data.split=spike with one of data.split=cell.",
    )


def verdicts_as_published(cells: Predictions) -> ContingencyTable:
    """From the mean of each sigmoid; a tie is the second class, as in the notebooks."""
    return ContingencyTable.of(cells.sigmoid[:, 0] > cells.sigmoid[:, 1], cells.label == 0)


def _plain(result: SetResult, level: str) -> dict[str, Headline]:
    shown = result.cells if level == "cells" else result.spikes
    figures = headlines(level, shown, result.groups, result.classes)
    return {headline.name: headline for headline in figures}


def _with_counts(headline: Headline) -> str:
    assert headline.counts is not None  # as of every share
    return f"{percent(headline)}, {headline.counts[0]}/{headline.counts[1]}"


def _number(headline: Headline) -> str:
    if np.isnan(headline.low):
        return f"{headline.value:.3f}"
    return f"{headline.value:.3f} ({headline.low:.3f} to {headline.high:.3f})"


def contents(result: SetResult) -> str:
    """The set and how much is in it, as a source is named."""
    n_cells, n_spikes = len(result.cells.label), len(result.spikes.label)
    return f"{result.name} set: {counted('cell', n_cells)}, {counted('spike', n_spikes)}"


def require_two_classes(name: str, result: SetResult) -> None:
    """Raise SettingError for more, of which the papers say nothing."""
    if len(result.classes) != 2:
        raise SettingError(
            f"{name}: the papers' definitions are of two classes, this run has "
            f"{len(result.classes)} ({', '.join(result.classes)}); its own figures are in "
            "headline.txt"
        )
