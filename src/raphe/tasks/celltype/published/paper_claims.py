"""The papers' claims recomputed from what they print: no data is needed."""

from collections.abc import Sequence

import numpy as np

from raphe.core.claims import Claim, percent, proportion
from raphe.core.metric_names import Estimate
from raphe.tasks.celltype.metrics.contingency import ContingencyTable
from raphe.tasks.celltype.published import paper_numbers as published
from raphe.tasks.celltype.published.paper_numbers import PublishedSweep
from raphe.tasks.celltype.published.printed_shares import all_tables, tables_that_fit

PAPERS = "papers"
PERCENT = (published.TRUE_POSITIVE, published.TRUE_NEGATIVE)


def published_table() -> ContingencyTable:
    """The one table of the non-homogeneous cells that gives the published percentages."""
    (table,) = tables_that_fit(
        published.N_SER, published.N_NSER, PERCENT, ContingencyTable.of_called
    )
    return table


def published_claims() -> list[Claim]:
    """Verdicts, ensemble and split, as printed and as recomputed."""
    return [*_verdict_claims(published_table()), *_set_up_claims()]


def _verdict_claims(table: ContingencyTable) -> list[Claim]:
    n_tables = len(all_tables(table.n_first, table.n_others))
    as_rates = tables_that_fit(table.n_first, table.n_others, PERCENT, ContingencyTable.of_true)
    ppv, npv = table.of_called()
    sensitivity = proportion(table.first_right, table.n_first)
    specificity = proportion(table.others_right, table.n_others)
    balanced = (sensitivity.value + specificity.value) / 2
    searched = (
        f"Of all {n_tables} tables of {table.n_first} + {table.n_others} cells 1 has these "
        f"percentages as shares of the cells called so, {len(as_rates)} as shares of the true class"
    )
    return [
        Claim(
            PAPERS,
            "true positive rate, non-homogeneous cells",
            f"{PERCENT[0]} %",
            f"sensitivity {percent(sensitivity)}, {table.first_right}/{table.n_first} cells",
            f'confusion_matrix(normalize="pred") divides by the cells called serotonergic: '
            f"{PERCENT[0]} % is {table.first_right}/{table.n_called_first}, the positive "
            f"predictive value. {searched}.",
            float(PERCENT[0]) / 100,
            sensitivity,
        ),
        Claim(
            PAPERS,
            "true negative rate, non-homogeneous cells",
            f"{PERCENT[1]} %",
            f"specificity {percent(specificity)}, {table.others_right}/{table.n_others} cells",
            f"{PERCENT[1]} % is {table.others_right}/{table.n_called_other} = {100 * npv:.2f} %, "
            "cut off: the negative predictive value, by the same division.",
            float(PERCENT[1]) / 100,
            specificity,
        ),
        Claim(
            PAPERS,
            "accuracy, non-homogeneous cells",
            f"{published.ACCURACY}",
            f"{table.first_right + table.others_right}/{table.n_first + table.n_others} = "
            f"{table.accuracy:.4f}",
            f"Equal: the search did not use it, so it confirms the table. {_other_reading()}",
            published.ACCURACY,
            proportion(table.first_right + table.others_right, table.n_first + table.n_others),
        ),
        Claim(
            PAPERS,
            "AUC, non-homogeneous cells",
            f"{published.AUC}, as a summary of the paper quotes it",
            f"{balanced:.3f} from the verdicts, their balanced accuracy; from the probabilities it "
            "is not known",
            f"{published.AUC} is (PPV + NPV) / 2 = {(ppv + npv) / 2:.4f}: the AUC computed from "
            "verdicts instead of probabilities, with truth and verdict exchanged.",
            published.AUC,
            Estimate(balanced, float("nan"), float("nan")),
        ),
    ]


def _other_reading() -> str:
    """Rates of the true classes would fit were the numbers of cells exchanged."""
    exchanged = tables_that_fit(
        published.N_NSER, published.N_SER, PERCENT, ContingencyTable.of_true
    )
    rates = ", ".join(
        f"{table.first_right}/{table.n_first} and {table.others_right}/{table.n_others} (accuracy "
        f"{table.accuracy:.4f})"
        for table in exchanged
    )
    return (
        f"It also rules out {published.N_NSER} serotonergic and {published.N_SER} other cells, "
        f"whose rates would fit with {rates}."
    )


def _set_up_claims() -> list[Claim]:
    text, code = published.TEXT_KERNELS, published.CODE_KERNELS
    totals = (published.README_N_SYNTHETIC, sum(published.NOTEBOOK_N_SYNTHETIC.values()))
    readme, notebook = (total / published.N_ORIGINAL for total in totals)  # copies of each spike
    apart = np.log10(1 - published.TRAINED_SHARE)
    return [
        Claim(
            PAPERS,
            "members of the ensemble",
            f"k = {text[0]}…{text[-1]}, {len(text)} networks",
            f"k = {code[0]}…{code[-1]}, {len(code)} networks",
            f"The notebooks loop over range({code.start}, {code.stop}), whose last is {code[-1]}.",
        ),
        Claim(
            PAPERS,
            "test set",
            "30 % of the spikes not seen in training, half of them for validation",
            "spikes of cells that were trained on",
            "train_test_split draws spikes, not cells, so spikes of one cell are on both sides "
            "(data.split=spike; data.split=cell keeps them apart).",
        ),
        Claim(
            PAPERS,
            "test set of the synthetic model",
            "30 % of the synthetic spikes of each session",
            f"noisy copies of spikes that were trained on: {readme:.0f} of each original by the "
            f"README's number, {notebook:.0f} by the notebook's",
            "Copies are split one by one, and each session starts from the weights of the last: "
            "the chance that none of an original's other copies was trained on is "
            f"10^{(readme - 1) * apart:.0f} by the one number, 10^{(notebook - 1) * apart:.0f} by "
            "the other.",
        ),
    ]


def sweep_claims(sweeps: Sequence[PublishedSweep]) -> list[Claim]:
    """The figures that the notebooks print for each kernel, checked against one another."""
    return [claim for sweep in sweeps for claim in _of_sweep(sweep)]


def _of_sweep(sweep: PublishedSweep) -> list[Claim]:
    source = f"papers' notebook, run {sweep.run}, k = {sweep.kernel[0]}…{sweep.kernel[-1]}"
    n = sweep.n_spikes
    best = int(sweep.accuracy.argmax())
    apart = max(
        np.abs(sweep.precision - sweep.accuracy).max(), np.abs(sweep.recall - sweep.accuracy).max()
    )
    least = sweep.sensitivity.min()
    return [
        Claim(
            source,
            "best test accuracy, spikes",
            f"{sweep.accuracy[best]:.4f} at k = {sweep.kernel[best]} "
            f"({sweep.accuracy[0]:.4f} at k = {sweep.kernel[0]})",
            f"{round(sweep.accuracy[best] * n)}/{n} spikes, of cells that were trained on",
            f"It is the best of {len(sweep.kernel)} networks on the test set: choosing it there "
            "makes the figure too good as well.",
            float(sweep.accuracy[best]),
        ),
        Claim(
            source,
            "precision and recall",
            f"{sweep.precision[best]:.4f} and {sweep.recall[best]:.4f} at k = {sweep.kernel[best]}",
            "accuracy under two more names; they say nothing about serotonergic cells",
            f"Both one-hot columns are pooled: recall is 1 - FN/{n} and precision "
            f"({n} - FN)/({n} - FN + FP), to {sweep.largest_misfit:.0e} in every row. A wrong "
            "spike is a false positive of one column and a false negative of the other, so neither "
            f"is ever further than {apart:.4f} from accuracy.",
        ),
        Claim(
            source,
            "sensitivity at specificity 0.5",
            f"{least:.4f} to {sweep.sensitivity.max():.4f}",
            "needs the outputs: see a run's own below",
            "Keras pools both columns, so each spike is a positive, serotonergic or not, and "
            f"chance is 1 of 2: at least {round(least * n)} of {n} are found at every kernel.",
        ),
    ]
