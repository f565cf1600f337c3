"""What a test says: figures, texts and numbers, by the name that each has in the run."""

from functools import partial

import torch
from matplotlib.figure import Figure

from decay.training import DecayData, DecayModule
from raphe.core import metric_names
from raphe.core.figure_style import ONE_COLUMN_IN, PaperFigure
from raphe.core.metric_names import Names
from raphe.core.sentences import counted


def names() -> Names:
    """Every metric of this task: its name, its label, its unit, what it means."""
    return Names(
        (
            metric_names.Figure(
                "loss", "loss", "", "Mean squared error of ln(decay in ms).", better="lower"
            ),
            metric_names.Figure(
                "error",
                "error",
                "%",
                "Median error of the decay.",
                better="lower",
                levels=("traces",),
            ),
        )
    )


def evaluate(model: DecayModule, data: DecayData) -> dict[str, object]:
    """Texts, and functions that draw figures, by file name, numbers by metric."""
    current_pa, tau_ms = data.parts["test"].tensors
    with torch.inference_mode():
        inferred_ms = model(current_pa).exp()
    error = float(100 * (inferred_ms / tau_ms - 1).abs().median())
    n = counted("trace", len(tau_ms))
    return {
        "conclusion.txt": f"The decay is told with a median error of {error:.1f} %, from {n}.\n",
        "test/decays.png": partial(_draw, tau_ms, inferred_ms, f"{n}, simulated."),
        "test/traces/error": error,
    }


def _draw(tau_ms: torch.Tensor, inferred_ms: torch.Tensor, caption: str) -> Figure:
    figure = PaperFigure(ONE_COLUMN_IN, 3.0, f"Inferred beside true decay; {caption}")
    axes = figure.subplots()
    axes.loglog(tau_ms, inferred_ms, ".", markersize=2)
    axes.set(xlabel="true decay (ms)", ylabel="inferred decay (ms)")
    return figure
