"""What the metrics of the tasks on calcium traces are called, and what each means.

Of recordings they are means over them.
"""

from functools import cache

from raphe.core.metric_names import Figure, Names

RECORDINGS = ("recordings",)

COUNTS = (
    Figure("n_recordings", "recordings", "", "How many recordings the part holds."),
    Figure("n_spikes", "spikes", "", "How many true spikes the part's recordings hold."),
)
SCORES = (
    Figure(
        "correlation", "correlation", "",
        "Pearson's, of the inferred rate with the spikes at 25 Hz: the Spikefinder challenge's "
        "score.",
        "higher", 0.0, 1.0, RECORDINGS,
    ),
    Figure(
        "rank_correlation", "rank correlation", "",
        "Spearman's, of the inferred rate with the spikes at 25 Hz.",
        "higher", 0.0, 1.0, RECORDINGS,
    ),
    Figure(
        "auc", "AUROC of bins", "",
        "How often a bin of 40 ms with a spike has a larger rate than one without.",
        "higher", 0.5, 1.0, RECORDINGS,
    ),
    Figure(
        "gain_bits_per_s", "information gain", "bits/s",
        "How much better the rate tells the counts of spikes than their mean does.",
        "higher", levels=RECORDINGS,
    ),
    Figure(
        "error", "rate error", "",
        "Spikes invented or missed for each true one, of rates smoothed over 0.2 s.",
        "lower", 0.0, levels=RECORDINGS,
    ),
    Figure(
        "bias", "rate bias", "",
        "Spikes invented less those missed for each true one, of rates smoothed over 0.2 s.",
        levels=RECORDINGS,
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
            f"As the correlation, of {whose} on the same recordings.",
            "higher", 0.0, 1.0, RECORDINGS,
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
    COUNTS[0],
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
