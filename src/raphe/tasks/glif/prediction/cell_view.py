"""What the page shows of one cell: its data beside the median neuron, and what is uncertain.

N samples, S draws of a posterior, P quantities.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from raphe.core.bundles.curves import as_listed, as_numbers, sampled_line
from raphe.core.bundles.view import Fact, Line, Need, Plot, Role, Table, Take, View
from raphe.core.sentences import counted, duration, number, typographic
from raphe.tasks.glif.ensemble.bundle import PosteriorBundle
from raphe.tasks.glif.metrics.posterior_scores import INTERVALS
from raphe.tasks.glif.metrics.predictive import NEAR_SPIKE_S, MedianResponse, median_response
from raphe.tasks.glif.prediction.posterior import Posterior
from raphe.tasks.glif.recordings.cell_traces import CellTraces
from raphe.tasks.glif.synthetic.quantities import (
    CAPACITANCE,
    RESISTANCE,
    Quantity,
    quantities,
)

VOLTAGE, CURRENT, MARGINAL = "voltage", "current", "posterior_"  # plots by name
POINTS, BINS, PRIOR_DRAWS = 1500, 40, 4000
MOST_DECIMALS = 6
OF_PRIOR = 95  # per cent of the prior's neurons, as a central interval
TOO_SURE = (
    "A real neuron is no GLIF neuron, and its noise is seldom as white as that of the simulations: "
    "the intervals are too narrow by as much as the model is wrong."
)


@dataclass(frozen=True, eq=False)
class ViewedCell:
    """One cell of a file with what was inferred of it, if anything was."""

    file: str
    cells: CellTraces  # of the file
    row: int  # in them
    posterior: Posterior | None
    reason: str = ""  # why there is none

    @property
    def name(self) -> str:
        return f"cell {self.row}"

    @property
    def rate_hz(self) -> float:
        return self.cells.rate_hz

    @property
    def voltage_v(self) -> np.ndarray:
        """As it was given: float64 (N,)."""
        return self.cells.voltage_v[self.row] - self.cells.rest_added_v

    @property
    def whole_s(self) -> tuple[float, float]:
        return 0.0, max(self.cells.voltage_v.shape[1] - 1, 1) / self.rate_hz

    @cached_property
    def prediction(self) -> MedianResponse:
        """What the median neuron does. It takes a while, and is kept."""
        assert self.posterior is not None
        return median_response(
            self.posterior.level,
            self.posterior.samples,
            np.nan_to_num(self.cells.current_a[self.row]),  # none where nothing was recorded
            self.rate_hz,
        )


@dataclass(frozen=True)
class Fit:
    """How well a prediction does in the stretch that was read."""

    recorded_spikes: int
    predicted_spikes: int
    rms_mv: float  # away from spikes; NaN where nowhere


def cell_view(
    shown: ViewedCell,
    items: Sequence[str],
    bundle: PosteriorBundle,
    prior: np.ndarray,
    takes: Sequence[Take],
) -> View:
    """The view of a cell; `prior` (S, P) are quantities of neurons as training drew them."""
    posterior = shown.posterior
    title = f"{shown.file}, {shown.name}"
    note = " ".join(filter(None, (bundle.manifest["note"], bundle.note, TOO_SURE)))
    data = [voltage_plot(shown, shown.whole_s, POINTS), current_plot(shown, shown.whole_s, POINTS)]
    if posterior is None:
        sentence = f"No parameters could be inferred: {shown.reason}."
        return View(
            shown.name, items, title, "no parameters", "nothing", [sentence], note,
            [_sampling(shown)], data,
            row={"file": shown.file, "cell": shown.name, "remark": shown.reason},
        )  # fmt: skip
    fit = _fit(shown, posterior)
    capacitance, resistance = (
        float(np.median(_lab(posterior.samples, column, posterior.level)))
        for column in (CAPACITANCE, RESISTANCE)
    )
    headline = f"about {number(capacitance)} pF and {number(resistance)} MΩ"
    return View(
        shown.name,
        items,
        title,
        "unlike what was simulated" if posterior.unlike else headline,
        "unlike" if posterior.unlike else "called",
        _sentences(shown, posterior, fit),
        note,
        _facts(shown, posterior, fit, bundle),
        [*data, *marginals(posterior, prior)],
        [_parameters(posterior, prior)],
        takes,
        uncertainty=_uncertainty(posterior, bundle),
        row=_row(shown, posterior),
    )


def needing_view(shown: ViewedCell, need: Need) -> View:
    """What is seen of a voltage whose current was not sent yet."""
    return View(
        shown.name,
        [shown.name],
        shown.file,
        "the current is missing",
        "nothing",
        [need.sentence],
        facts=[_sampling(shown)],
        plots=[voltage_plot(shown, shown.whole_s, POINTS)],
        need=need,
        row={"file": shown.file, "cell": shown.name, "remark": "the current is missing"},
    )


def voltage_plot(shown: ViewedCell, span_s: tuple[float, float], points: int) -> Plot:
    """The voltage that was recorded, and that of the median neuron under the same current."""
    rate_hz = shown.rate_hz
    recorded = sampled_line("recorded", "data", 1e3 * shown.voltage_v, rate_hz, span_s, points)
    lines = [recorded]
    caption = "The voltage as it was recorded; gaps are spikes that were cut out."
    if shown.posterior is not None:
        predicted = 1e3 * shown.prediction.voltage_v
        name = "predicted by the median neuron"
        lines.append(sampled_line(name, "answer", predicted, rate_hz, span_s, points))
        caption += (
            " Over it the voltage of the neuron with the posterior's medians under the same "
            f"current, simulated from rest. Parameters were read from {_stretch(shown.posterior)}."
        )
    return Plot(
        VOLTAGE, "Voltage", caption, "Time (s)", "Voltage (mV)", shown.whole_s, lines,
        has_detail=True,
    )  # fmt: skip


def current_plot(shown: ViewedCell, span_s: tuple[float, float], points: int) -> Plot:
    """The current that was injected."""
    current_pa = 1e12 * shown.cells.current_a[shown.row]
    line = sampled_line("injected", "data", current_pa, shown.rate_hz, span_s, points)
    return Plot(
        CURRENT, "Current", "The current that was injected.", "Time (s)", "Current (pA)",
        shown.whole_s, [line], has_detail=True,
    )  # fmt: skip


def marginals(posterior: Posterior, prior: np.ndarray) -> list[Plot]:
    """The posterior of each quantity alone, its intervals shaded, and the prior in that range."""
    return [
        _marginal(quantity, _lab(posterior.samples, column, posterior.level),
                  _lab(prior, column, posterior.level))
        for column, quantity in enumerate(quantities(posterior.level))
    ]  # fmt: skip


def _marginal(quantity: Quantity, drawn: np.ndarray, prior: np.ndarray) -> Plot:
    low, high = np.percentile(drawn, [0.1, 99.9])
    room = 0.15 * (high - low) or 1e-3 * abs(high) or 1e-3
    edges = np.linspace(low - room, high + room, BINS + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    width = edges[1] - edges[0]
    x = as_numbers(middles)
    lines: list[Line] = []
    of_each: tuple[tuple[str, Role, np.ndarray], ...] = (
        ("posterior", "answer", drawn),
        ("prior", "training", prior),
    )
    for name, role, values in of_each:
        density = np.histogram(values, edges)[0] / len(values) / width
        lines.append(Line(name, role, x, as_listed(density)))
    depth = np.zeros(BINS)
    for interval in INTERVALS:
        ends = np.percentile(drawn, [50 - interval / 2, 50 + interval / 2])
        depth += (middles >= ends[0]) & (middles <= ends[1])
    shade = list(zip(x, (depth / len(INTERVALS)).round(3).tolist(), strict=True))
    intervals = ", ".join(f"{interval} %" for interval in sorted(INTERVALS))
    unit = f" (1/{_unit(quantity)})" if _unit(quantity) else ""
    return Plot(
        f"{MARGINAL}{quantity.name}",
        quantity.noun.capitalize(),
        f"The posterior, with its central {intervals} intervals shaded, and the prior's part that "
        "lies in this range.",
        quantity.label,
        f"Density{unit}",
        (float(edges[0]), float(edges[-1])),
        lines,
        shade=shade,
        shade_name=f"{intervals} intervals",
    )


def _fit(shown: ViewedCell, posterior: Posterior) -> Fit:
    rate_hz, prediction = shown.rate_hz, shown.prediction
    begin_s, end_s = posterior.begin_s, posterior.begin_s + posterior.length_s
    stretch = slice(round(begin_s * rate_hz), round(end_s * rate_hz))
    recorded, predicted = shown.voltage_v[stretch], prediction.voltage_v[stretch]
    gaps = np.isnan(recorded)
    begins = np.flatnonzero(gaps & ~np.concatenate([[False], gaps[:-1]]))
    near = gaps | np.isnan(predicted)
    reach = max(1, round(NEAR_SPIKE_S * rate_hz))
    far = np.convolve(near, np.ones(2 * reach + 1), mode="same") < 0.5
    error = (recorded - predicted)[far]
    times_s = prediction.spike_times_s
    return Fit(
        len(begins),
        int(np.count_nonzero((times_s >= begin_s) & (times_s < end_s))),
        1e3 * float(np.sqrt(np.mean(error**2))) if len(error) else float("nan"),
    )


def _sentences(shown: ViewedCell, posterior: Posterior, fit: Fit) -> list[str]:
    level = posterior.level
    named = [
        f"a {quantities(level)[column].noun} of {_with_interval(posterior, column)}"
        for column in (CAPACITANCE, RESISTANCE)
    ]
    sentences = [
        f"The GLIF neuron of level {level} that behaves most like this cell has "
        f"{' and '.join(named)} (medians, and 95 % intervals of the posterior)."
    ]
    error = "" if np.isnan(fit.rms_mv) else (
        f"; away from spikes its voltage differs from the recorded one by {number(fit.rms_mv)} mV "
        "(root mean square)"
    )  # fmt: skip
    sentences.append(
        f"Over the stretch that was read the median neuron fires "
        f"{counted('spike', fit.predicted_spikes)}, {fit.recorded_spikes} were recorded{error}."
    )
    if posterior.unlike:
        sentences.append(
            "Something here lies outside all that was simulated, so neither values nor intervals "
            f"can be relied on: {'; '.join(posterior.unlike)}."
        )
    if not fit.recorded_spikes:
        sentences.append(
            "Without a spike the threshold is bounded from below alone, and nothing is known of "
            "the dead time: there the posterior is the prior's."
        )
    if shown.cells.read_from:
        sentences.append(f"How it was read: {shown.cells.read_from}.")
    return sentences


def _sampling(shown: ViewedCell) -> Fact:
    span_s = shown.cells.voltage_v.shape[1] / shown.rate_hz
    return Fact(
        "Sampling rate",
        f"{number(shown.rate_hz)} Hz",
        f"by which the file lasts {duration(span_s)}",
    )


def _facts(
    shown: ViewedCell, posterior: Posterior, fit: Fit, bundle: PosteriorBundle
) -> list[Fact]:
    draws = f"{len(posterior.samples)} from {counted('network', bundle.manifest['n_members'])}"
    return [
        Fact("Model", f"GLIF level {posterior.level}", "Teeter et al. 2018"),
        _sampling(shown),
        Fact("Stretch read", _stretch(posterior), "the one from rest with most spikes"),
        Fact("Spikes recorded", str(fit.recorded_spikes), "gaps of the voltage in that stretch"),
        Fact(
            "Spikes predicted",
            str(fit.predicted_spikes),
            "by the neuron with the posterior's medians",
            abs(fit.predicted_spikes - fit.recorded_spikes) > max(1, 0.2 * fit.recorded_spikes),
        ),
        Fact(
            "Error of the voltage",
            f"{number(fit.rms_mv)} mV",
            f"root mean square over what is {1e3 * NEAR_SPIKE_S:g} ms or more from a spike of "
            "either",
        ),
        Fact("Draws", draws, "of the posterior, which medians and intervals are of"),
    ]


def _parameters(posterior: Posterior, prior: np.ndarray) -> Table:
    rows, outside = [], []
    for column, quantity in enumerate(quantities(posterior.level)):
        drawn = _lab(posterior.samples, column, posterior.level)
        of_prior = _lab(prior, column, posterior.level)
        median = float(np.median(drawn))
        low, high = np.percentile(of_prior, [50 - OF_PRIOR / 2, 50 + OF_PRIOR / 2])
        if not low <= median <= high:
            outside.append(column)
        intervals = [_interval(drawn, interval) for interval in INTERVALS]
        rows.append(
            [quantity.noun, _unit(quantity), _beside(drawn, median), *intervals,
             f"{number(low)} to {number(high)}"]
        )  # fmt: skip
    return Table(
        "Parameters",
        ["quantity", "unit", "median", *(f"{interval} % interval" for interval in INTERVALS),
         f"prior, {OF_PRIOR} %"],
        rows,
        outside,
        f"A row is marked where the median lies outside the central {OF_PRIOR} % of the neurons "
        "that training drew.",
    )  # fmt: skip


def _row(shown: ViewedCell, posterior: Posterior) -> Mapping[str, str]:
    row = {"file": shown.file, "cell": shown.name}
    for column, quantity in enumerate(quantities(posterior.level)):
        name = f"{quantity.noun} ({_unit(quantity)})" if _unit(quantity) else quantity.noun
        row[name] = f"{np.median(_lab(posterior.samples, column, posterior.level)):.4g}"
    return {**row, "remark": "; ".join(posterior.unlike)}


def _uncertainty(posterior: Posterior, bundle: PosteriorBundle) -> float:
    """The posterior's deviation over the prior's, the mean over quantities: 1 where the data told
    nothing."""
    deviation = bundle.scaler.standardised(posterior.samples).std(axis=0)
    return float(np.clip(deviation, 0, 1).mean())


def _lab(values: np.ndarray, column: int, level: int) -> np.ndarray:
    """A quantity of (S, P) in its lab unit: (S,)."""
    return values[:, column] * quantities(level)[column].in_lab


def _unit(quantity: Quantity) -> str:
    return quantity.lab_unit.replace("MOhm", "MΩ")


def _beside(drawn: np.ndarray, value: float) -> str:
    """A value with as many decimals as tell the ends of the 95 % interval of draws (S,) apart."""
    width = float(np.ptp(np.percentile(drawn, [2.5, 97.5])))
    decimals = 1 - math.floor(math.log10(width)) if width > 0 else MOST_DECIMALS
    decimals = min(max(0, decimals), MOST_DECIMALS)
    return typographic(f"{round(float(value), decimals) + 0.0:.{decimals}f}")


def _interval(drawn: np.ndarray, interval: float) -> str:
    ends = np.percentile(drawn, [50 - interval / 2, 50 + interval / 2])
    return " to ".join(_beside(drawn, end) for end in ends)


def _with_interval(posterior: Posterior, column: int) -> str:
    drawn = _lab(posterior.samples, column, posterior.level)
    unit = _unit(quantities(posterior.level)[column])
    return f"{_beside(drawn, np.median(drawn))} {unit} ({_interval(drawn, 95)})"


def _stretch(posterior: Posterior) -> str:
    return f"{posterior.begin_s:g} to {posterior.begin_s + posterior.length_s:g} s"
