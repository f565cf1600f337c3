"""The benchmark's tables: bars, sets, differences to other methods, frame rates and noise."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from calcium_scores import (
    AS_RECORDED,
    FACTS,
    FRAME_RATES_HZ,
    NOISE_LEVELS,
    Row,
    noise_of,
    slower_of,
)
from calcium_sets import CASCADE, ELEPHANT, OASIS, RAPHE, TRAINED_ON, number_of
from calcium_statistics import (
    OfSets,
    Statistic,
    difference,
    over_sets,
    share_of_neurons,
    within_factor,
)
from machine import Table

from raphe.core.metric_names import Estimate
from raphe.tasks.calcium.metrics.rate_factors import COVERED, rate_factors
from raphe.tasks.calcium.metrics.scored_cells import FEWEST_CELLS
from raphe.tasks.calcium.metrics.second_counts import SAID_FROM, Tally, count_ends

OURS = "network"
PEERS = (CASCADE, OASIS, ELEPHANT, RAPHE)
R_25, R_SMOOTH, ERROR, RATIO = (
    "correlation",
    "correlation_smoothed",
    "error_both_smoothed",
    "rate_ratio",
)
ERROR_AS_IT_IS = "error_spikes_smoothed"
OF_PEERS: dict[str, Callable[[Mapping[str, float]], float]] = {
    R_25: lambda row: row["r_25hz"],
    R_SMOOTH: lambda row: row["r_200ms"],
    ERROR: lambda row: row["error_200ms"],
    RATIO: lambda row: row["said_rate_per_s"] / row["true_rate_per_s"],
}
SAY_SPIKES = (CASCADE, RAPHE)  # a rate in spikes/s; of the others the unit is their own
STATISTICS: dict[str, Statistic] = {
    R_25: np.mean,
    R_SMOOTH: np.mean,
    ERROR: np.median,
    ERROR_AS_IT_IS: np.median,
    RATIO: np.median,
}
NOTHING = "–"


@dataclass(frozen=True)
class Scores:
    """Of every neuron the scores by each method, neurons in the same order, by set."""

    rows: Sequence[Row]  # of the network, under every condition
    peers: Mapping[tuple[str, str, str], Mapping[str, float]]

    @property
    def datasets(self) -> list[str]:
        return sorted({str(row["dataset"]) for row in self.rows})

    @property
    def by_dataset(self) -> dict[str, dict[str, np.ndarray]]:
        """The network's scores as recorded, by set and measure."""
        measures = [name for name in self.rows[0] if name not in FACTS]
        of_measures = {name: self.ours(name) for name in measures}
        return {
            dataset: {name: of_sets[dataset] for name, of_sets in of_measures.items()}
            for dataset in self.datasets
        }

    def ours(self, measure: str, condition: str = AS_RECORDED) -> OfSets:
        rows = [row for row in self.rows if row["condition"] == condition]
        return self._by_set(rows, lambda row: float(row[measure]))

    def as_recorded(self, measure: str, condition: str) -> OfSets:
        """The network's scores as recorded, of the neurons that have one under a condition."""
        there = {_key(row) for row in self.rows if row["condition"] == condition}
        rows = [row for row in self._recorded if _key(row) in there]
        return self._by_set(rows, lambda row: float(row[measure]))

    def of(self, method: str, measure: str) -> OfSets:
        """A method's scores as recorded; NaN of a neuron that it has none of."""
        if method == OURS:
            return self.ours(measure)
        value = OF_PEERS[measure]

        def of_row(row: Row) -> float:
            found = self.peers.get((method, *_key(row)))
            return np.nan if found is None else value(found)

        return self._by_set(self._recorded, of_row)

    @property
    def _recorded(self) -> list[Row]:
        return [row for row in self.rows if row["condition"] == AS_RECORDED]

    def _by_set(self, rows: Sequence[Row], value: Callable[[Row], float]) -> OfSets:
        by_set: dict[str, list[float]] = {}
        for row in rows:
            by_set.setdefault(str(row["dataset"]), []).append(value(row))
        return {name: np.array(values) for name, values in by_set.items()}


def tables(scores: Scores, seconds: Mapping[str, Tally]) -> dict[str, Table]:
    """All of them, by the text above each; `seconds` are those of each set."""
    every = {
        "## Bars\n\nMean over sets; in brackets 95 % intervals of the bootstrap over sets and the "
        f"neurons in them (of neurons alone where sets are fewer than {FEWEST_CELLS}).": bars(
            scores, seconds
        ),
        "## Set by set\n\nr: mean correlation, in bins of 40 ms / of both smoothed over 0.2 s; "
        "error: median, rate and spikes smoothed over 0.2 s; as it is: the same of the rate as the "
        "network gives it; ratio: median of said over true mean rate. **\\*: had trained on this "
        "set.**": of_sets(scores),
        "## Spikes in a second\n\nBetween which counts the true one lies in nine of ten seconds, "
        "by how many the rate says, from all sets, each counting alike; as a bundle on all of them "
        "gives them. Beside them how often the other sets' ends held the counts of a set, and how "
        "far apart they are, means over sets.": of_seconds(seconds),
        "## Less each other method\n\nThe network's less the other's, paired by neuron and set: "
        "above 0 the network's is larger (better for r, worse for errors).": differences(scores),
        "## Slower\n\nThe same recordings, each frame the mean of several; beside each "
        "the same neurons as they were recorded.": varied(scores, map(slower_of, FRAME_RATES_HZ)),
        "## With noise added\n\nWhite noise up to CASCADE's standardised level (median |step of "
        "ΔF/F| / √frame rate, % · s^½), of the neurons that are less noisy themselves.": varied(
            scores, map(noise_of, NOISE_LEVELS)
        ),
    }
    return {text: table for text, table in every.items() if table[1]}


def bars(scores: Scores, seconds: Mapping[str, Tally]) -> Table:
    """What the figures have to be, and what they are."""
    rows: list[Sequence[object]] = []
    for measure, bar in ((R_25, "> 0.555"), (R_SMOOTH, "> 0.846"), (ERROR, "≤ 0.80")):
        value = over_sets(scores.of(OURS, measure), STATISTICS[measure])
        rows.append((_named(measure), "all", told(value), bar))
    for measure, bar in ((R_25, "> 0"), (R_SMOOTH, "> 0"), (ERROR, "< 0")):
        less = _difference(scores, RAPHE, measure, scores.datasets)
        rows.append((f"{_named(measure)}, less {RAPHE}'s, paired", "all", told(less), bar))
    worst = {
        name: np.nanmedian(of_set) if not np.isnan(of_set).all() else np.nan
        for name, of_set in scores.of(OURS, ERROR).items()
    }
    highest = max(worst, key=lambda name: np.nan_to_num(worst[name]))
    rows.append(
        (f"largest median error of a set ({number_of(highest)})", "all", f"{worst[highest]:.2f}",
         "≤ 1.3")
    )  # fmt: skip
    unseen = _without(scores.datasets, CASCADE)
    for measure in (R_25, R_SMOOTH):
        less = _difference(scores, CASCADE, measure, unseen)
        rows.append(
            (f"{_named(measure)}, less CASCADE's", "it had not trained on", told(less), "> 0")
        )
    for factor, bar in ((1.5, "≥ 0.50"), (2.0, "≥ 0.75")):
        share = share_of_neurons(scores.of(OURS, RATIO), within_factor(factor))
        rows.append((f"neurons within a factor of {factor:g}", "all", told(share), bar))
    covered = covered_mean_rates(scores.of(OURS, RATIO))
    if covered:
        share = share_of_neurons(covered, lambda held: held == 1)
        rows.append(
            ("interval of the mean rate, by the errors on the other sets, holds the true one",
             "all", told(share), f"{COVERED:.2f} ± 0.03")
        )  # fmt: skip
    rows += bars_of_seconds(seconds)
    below = behind(scores)
    rows.append(
        ("sets below OASIS or Elephant, r at 40 ms, by more than the interval", "all",
         ", ".join(below) or "none", "none")
    )  # fmt: skip
    return ("what", "sets", "value", "bar"), rows


def bars_of_seconds(seconds: Mapping[str, Tally]) -> list[Sequence[object]]:
    """How often the other sets' ends hold the spikes of a second, and how wide they are."""
    told_of = {name: np.array([held]) for name, held in held_by_others(seconds).items()}
    if not told_of:
        return []
    what = "interval of the spikes in 1 s, by the errors on the other sets, holds the true count"
    held, width = (
        over_sets({name: of_set[:, i] for name, of_set in told_of.items()}, np.mean)
        for i in range(2)
    )
    return [
        (f"{what}, mean over sets", "all", told(held), f"{COVERED:.2f} ± 0.03"),
        ("its width (spikes), mean over sets", "all", told(width), "none"),
    ]


def held_by_others(
    seconds: Mapping[str, Tally], place: int | None = None
) -> dict[str, tuple[float, float]]:
    """Of each set the share of its seconds, or of those in a range, whose count lies between the
    ends of the other sets, and how far these are apart on average; where they tell any."""
    held = {}
    for name, own in seconds.items():
        others = count_ends(of_set for other, of_set in seconds.items() if other != name)
        ends = {SAID_FROM.index(one.said_from): one for one in others}
        known = {key: n for key, n in own.items() if key[0] in ends and place in (None, key[0])}
        n_all = sum(known.values())
        if n_all:
            within = sum(n for (at, k), n in known.items() if ends[at].low <= k <= ends[at].high)
            width = sum(n * (ends[at].high - ends[at].low) for (at, _), n in known.items())
            held[name] = within / n_all, width / n_all
    return held


def of_seconds(seconds: Mapping[str, Tally]) -> Table:
    rows: list[Sequence[object]] = []
    for ends in count_ends(seconds.values()):
        held = held_by_others(seconds, SAID_FROM.index(ends.said_from))
        figures = [f"{value:.3g}" for value in np.mean(list(held.values()), axis=0)] if held else []
        span = f"{ends.low} to {ends.high}"
        rows.append(
            (f"{ends.said_from:g}", ends.n, ends.middle, span, *(figures or [NOTHING, NOTHING]))
        )
    columns = ("said, from", "seconds", "median", "90 % between", "held by others'", "width")
    return columns, rows


def covered_mean_rates(ratio: OfSets) -> dict[str, np.ndarray]:
    """Of each set's neurons (G,) whether the other sets' ends hold their mean rate, 1 or 0."""
    covered = {}
    for name, own in ratio.items():
        factors = rate_factors([each for other, each in ratio.items() if other != name])
        if factors is not None:
            with np.errstate(divide="ignore"):
                held = (1 / own >= factors.low) & (1 / own <= factors.high)
            covered[name] = np.where(np.isnan(own), np.nan, held)
    return covered


def behind(scores: Scores) -> list[str]:
    """Sets on which OASIS or Elephant is better, the whole interval over neurons below 0."""
    found = []
    for method in (OASIS, ELEPHANT):
        for name in scores.datasets:
            less = _difference(scores, method, R_25, [name])
            if less.high < 0:
                found.append(f"{number_of(name)} ({method} {less.value:+.3f})")
    return found


def of_sets(scores: Scores) -> Table:
    columns = [
        "set",
        "n",
        "network: r",
        "95 % of r at 40 ms",
        "error / as it is",
        "ratio",
        "within 1.5 / 2",
    ]
    for method in PEERS:
        says = ", error, ratio" if method in SAY_SPIKES else ""
        columns.append(f"{method}: r{says}")
    rows = [_of_set(scores, [name], number_of(name)) for name in scores.datasets]
    if len(scores.datasets) > 1:
        n_sets = len(scores.datasets)
        rows.append(_of_set(scores, scores.datasets, f"mean of {n_sets}"))
        unseen = _without(scores.datasets, CASCADE)
        if 0 < len(unseen) < n_sets:
            rows.append(_of_set(scores, unseen, f"mean of {len(unseen)} that CASCADE had not"))
    return columns, rows


def differences(scores: Scores) -> Table:
    rows: list[Sequence[object]] = []
    for method in PEERS:
        for measure in (R_25, R_SMOOTH, *([ERROR] if method in SAY_SPIKES else [])):
            every, unseen = scores.datasets, _without(scores.datasets, method)
            values = [told(_difference(scores, method, measure, sets)) for sets in (every, unseen)]
            rows.append((method, _named(measure), *values, len(unseen)))
    return ("method", "measure", "all sets", "sets it had not trained on", "these sets"), rows


def varied(scores: Scores, conditions: Iterable[str]) -> Table:
    rows: list[Sequence[object]] = []
    for condition in conditions:
        ours = scores.ours(R_25, condition)
        if not ours:
            continue
        values = []
        for measure in (R_25, R_SMOOTH, ERROR, RATIO):
            statistic = STATISTICS[measure]
            now = over_sets(scores.ours(measure, condition), statistic)
            before = _mean(scores.as_recorded(measure, condition), statistic)
            values.append(f"{told(now)} from {before:.2f}")
        rows.append((condition, len(ours), sum(map(len, ours.values())), *values))
    return ("condition", "sets", "neurons", "r, 40 ms", "r, 0.2 s", "error", "ratio"), rows


def told(value: Estimate) -> str:
    """A value with its interval, where it has one."""
    if np.isnan(value.value):
        return NOTHING
    if np.isnan(value.low):
        return f"{value.value:.3f}"
    return f"{value.value:.3f} ({interval(value)})"


def interval(value: Estimate) -> str:
    """Its ends, where it has any."""
    return NOTHING if np.isnan(value.low) else f"{value.low:.3f} to {value.high:.3f}"


def _of_set(scores: Scores, names: Sequence[str], title: str) -> Sequence[object]:
    def mean(method: str, measure: str) -> float:
        of_method = scores.of(method, measure)
        return _mean({name: of_method[name] for name in names}, STATISTICS[measure])

    def both(method: str) -> str:
        return f"{mean(method, R_25):.3f} / {mean(method, R_SMOOTH):.3f}"

    ratio = np.concatenate([scores.of(OURS, RATIO)[name] for name in names])
    ratio = ratio[~np.isnan(ratio)]
    shares = [
        f"{within_factor(factor)(ratio).mean():.0%}" if len(ratio) else "–" for factor in (1.5, 2)
    ]
    row: list[object] = [
        title,
        sum(len(scores.of(OURS, R_25)[name]) for name in names),
        both(OURS),
        interval(over_sets({name: scores.of(OURS, R_25)[name] for name in names}, np.mean)),
        f"{mean(OURS, ERROR):.2f} / {mean(OURS, ERROR_AS_IT_IS):.2f}",
        f"{mean(OURS, RATIO):.2f}",
        " / ".join(shares),
    ]
    for method in PEERS:
        star = " \\*" if {number_of(name) for name in names} & TRAINED_ON[method] else ""
        says = ""
        if method in SAY_SPIKES:
            says = f", {mean(method, ERROR):.2f}, {mean(method, RATIO):.2f}"
        row.append(f"{both(method)}{says}{star}")
    return row


def _difference(scores: Scores, method: str, measure: str, names: Sequence[str]) -> Estimate:
    ours, other = scores.of(OURS, measure), scores.of(method, measure)
    pairs = ({name: of_method[name] for name in names} for of_method in (ours, other))
    return difference(*pairs, STATISTICS[measure])


def _mean(scores: OfSets, statistic: Statistic) -> float:
    known = [each[~np.isnan(each)] for each in scores.values()]
    values = [statistic(each, axis=0) for each in known if len(each)]
    return float(np.mean(values)) if values else np.nan


def _without(datasets: Sequence[str], method: str) -> list[str]:
    return [name for name in datasets if number_of(name) not in TRAINED_ON[method]]


def _named(measure: str) -> str:
    return {
        R_25: "r, bins of 40 ms",
        R_SMOOTH: "r, both smoothed over 0.2 s",
        ERROR: "error, both smoothed, mean of medians",
    }[measure]


def _key(row: Row) -> tuple[str, str]:
    return str(row["dataset"]), str(row["neuron"])
