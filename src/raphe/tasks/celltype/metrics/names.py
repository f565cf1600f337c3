"""What the metrics of this task are called, and what each means."""

from functools import cache

from raphe.core.metric_names import OF_CLASS, Figure, Names

CELLS, SPIKES = "cells", "spikes"
BOTH = (CELLS, SPIKES)

FIGURES = (
    Figure(
        "loss", "loss over spikes", "",
        "Cross-entropy of the network's outputs against the true class, the mean over spikes, in "
        "nats; of two classes the mean over both outputs.",
        "lower", axis="loss over spikes (nats)",
    ),
    Figure(
        "accuracy", "accuracy", "", "Share that is called its own class.",
        "higher", 0.5, 1.0, BOTH,
    ),
    Figure(
        "balanced_accuracy", "balanced accuracy", "",
        "Mean over the classes of the share of each that is called so.",
        "higher", 0.5, 1.0, BOTH,
    ),
    Figure(
        "sensitivity", "sensitivity", "",
        "Share of the first class that is called so.", "higher", 0.5, 1.0, BOTH,
    ),
    Figure(
        "specificity", "specificity", "",
        "Share of the second class that is called so.", "higher", 0.5, 1.0, BOTH,
    ),
    Figure(
        "ppv", "PPV", "",
        "Positive predictive value: share that is right of those called the first class.",
        "higher", 0.0, 1.0, BOTH,
    ),
    Figure(
        "npv", "NPV", "",
        "Negative predictive value: share that is right of those called the second class.",
        "higher", 0.0, 1.0, BOTH,
    ),
    Figure(
        "mcc", "MCC", "",
        "Matthews' correlation of the classes called with the true ones: 0 by chance.",
        "higher", 0.0, 1.0, BOTH,
    ),
    Figure(
        "auroc", "AUROC", "",
        "Area under the ROC curve: how often one of the first class has a larger probability of "
        "it than one of the second; 0.5 by chance.",
        "higher", 0.5, 1.0, BOTH,
    ),
    Figure(
        "f1", "F1", "", "Harmonic mean of sensitivity and PPV of the first class.",
        "higher", 0.0, 1.0, (SPIKES,),
    ),
    Figure(
        "macro_auroc", "macro AUROC", "", "Mean of the classes' AUROCs, each against the rest.",
        "higher", 0.5, 1.0, BOTH,
    ),
    Figure(
        "macro_f1", "macro F1", "", "Mean of the classes' F1, each against the rest.",
        "higher", 0.0, 1.0, BOTH,
    ),
    Figure(
        "macro_ppv", "macro PPV", "",
        "Mean over the classes of the share that is right of those called so.",
        "higher", 0.0, 1.0, BOTH,
    ),
    *(
        Figure(
            f"sensitivity_at_specificity_{least:.2f}", f"sensitivity at specificity {least:.2f}",
            "",
            "Largest sensitivity for the first class over all thresholds whose specificity is "
            f"{least:.2f} or more.",
            "higher", 0.5, 1.0, (SPIKES,),
        )
        for least in (0.50, 0.90, 0.95)
    ),
    Figure(
        "keras_sensitivity_at_specificity_0.50", "sensitivity at specificity 0.50, as in Keras",
        "",
        "As in the papers: both outputs of a spike are pooled, and 200 thresholds are tried.",
        "higher", 0.5, 1.0, (SPIKES,),
    ),
    Figure(
        "brier", "Brier score", "",
        "Mean squared error of the probability of the first class; of more than two classes summed "
        "over them. Of cells it is that of the stated probability.",
        "lower", 0.0, None, BOTH,
    ),
    Figure(
        "aurc", "area under the risk–coverage curve", "",
        "Mean share called wrong as ever less sure cells are called.",
        "lower", 0.0, None, (CELLS,),
    ),
    Figure(
        "coverage", "share called", "", "Share of cells that is called a class, not “not sure”.",
        None, 0.0, 1.0, (CELLS,),
    ),
    Figure(
        "wrong_calls", "share called wrongly", "",
        "Share of all cells that is called another class than its own.",
        "lower", 0.0, None, (CELLS,),
    ),
    Figure("n_spikes", "spikes", "", "How many spikes the part holds."),
    Figure("n_cells", "cells", "", "How many cells the part holds."),
)  # fmt: skip


@cache
def names() -> Names:
    return Names(FIGURES, each_epoch=("", SPIKES))


def label_of(figure: str) -> str:
    """For people, of a figure without its level.

    >>> label_of("balanced_accuracy"), label_of("ppv of GABA")
    ('balanced accuracy', 'PPV of GABA')
    """
    name, of_class, of = figure.partition(OF_CLASS)
    return f"{names().figure(f'{CELLS}/{name}').label}{of_class}{of}"
