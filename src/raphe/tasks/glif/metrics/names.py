"""What the metrics of the tasks on GLIF neurons are called, and what each means."""

from functools import cache

from raphe.core.metric_names import Figure, Names
from raphe.tasks.glif.synthetic.quantities import EVERY_QUANTITY

CELLS, TRACES = ("cells",), ("traces",)
INTERVALS = (50, 80, 95)  # central ones of a posterior, in %
TIME_CONSTANT = "time_constant"  # of the membrane: capacitance times resistance
SCORED = {quantity.name: quantity.noun for quantity in EVERY_QUANTITY} | {
    TIME_CONSTANT: "time constant of the membrane"
}

FIGURES = (
    Figure(
        "loss", "loss", "nats",
        "Negative log-density that the posterior gives the standardised truth, the mean over "
        "cells.",
        "lower",
    ),
    *(
        Figure(
            f"r2_{name}", f"R² of {noun}", "",
            f"Share of the variance of {noun}, on the scale that is learnt, that "
            "the posterior medians explain.",
            "higher", 0.0, 1.0, CELLS,
        )
        for name, noun in SCORED.items()
    ),
    *(
        Figure(
            f"coverage_{interval}", f"coverage of {interval} % intervals", "",
            f"Share of truths inside the central {interval} % interval, the mean over the "
            f"quantities; {interval / 100:.2f} if calibrated.",
            None, 0.0, 1.0, CELLS,
        )
        for interval in INTERVALS
    ),
    *(
        Figure(
            f"coverage_{interval}_{name}",
            f"coverage of {interval} % intervals of {noun}", "",
            f"Share of truths inside the central {interval} % interval.",
            None, 0.0, 1.0, CELLS,
        )
        for interval in INTERVALS
        for name, noun in SCORED.items()
    ),
    Figure(
        "least_sbc_p", "least p of the calibration", "",
        "The smallest over the quantities of the probability that ranks of the truths so far from "
        "uniform come by chance (simulation-based calibration).",
        "higher", 0.0, 1.0, CELLS,
    ),
    Figure(
        "local_rejected", "cells rejected by local checks", "",
        "Share of the cells checked one by one at which a classifier tells the truth from draws of "
        "the posterior (L-C2ST, p < 0.05); 0.05 if calibrated, in the mean over test sets.",
        "lower", 0.0, 1.0, CELLS,
    ),
    Figure(
        "local_p", "p of so many rejected", "",
        "How often so large a share of cells is rejected by local checks, and more, by chance: one "
        "classifier judges them together.",
        "higher", 0.0, 1.0, CELLS,
    ),
    Figure(
        "explained_variance", "explained variance of spike trains", "",
        "Of the true neuron's spike train at 10 ms, by the inferred one's.",
        "higher", 0.0, 1.0, CELLS,
    ),
    Figure(
        "coincidence", "coincidence Γ", "",
        "Of the spikes of the true and of the inferred neuron at 4 ms: 0 by chance.",
        "higher", 0.0, 1.0, CELLS,
    ),
    Figure(
        "count_error", "error of the spike count", "spikes",
        "Mean absolute difference of the spikes of the inferred and of the true neuron.",
        "lower", 0.0, levels=CELLS,
    ),
    Figure(
        "rms_mV", "RMS error of the voltage", "mV",
        "Root mean square difference of the voltages of the inferred and of the true neuron, away "
        "from spikes.",
        "lower", 0.0, levels=CELLS,
    ),
    Figure("n_cells", "cells", "", "How many simulated cells the set holds."),
    Figure("n_spiking", "spiking cells", "", "How many of them fired."),
    Figure(
        "seconds_per_cell", "time to infer a cell", "s",
        "From a batch of traces in memory to samples of its posteriors.", "lower", 0.0,
    ),
)  # fmt: skip

TARGETS = ("C", "El", "R_input", "dt", "th_inf")  # of the LSTM study, as it calls them
MEANT = dict(  # by them
    zip(
        TARGETS,
        ("capacitance", "leak potential", "input resistance", "time step", "threshold"),
        strict=True,
    )
)
LSTM_STUDY = (
    Figure("loss", "loss", "", "Mean squared error of the scaled targets.", "lower"),
    Figure(
        "constant_loss", "loss of the constant", "",
        "Mean squared error of answering the training targets' mean.", "lower",
    ),
    *(
        Figure(
            f"mse_{target}", f"mean squared error of {MEANT[target]}", "",
            f"Mean squared error of the scaled {MEANT[target]}.", "lower", levels=TRACES,
        )
        for target in TARGETS
    ),
    *(
        Figure(
            f"r2_{target}", f"R² of {MEANT[target]}", "",
            f"Share of the variance of {MEANT[target]} that the answers explain.",
            "higher", 0.0, 1.0, TRACES,
        )
        for target in TARGETS
    ),
    Figure("n_traces", "traces", "", "How many traces the part holds."),
)  # fmt: skip


@cache
def names() -> Names:
    return Names(FIGURES, each_epoch=("",))


@cache
def lstm_study_names() -> Names:
    return Names(LSTM_STUDY, each_epoch=("",))
