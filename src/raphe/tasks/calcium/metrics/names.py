"""What the metrics of the tasks on calcium traces are called, and what each means.

Of cells they are means over them, of errors, biases and ratios medians: a quiet cell with a few
spikes too many has an error of ten and more.
"""

from functools import cache

from raphe.core.metric_names import Figure, Names

CELLS, RECORDINGS = ("cells",), ("recordings",)

N_RECORDINGS = Figure("n_recordings", "recordings", "", "How many recordings the part holds.")
COUNTS = (
    Figure("n_cells", "cells", "", "How many cells the part holds."),
    N_RECORDINGS,
    Figure("n_spikes", "spikes", "", "How many true spikes the part's recordings hold."),
)
SCORES = (
    Figure(
        "correlation", "correlation", "",
        "Pearson's, of the inferred rate with the spikes at 25 Hz: the Spikefinder challenge's "
        "score.",
        "higher", 0.0, 1.0, CELLS,
    ),
    Figure(
        "correlation_smoothed", "correlation, smoothed", "",
        "Pearson's, of rate and spikes that were both smoothed by a Gaussian of 0.2 s.",
        "higher", 0.0, 1.0, CELLS,
    ),
    Figure(
        "rank_correlation", "rank correlation", "",
        "Spearman's, of the inferred rate with the spikes at 25 Hz.",
        "higher", 0.0, 1.0, CELLS,
    ),
    Figure(
        "auc", "AUROC of bins", "",
        "How often a bin of 40 ms with a spike has a larger rate than one without.",
        "higher", 0.5, 1.0, CELLS,
    ),
    Figure(
        "gain_bits_per_s", "information gain", "bits/s",
        "How much better the rate predicts the counts of spikes than their mean does.",
        "higher", levels=CELLS,
    ),
    Figure(
        "error_both_smoothed", "rate error, both smoothed", "",
        "Spikes invented or missed for each true one, rate and spikes smoothed over 0.2 s; the "
        "median.",
        "lower", 0.0, levels=CELLS,
    ),
    Figure(
        "error_spikes_smoothed", "rate error, spikes smoothed", "",
        "The same of the rate as it is, spikes alone smoothed: CASCADE's definition.",
        "lower", 0.0, levels=CELLS,
    ),
    Figure(
        "bias", "rate bias", "",
        "Spikes invented less those missed for each true one, whatever is smoothed; the median.",
        levels=CELLS,
    ),
    Figure(
        "rate_ratio", "mean rate, said over true", "",
        "Mean inferred rate over the spikes' own, bias + 1; the median.",
        low=0.0, levels=CELLS,
    ),
    *COUNTS,
)  # fmt: skip
METHODS = {"trace": "the trace itself", "oasis": "OASIS", "elephant": "Elephant's weights"}
FIGURES = (
    Figure(
        "loss", "loss", "",
        "Of the expected spikes against the true ones, see raphe.tasks.calcium.training.loss.",
        "lower",
    ),
    *SCORES,
    *(
        Figure(
            f"correlation_of_{method}", f"correlation of {whose}", "",
            f"As the correlation, of {whose} on the same cells.",
            "higher", 0.0, 1.0, CELLS,
        )
        for method, whose in METHODS.items()
    ),
)  # fmt: skip
SQUARED_ERROR = Figure(
    "loss", "loss", "", "Mean squared error of the z-scored, smoothed spikes.", "lower"
)
EMBEDDING = (
    SQUARED_ERROR,
    Figure(
        "own_correlation", "correlation with the own recording", "",
        "Mean correlation of each network with the recording that it was trained on.",
        "higher", 0.0, 1.0, RECORDINGS,
    ),
    Figure(
        "other_correlation", "correlation with other recordings", "",
        "Mean correlation of each network with the recordings that it was not trained on.",
        "higher", 0.0, 1.0, RECORDINGS,
    ),
    N_RECORDINGS,
)  # fmt: skip


@cache
def names() -> Names:
    return Names(FIGURES)


@cache
def elephant_names() -> Names:
    return Names((SQUARED_ERROR, *SCORES))


@cache
def embedding_names() -> Names:
    return Names(EMBEDDING, each_epoch=("",))
