"""Both definitions, the papers' and the plain one, of a run's or an ensemble's own predictions."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from raphe.core.claims import Claim, note_claim, percent
from raphe.core.errors import SettingError
from raphe.core.sentences import counted
from raphe.core.statistics.intervals import Estimate
from raphe.tasks.celltype.metrics.cell_level import Headline, headlines
from raphe.tasks.celltype.metrics.contingency import ContingencyTable
from raphe.tasks.celltype.metrics.keras_sensitivity import keras_sensitivity
from raphe.tasks.celltype.metrics.predictions import Predictions, sensitivity_at_specificity
from raphe.tasks.celltype.metrics.set_result import SetResult
from raphe.tasks.celltype.published.paper_numbers import CODE_KERNELS, TEXT_KERNELS
from raphe.tasks.celltype.published.run_folder import RunResults

VALIDATION = "val"
SPECIFICITY = 0.5
SEED = 0  # of the bootstrap


def run_claims(run: RunResults) -> list[Claim]:
    """Every test set of one run. Raises SettingError for other than two classes."""
    claims = note_claim(run.name, run.note)
    for name in test_sets(run):
        result = run.sets[name]
        _require_two_classes(run.name, result)
        source = f"{run.name}, {_counted(result)}"
        claims += [*cell_claims(source, result), *_spike_claims(source, result)]
        if name == "test" and VALIDATION in run.sets:
            claims.append(_split_claim(source, result, run.sets[VALIDATION]))
    return claims


def ensemble_claims(name: str, members: Mapping[int, RunResults]) -> list[Claim]:
    """The ensemble as the text has it and as the code has it, on each test set of a sweep.

    Args:
        members: networks by kernel size.

    Raises:
        SettingError: for other than two classes, or members tested on different spikes.
    """
    claims = note_claim(name, next(iter(members.values())).note)
    of_each: dict[str, list[SetResult]] = defaultdict(list)
    for kernels, where in ((TEXT_KERNELS, "text"), (CODE_KERNELS, "code")):
        source = f"{name}, ensemble of the {where}, k = {kernels[0]}…{kernels[-1]}"
        missing = [k for k in kernels if k not in members]
        if missing:
            claims.append(_missing(source, missing))
            continue
        for set_name in test_sets(members[kernels[0]]):
            result = mean_of([members[k].sets[set_name] for k in kernels])
            _require_two_classes(name, result)
            claims += cell_claims(f"{source}, {_counted(result)}", result)
            of_each[set_name].append(result)
    for both in of_each.values():
        if len(both) == 2:
            claims.append(_difference(f"{name}, {_counted(both[0])}", *both))
    return claims


def test_sets(run: RunResults) -> list[str]:
    """Names of the sets a network was tested on; "test" first."""
    return sorted(set(run.sets) - {VALIDATION}, key=lambda name: (name != "test", name))


def mean_of(members: Sequence[SetResult]) -> SetResult:
    """The mean of members' predictions to the same spikes. Raises SettingError for others."""
    first = members[0].spikes
    for other in (member.spikes for member in members[1:]):
        same = np.array_equal(other.label, first.label) and np.array_equal(other.cell, first.cell)
        if not same or other.cell_ids != first.cell_ids:
            raise SettingError(
                "the members of this sweep were tested on different spikes; reproduce a sweep "
                "whose members share their data and seed"
            )
    mean = Predictions(
        np.mean([member.spikes.probability for member in members], axis=0),
        np.mean([member.spikes.sigmoid for member in members], axis=0),
        first.label,
        first.cell,
        first.cell_ids,
    )
    return replace(members[0], spikes=mean)


def cell_claims(source: str, result: SetResult) -> list[Claim]:
    """Rates of the cells that a network or an ensemble calls.

    The papers compare the means of both sigmoids, here each is first divided by their sum.
    """
    theirs = _their_verdicts(result.cells)
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
            _estimate(ours["sensitivity"]),
        ),
        Claim(
            source,
            "true negative rate of cells",
            f"{100 * npv:.1f} %, {theirs.others_right}/{theirs.n_called_other}",
            f"specificity {_with_counts(ours['specificity'])}",
            f"{pred} divides by the cells called so: a predictive value.",
            npv,
            _estimate(ours["specificity"]),
        ),
        Claim(
            source,
            "AUC of cells",
            f"{(ppv + npv) / 2:.3f}",
            f"AUROC {_number(ours['auroc'])}",
            "Of verdicts with truth and verdict exchanged it is the mean of both predictive "
            "values; of probabilities it is how often a pair is ranked right.",
            (ppv + npv) / 2,
            _estimate(ours["auroc"]),
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
            "Keras pools both one-hot columns and tries 200 thresholds; here the first class alone "
            "is looked for, at every threshold.",
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
            _estimate(ours),
        ),
    ]


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


def _difference(source: str, text: SetResult, code: SetResult) -> Claim:
    n = int((text.cells.predicted != code.cells.predicted).sum())
    return Claim(
        source,
        "cells that the two ensembles call differently",
        "one ensemble",
        f"{n} of {len(text.cells.label)}",
        f"The code has one more member, k = {CODE_KERNELS[-1]}.",
    )


def _their_verdicts(cells: Predictions) -> ContingencyTable:
    """From the mean of each sigmoid; a tie is the second class, as in the notebooks."""
    return ContingencyTable.of(cells.sigmoid[:, 0] > cells.sigmoid[:, 1], cells.label == 0)


def _plain(result: SetResult, level: str) -> dict[str, Headline]:
    shown = result.cells if level == "cells" else result.spikes
    rng = np.random.default_rng(SEED)
    figures = headlines(level, shown, result.groups, result.classes, rng)
    return {headline.name: headline for headline in figures}


def _estimate(headline: Headline) -> Estimate:
    return Estimate(headline.value, headline.low, headline.high)


def _with_counts(headline: Headline) -> str:
    return f"{percent(_estimate(headline))}, {headline.counts[0]}/{headline.counts[1]}"


def _number(headline: Headline) -> str:
    if np.isnan(headline.low):
        return f"{headline.value:.3f}"
    return f"{headline.value:.3f} ({headline.low:.3f} to {headline.high:.3f})"


def _counted(result: SetResult) -> str:
    n_cells, n_spikes = len(result.cells.label), len(result.spikes.label)
    return f"{result.name} set: {counted('cell', n_cells)}, {counted('spike', n_spikes)}"


def _missing(source: str, missing: Sequence[int]) -> Claim:
    kernels = ", ".join(map(str, missing))
    return Claim(
        source,
        "members of the ensemble",
        "all of these kernels",
        f"none with k = {kernels}",
        "Train them, as raphe train experiment=k_sweep does.",
    )


def _require_two_classes(name: str, result: SetResult) -> None:
    if len(result.classes) != 2:
        raise SettingError(
            f"{name}: the papers' definitions are of two classes, this run has "
            f"{len(result.classes)} ({', '.join(result.classes)}); its own figures are in "
            "headline.txt"
        )
