"""What the authors' README states, recomputed from what it, the papers and the notebooks print."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from raphe.core.claims import Claim, percent, proportion
from raphe.core.sentences import listed, whole
from raphe.tasks.celltype.metrics.contingency import ContingencyTable
from raphe.tasks.celltype.published import paper_numbers as published
from raphe.tasks.celltype.published.paper_numbers import PublishedSweep
from raphe.tasks.celltype.published.printed_shares import (
    all_tables,
    cut_off_from,
    numbers_printed_as,
    rounded_from,
    sum_to_100,
    tables_that_fit,
)

README = "authors' README"
RATES = (published.README_TRUE_POSITIVE, published.README_TRUE_NEGATIVE)
NO_TABLE = "cannot be checked without the notebooks' table: name it with --published"


def readme_table() -> ContingencyTable:
    """The one table of the papers' non-homogeneous cells that gives the README's percentages."""
    (table,) = _tables(published.N_SER, published.N_NSER)
    return table


def readme_claims() -> list[Claim]:
    """What needs no table: verdicts, sessions, counts of spikes and networks, the network."""
    return [*_rates(readme_table()), *_sessions(), *_spikes(), *_networks(), _architecture()]


def readme_sweep_claims(sweeps: Sequence[PublishedSweep]) -> list[Claim]:
    """Test accuracy and loss beside the notebooks' table, where it is given."""
    of_run = [sweep for sweep in sweeps if sweep.run == published.README_RUN]
    sweep = of_run[0] if of_run else None
    accuracy = _printed_by_kernel("%", published.README_ACCURACY)
    loss = _printed_by_kernel("", published.README_LOSS)
    return [
        Claim(
            README,
            "test accuracy",
            accuracy,
            NO_TABLE if sweep is None else _kernels_that_print(sweep),
            "They were chosen as the best on the test set, which makes their figures too good.",
        ),
        Claim(
            README,
            "test loss",
            loss,
            NO_TABLE if sweep is None else _losses(sweep),
            "One loss cannot belong to three networks whose losses differ.",
        ),
    ]


def _tables(n_ser: int, n_nser: int) -> list[ContingencyTable]:
    """Those that fit in either reading, as shares of the true class or of those called so."""
    fits = [
        tables_that_fit(n_ser, n_nser, RATES, shares_of)
        for shares_of in (ContingencyTable.of_true, ContingencyTable.of_called)
    ]
    return list(dict.fromkeys(table for tables in fits for table in tables))


def _rates(table: ContingencyTable) -> list[Claim]:
    sensitivity = proportion(table.first_right, table.n_first)
    specificity = proportion(table.others_right, table.n_others)
    n_tables = len(all_tables(table.n_first, table.n_others))
    own = (published.README_N_SER, published.README_N_NSER)
    n_own = len(_tables(*own))
    wrong = table.n_others - table.others_right
    n_right, n_cells = table.first_right + table.others_right, table.n_first + table.n_others
    return [
        Claim(
            README,
            "true positive rate, non-homogeneous cells",
            f"{published.README_TRUE_POSITIVE} %, false negative "
            f"{published.README_FALSE_NEGATIVE} %",
            f"sensitivity {percent(sensitivity)}, {table.first_right}/{table.n_first} cells",
            f"Of all {n_tables} tables of the papers' {table.n_first} + {table.n_others} cells one "
            f"gives these figures together with {RATES[1]} %, both as shares of the true class and "
            f"as shares of the cells called so; of the README's own {own[0]} + {own[1]} cells "
            f"{n_own or 'none'} does.",
            float(RATES[0]) / 100,
            sensitivity,
        ),
        Claim(
            README,
            "true negative rate, non-homogeneous cells",
            f"{published.README_TRUE_NEGATIVE} %, false positive "
            f"{published.README_FALSE_POSITIVE} %",
            f"specificity {percent(specificity)}, {table.others_right}/{table.n_others} cells",
            f"The two do not sum to 100 because both are cut off: {table.others_right}/"
            f"{table.n_others} = {100 * specificity.value:.2f} %, {wrong}/{table.n_others} = "
            f"{100 * wrong / table.n_others:.2f} %.",
            float(RATES[1]) / 100,
            specificity,
        ),
        Claim(
            README,
            "cells of the non-homogeneous set",
            f"{own[0]} serotonergic and {own[1]} others",
            f"{table.n_first} and {table.n_others}, {n_right} called right ({table.accuracy:.4f})",
            f"The papers' {published.TRUE_POSITIVE} and {published.TRUE_NEGATIVE} % fit "
            f"{published.N_SER} + {published.N_NSER} cells too, with an accuracy of "
            f"{published.ACCURACY}: {round(published.ACCURACY * n_cells) - n_right} more of "
            f"{n_cells} right. Papers and README differ by these, and by one cell in their count.",
        ),
    ]


def _sessions() -> list[Claim]:
    claims = []
    names = (("true positive", "false negative"), ("true negative", "false positive"))
    for printed, best, (right, wrong) in zip(
        published.README_SESSIONS, published.README_BEST_SESSION, names, strict=True
    ):
        low, high = numbers_printed_as(printed[0])
        fits = sum_to_100(*printed)
        missing = f"{100 - high:.2f} to {100 - low:.2f} %"
        claims.append(
            Claim(
                README,
                f"{right} rate of cells, mean over sessions",
                f"{printed[0]} %, {wrong} {printed[1]} %, at best {best} %",
                f"{printed[0]} and {printed[1]} "
                + ("can sum to 100, cut off" if fits else "cannot sum to 100")
                + "; no session's figures are printed",
                f"{printed[0]} % leaves {missing}. For the means of a run of "
                "experiment=paper_synthetic: raphe reproduce --run RUN.",
                float(printed[0]) / 100,
            )
        )
    ser, nser = published.README_BEST_SESSION
    paper = published.TRUE_POSITIVE, published.TRUE_NEGATIVE
    claims.append(
        Claim(
            README,
            "best of the synthetic networks",
            f"{ser} % true positive, {nser} % true negative: those of the biological ones",
            f"2407.05701 states {paper[0]} and {paper[1]} %",
            "Both describe networks trained on synthetic spikes and tested on the same cells.",
        )
    )
    return claims


def _spikes() -> list[Claim]:
    n = published.N_ORIGINAL
    readme, notebook = published.README_N_SYNTHETIC, published.NOTEBOOK_N_SYNTHETIC
    total = sum(notebook.values())
    arrays = listed(f"{whole(number)} {name}" for name, number in notebook.items())
    copies = listed(
        f"{notebook[name] / n_of:.0f} of each {name}" for name, n_of in published.N_SPIKES.items()
    )
    n_val, n_test = parts_of_train_test_split(n)
    theirs = published.README_PARTS
    return [
        Claim(
            README,
            "synthetic spikes",
            f"{whole(readme)} of {whole(n)} originals: {readme / n:.0f} copies of each",
            f"{arrays}, {whole(total)} together, in Training_Synthetic_Model.ipynb: "
            f"{total / n:.0f} copies of each, {copies}",
            "The README gives the number of the notebook's serotonergic array alone; 2405.05516 "
            "has 12 million.",
        ),
        Claim(
            README,
            "parts of the original spikes",
            ", ".join(f"{whole(number)} for {name}" for name, number in theirs.items()),
            f"{whole(n - n_val - n_test)} for training, {whole(n_val)} for validation, "
            f"{whole(n_test)} for test",
            f"train_test_split of {whole(n)} rounds up what it sets aside: {whole(n_val)} + "
            f"{whole(n_test)}, the test part being the larger. The README has the two exchanged; "
            "the notebooks' counts are those of the larger.",
        ),
    ]


def parts_of_train_test_split(n: int) -> tuple[int, int]:
    """Spikes for validation and test of the notebooks' two calls of scikit-learn's function."""
    n_aside = math.ceil(n * published.TEST_SHARE)
    n_test = math.ceil(n_aside * published.HALF)
    return n_aside - n_test, n_test


def _networks() -> list[Claim]:
    text, code = published.TEXT_KERNELS, published.CODE_KERNELS
    kernels = published.README_KERNELS
    return [
        Claim(
            README,
            "members of the ensemble",
            f"{published.README_NETWORKS} networks with kernels {text[0]} to {text[-1]}",
            f"{len(text)} networks",
            f"From {text[0]} to {text[-1]} there are {len(text)}; the notebooks' range("
            f"{code.start}, {code.stop}) has {len(code)}.",
        ),
        Claim(
            README,
            "models of the sweep",
            f"{published.README_MODELS} models with kernels {kernels[0]} to {kernels[-1]}",
            f"{len(kernels)} models",
            f"The notebook loops over range({kernels.start}, {kernels.stop}); elsewhere the README "
            f"has {kernels[0]} to {published.README_MODELS}.",
        ),
        Claim(
            README,
            "epochs",
            f"all models were trained on {published.EPOCHS} epochs",
            f"at most {published.EPOCHS}",
            f"Both training notebooks stop after {published.PATIENCE} epochs without a lower "
            "validation loss and keep the last weights; the log of one session, k = 20, ends with "
            "epoch 14. experiment=paper follows the text; with callbacks.patience="
            f"{published.PATIENCE} it follows the notebooks.",
        ),
    ]


def _architecture() -> Claim:
    kernel = published.TABLE_KERNEL
    table = n_weights(kernel, published.TABLE_FILTERS, published.TABLE_POOL_COLUMNS)
    text = n_weights(kernel, published.TEXT_FILTERS, published.TEXT_POOL_COLUMNS)
    return Claim(
        README,
        "the network",
        "two repetitions of a convolution with 32 filters and a max pooling of 2x1",
        f"32 filters, then {published.TABLE_FILTERS[1]}, the second pooling 2x2: "
        f"{whole(table)} weights at k = {kernel}",
        f"Table 1 has {whole(published.TABLE_WEIGHTS)} weights and the notebooks' code the same "
        f"layers; the text's would be {whole(text)}. Its last layer alone does not tell them "
        "apart: half the filters in both columns are as many features.",
    )


def n_weights(kernel: int, filters: tuple[int, int], pool_columns: int) -> int:
    """Of the network with these filters, whose second pooling merges so many columns."""
    first, second = filters
    samples = published.N_SAMPLES
    for _ in filters:
        samples = (samples - kernel + 1) // 2
    norm = 2 * published.N_SAMPLES
    convolutions = (kernel + 1) * first + (kernel * first + 1) * second
    features = samples * published.N_COLUMNS // pool_columns * second
    return norm + convolutions + (features + 1) * published.N_CLASSES


def _printed_by_kernel(unit: str, printed: Mapping[str, Sequence[int]]) -> str:
    return ", ".join(
        f"{number} {unit}".rstrip() + f" at k = {listed(kernels)}"
        for number, kernels in printed.items()
    )


def _kernels_that_print(sweep: PublishedSweep) -> str:
    sentences = []
    for number, named in published.README_ACCURACY.items():
        of_each = []
        for how, interval in (("cut off", cut_off_from), ("rounded", rounded_from)):
            low, high = interval(number)
            fits = sweep.kernel[(100 * sweep.accuracy >= low) & (100 * sweep.accuracy < high)]
            of_each.append(f"k = {listed(fits) if len(fits) else 'none'} {how}")
        best = set(sweep.kernel[np.argsort(-sweep.accuracy)[: len(named)]])
        are_best = f"; the named are the best {len(named)}" if set(named) == best else ""
        sentences.append(f"{number} % is {', '.join(of_each)}{are_best}")
    return ". ".join(sentences)


def _losses(sweep: PublishedSweep) -> str:
    sentences = []
    for number, kernels in published.README_LOSS.items():
        low, high = numbers_printed_as(number)
        fits = np.flatnonzero((sweep.loss >= low) & (sweep.loss < high)).tolist()
        if fits:
            sentences.append(f"{number} stands for {_of_kernels(sweep, fits)}")
            continue
        nearest = sorted(np.abs(sweep.loss - float(number)).argsort(kind="stable")[:2].tolist())
        named = [int(np.flatnonzero(sweep.kernel == kernel)[0]) for kernel in kernels]
        least = int(sweep.loss.argmin())
        sentences.append(
            f"{number} is that of no k: nearest are {_of_kernels(sweep, nearest)}, the named have "
            f"{_of_kernels(sweep, named)}, the least is {_of_kernels(sweep, [least])}"
        )
    return "; ".join(sentences)


def _of_kernels(sweep: PublishedSweep, rows: Sequence[int]) -> str:
    return listed(f"{sweep.loss[row]:.6f} (k = {sweep.kernel[row]})" for row in rows)
