"""What is inferred of a cell: draws of its parameters, their intervals, a neuron to simulate.

S samples of a posterior, P quantities.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from raphe.tasks.glif.metrics.posterior_scores import INTERVALS
from raphe.tasks.glif.neurons.neuron_config import NATIVE_DT_S, to_config
from raphe.tasks.glif.synthetic.quantities import neurons_of, quantities


@dataclass(frozen=True, eq=False)
class Posterior:
    """Of one cell."""

    cell: str  # its name
    level: int  # of the GLIF model, 1 to 5
    samples: np.ndarray  # float64 (S, P): S draws of P quantities, SI units; see parameter_rows
    unlike: list[str]  # what no simulated trace has
    begin_s: float  # of the stretch that was read, s
    length_s: float  # of that stretch, s
    # How far the neuron of the medians is off the trace, by name, see features.reproduction.
    misfits_mv: Mapping[str, float] = field(default_factory=dict)

    def parameter_rows(self) -> list[dict[str, str]]:
        """A row for each quantity, in the order of the columns of `samples`: median and intervals,
        in SI and in lab units. Where the voltage was relative to rest, the rest is, too."""
        rows = []
        for column, quantity in enumerate(quantities(self.level)):
            row = {"cell": self.cell, "quantity": quantity.name, "lab_unit": quantity.lab_unit}
            row |= interval_texts(self.samples[:, column], quantity.in_lab)
            rows.append(row | {"unlike_simulated": "; ".join(self.unlike)})
        return rows

    def parameter_values(self) -> list[dict[str, str | float]]:
        """The same rows with numbers for whoever computes."""
        ends = ("_si", "_lab")
        words = ("quantity", "lab_unit")
        return [
            {n: float(text) if n.endswith(ends) else text for n, text in row.items()
             if n in words or n.endswith(ends)}
            for row in self.parameter_rows()
        ]  # fmt: skip

    def neuron_config(self, absolute: bool) -> dict[str, object]:
        """The neuron of the medians as AllenSDK's GlifNeuron reads it, its resting potential with
        it where that is `absolute`."""
        neuron, rest_v = neurons_of(self.level, np.median(self.samples, axis=0)[None])
        return to_config(neuron, NATIVE_DT_S, float(rest_v[0]) if absolute else None)


def interval_texts(draws: np.ndarray, in_lab: float) -> dict[str, str]:
    """Median and intervals of draws (S,) in SI and, times `in_lab`, in lab units."""
    percentiles = {"median": 50.0}
    for interval in INTERVALS:
        percentiles[f"low_{interval}"] = 50 - interval / 2
        percentiles[f"high_{interval}"] = 50 + interval / 2
    values = np.percentile(draws, list(percentiles.values()))
    return {
        f"{name}_{unit}": f"{value * factor:.6g}"
        for unit, factor in (("si", 1.0), ("lab", in_lab))
        for name, value in zip(percentiles, values, strict=True)
    }
