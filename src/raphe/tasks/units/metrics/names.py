"""What the metrics of this task are called, and what each means."""

from functools import cache

from raphe.core.metric_names import Figure, Names

CELLS = "cells"  # a unit is taken for a cell

FIGURES = (
    Figure(
        "loss", "loss over cells", "",
        "Cross-entropy of the network against the true class, in nats, each class weighing alike; "
        "in a test of networks that did not see the cell.",
        "lower",
    ),
    Figure(
        "balanced_accuracy", "balanced accuracy", "",
        "Mean over the classes of the share of each that is called so.",
        "higher", 0.0, 1.0, (CELLS,),
    ),
    Figure(
        "fold_balanced_accuracy", "balanced accuracy, mean of folds", "",
        "Balanced accuracy of each fold on its own, of the classes in it, and their mean: as the "
        "field reports it.",
        "higher", 0.0, 1.0, (CELLS,),
    ),
    Figure(
        "accuracy", "accuracy", "", "Share that is called its own class.",
        "higher", 0.0, 1.0, (CELLS,),
    ),
    Figure(
        "mcc", "MCC", "",
        "Matthews' correlation of the classes called with the true ones: 0 by chance.",
        "higher", 0.0, 1.0, (CELLS,),
    ),
    Figure(
        "macro_auroc", "macro AUROC", "", "Mean of the classes' AUROCs, each against the rest.",
        "higher", 0.5, 1.0, (CELLS,),
    ),
    Figure(
        "brier", "Brier score", "",
        "Squared error of the stated probabilities, summed over the classes, the mean of cells.",
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
    Figure("n_cells", "cells", "", "How many units the part holds."),
)  # fmt: skip


@cache
def names() -> Names:
    return Names(FIGURES, each_epoch=("",))
