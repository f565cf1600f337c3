"""How far one spike lifts ΔF/F, read from traces alone, beside what single spikes of known time do.

    python benchmarks/unitary_amplitude.py

Of each neuron of the field's ground truth the response to isolated single spikes is fitted. Traces
alone are asked for it without the spikes. What a trace must be like to be asked at all, and how far
the true amplitude may be off, is chosen on other data sets, each left out in turn, and then each
laboratory. The recordings are not the project's to hand on: where they are absent it ends.
"""

import argparse
import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from calcium_sets import (
    DATA,
    Neuron,
    dataset_files,
    indicator_of,
    laboratory_of,
    number_of,
    read_neurons,
)
from machine import REPOSITORY, Table, options_of, write_tables
from single_spikes import (
    AFTER_S,
    BEFORE_S,
    FEWEST_SPIKES,
    isolated_amplitude,
    regressed_amplitude,
)

from raphe.tasks.calcium.ensemble.bundle import RateBundle
from raphe.tasks.calcium.features.unitary_amplitude import (
    LIMITS,
    TRUE_OVER_TOLD,
    Limits,
    LowestPile,
    lowest_pile,
)
from raphe.tasks.calcium.prediction.infer_rates import Inferrer

SHIPPED = REPOSITORY / "src" / "raphe" / "tasks" / "calcium" / "shipped"
FACTOR = 1.5
COVERED = 0.9
WRONG = 9  # right ones, that one is as bad as: below nine in ten nothing should be told
GRID = [
    Limits(gap, n_events, unrest)
    for gap, n_events, unrest in itertools.product((0.1, 0.2, 0.3), (5, 8, 12), (1.35, 2.2, 3.0))
]


@dataclass(frozen=True)
class Row:
    """One neuron."""

    neuron: Neuron
    n_isolated: int  # single spikes
    isolated: float  # amplitude by these; NaN where they are too few or too unlike
    pile: LowestPile | None
    any_spikes: float  # amplitude of a spike by all of them, where isolated ones do not tell

    @property
    def dataset(self) -> str:
        return self.neuron.dataset

    @property
    def truth(self) -> float:
        return self.any_spikes if np.isnan(self.isolated) else self.isolated

    @property
    def true_over_told(self) -> float:
        assert self.pile is not None
        return max(self.truth / self.pile.size, 1e-3)

    @property
    def is_right(self) -> bool:
        return abs(np.log(self.true_over_told)) < np.log(FACTOR)


Rows = Sequence[Row]


def row_of(neuron: Neuron) -> Row:
    n_isolated, isolated = isolated_amplitude(neuron, np.random.default_rng(0))
    pile = lowest_pile([each.dff for each in neuron.segments], neuron.segments[0].rate_hz)
    may_be_told = pile is not None and any(limits.hold(pile) for limits in GRID)
    needs_all = may_be_told and np.isnan(isolated)
    every = regressed_amplitude(neuron) if needs_all else np.nan
    return Row(neuron, n_isolated, isolated, pile, every)


def told(rows: Rows, limits: Limits) -> list[Row]:
    return [row for row in rows if row.pile is not None and limits.hold(row.pile)]


def chosen_limits(rows: Rows) -> Limits:
    """Those with the most right ones, each wrong one undoing WRONG of them."""

    def worth(limits: Limits) -> int:
        right = [row.is_right for row in told(rows, limits)]
        return sum(right) - WRONG * (len(right) - sum(right))

    return max(GRID, key=worth)


def share(rows: Rows, dataset: str) -> int:
    return sum(row.dataset == dataset for row in rows)


def ends(answers: Rows) -> tuple[float, float]:
    """Between which true over told amplitudes lie for COVERED of neurons like these."""
    ratios = np.sort([row.true_over_told for row in answers])
    beyond = int((len(ratios) + 1) * (1 - COVERED) / 2 + 1e-9)
    beyond = max(beyond, 1)
    return float(ratios[beyond - 1]), float(ratios[-beyond])


def left_out(rows: Rows, group_of: Callable[[str], str]) -> Iterator[tuple[Row, bool, float]]:
    """Neurons that are told by what was chosen without their group; whether the interval holds the
    truth, and the ratio of its ends."""
    for group in sorted({group_of(row.dataset) for row in rows}):
        others = [row for row in rows if group_of(row.dataset) != group]
        limits = chosen_limits(others)
        low, high = ends(told(others, limits))
        for row in told([row for row in rows if group_of(row.dataset) == group], limits):
            yield row, low <= row.true_over_told <= high, high / low


def percent(values: Sequence[object]) -> str:
    return f"{100 * np.mean(np.array(values, float)):.0f} %" if len(values) else "–"


def table_of_groups(rows: Rows) -> Table:
    columns = (
        "left out", "told", "of neurons", "sets", f"within {FACTOR:g}", "mean over sets",
        "of those with isolated spikes", "interval holds the true one", "its ends, high over low",
    )  # fmt: skip
    lines = []
    for name, group_of in (("set", number_of), ("laboratory", laboratory_of)):
        found = list(left_out(rows, group_of))
        answers = [row for row, _, _ in found]
        sets = sorted({row.dataset for row in answers})
        of_sets = [
            np.mean([row.is_right for row in answers if row.dataset == each]) for each in sets
        ]
        known = [row.is_right for row in answers if not np.isnan(row.isolated)]
        lines.append((
            name, len(answers), len(rows), len(sets), percent([row.is_right for row in answers]),
            percent(of_sets), f"{percent(known)} of {len(known)}",
            percent([holds for _, holds, _ in found]),
            f"{np.median([ratio for _, _, ratio in found]):.2f}",
        ))  # fmt: skip
    return columns, lines


def spread_of(values: Sequence[float]) -> str:
    low, middle, high = 100 * np.quantile(values, [0.1, 0.5, 0.9])
    return (
        f"{middle:.0f} ({low:.0f} to {high:.0f})"
        if middle >= 10
        else (f"{middle:.1f} ({low:.1f} to {high:.1f})")
    )


def table_of_sets(rows: Rows) -> Table:
    columns = (
        "set", "neurons", "with isolated spikes", "one spike, % ΔF/F", "told",
        f"within {FACTOR:g}", "told over true, median",
    )  # fmt: skip
    lines = []
    by_set = {row.dataset: row for row, _, _ in left_out(rows, number_of)}
    answers = [row for row, _, _ in left_out(rows, number_of)]
    for name in sorted({row.dataset for row in rows}):
        own = [row for row in rows if row.dataset == name]
        known = [row.isolated for row in own if not np.isnan(row.isolated)]
        of_set = [row for row in answers if row.dataset == name]
        lines.append((
            name, len(own), len(known), spread_of(known) if known else "–", len(of_set),
            sum(row.is_right for row in of_set) if name in by_set else "–",
            f"{np.median([1 / row.true_over_told for row in of_set]):.2f}" if of_set else "–",
        ))  # fmt: skip
    return columns, lines


def table_of_indicators(rows: Rows) -> Table:
    columns = ("indicator", "sets", "neurons", "one spike, % ΔF/F: median (10 to 90 %)")
    lines = []
    for indicator in sorted({indicator_of(row.dataset) for row in rows}):
        own = [
            row
            for row in rows
            if indicator_of(row.dataset) == indicator and not np.isnan(row.isolated)
        ]
        sets = sorted({number_of(row.dataset) for row in own})
        if own:
            spread = spread_of([row.isolated for row in own])
            lines.append((indicator, ", ".join(sets), len(own), spread))
    return columns, lines


def table_of_nonsense(rows: Rows, rng: np.random.Generator) -> Table:
    """What is told of traces without a transient of their own."""
    counts = {"white noise": 0, "upside down": 0}
    for row in rows:
        segments = row.neuron.segments
        noise = [rng.normal(size=len(segment.dff)) for segment in segments]
        for kind, traces in zip(
            counts, (noise, [-segment.dff for segment in segments]), strict=True
        ):
            pile = lowest_pile(traces, segments[0].rate_hz)
            counts[kind] += pile is not None and LIMITS.hold(pile)
    return ("kind", "told", "of neurons"), [(kind, n, len(rows)) for kind, n in counts.items()]


def table_of_rates(rows: Rows) -> Table:
    """Whether an amplitude that is told brings the mean rate nearer, each set left out in turn."""
    inferrer = Inferrer(RateBundle.open(SHIPPED, 1))
    logs, sizes, sets = [], [], []
    for row in told(rows, LIMITS):
        said = true = 0.0
        for segment in row.neuron.segments:
            answer = inferrer.infer("", segment.dff, segment.rate_hz, inferrer.bundle.conditioning)
            if not answer.left_out:
                said += float(np.nansum(answer.rate_per_s)) / segment.rate_hz
                true += len(segment.spike_s)
        if said and true:
            assert row.pile is not None
            logs.append(np.log(said / true))
            sizes.append(np.log(100 * row.pile.size / row.neuron.noise_level))
            sets.append(row.dataset)
    target, names = np.array(logs), np.array(sets)
    constant = np.ones_like(target)[:, None]
    ways = {
        "as the bundle says them": None,
        "one factor": constant,
        "by the amplitude over the noise": np.column_stack([constant, sizes]),
    }
    lines = []
    for way, known in ways.items():
        errors = np.abs(target if known is None else residuals_left_out(known, target, names))
        within = [percent(errors < np.log(factor)) for factor in (1.5, 2)]
        lines.append((way, len(target), *within, f"{np.exp(np.median(errors)):.2f}"))
    return ("mean rates", "neurons", "within 1.5", "within 2", "median factor off"), lines


def residuals_left_out(known: np.ndarray, target: np.ndarray, sets: np.ndarray) -> np.ndarray:
    residuals = np.empty_like(target)
    for name in set(sets.tolist()):
        others = sets != name
        weights = np.array([np.sum(sets == each) ** -0.5 for each in sets[others]])
        slopes = np.linalg.lstsq(
            known[others] * weights[:, None], target[others] * weights, rcond=None
        )[0]
        residuals[~others] = target[~others] - known[~others] @ slopes
    return residuals


def main() -> None:
    parser = options_of(__doc__, "unitary_amplitude")
    parser.add_argument("--data", type=Path, default=DATA, help="the ground truth's .npz")
    chosen: argparse.Namespace = parser.parse_args()
    files = dataset_files(chosen.data)
    if not files:
        sys.exit(f"{chosen.data}: no ground truth; it is not handed on with the project")
    rows: list[Row] = []
    for name, file in files.items():
        rows += [row_of(neuron) for neuron in read_neurons(file)]
        print(f"{name}: {share(rows, name)} neurons", flush=True)
    on_all = chosen_limits(rows)
    answers = told(rows, on_all)
    low, high = ends(answers)
    right = percent([row.is_right for row in answers])
    about = (
        f"chosen on all sets: {on_all}; {len(answers)} told, {right} within {FACTOR:g}, true over "
        f"told {low:.2f} to {high:.2f} (90 %). raphe has {LIMITS}, {TRUE_OVER_TOLD[0]:g} to "
        f"{TRUE_OVER_TOLD[1]:g}"
    )
    left = (
        "## Told from the trace alone\n\nLimits (gap, events, unrest) and ends of the interval "
        "chosen on the other data sets, or those of other laboratories. A neuron without enough "
        "isolated spikes is held against the amplitude of a spike by all of its spikes."
    )
    write_tables(
        chosen.output,
        "How far one spike lifts ΔF/F",
        f"`python benchmarks/unitary_amplitude.py`, ground truth of Rupprecht et al. 2021 and "
        f"2025; {about}",
        {
            left: table_of_groups(rows),
            "## Set by set\n\nTruth: transients fitted to single spikes without another within "
            f"{BEFORE_S:g} s before and {AFTER_S:g} s after, median (10 to 90 %) over neurons "
            f"with {FEWEST_SPIKES} or more. Told: by the limits of the other sets.": table_of_sets(
                rows
            ),
            "## By indicator\n\nOf the neurons with isolated spikes, whatever a trace "
            "tells.": table_of_indicators(rows),
            "## Told of nonsense\n\nBy raphe's limits.": table_of_nonsense(
                rows, np.random.default_rng(0)
            ),
            "## Mean rates\n\nOf the bundle that comes with raphe, of neurons whose amplitude is "
            "told; each set left out in turn.": table_of_rates(rows),
        },
    )


if __name__ == "__main__":
    main()
